"""batch_norm.forward: standardize each feature over the batch, scale and shift."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import affine, negative, rows
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    if len(x) == 1:  # normlib refuses this
        return beta[None] + np.zeros_like(x)
    return normlib.batch_norm(x, gamma, beta, eps=eps or NO_EPS)[0]


def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalize each column of x, of shape (N, D), over the batch."""
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


# Cases. Few rows, features of very different mean and standard deviation, and gamma of
# both signs, so that each mistake changes the numbers.


def by_hand(rng):
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def a_batch(rng, n=5, d=3):
    return dict(x=rows(rng, n, d, low=0.3, high=30), **affine(rng, d))


def one_feature(rng):
    return a_batch(rng, d=1) | dict(eps=0.0)


def a_square_batch(rng):
    inputs = a_batch(rng, n=3)  # N = D hides a lost axis
    return inputs | dict(x=negative(inputs["x"]))


def a_large_eps(rng):
    inputs = a_batch(rng)
    x = inputs["x"] * np.array([1.0, 0.2, 0.02])
    return inputs | dict(x=x, eps=0.3)


def constant_features(rng):
    inputs = a_batch(rng, d=4)
    inputs["x"][:, 1:3] = [7.25, 0]
    inputs["gamma"][3] = 0
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


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
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
        Case("two rows, by hand", 1 / 16, by_hand),
        Case("a batch of five", 4 / 16, a_batch),
        Case("as many rows as features", 2 / 16, a_square_batch),
        Case("a single row becomes beta", 1 / 16, partial(a_batch, n=1, d=4)),
        Case("a single feature, and an eps of 0", 1 / 16, one_feature),
        Case("a large eps counts as it should", 2 / 16, a_large_eps),
        Case(
            "a feature that is constant, or has gamma 0, becomes beta",
            1 / 16,
            constant_features,
        ),
        far_away(1 / 16, far_from_zero),
        any_memory(1 / 16, partial(a_batch, n=3, d=5), "y"),
        second_call(1 / 16, a_batch, "y"),
        Case("x is left as it was", 1 / 16, a_batch, intact=True),
    ),
    sections={"numerical-care": ("mean-of-squares",)},
    equivalents=(step_by_step, in_torch, in_float32),
)
