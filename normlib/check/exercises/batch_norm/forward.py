"""batch_norm.forward: standardize each feature over the batch, scale and shift."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x, gamma, beta, eps=eps)[0]


def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalize each column of x, of shape (N, D), over the batch."""
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


# Cases. Few rows, features of very different offset and spread, gamma of both
# signs: what an average mistake leaves unchanged, these do not.


def by_hand(rng):
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def a_batch(rng):
    # Evenly spread, jittered and shuffled: no feature is nearly constant by chance.
    x = np.linspace(-1.5, 1.5, 5)[:, None] + rng.uniform(-0.2, 0.2, (5, 3))
    x = rng.permuted(x, axis=0) * np.array([0.3, 2.0, 30.0]) + rng.normal(0, 3, 3)
    sign = np.array([1, -1, 1])
    return dict(x=x, gamma=sign * rng.uniform(0.5, 3, 3), beta=rng.normal(size=3))


def a_square_batch(rng):
    inputs = a_batch(rng)
    return inputs | dict(x=inputs["x"][:3] * [10, 1, 1])  # N = D hides a lost axis


def a_large_eps(rng):
    inputs = a_batch(rng)
    x = inputs["x"] * np.array([1.0, 0.2, 0.02])
    return inputs | dict(x=x, eps=0.3)


def a_constant_feature(rng):
    inputs = a_batch(rng)
    inputs["x"][:, 1] = 7.25
    return inputs


def far_from_zero(rng):
    x = (1e4 + rng.normal(size=(6, 3))).astype(np.float32)
    return dict(
        x=x,
        gamma=np.array([0.5, -2.0, 3.0], np.float32),
        beta=rng.normal(size=3).astype(np.float32),
    )


# Right answers in other styles.


def step_by_step(x, gamma, beta, eps=1e-5):
    n = x.shape[0]
    mean = x.sum(axis=0) / n
    centered = x - mean
    var = (centered**2).sum(axis=0) / n
    return centered / np.sqrt(var + eps) * gamma + beta


def with_loops(x, gamma, beta, eps=1e-5):
    y = np.empty(x.shape)
    for d in range(x.shape[1]):
        column = [float(value) for value in x[:, d]]
        mean = sum(column) / len(column)
        var = sum((value - mean) ** 2 for value in column) / len(column)
        for n, value in enumerate(column):
            y[n, d] = gamma[d] * (value - mean) / (var + eps) ** 0.5 + beta[d]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    n = len(x)
    centered = x - np.einsum("nd->d", x)[None] / n
    inv_std = (np.einsum("nd,nd->d", centered, centered) / n + eps) ** -0.5
    return np.einsum("nd,d,d->nd", centered, inv_std, gamma) + beta


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.from_numpy, (x, gamma, beta))
    var, mean = torch.var_mean(x, dim=0, correction=0)
    return gamma * (x - mean) * torch.rsqrt(var + eps) + beta


def in_float32(x, gamma, beta, eps=1e-5):
    x = np.array(x, dtype=np.float32)
    x -= x.mean(axis=0)
    x /= np.sqrt(np.square(x).mean(axis=0) + np.float32(eps))
    return x * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.forward",
    points=4,
    statement="Standardize each feature over the batch, then scale and shift it.",
    section="the-algorithm",
    reference=reference,
    answer=batch_norm,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case("a batch of five", 0.25, a_batch),
        Case("as many rows as features", 0.125, a_square_batch),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case("a constant feature becomes beta", 0.125, a_constant_feature),
        Case(
            "far from zero, in float32",
            0.125,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 0.125, a_batch, intact=True),
    ),
    sections={"numerical-care": ("mean-of-squares",)},
    equivalents=(step_by_step, with_loops, with_einsum, in_torch, in_float32),
)
