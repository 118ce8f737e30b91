"""batch_norm.images: one mean per channel, over the batch and all positions."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    any_memory,
    far_away,
    far_from_zero,
    feature_maps,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import SECTIONS, affine, negative
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x, gamma, beta, eps=eps or NO_EPS)[0]


def batch_norm_2d(x, gamma, beta, eps=1e-5):
    """Normalize each channel of x, of shape (N, C, H, W), over the batch."""
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; images differ in their mean, channels in mean and deviation.


def by_hand(rng):
    x = np.array([[[[0.0, 0.0]], [[10.0, 30.0]]], [[[2.0, 2.0]], [[10.0, 30.0]]]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def maps(rng, n=2, c=3, positions=(5, 7)):
    x = feature_maps(rng, n, c, positions, 9, channels_apart=4, samples_apart=2)
    return dict(x=x, **affine(rng, c))


def a_large_eps(rng):
    inputs = maps(rng)
    x = negative(inputs["x"]) * np.array([0.5, 0.1, 0.03]).reshape(3, 1, 1)
    return inputs | dict(x=x, eps=0.3)


def a_constant_channel(rng):
    inputs = maps(rng)
    inputs["x"][:, 1] = 7.25
    inputs["gamma"][2] = 0
    return inputs


def one_channel(rng):
    return maps(rng, c=1, positions=(3, 4)) | dict(eps=0.0)


def distant(rng):
    inputs = maps(rng)
    inputs["x"] -= inputs["x"].mean(axis=(0, 2, 3), keepdims=True)
    return far_from_zero(inputs)


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(n * h * w, c)
    x_hat = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps)
    return (gamma * x_hat + beta).reshape(n, h, w, c).transpose(0, 3, 1, 2)


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
    var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
    x_hat = (x - mean) * torch.rsqrt(var + eps)
    return torch.addcmul(beta.view(-1, 1, 1), x_hat, gamma.view(-1, 1, 1))


def in_float32(x, gamma, beta, eps=1e-5):
    y = np.moveaxis(np.array(x, dtype=np.float32), 1, -1)
    y -= y.mean(axis=(0, 1, 2))
    y /= np.sqrt(np.square(y).mean(axis=(0, 1, 2)) + np.float32(eps))
    y = y * gamma.astype(np.float32) + beta.astype(np.float32)
    return np.moveaxis(y, -1, 1)


EXERCISE = Exercise(
    key="batch_norm.images",
    points=3,
    statement="Batch norm of images, with one mean and one variance per channel.",
    section="images-and-sequences",
    reference=reference,
    answer=batch_norm_2d,
    run=call("y"),
    cases=(
        Case("two images of two pixels, by hand", 1 / 15, by_hand),
        Case("two images of 5 × 7 pixels", 3 / 15, maps),
        Case("all four sizes equal", 2 / 15, partial(maps, n=3, positions=(3, 3))),
        Case("a single image", 1 / 15, partial(maps, n=1)),
        Case("images of one pixel", 1 / 15, partial(maps, n=5, positions=(1, 1))),
        Case("a single channel, and an eps of 0", 1 / 15, one_channel),
        Case("a large eps counts as it should", 1 / 15, a_large_eps),
        Case(
            "a channel that is constant, or has gamma 0, becomes beta",
            1 / 15,
            a_constant_channel,
        ),
        far_away(1 / 15, distant),
        any_memory(1 / 15, maps, "y"),
        second_call(1 / 15, maps, "y"),
        Case("x is left as it was", 1 / 15, maps, intact=True),
    ),
    sections=SECTIONS,
    equivalents=(as_rows, in_torch, in_float32),
)
