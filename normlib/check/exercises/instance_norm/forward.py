"""instance_norm.forward: standardize each channel of each sample by itself."""

import math
from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    alternating,
    any_memory,
    far_away,
    far_from_zero,
    feature_maps,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    if math.prod(x.shape[2:]) == 1:  # which normlib refuses, as torch does
        beta = beta.reshape(-1, *[1] * (x.ndim - 2))
        return np.broadcast_to(beta, x.shape)
    return normlib.instance_norm(x, gamma, beta, eps=eps or NO_EPS)[0]


def instance_norm(x, gamma, beta, eps=1e-5):
    """Normalize each channel of each sample of x, of shape (N, C, *)."""
    axes = tuple(range(2, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    shape = (-1, *[1] * len(axes))
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; samples and channels differ in mean, and channels in standard deviation.


def by_hand(rng):
    x = np.array(
        [
            [[[1.0, 1.0, 3.0, 3.0]], [[10.0, 30.0, 30.0, 10.0]]],
            [[[101.0, 103.0, 103.0, 101.0]], [[5.0, 5.0, 5.0, 5.0]]],
        ]
    )
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def images(rng, n=2, c=3, positions=(5, 7)):
    return dict(
        x=feature_maps(rng, n, c, positions, 9, channels_apart=4, samples_apart=20),
        gamma=alternating(rng, c),
        beta=rng.permutation(np.linspace(-2, 1, c)),
    )


def sequences(rng):
    """Of a single channel, and with an eps of 0."""
    inputs = images(rng, n=3, c=1, positions=(8,))
    return inputs | dict(x=0.1 * inputs["x"], eps=0.0)


def volumes(rng):
    """As deep as channels are many, and all numbers below 0."""
    inputs = images(rng, positions=(3, 2, 5))
    inputs["gamma"][1] = 0
    return inputs | dict(x=inputs["x"] - inputs["x"].max() - 1)


def a_large_eps(rng):
    inputs = images(rng)
    return inputs | dict(x=0.03 * inputs["x"], eps=0.3)


def constant_channels(rng):
    inputs = images(rng)
    inputs["x"][1, 1], inputs["x"][0, 2] = 7.25, 0
    return inputs


def one_image_far_from_zero(rng):
    return far_from_zero(images(rng, n=1))


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    n, c = x.shape[:2]
    rows = x.reshape(n * c, -1)
    mean, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    gamma, beta = np.tile(gamma, n)[:, None], np.tile(beta, n)[:, None]
    return (gamma * (rows - mean) / np.sqrt(var + eps) + beta).reshape(x.shape)


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
    flat = x.flatten(2)
    var, mean = torch.var_mean(flat, dim=2, correction=0, keepdim=True)
    x_hat = (flat - mean) * torch.rsqrt(var + eps)
    return torch.addcmul(beta[:, None], x_hat, gamma[:, None]).view_as(x)


def running_in_float32(x, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32, order="C")
    pixels = y.reshape(*x.shape[:2], -1)  # a view
    mean = np.zeros(x.shape[:2], np.float32)
    squares = np.zeros(x.shape[:2], np.float32)
    for k in range(pixels.shape[2]):  # Welford: one pass, and no cancellation
        step = pixels[..., k] - mean
        mean = mean + step / np.float32(k + 1)
        squares = squares + step * (pixels[..., k] - mean)
    pixels -= mean[..., None]
    std = np.sqrt(squares / np.float32(pixels.shape[2]) + np.float32(eps))
    pixels *= (gamma.astype(np.float32) / std)[..., None]
    pixels += beta.astype(np.float32)[:, None]
    return y


EXERCISE = Exercise(
    key="instance_norm.forward",
    points=4,
    statement="Standardize each channel of each sample by itself, scale and shift it.",
    section="instance-norm-algorithm",
    reference=reference,
    answer=instance_norm,
    run=call("y"),
    cases=(
        Case("two images of four pixels, by hand", 1 / 16, by_hand),
        Case("two images of 5 × 7 pixels", 3 / 16, images),
        Case("sequences of one channel, (N, 1, L), without eps", 1 / 16, sequences),
        Case("volumes, (N, C, D, H, W)", 1 / 16, volumes),
        Case(
            "all four sizes equal", 2 / 16, partial(images, n=3, c=3, positions=(3, 3))
        ),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("a constant channel becomes beta", 1 / 16, constant_channels),
        Case(
            "images of one pixel become beta",
            1 / 16,
            partial(images, n=5, positions=(1, 1)),
        ),
        far_away(2 / 16, one_image_far_from_zero),
        any_memory(1 / 16, images, "y"),
        second_call(1 / 16, images, "y"),
        Case("x is left as it was", 1 / 16, images, intact=True),
    ),
    sections={"instance-norm-numerical-care": ("mean-of-squares",)},
    equivalents=(as_rows, in_torch, running_in_float32),
)
