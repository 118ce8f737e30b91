"""batch_norm.sequences: one mean per feature, over the batch and all time steps."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x.swapaxes(1, 2), gamma, beta, eps=eps)[0].swapaxes(1, 2)


def batch_norm_1d(x, gamma, beta, eps=1e-5):
    """Normalize each feature of x, of shape (N, L, C), over batch and time."""
    mean = x.mean(axis=(0, 1))
    var = x.var(axis=(0, 1))
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; sequences and time steps differ in their mean, features in offset and spread.


def by_hand(rng):
    x = np.array([[[0.0, 10.0], [0.0, 30.0]], [[2.0, 10.0], [2.0, 30.0]]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def sequences(rng, n=2, length=5):
    sequence = rng.permutation(np.linspace(-1.5, 1.5, n)).reshape(n, 1, 1)
    step = rng.permutation(np.linspace(-1.5, 1.5, length)).reshape(1, length, 1)
    x = sequence + step + rng.uniform(-0.2, 0.2, (n, length, 3))
    x = np.array([1.0, 3.0, 9.0]) * x + rng.normal(0, 9, 3)
    gamma = rng.uniform(0.5, 3, 3) * np.array([1, -1, 1])
    return dict(x=x, gamma=gamma, beta=rng.uniform(0.5, 2, 3))


def equal_sizes(rng):
    return sequences(rng, n=3, length=3)


def one_sequence(rng):
    return sequences(rng, n=1)


def one_step(rng):
    return sequences(rng, n=5, length=1)


def a_large_eps(rng):
    inputs = sequences(rng)
    return inputs | dict(x=inputs["x"] * np.array([0.5, 0.1, 0.03]), eps=0.3)


def a_constant_feature(rng):
    inputs = sequences(rng)
    inputs["x"][..., 1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = sequences(rng, length=3)
    inputs["x"] += 1e4 - inputs["x"].mean(axis=(0, 1))
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    x_hat = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps)
    return (gamma * x_hat + beta).reshape(x.shape)


def with_loops(x, gamma, beta, eps=1e-5):
    n, length, c = x.shape
    y = np.empty((n, length, c))
    for k in range(c):
        values = [float(x[i, t, k]) for i in range(n) for t in range(length)]
        mean = sum(values) / len(values)
        var = sum((value - mean) ** 2 for value in values) / len(values)
        for i in range(n):
            for t in range(length):
                y[i, t, k] = gamma[k] * (x[i, t, k] - mean) / (var + eps) ** 0.5
                y[i, t, k] += beta[k]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    m = x.shape[0] * x.shape[1]
    centered = x - np.einsum("nlc->c", x) / m
    var = np.einsum("nlc,nlc->c", centered, centered) / m
    return np.einsum("nlc,c->nlc", centered, gamma * (var + eps) ** -0.5) + beta


def transposed_in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
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
    statement="Batch norm of sequences whose features stand on the last axis.",
    section="images-and-sequences",
    reference=reference,
    answer=batch_norm_1d,
    run=call("y"),
    cases=(
        Case("two sequences of two steps, by hand", 1 / 12, by_hand),
        Case("two sequences of five steps", 3 / 12, sequences),
        Case("all three sizes equal", 2 / 12, equal_sizes),
        Case("a single sequence", 1 / 12, one_sequence),
        Case("sequences of one step", 1 / 12, one_step),
        Case("a large eps counts as it should", 1 / 12, a_large_eps),
        Case("a constant feature becomes beta", 1 / 12, a_constant_feature),
        Case(
            "far from zero, in float32",
            1 / 12,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 12, sequences, intact=True),
    ),
    sections={
        "the-algorithm": (
            "unbiased",
            "eps-outside",
            "no-eps",
            "fixed-eps",
            "no-affine",
        ),
        "numerical-care": ("mean-of-squares",),
    },
    equivalents=(as_rows, with_loops, with_einsum, transposed_in_torch, in_float32),
)
