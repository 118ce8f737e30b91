"""batch_norm.backward: send a gradient back through the statistics."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    alternating,
    any_memory,
    far_away,
    far_from_zero,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import negative, rows
from normlib.check.running.protocols import call


def reference(dy, x, gamma, eps=1e-5):
    if len(x) == 1:  # normlib refuses this; the output is beta, whatever x is
        return np.zeros_like(x), np.zeros_like(gamma), dy[0]
    zero = np.zeros_like(gamma)
    cache = normlib.batch_norm(x, gamma, zero, eps=eps or NO_EPS)[1]
    return normlib.batch_norm_backward(dy, cache)


def batch_norm_backward(dy, x, gamma, eps=1e-5):
    """Gradients for x, gamma and beta; dy and x have shape (N, D)."""
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=0)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, dgamma, dbeta


# Cases. The upstream gradient is random: the output's mean and standard deviation do
# not depend on x, so that with ones or with 2 y even a dx of zeros would pass. Two rows
# become −1 and 1 whatever x is, and dx vanishes, unless eps is large.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0], [0.0], [0.0], [0.0]]),
        x=np.array([[1.0], [1.0], [3.0], [3.0]]),
        gamma=np.array([2.0]),
    )


def a_batch(rng, n=5, d=3):
    gamma = alternating(rng, d, low=1.2)
    return dict(dy=rng.normal(size=(n, d)), x=rows(rng, n, d), gamma=gamma)


def a_square_batch(rng):
    inputs = a_batch(rng, d=5)  # N = D hides a lost axis
    return inputs | dict(x=0.1 * negative(inputs["x"]), eps=0.0)


def a_large_eps(rng, n=5):
    inputs = a_batch(rng, n)
    x = inputs["x"] * np.array([1.0, 0.2, 0.05])
    return inputs | dict(x=x, eps=0.3)


def equal_rows(rng):
    inputs = a_batch(rng)
    inputs["x"][:] = [7.25, 0, 7.25]
    inputs["gamma"][2] = 0
    return inputs


def distant(rng):
    inputs = a_batch(rng)
    x_hat = (inputs["x"] - inputs["x"].mean(axis=0)) / inputs["x"].std(axis=0)
    inputs["x"] = x_hat * np.array([1.0, 3.0, 9.0])
    inputs["dy"] = 1 + x_hat + x_hat**2  # all paths count, and dx stays far from 0
    return far_from_zero(inputs)


# Right answers in other styles. The mean's derivative of the variance is zero, so
# whether and how it is written down makes no difference.


def node_by_node(dy, x, gamma, eps=1e-5):
    n = x.shape[0]
    centered = x - x.mean(axis=0)
    std = np.sqrt((centered**2).mean(axis=0) + eps)
    dgamma, dbeta = (dy * centered / std).sum(axis=0), dy.sum(axis=0)
    dx_hat = gamma * dy
    dvar = np.sum(dx_hat * centered * -0.5 * std**-3, axis=0)
    dmean = np.sum(-dx_hat / std, axis=0) + dvar * np.sum(-2 * centered) / n
    return dx_hat / std + dvar * 2 * centered / n + dmean / n, dgamma, dbeta


def in_one_line(dy, x, gamma, eps=1e-5):
    n = len(x)
    inv_std = (x.var(axis=0, keepdims=True) + eps) ** -0.5
    x_hat = inv_std * (x - x.mean(axis=0, keepdims=True))
    dbeta, dgamma = dy.sum(axis=0), (dy * x_hat).sum(axis=0)
    return [gamma * inv_std / n * (n * dy - dbeta - x_hat * dgamma), dgamma, dbeta]


def in_torch(dy, x, gamma, eps=1e-5):
    import torch

    dy, x, gamma = (torch.tensor(array.copy()) for array in (dy, x, gamma))
    x.requires_grad_(), gamma.requires_grad_()
    beta = torch.zeros_like(gamma, requires_grad=True)
    var, mean = torch.var_mean(x, dim=0, correction=0)
    y = gamma * (x - mean) / torch.sqrt(var + eps) + beta
    return torch.autograd.grad(y, (x, gamma, beta), dy)


def in_float32(dy, x, gamma, eps=1e-5):
    dy, gamma = dy.astype(np.float32), gamma.astype(np.float32)
    x_hat = np.array(x, dtype=np.float32)
    x_hat -= x_hat.mean(axis=0)
    inv_std = 1 / np.sqrt(np.square(x_hat).mean(axis=0) + np.float32(eps))
    x_hat *= inv_std
    dx = dy - dy.mean(axis=0)
    dx -= x_hat * (dy * x_hat).mean(axis=0)
    return dx * (gamma * inv_std), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


# A mistake in dgamma need not cost the points of dx, nor vice versa.
dx_only = call("dx", "dgamma", "dbeta", only=("dx",))
parameters_only = call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="batch_norm.backward",
    points=4,
    statement="The gradients of the loss with respect to x, gamma and beta.",
    section="the-backward-pass",
    reference=reference,
    answer=batch_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("four rows, by hand", 2 / 20, by_hand),
        Case("dgamma and dbeta", 3 / 20, a_batch, run=parameters_only),
        Case("dx, along all three paths", 4 / 20, a_batch, run=dx_only),
        Case("as many rows as features, and an eps of 0", 2 / 20, a_square_batch),
        Case("a single row", 1 / 20, partial(a_batch, n=1, d=4)),
        Case("two rows, and a large eps", 1 / 20, partial(a_large_eps, n=2)),
        Case("a large eps counts as it should", 2 / 20, a_large_eps, run=dx_only),
        Case("a batch of equal rows, and a gamma of 0", 1 / 20, equal_rows),
        far_away(1 / 20, distant, run=dx_only),
        any_memory(1 / 20, a_batch, "dx", "dgamma", "dbeta"),
        second_call(1 / 20, a_batch, "dx", "dgamma", "dbeta"),
        Case("dy and x are left as they were", 1 / 20, a_batch, intact=True),
    ),
    sections={"numerical-care": ("mean-of-squares",)},
    equivalents=(node_by_node, in_one_line, in_torch, in_float32),
    symptoms={
        "dx": "Only dx is wrong; x_hat and the gradients of gamma and beta are right. "
        "x reaches the output directly, through the mean and through the variance. "
        "Take one path at a time.",
        "dgamma": "Only dgamma is wrong. Ask how y changes when gamma grows by a "
        "little.",
        "dbeta": "Only dbeta is wrong. Ask how y changes when beta grows by a little.",
        "dgamma and dbeta": "dx is right, and dgamma and dbeta are wrong: all rows "
        "share them.",
        "dx and dgamma": "dbeta, the only gradient that does not need x_hat, is right. "
        "Look at x_hat first.",
    },
)
