"""weight_norm.mean_only: the backward pass of half a batch norm."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    any_memory,
    far_away,
    far_from_zero,
    in_float32,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(dy):
    """Batch norm's, where the variance is 0 and eps is 1: what is left is the mean."""
    if len(dy) == 1:  # normlib refuses this; the output is beta, whatever x is
        return np.zeros_like(dy), dy[0]
    zero, one = np.zeros_like(dy[0]), np.ones_like(dy[0])
    cache = normlib.batch_norm(np.zeros_like(dy), one, zero, eps=1.0)[1]
    dx, _, dbeta = normlib.batch_norm_backward(dy, cache)
    return dx, dbeta


def mean_only_batch_norm_backward(dy):
    """Gradients for x and beta; dy has shape (N, D)."""
    dx = dy - dy.mean(axis=0)
    dbeta = dy.sum(axis=0)
    return dx, dbeta


# Cases. No sum and no mean is near 0.


def by_hand(rng):
    return dict(dy=np.array([[1.0, 0.0], [0.0, 2.0], [5.0, -8.0]]))


def a_batch(rng, n=5, d=3):
    dy = np.linspace(-1.5, 1.5, n)[:, None] + rng.uniform(-0.2, 0.2, (n, d))
    dy = rng.permuted(dy, axis=0) if n > 1 else dy
    sign = np.resize([1, -1, 1], d)
    return dict(dy=sign * (dy * np.geomspace(1, 4, d) + np.linspace(2, 5, d)))


def a_feature_of_zeros(rng):
    inputs = a_batch(rng)
    inputs["dy"][:, 1] = 0
    return inputs


def one_feature(rng):
    return in_float32(a_batch(rng, d=1))


def distant(rng):
    return far_from_zero(a_batch(rng), "dy")


# Right answers in other styles.


def by_a_matrix(dy):
    n = len(dy)
    return (np.eye(n) - np.ones((n, n)) / n) @ dy, np.ones(n) @ dy


def sample_by_sample(dy):
    dbeta = sum(dy[1:], dy[0].copy())
    return [[row - dbeta / len(dy) for row in dy], dbeta]


def in_torch(dy):
    import torch

    dy = torch.tensor(dy.copy())
    x = torch.zeros_like(dy, requires_grad=True)
    beta = torch.zeros_like(dy[0], requires_grad=True)
    return torch.autograd.grad(x - x.mean(dim=0) + beta, (x, beta), dy)


# A mistake in dbeta need not cost the points of dx, nor vice versa.
dx_only = call("dx", "dbeta", only=("dx",))
dbeta_only = call("dx", "dbeta", only=("dbeta",))

EXERCISE = Exercise(
    key="weight_norm.mean_only",
    points=2,
    statement="The gradients of mean-only batch norm with respect to x and beta.",
    section="weight-norm-mean-only",
    reference=reference,
    answer=mean_only_batch_norm_backward,
    run=call("dx", "dbeta"),
    cases=(
        Case("three samples, by hand", 2 / 20, by_hand),
        Case("dx of five samples", 6 / 20, a_batch, run=dx_only),
        Case("dbeta of five samples", 3 / 20, a_batch, run=dbeta_only),
        Case("as many samples as features", 2 / 20, partial(a_batch, n=3)),
        Case("a single sample", 1 / 20, partial(a_batch, n=1)),
        Case("two samples", 1 / 20, partial(a_batch, n=2)),
        Case("a feature whose dy is 0", 1 / 20, a_feature_of_zeros),
        Case("a single feature, in float32", 1 / 20, one_feature),
        far_away(1 / 40, distant, run=dx_only, alone=""),
        any_memory(1 / 40, a_batch, "dx", "dbeta"),
        second_call(1 / 20, a_batch, "dx", "dbeta"),
        Case("dy is left as it was", 1 / 20, a_batch, intact=True),
    ),
    equivalents=(by_a_matrix, sample_by_sample, in_torch),
    symptoms={
        "dx": "dbeta is right and dx is not. Its sum over the batch must be 0, because "
        "adding a constant to the feature changes no output.",
        "dbeta": "dx is right and dbeta is not. All samples share one beta.",
    },
)
