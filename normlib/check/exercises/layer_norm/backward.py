"""layer_norm.backward: send a gradient back through a sample's own statistics."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, far_from_zero, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.layer_norm.cases import (
    factors,
    standardized,
    to_normalize,
)
from normlib.check.running.protocols import call


def reference(dy, x, gamma, eps=1e-5):
    cache = normlib.layer_norm(x, gamma, np.zeros_like(gamma), eps=eps or NO_EPS)[1]
    return normlib.layer_norm_backward(dy, cache)


def layer_norm_backward(dy, x, gamma, eps=1e-5):
    """Gradients for x, gamma and beta; the last axes of x have gamma's shape."""
    axes = tuple(range(-gamma.ndim, 0))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    samples = tuple(range(x.ndim - gamma.ndim))
    dgamma = (dy * x_hat).sum(axis=samples)
    dbeta = dy.sum(axis=samples)
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, dgamma, dbeta


# Cases. The upstream gradient is random, because the sum of a sample's x_hat does not
# depend on x. gamma differs between features: otherwise nobody sees whether it stands
# inside the means. There are never two features: they become −1 and 1, and dx is 0.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0, 0.0, 0.0, 0.0]]),
        x=np.array([[1.0, 1.0, 3.0, 3.0]]),
        gamma=np.array([2.0, 3.0, 1.0, -1.0]),
        eps=0.0,
    )


def arrays(rng, shape=(3, 5), axes=1):
    return dict(
        dy=rng.normal(size=shape),
        x=to_normalize(rng, shape, axes),
        gamma=factors(rng, shape[-axes:]),
    )


def with_zeros(rng):
    """As many rows as features, a feature of zeros, and one whose gamma is 0."""
    inputs = arrays(rng, (5, 5))
    inputs["x"][:, 1] = inputs["gamma"][2] = 0
    return inputs


def negative_rows(rng):
    inputs = arrays(rng)
    return inputs | dict(x=-inputs["x"])


def a_large_eps(rng):
    inputs = arrays(rng)
    x = 2 + standardized(inputs["x"]) * np.array([[1.0], [0.3], [0.1]])
    return inputs | dict(x=x, eps=0.3)


def constant_samples(rng):
    return arrays(rng) | dict(x=np.full((3, 5), 7.25))


def rows_far_from_zero(rng):
    inputs = arrays(rng)
    x_hat = standardized(inputs["x"])
    # All paths count, and dx stays far from 0.
    dy = (1 + x_hat + x_hat**2) / inputs["gamma"]
    return far_from_zero(
        inputs | dict(dy=dy, x=x_hat * np.array([[1.0], [3.0], [9.0]]))
    )


# Right answers in other styles. The mean's derivative of the variance is zero, so
# whether and how it is written down makes no difference.


def node_by_node(dy, x, gamma, eps=1e-5):
    shape, d = x.shape, gamma.size
    dy, x = dy.reshape(-1, d), x.reshape(-1, d)
    centered = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centered**2).mean(axis=1, keepdims=True) + eps)
    dgamma, dbeta = (dy * centered / std).sum(axis=0), dy.sum(axis=0)
    dx_hat = gamma.reshape(d) * dy
    dvar = np.sum(dx_hat * centered * -0.5 * std**-3, axis=1, keepdims=True)
    dmean = np.sum(-dx_hat / std, axis=1, keepdims=True)
    dmean += dvar * np.sum(-2 * centered) / d
    dx = dx_hat / std + dvar * 2 * centered / d + dmean / d
    return dx.reshape(shape), dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def in_one_line(dy, x, gamma, eps=1e-5):
    axes, lead = tuple(range(-gamma.ndim, 0)), tuple(range(x.ndim - gamma.ndim))
    d, inv_std = gamma.size, (x.var(axis=axes, keepdims=True) + eps) ** -0.5
    x_hat = inv_std * (x - x.mean(axis=axes, keepdims=True))
    g = gamma * dy
    sums = g.sum(axes, keepdims=True) + x_hat * (g * x_hat).sum(axes, keepdims=True)
    return [inv_std / d * (d * g - sums), (dy * x_hat).sum(lead), dy.sum(lead)]


def in_torch(dy, x, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.tensor(a.copy(), requires_grad=True) for a in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    axes = tuple(range(-gamma.ndim, 0))
    var, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
    y = gamma * (x - mean) / torch.sqrt(var + eps) + beta
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy.copy()))


def in_float32(dy, x, gamma, eps=1e-5):
    axes, lead = tuple(range(-gamma.ndim, 0)), tuple(range(x.ndim - gamma.ndim))
    dy, gamma = dy.astype(np.float32), gamma.astype(np.float32)
    x_hat = np.array(x, dtype=np.float32)
    x_hat -= x_hat.mean(axis=axes, keepdims=True)
    var = np.square(x_hat).mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(var + np.float32(eps))
    x_hat *= inv_std
    dx = dy * gamma
    through_var = x_hat * (dx * x_hat).mean(axis=axes, keepdims=True)
    dx -= dx.mean(axis=axes, keepdims=True)
    dx -= through_var
    return dx * inv_std, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


# A mistake in dgamma need not cost the points of dx, nor vice versa.
dx_only = call("dx", "dgamma", "dbeta", only=("dx",))
parameters_only = call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="layer_norm.backward",
    points=5,
    statement="The gradients of the loss with respect to x, gamma and beta.",
    section="layer-norm-backward",
    reference=reference,
    answer=layer_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    axes=(),  # any number of them
    cases=(
        Case("one row, by hand", 2 / 20, by_hand),
        Case("dgamma and dbeta", 3 / 20, arrays, run=parameters_only),
        Case("dx, along all three paths", 4 / 20, arrays, run=dx_only),
        Case("as many rows as features, and some zeros", 1 / 20, with_zeros),
        Case("a single feature", 1 / 20, partial(arrays, shape=(3, 1))),
        Case("sequences of tokens", 2 / 20, partial(arrays, shape=(2, 3, 5))),
        Case(
            "images, over all three trailing axes",
            1 / 20,
            partial(arrays, shape=(2, 3, 2, 4), axes=3),
        ),
        Case("a large eps counts as it should", 1 / 20, a_large_eps, run=dx_only),
        Case("samples of equal numbers", 1 / 20, constant_samples),
        far_away(1 / 20, rows_far_from_zero, run=dx_only),
        any_memory(1 / 20, partial(arrays, shape=(7, 4)), "dx", "dgamma", "dbeta"),
        second_call(1 / 20, negative_rows, "dx", "dgamma", "dbeta"),
        Case("dy and x are left as they were", 1 / 20, arrays, intact=True),
    ),
    sections={
        "layer-norm-idea": ("over-the-batch",),
        "layer-norm-algorithm": (
            "last-axis-only",
            "all-but-the-first-axis",
            "uncentered",
            "no-eps",
            "fixed-eps",
            "eps-outside",
        ),
        "layer-norm-numerical-care": ("mean-of-squares",),
    },
    equivalents=(node_by_node, in_one_line, in_torch, in_float32),
    symptoms={
        "dx": "Only dx is wrong: x_hat is right, and so are dgamma and dbeta. x "
        "reaches the output directly, through the mean and through the variance. Take "
        "one path at a time.",
        "dgamma": "Only dgamma is wrong. How does y change when gamma grows by a "
        "little?",
        "dbeta": "Only dbeta is wrong. How does y change when beta grows by a little?",
        "dgamma and dbeta": "dx is right, and dgamma and dbeta are wrong: all samples "
        "share them.",
        "dx and dgamma": "dbeta is right, and it's the only gradient that doesn't need "
        "x_hat. Look at x_hat first.",
    },
)
