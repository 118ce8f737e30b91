"""switchable_norm.forward: mix three statistics by two softmaxes, standardize."""

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
)
from normlib.check.running.protocols import call


def reference(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    eps = eps or NO_EPS
    return normlib.switchable_norm(x, mean_weight, var_weight, gamma, beta, eps=eps)[0]


def switchable_norm(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    """Normalize x, (N, C, H, W), by a mixture of three means and three variances."""
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p = np.exp(mean_weight - mean_weight.max())
    q = np.exp(var_weight - var_weight.max())
    p, q = p / p.sum(), q / q.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


# Cases.


def by_hand(rng):
    return dict(
        x=np.array([[[[1.0, 3.0]], [[7.0, 9.0]]]]),
        mean_weight=np.ones(3),
        var_weight=np.zeros(3),
        gamma=np.array([1.0, 2.0]),
        beta=np.array([0.0, 5.0]),
    )


def maps(rng, n=2, c=3, height=5, width=7, factors=(1, 3, 9)):
    z = pixels(rng, n, c, height * width)
    x = channels(rng, z, factors, (-6, 3, 2.2)).reshape(n, c, height, width)
    gamma = rng.uniform(0.5, 3, c) * SIGNS[:c]
    return dict(x=x, **logits(rng), gamma=gamma, beta=rng.uniform(0.5, 2, c))


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=inputs["x"] / 20, eps=0.3)


def zeros(rng):
    inputs = maps(rng)
    inputs["x"][0, 1] = inputs["gamma"][2] = 0
    return inputs | dict(x=0.02 * inputs["x"], eps=0.0)


def constant_images(rng):
    return maps(rng) | dict(x=np.full((2, 3, 5, 7), 0.25))


# Right answers in other styles.


def from_instance(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    def softmax(logits):
        shares = np.exp(logits - np.max(logits))
        return shares / shares.sum()

    mean_in = x.mean(axis=(2, 3), keepdims=True)
    var_in = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean_in], [var_in]
    for axis in (1, 0):
        mean = mean_in.mean(axis=axis, keepdims=True)
        var = (var_in + (mean_in - mean) ** 2).mean(axis=axis, keepdims=True)
        means.append(mean)
        variances.append(var)
    mean = sum(p * m for p, m in zip(softmax(mean_weight), means, strict=True))
    var = sum(q * v for q, v in zip(softmax(var_weight), variances, strict=True))
    scale = gamma.reshape(1, -1, 1, 1) / np.sqrt(var + eps)
    return (x - mean) * scale + beta.reshape(1, -1, 1, 1)


def in_torch(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
    p = torch.softmax(torch.tensor(mean_weight.copy()), 0)
    q = torch.softmax(torch.tensor(var_weight.copy()), 0)
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    moments = [torch.var_mean(x, dim=d, correction=0, keepdim=True) for d in axes]
    mean = sum(p[k] * mean for k, (_, mean) in enumerate(moments))
    var = sum(q[k] * var for k, (var, _) in enumerate(moments))
    x_hat = (x - mean) * torch.rsqrt(var + eps)
    return torch.addcmul(beta.view(-1, 1, 1), x_hat, gamma.view(-1, 1, 1))


def in_float32(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    x = np.array(x, dtype=np.float32)
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    mean, var = np.float32(0), np.float32(eps)
    p = np.exp((mean_weight - mean_weight.max()).astype(np.float32))
    q = np.exp((var_weight - var_weight.max()).astype(np.float32))
    for k, axis in enumerate(axes):
        mean = mean + p[k] / p.sum() * x.mean(axis=axis, keepdims=True)
        var = var + q[k] / q.sum() * x.var(axis=axis, keepdims=True)
    y = np.moveaxis((x - mean) / np.sqrt(var), 1, -1)
    y = y * gamma.astype(np.float32) + beta.astype(np.float32)
    return np.moveaxis(y, -1, 1)


EXERCISE = Exercise(
    key="switchable_norm.forward",
    points=4,
    statement="Mix the three means and the three variances, then standardize.",
    section="switchable-norm-algorithm",
    reference=reference,
    answer=switchable_norm,
    run=call("y"),
    cases=(
        Case("one image of two channels, by hand", 1 / 16, by_hand),
        Case("two images of 5 × 7 pixels", 3 / 16, maps),
        Case("all four sizes equal", 1 / 16, partial(maps, n=3, height=3, width=3)),
        Case(
            "a single image of negative numbers",
            1 / 16,
            partial(one_negative_image, maps),
        ),
        Case("images of one pixel", 1 / 16, partial(maps, n=5, height=1, width=1)),
        Case("images of one channel", 1 / 16, partial(maps, c=1)),
        Case("logits around 1000 and −1000", 1 / 16, partial(large_logits, maps)),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("zeros in gamma and in x, and an eps of 0", 1 / 16, zeros),
        Case("constant images become beta", 1 / 16, constant_images),
        far_away(1 / 16, partial(one_scale_far_from_zero, maps)),
        any_memory(1 / 16, maps, "y"),
        second_call(1 / 16, maps, "y"),
        Case("x is left as it was", 1 / 16, maps, intact=True),
    ),
    sections={
        "switchable-norm-idea": ("largest-alone", "outputs-mixed"),
        "switchable-norm-moments": (
            "layer-at-a-pixel",
            "within-alone",
            "unbiased-instance",
            "unbiased",
        ),
        "switchable-norm-numerical-care": ("softmax-overflows", "mean-of-squares"),
    },
    equivalents=(from_instance, in_torch, in_float32),
)
