"""batch_norm.sequences: one mean per feature, over the batch and all time steps."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, far_from_zero, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import SECTIONS, affine, negative
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    swapped = x.swapaxes(1, 2)
    y, *_ = normlib.batch_norm(swapped, gamma, beta, eps=eps or NO_EPS)
    return y.swapaxes(1, 2)


def batch_norm_1d(x, gamma, beta, eps=1e-5):
    """Normalize each feature of x, of shape (N, L, C), over batch and time."""
    mean = x.mean(axis=(0, 1))
    var = x.var(axis=(0, 1))
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; sequences and time steps differ in their mean, features in mean and deviation.


def by_hand(rng):
    x = np.array([[[0.0, 10.0], [0.0, 30.0]], [[2.0, 10.0], [2.0, 30.0]]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def sequences(rng, n=2, length=5, c=3):
    sequence = rng.permutation(np.linspace(-1.5, 1.5, n)).reshape(n, 1, 1)
    step = rng.permutation(np.linspace(-1.5, 1.5, length)).reshape(1, length, 1)
    x = sequence + step + rng.uniform(-0.2, 0.2, (n, length, c))
    x = np.geomspace(1, 9, c) * x + rng.normal(0, 9, c)
    return dict(x=x, **affine(rng, c))


def one_step(rng):
    inputs = sequences(rng, n=5, length=1)
    inputs["x"][3] = 0
    return inputs


def one_feature(rng):
    inputs = sequences(rng, c=1)
    return inputs | dict(x=0.1 * inputs["x"], eps=0.0)


def a_large_eps(rng):
    inputs = sequences(rng)
    x = negative(inputs["x"]) * np.array([0.5, 0.1, 0.03])
    return inputs | dict(x=x, eps=0.3)


def a_constant_feature(rng):
    inputs = sequences(rng)
    inputs["x"][..., 1] = 7.25
    inputs["gamma"][2] = 0
    return inputs


def distant(rng):
    inputs = sequences(rng, length=3)
    inputs["x"] -= inputs["x"].mean(axis=(0, 1))
    return far_from_zero(inputs)


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    x_hat = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps)
    return (gamma * x_hat + beta).reshape(x.shape)


def with_einsum(x, gamma, beta, eps=1e-5):
    m = x.shape[0] * x.shape[1]
    centered = x - np.einsum("nlc->c", x) / m
    var = np.einsum("nlc,nlc->c", centered, centered) / m
    return np.einsum("nlc,c->nlc", centered, gamma * (var + eps) ** -0.5) + beta


def transposed_in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
    x = x.transpose(1, 2)
    var, mean = torch.var_mean(x, dim=(0, 2), correction=0, keepdim=True)
    y = gamma[:, None] * (x - mean) * torch.rsqrt(var + eps) + beta[:, None]
    return y.transpose(1, 2)


def in_float32(x, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32)
    y -= y.mean(axis=(0, 1), keepdims=True)
    y /= np.sqrt(np.square(y).mean(axis=(0, 1), keepdims=True) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.sequences",
    points=3,
    statement="Batch norm of sequences, (N, L, C): the features are the last axis.",
    section="images-and-sequences",
    reference=reference,
    answer=batch_norm_1d,
    run=call("y"),
    axes=("sequence", "step", "feature"),
    cases=(
        Case("two sequences of two steps, by hand", 1 / 15, by_hand),
        Case("two sequences of five steps", 3 / 15, sequences),
        Case("all three sizes equal", 2 / 15, partial(sequences, n=3, length=3)),
        Case("a single sequence", 1 / 15, partial(sequences, n=1)),
        Case("sequences of one step", 1 / 15, one_step),
        Case("a single feature, and an eps of 0", 1 / 15, one_feature),
        Case("a large eps counts as it should", 1 / 15, a_large_eps),
        Case(
            "a feature that is constant, or has gamma 0, becomes beta",
            1 / 15,
            a_constant_feature,
        ),
        far_away(1 / 15, distant),
        any_memory(1 / 15, sequences, "y"),
        second_call(1 / 15, sequences, "y"),
        Case("x is left as it was", 1 / 15, sequences, intact=True),
    ),
    sections=SECTIONS,
    equivalents=(as_rows, with_einsum, transposed_in_torch, in_float32),
)
