"""group_norm.backward: send a gradient back through the groups' statistics."""

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


def reference(dy, x, num_groups, gamma, eps=1e-5):
    beta = np.zeros_like(gamma)
    cache = normlib.group_norm(x, num_groups, gamma, beta, eps=eps or NO_EPS)[1]
    return normlib.group_norm_backward(dy, cache)


def group_norm_backward(dy, x, num_groups, gamma, eps=1e-5):
    """Gradients for x, gamma and beta; dy and x have shape (N, C, *)."""
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    axes = (2, 3)
    inv_std = 1 / np.sqrt(x_g.var(axis=axes, keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    dbeta = dy_g.sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dbeta


# Cases. The upstream gradient is random, and gamma differs within each group: with
# ones for either, the paths through mean and variance lose half of what can go wrong.


def by_hand(rng):
    return dict(
        dy=np.array([[[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [2.0, 1.0]]]),
        x=np.array([[[1.0, 1.0], [3.0, 3.0], [10.0, 30.0], [10.0, 30.0]]]),
        num_groups=2,
        gamma=np.array([2.0, 1.0, 20.0, 10.0]),
    )


def maps(rng, n=2, c=6, positions=(2, 3), num_groups=3, **others):
    return dict(
        dy=1 + rng.normal(size=(n, c, *positions)),
        x=feature_maps(rng, n, c, positions, 3, channels_apart=2, samples_apart=5),
        num_groups=num_groups,
        gamma=alternating(rng, c),
        **others,
    )


def one_group(rng):
    inputs = maps(rng, num_groups=1)
    inputs["x"] -= inputs["x"].max() + 1  # below 0, all of it
    return inputs


def equal_sizes(rng):
    inputs = maps(rng, n=4, c=4, positions=(4, 4), num_groups=2)
    inputs["x"][:, 1] = 0
    inputs["gamma"][2] = 0
    return inputs


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=0.1 * inputs["x"], eps=0.3)


def equal_numbers(rng):
    inputs = maps(rng)
    return inputs | dict(x=np.full_like(inputs["x"], 7.25))


def one_sample_far_from_zero(rng):
    return far_from_zero(maps(rng, n=1))


# Right answers in other styles.


def by_rows(dy, x, num_groups, gamma, eps=1e-5):
    shape, c = x.shape, x.shape[1]
    repeats = int(np.prod(shape[2:]))
    gains = np.repeat(gamma, repeats).reshape(num_groups, -1)
    rows = x.reshape(-1, x[0].size // num_groups)
    x_hat = rows - rows.mean(axis=1, keepdims=True)
    rms = np.sqrt((x_hat**2).mean(axis=1, keepdims=True) + eps)
    x_hat = x_hat / rms
    g = dy.reshape(rows.shape) * np.tile(gains, (len(x), 1))
    dx = (g - g.mean(axis=1, keepdims=True)) / rms
    dx -= x_hat * (g * x_hat).mean(axis=1, keepdims=True) / rms
    dy = dy.reshape(len(x), c, -1)
    dgamma = np.einsum("ncp,ncp->c", dy, x_hat.reshape(dy.shape))
    return dx.reshape(shape), dgamma, np.einsum("ncp->c", dy)


def by_autograd(dy, x, num_groups, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.tensor(a.copy(), requires_grad=True) for a in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    grouped = x.reshape(len(x), num_groups, -1)
    var, mean = torch.var_mean(grouped, dim=2, correction=0, keepdim=True)
    x_hat = ((grouped - mean) / torch.sqrt(var + eps)).reshape(x.shape)
    shape = [-1] + [1] * (x.ndim - 2)
    y = gamma.reshape(shape) * x_hat + beta.reshape(shape)
    y.backward(torch.tensor(dy.copy()))
    return x.grad, gamma.grad, beta.grad


def in_float32(dy, x, num_groups, gamma, eps=1e-5):
    dy, x, gamma = (np.array(a, dtype=np.float32) for a in (dy, x, gamma))
    n, c = x.shape[:2]
    shape = x.shape
    x, dy = x.reshape(n, num_groups, -1), dy.reshape(n, c, -1)
    x -= x.mean(axis=2, keepdims=True)
    rms = np.sqrt(np.square(x).mean(axis=2, keepdims=True) + np.float32(eps))
    x /= rms
    dgamma = (dy * x.reshape(dy.shape)).sum(axis=2).sum(axis=0)
    d_hat = (dy * gamma[:, None]).reshape(x.shape)
    along = (d_hat * x).mean(axis=2, keepdims=True)
    dx = (d_hat - d_hat.mean(axis=2, keepdims=True) - along * x) / rms
    return dx.reshape(shape), dgamma, dy.sum(axis=2).sum(axis=0)


EXERCISE = Exercise(
    key="group_norm.backward",
    points=4,
    statement="The gradients of group norm for x, gamma and beta.",
    section="group-norm-backward",
    reference=reference,
    answer=group_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("four channels in two groups, by hand", 1 / 20, by_hand),
        Case(
            "dx of six channels in three groups",
            4 / 20,
            maps,
            run=call("dx", "dgamma", "dbeta", only=("dx",)),
        ),
        Case(
            "dgamma and dbeta of six channels in three groups",
            3 / 20,
            maps,
            run=call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta")),
        ),
        Case("one group: all channels together", 1 / 20, one_group),
        Case(
            "six groups: each channel alone, and no eps",
            1 / 20,
            partial(maps, num_groups=6, eps=0),
        ),
        Case(
            "no positions, (N, C)",
            1 / 20,
            partial(maps, n=7, positions=(), num_groups=2),
        ),
        Case("a single channel", 1 / 20, partial(maps, c=1, num_groups=1)),
        Case("a single pixel", 1 / 20, partial(maps, positions=(1, 1), num_groups=2)),
        Case("all four sizes equal", 1 / 20, equal_sizes),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("groups of equal numbers", 1 / 20, equal_numbers),
        far_away(1 / 20, one_sample_far_from_zero),
        any_memory(1 / 20, maps, "dx", "dgamma", "dbeta"),
        second_call(1 / 20, maps, "dx", "dgamma", "dbeta"),
        Case("dy and x are left as they were", 1 / 20, maps, intact=True),
    ),
    sections={
        "group-norm-algorithm": ("unbiased",),
        "group-norm-numerical-care": ("mean-of-squares",),
    },
    equivalents=(by_rows, by_autograd, in_float32),
    symptoms={
        "dx": "Only dx is wrong: x_hat is right, and so is what gamma and beta get. x "
        "reaches the output directly, through its group's mean and through its group's "
        "variance. Take one path at a time.",
        "dgamma": "Only dgamma is wrong. Ask how y changes when one channel's gamma "
        "grows by a little.",
        "dbeta": "Only dbeta is wrong. Ask how y changes when one channel's beta grows "
        "by a little.",
        "dgamma and dbeta": "dx is right, and dgamma and dbeta are wrong: what a "
        "channel has of its own is gathered over the batch and over its positions.",
        "dx and dgamma": "dbeta, the only gradient that does not need x_hat, is right. "
        "Look at x_hat first.",
    },
)
