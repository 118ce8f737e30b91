"""switchable_norm.backward: a gradient through six statistics and two softmaxes."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.switchable_norm.cases import (
    SIGNS,
    channels,
    large_logits,
    logits,
    one_negative_image,
    one_scale_far_from_zero,
    pixels,
    upstream,
)
from normlib.check.running.protocols import call


def reference(dy, x, mean_weight, var_weight, gamma, eps=1e-5):
    eps = eps or NO_EPS
    cache = normlib.switchable_norm(
        x, mean_weight, var_weight, gamma, np.zeros_like(gamma), eps=eps
    )[1]
    return normlib.switchable_norm_backward(dy, cache)


def switchable_norm_backward(dy, x, mean_weight, var_weight, gamma, eps=1e-5):
    """Gradients for x, both sets of logits, gamma and beta; dy is shaped like x."""
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p = np.exp(mean_weight - mean_weight.max())
    q = np.exp(var_weight - var_weight.max())
    p, q = p / p.sum(), q / q.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))

    dx_hat = gamma[:, None, None] * dy
    dmean = -(dx_hat * inv_std).sum(axis=(2, 3), keepdims=True)
    dvar = -0.5 * (dx_hat * x_hat * inv_std**2).sum(axis=(2, 3), keepdims=True)

    dx = dx_hat * inv_std
    for k, axis in enumerate([(), 1, 0]):  # over all that share the statistics
        m = x.size / means[k].size
        through_mean = p[k] * dmean.sum(axis=axis, keepdims=True) / m
        through_var = q[k] * dvar.sum(axis=axis, keepdims=True) / m
        dx = dx + through_mean + through_var * 2 * (x - means[k])

    dp = np.array([(dmean * mean).sum() for mean in means])
    dq = np.array([(dvar * var).sum() for var in variances])
    dmean_weight, dvar_weight = p * (dp - p @ dp), q * (dq - q @ dq)
    return dx, dmean_weight, dvar_weight, dgamma, dbeta


GRADIENTS = ("dx", "dmean_weight", "dvar_weight", "dgamma", "dbeta")


def only(*names):
    return call(*GRADIENTS, only=names)


# Cases.


def by_hand(rng):
    return dict(
        dy=np.array([[[[1.0, 0.0]], [[0.0, 0.0]]]]),
        x=np.array([[[[1.0, 3.0]], [[7.0, 9.0]]]]),
        mean_weight=np.ones(3),
        var_weight=np.zeros(3),
        gamma=np.array([2.0, 2.0]),
    )


def maps(rng, n=2, c=3, height=5, width=7, factors=(1, 2, 5)):
    z = pixels(rng, n, c, height * width)
    gamma = rng.uniform(1.2, 3, c) * SIGNS[:c]
    return dict(
        dy=upstream(rng, z, gamma).reshape(n, c, height, width),
        x=channels(rng, z, factors, (-3, 2, 2.4)).reshape(n, c, height, width),
        **logits(rng),
        gamma=gamma,
    )


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=inputs["x"] / 5, eps=0.3)


def zeros(rng):
    inputs = maps(rng)
    inputs["x"][0, 1] = inputs["gamma"][2] = 0
    return inputs | dict(eps=0.0)


def equal_pixels(rng):
    return maps(rng) | dict(x=np.full((2, 3, 5, 7), 0.25), eps=0.1)


# Right answers in other styles. A number added to all three gradients of the shares
# is lost in the softmax, so they need not agree.


def from_sums_of_rows(dy, x, mean_weight, var_weight, gamma, eps=1e-5):
    p = np.exp(mean_weight - np.logaddexp.reduce(mean_weight))
    q = np.exp(var_weight - np.logaddexp.reduce(var_weight))
    m = x.shape[2] * x.shape[3]
    mean = x.mean(axis=(2, 3))
    var = x.var(axis=(2, 3))
    distances = [0 * mean, mean - mean.mean(1)[:, None], mean - mean.mean(0)]
    variances = [var, var + 0 * mean, var + 0 * mean]
    variances[1] = (var + distances[1] ** 2).mean(1)[:, None]
    variances[2] = (var + distances[2] ** 2).mean(0)
    shift = p[1] * distances[1] + p[2] * distances[2]
    inv_std = 1 / np.sqrt(sum(s * v for s, v in zip(q, variances, strict=True)) + eps)
    rest = x - mean[:, :, None, None]
    sums = dy.sum(axis=(2, 3))
    products = (np.einsum("nchw,nchw->nc", dy, rest) + shift * sums) * inv_std
    scale = gamma * inv_std
    dmean, dvar = -scale * sums, -0.5 * scale * inv_std * products
    dp = -np.array([(dmean * distance).sum() for distance in distances])
    dq = np.array([(dvar * table).sum() for table in variances])
    layer, batch = q[1] * dvar.mean(1)[:, None], q[2] * dvar.mean(0)
    slope = 2 * (q[0] * dvar + layer + batch) / m
    constant = p[0] * dmean + p[1] * dmean.mean(1)[:, None] + p[2] * dmean.mean(0)
    constant = constant + 2 * layer * distances[1] + 2 * batch * distances[2]
    dx = dy * scale[:, :, None, None] + rest * slope[:, :, None, None]
    dx += constant[:, :, None, None] / m
    dmean_weight, dvar_weight = p * (dp - p @ dp), q * (dq - q @ dq)
    return dx, dmean_weight, dvar_weight, products.sum(0), sums.sum(0)


def with_autograd(dy, x, mean_weight, var_weight, gamma, eps=1e-5):
    import torch

    given = [torch.tensor(a.copy()) for a in (x, mean_weight, var_weight, gamma)]
    given = [*given, torch.zeros_like(given[-1])]
    x, mean_weight, var_weight, gamma, beta = (a.requires_grad_() for a in given)
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    moments = [torch.var_mean(x, dim=d, correction=0, keepdim=True) for d in axes]
    p, q = mean_weight.softmax(0), var_weight.softmax(0)
    mean = sum(p[k] * mean for k, (_, mean) in enumerate(moments))
    var = sum(q[k] * var for k, (var, _) in enumerate(moments))
    x_hat = (x - mean) * torch.rsqrt(var + eps)
    y = gamma[:, None, None] * x_hat + beta[:, None, None]
    gradients = torch.autograd.grad(y, given, torch.tensor(dy.copy()))
    return [a.numpy() for a in gradients]


def in_float32(dy, x, mean_weight, var_weight, gamma, eps=1e-5):
    dy, x, mean_weight, var_weight, gamma = (
        np.array(a, dtype=np.float32) for a in (dy, x, mean_weight, var_weight, gamma)
    )
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean_in = x.mean(axis=(2, 3), keepdims=True)
    rests = [x - x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [np.square(rests[k]).mean(axes[k], keepdims=True) for k in range(3)]
    inv_std = 1 / np.sqrt(sum(q[k] * variances[k] for k in range(3)) + np.float32(eps))
    x_hat = sum(p[k] * rests[k] for k in range(3)) * inv_std
    dx_hat = dy * gamma[:, None, None]
    dmean = -(dx_hat * inv_std).sum(axis=(2, 3), keepdims=True)
    dvar = -(dx_hat * x_hat * inv_std**2).sum(axis=(2, 3), keepdims=True) / 2
    dx, dp, dq = dx_hat * inv_std, np.zeros(3), np.zeros(3)
    for k, axis in enumerate(axes):
        m = x.size // variances[k].size
        dx += p[k] * dmean.sum(axis=axis, keepdims=True) / m
        dx += q[k] * dvar.sum(axis=axis, keepdims=True) * 2 * rests[k] / m
        dp[k] = (dmean * (x.mean(axis=axis, keepdims=True) - mean_in)).sum()
        dq[k] = (dvar * variances[k]).sum()
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
    return dx, p * (dp - p @ dp), q * (dq - q @ dq), dgamma, dbeta


EXERCISE = Exercise(
    key="switchable_norm.backward",
    points=5,
    statement="The gradients for x, for both sets of logits, for gamma and beta.",
    section="switchable-norm-backward",
    reference=reference,
    answer=switchable_norm_backward,
    run=call(*GRADIENTS),
    cases=(
        Case("one image of two channels, by hand", 1 / 20, by_hand),
        Case("the gradient for x, two images", 3 / 20, maps, run=only("dx")),
        Case("those for the logits", 3 / 20, maps, run=only(*GRADIENTS[1:3])),
        Case("those for gamma and beta", 1 / 20, maps, run=only(*GRADIENTS[3:])),
        Case("all four sizes equal", 1 / 20, partial(maps, n=3, height=3, width=3)),
        Case(
            "dx for a single image of negative numbers",
            1 / 20,
            partial(one_negative_image, maps),
            run=only("dx"),
        ),
        Case(
            "dx for images of one pixel",
            1 / 20,
            partial(maps, n=5, height=1, width=1),
            run=only("dx"),
        ),
        Case(
            "dx for images of one channel", 1 / 20, partial(maps, c=1), run=only("dx")
        ),
        Case("logits around 1000 and −1000", 1 / 20, partial(large_logits, maps)),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("zeros in gamma and in x, and an eps of 0", 1 / 20, zeros),
        Case("constant images", 1 / 20, equal_pixels),
        far_away(
            1 / 20,
            partial(one_scale_far_from_zero, maps),
            name="dx far from zero, in float32",
            run=only("dx"),
        ),
        any_memory(1 / 20, maps, *GRADIENTS),
        second_call(1 / 20, maps, *GRADIENTS),
        Case("dy and x are left as they were", 1 / 20, maps, intact=True),
    ),
    sections={
        "switchable-norm-moments": ("within-alone", "unbiased"),
        "switchable-norm-algorithm": ("another-order", "no-eps"),
        "switchable-norm-numerical-care": ("softmax-overflows", "mean-of-squares"),
        "switchable-norm-mistakes": ("overwritten-while-read",),
    },
    equivalents=(from_sums_of_rows, with_autograd, in_float32),
    symptoms={
        "dx": "Only dx is wrong. x reaches the output directly, through three means "
        "and through three variances. Is one of these seven paths missing, or counted "
        "with the wrong weight?",
        "dmean_weight and dvar_weight": "Only the gradients of the logits are wrong. "
        "Each of the two must sum to zero, because a number added to all three logits "
        "changes none of the weights. Do yours?",
        "dmean_weight": "Only the gradient of `mean_weight` is wrong. Every image and "
        "every channel contributes to it, and it goes back through the softmax.",
        "dvar_weight": "Only the gradient of `var_weight` is wrong. Every image and "
        "every channel contributes to it, and it goes back through the softmax.",
        "dgamma and dbeta": "dx is right, but dgamma and dbeta are not. All images and "
        "all pixels of a channel share one gamma and one beta.",
    },
)
