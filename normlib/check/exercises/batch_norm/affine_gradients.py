"""batch_norm.affine_gradients: back through the scale and the shift."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import alternating, any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import rows
from normlib.check.running.protocols import call


def reference(dy, x_hat, gamma):
    """Batch norm at inference, with statistics that leave x_hat as it is."""
    zero, one = np.zeros_like(gamma), np.ones_like(gamma)
    _, cache, _, _ = normlib.batch_norm(
        x_hat, gamma, zero, zero, one, training=False, eps=0
    )
    return normlib.batch_norm_backward(dy, cache)


def affine_gradients(dy, x_hat, gamma):
    """Gradients for x_hat, gamma and beta; dy and x_hat have shape (N, D)."""
    dx_hat = gamma * dy
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    return dx_hat, dgamma, dbeta


# Cases. x_hat need not be standardized, so it can't be computed again.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]]),
        x_hat=np.array([[-1.0, 1.0], [0.0, -2.0], [1.0, 1.0]]),
        gamma=np.array([2.0, -1.0]),
    )


def a_batch(rng, n=5, d=3):
    dy = rows(rng, n, d) - 4  # of both signs, and with no sum near 0
    return dict(dy=dy, x_hat=rows(rng, n, d), gamma=alternating(rng, d, low=1.3))


def zeros(rng):
    inputs = a_batch(rng)
    inputs["gamma"][0] = 0
    inputs["x_hat"][:, 1] = 0
    inputs["dy"][:, 2] = 0
    return inputs


def one_feature(rng):
    return in_float32(a_batch(rng, d=1))


# Right answers in other styles.


def with_einsum(dy, x_hat, gamma):
    dx_hat = np.einsum("nd,d->nd", dy, gamma)
    return dx_hat, np.einsum("nd,nd->d", dy, x_hat), np.einsum("nd->d", dy)


def sample_by_sample(dy, x_hat, gamma):
    dx_hat, dgamma, dbeta = [], np.zeros(len(gamma)), np.zeros(len(gamma))
    for upstream, standardized in zip(dy, x_hat, strict=True):
        dx_hat.append(upstream * gamma)
        dgamma += upstream * standardized
        dbeta += upstream
    return [dx_hat, dgamma, dbeta]


def in_torch(dy, x_hat, gamma):
    import torch

    dy, x_hat, gamma = (torch.tensor(array.copy()) for array in (dy, x_hat, gamma))
    beta = torch.zeros_like(gamma)
    for tensor in (x_hat, gamma, beta):
        tensor.requires_grad_()
    return torch.autograd.grad(gamma * x_hat + beta, (x_hat, gamma, beta), dy)


# A mistake in dgamma need not cost the points of dx_hat, nor vice versa.
NAMES = ("dx_hat", "dgamma", "dbeta")
dx_hat_only = call(*NAMES, only=("dx_hat",))
parameters_only = call(*NAMES, only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="batch_norm.affine_gradients",
    points=2,
    statement="Back through the scale and the shift.",
    section="the-backward-pass",
    reference=reference,
    answer=affine_gradients,
    run=call(*NAMES),
    cases=(
        Case("three samples, by hand", 2 / 20, by_hand),
        Case("dx_hat of five samples", 3 / 20, a_batch, run=dx_hat_only),
        Case("dgamma and dbeta of five samples", 4 / 20, a_batch, run=parameters_only),
        Case("as many samples as features", 2 / 20, partial(a_batch, d=5)),
        Case("a single sample", 2 / 20, partial(a_batch, n=1)),
        Case("columns of zeros, and a gamma of 0", 2 / 20, zeros),
        Case("a single feature, in float32", 1 / 20, one_feature),
        any_memory(1 / 20, a_batch, *NAMES),
        second_call(1 / 20, a_batch, *NAMES),
        Case("dy and x_hat are left as they were", 2 / 20, a_batch, intact=True),
    ),
    equivalents=(with_einsum, sample_by_sample, in_torch),
    symptoms={
        "dx_hat": "Only dx_hat is wrong. Ask how y changes when one entry of x_hat "
        "grows by a little.",
        "dgamma": "Only dgamma is wrong. Ask how y changes when gamma grows by a "
        "little.",
        "dbeta": "Only dbeta is wrong. Ask how y changes when beta grows by a little.",
        "dgamma and dbeta": "dx_hat is right, and dgamma and dbeta are wrong: all "
        "samples share them.",
    },
)
