"""instance_norm.backward: a gradient through each image's own statistics."""

import math

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def instance_norm_backward(dy, x, gamma, eps=1e-5):
    cache = normlib.instance_norm(x, gamma, np.zeros_like(gamma), eps=eps)[1]
    return normlib.instance_norm_backward(dy, cache)


# Cases. The upstream gradient is random: the output's mean and spread do not depend
# on x, so that with ones or with 2 y even a dx of zeros would pass. Never two pixels:
# they become −1 and 1 whatever x is, and dx vanishes.


def by_hand(rng):
    return dict(
        dy=np.array([[[1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 2.0]]]),
        x=np.array([[[1.0, 1.0, 3.0, 3.0]], [[10.0, 10.0, 30.0, 30.0]]]),
        gamma=np.array([2.0]),
    )


def images(rng, n=2, space=(2, 4)):
    x = np.tile(np.linspace(-1.5, 1.5, math.prod(space)), (n, 3, 1))
    x = rng.permuted(x, axis=2) + rng.uniform(-0.1, 0.1, x.shape)
    contrast = np.geomspace(1, 3, n)[:, None, None] * np.array([[1.0], [2.0], [4.0]])
    x = contrast * (x + rng.permutation(np.linspace(2, 5, 3 * n)).reshape(n, 3, 1))
    gamma = rng.uniform(1.2, 3, 3) * np.array([1, -1, 1])
    x = x.reshape(n, 3, *space)
    return dict(dy=rng.normal(size=x.shape), x=x, gamma=gamma)


def equal_sizes(rng):
    return images(rng, n=3, space=(3, 3))


def volumes(rng):
    return images(rng, space=(3, 2, 2))  # as deep as channels are many


def a_large_eps(rng):
    inputs = images(rng)
    x = inputs["x"] * np.array([0.7, 0.2, 0.05]).reshape(3, 1, 1)
    return inputs | dict(x=x, eps=0.3)


def flat_images(rng):
    inputs = images(rng)
    inputs["x"][:] = np.array([7.25, 3.5]).reshape(2, 1, 1, 1)
    return inputs


def far_from_zero(rng):
    inputs = images(rng)
    x = inputs["x"]
    x_hat = (x - x.mean((2, 3), keepdims=True)) / x.std((2, 3), keepdims=True)
    contrast = np.array([[1.0, 3.0, 9.0], [9.0, 3.0, 1.0]]).reshape(2, 3, 1, 1)
    inputs["x"] = 1e4 + contrast * x_hat
    # All paths count, dx stays far from 0, and the images do not agree.
    inputs["dy"] = np.array([1, -1]).reshape(2, 1, 1, 1) * (1 + x_hat + x_hat**2)
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def constant_statistics(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx = dy * gamma.reshape(-1, *[1] * len(axes)) * inv_std
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def constant_mean(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    dx = inv_std * (dx_hat - x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True))
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def constant_variance(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    dx = inv_std * (dx_hat - dx_hat.mean(axis=axes, keepdims=True))
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def over_the_batch(dy, x, gamma, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * (x.ndim - 2))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def each_sample_whole(dy, x, gamma, eps=1e-5):
    axes, shared = tuple(range(1, x.ndim)), (0, *range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * (x.ndim - 2))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=shared), dy.sum(axis=shared)


def means_over_the_batch(dy, x, gamma, eps=1e-5):
    axes, shared = tuple(range(2, x.ndim)), (0, *range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=shared, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=shared, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=shared), dy.sum(axis=shared)


def counted_with_the_batch(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x.size // x.shape[1]
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.sum(axis=axes, keepdims=True) / m
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True) / m
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def from_dgamma_and_dbeta(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))
    shape = (-1, *[1] * len(axes))
    through_mean, through_var = dbeta.reshape(shape) / m, dgamma.reshape(shape) / m
    dx = gamma.reshape(shape) * inv_std * (dy - through_mean - x_hat * through_var)
    return dx, dgamma, dbeta


def sums_for_means(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.sum(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def m_times_too_large(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.sum(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True)
    dx = inv_std * (m * dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def mean_twice(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - 2 * through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def variance_sign(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean + through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def root_without_half(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    dvar = -(dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + dvar * 2 * centered / m + dmean / m
    dgamma = (dy * centered * inv_std).sum(axis=(0, *axes))
    return dx, dgamma, dy.sum(axis=(0, *axes))


def square_without_two(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    dvar = -0.5 * (dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + dvar * centered / m + dmean / m
    dgamma = (dy * centered * inv_std).sum(axis=(0, *axes))
    return dx, dgamma, dy.sum(axis=(0, *axes))


def x_not_centered(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    dvar = -0.5 * (dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + dvar * 2 * x / m + dmean / m
    dgamma = (dy * centered * inv_std).sum(axis=(0, *axes))
    return dx, dgamma, dy.sum(axis=(0, *axes))


def x_for_x_hat(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = centered * (dx_hat * centered).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy * centered * inv_std).sum(axis=(0, *axes))
    return dx, dgamma, dy.sum(axis=(0, *axes))


def no_gamma(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dy - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def gamma_on_one_path(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    direct = dy * gamma.reshape(-1, *[1] * len(axes))
    dx = inv_std * (direct - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def gamma_twice(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    gamma = gamma.reshape(-1, *[1] * len(axes))
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = gamma * inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def along_the_width(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    return inv_std * (dx_hat - through_mean - through_var), dgamma, dbeta


def no_inv_std(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    std = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = dx_hat - through_mean - through_var
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def unbiased(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    inv_std = 1 / np.sqrt(x.var(axis=axes, ddof=1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True) / (m - 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def unbiased_on_the_way_back(dy, x, gamma, eps=1e-5):
    axes, m = tuple(range(2, x.ndim)), x[0, 0].size
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True) / (m - 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def images_only(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x - x.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy * gamma[:, None, None]
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def no_eps(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / x.std(axis=axes, keepdims=True)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def fixed_eps(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def mean_of_squares(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = (x * x).mean(axis=axes, keepdims=True) - mean * mean
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def not_over_the_batch(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def over_the_batch_only(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def batch_mean_of_gradients(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma, dbeta = (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)
    return dx, dgamma.mean(axis=0), dbeta.mean(axis=0)


def means_for_sums(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).mean(axis=(0, *axes)), dy.mean(axis=(0, *axes))


def dgamma_from_x(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


def gamma_in_dgamma(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dx_hat * x_hat).sum(axis=(0, *axes)), dx_hat.sum(axis=(0, *axes))


def swapped(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dx_hat = dy * gamma.reshape(-1, *[1] * len(axes))
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, dy.sum(axis=(0, *axes)), (dy * x_hat).sum(axis=(0, *axes))


def into_dy(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dy -= dy.mean(axis=axes, keepdims=True)
    dy -= through_var
    dy *= gamma.reshape(-1, *[1] * len(axes)) * inv_std
    return dy, dgamma, dbeta


# Right answers in other styles. The mean's derivative of the variance is zero, so
# whether and how it is written down makes no difference.


def node_by_node(dy, x, gamma, eps=1e-5):
    n, c = x.shape[:2]
    rows, dy_rows = x.reshape(n, c, -1), dy.reshape(n, c, -1)
    m = rows.shape[2]
    centered = rows - rows.mean(axis=2, keepdims=True)
    std = np.sqrt((centered**2).sum(axis=2, keepdims=True) / m + eps)
    dgamma, dbeta = (dy_rows * centered / std).sum((0, 2)), dy_rows.sum((0, 2))
    dx_hat = gamma[:, None] * dy_rows
    dvar = np.sum(dx_hat * centered * -0.5 * std**-3, axis=2, keepdims=True)
    dmean = np.sum(-dx_hat / std, axis=2, keepdims=True)
    dmean = dmean + dvar * np.sum(-2 * centered, axis=2, keepdims=True) / m
    dx = dx_hat / std + dvar * 2 * centered / m + dmean / m
    return dx.reshape(x.shape), dgamma, dbeta


def by_projection(dy, x, gamma, eps=1e-5):
    dx, m = np.empty(x.shape), x[0, 0].size
    dgamma, dbeta = np.zeros(len(gamma)), np.zeros(len(gamma))
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            centered = x[n, c].ravel() - x[n, c].sum() / m
            std = (centered @ centered / m + eps) ** 0.5
            x_hat, given = centered / std, dy[n, c].ravel()
            jacobian = np.eye(m) - 1 / m - np.outer(x_hat, x_hat) / m
            dx[n, c] = (gamma[c] / std * (jacobian @ given)).reshape(x[n, c].shape)
            dgamma[c] += given @ x_hat
            dbeta[c] += given.sum()
    return dx, dgamma, dbeta


def with_einsum(dy, x, gamma, eps=1e-5):
    shape, m = x.shape, x[0, 0].size
    x, dy = (array.reshape(*shape[:2], m) for array in (x, dy))
    centered = x - np.einsum("ncm->nc", x)[..., None] / m
    inv_std = (np.einsum("ncm,ncm->nc", centered, centered) / m + eps) ** -0.5
    x_hat = np.einsum("ncm,nc->ncm", centered, inv_std)
    sums = np.einsum("ncm->nc", dy), np.einsum("ncm,ncm->nc", dy, x_hat)
    rest = m * dy - sums[0][..., None] - x_hat * sums[1][..., None]
    dx = np.einsum("ncm,nc,c->ncm", rest, inv_std, gamma) / m
    return [dx.reshape(shape), sums[1].sum(axis=0), sums[0].sum(axis=0)]


def in_torch(dy, x, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.tensor(array, requires_grad=True) for array in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    var, mean = torch.var_mean(x.flatten(2), dim=2, correction=0, keepdim=True)
    x_hat = (x.flatten(2) - mean) / torch.sqrt(var + eps)
    y = (gamma[:, None] * x_hat + beta[:, None]).view_as(x)
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy))


def in_float32(dy, x, gamma, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    dy = dy.astype(np.float32)
    gamma = gamma.astype(np.float32).reshape(-1, *[1] * len(axes))
    x_hat = np.array(x, dtype=np.float32)
    x_hat -= x_hat.mean(axis=axes, keepdims=True)
    var = np.square(x_hat).mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(var + np.float32(eps))
    x_hat *= inv_std
    dx = dy - dy.mean(axis=axes, keepdims=True)
    dx -= x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx *= gamma * inv_std
    return dx, (dy * x_hat).sum(axis=(0, *axes)), dy.sum(axis=(0, *axes))


# A mistake in dgamma need not cost the points of dx, nor the other way round.
dx_only = call("dx", "dgamma", "dbeta", only=("dx",))
parameters_only = call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="instance_norm.backward",
    points=5,
    statement="The gradients of the loss with respect to x, gamma and beta.",
    section="instance-norm-backward",
    reference=instance_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("two images of four pixels, by hand", 0.1, by_hand),
        Case("dgamma and dbeta", 0.2, images, run=parameters_only),
        Case("dx, along all three paths", 0.25, images, run=dx_only),
        Case("all four sizes equal", 0.1, equal_sizes),
        Case("volumes: three axes after the channels", 0.05, volumes),
        Case("a large eps counts as it should", 0.1, a_large_eps, run=dx_only),
        Case("two images without any contrast", 0.05, flat_images),
        Case(
            "far from zero, in float32",
            0.1,
            far_from_zero,
            run=dx_only,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("dy and x are left as they were", 0.05, images, intact=True),
    ),
    misconceptions=(
        Misconception(
            "mean and variance treated as constants",
            "Both are computed from x, at inference too, so x reaches the output along "
            "two more paths.",
            constant_statistics,
        ),
        Misconception(
            "the path through the mean left out",
            "Move one pixel and the mean of its channel moves with it, which shifts "
            "all the others. The sum of dx over each channel of each image must come "
            "out as zero.",
            constant_mean,
        ),
        Misconception(
            "the path through the variance left out",
            "Move one pixel and the spread of its channel changes, which rescales all "
            "the others. The sum of dx times x_hat must come out almost as zero.",
            constant_variance,
        ),
        Misconception(
            "statistics over the batch as well",
            "That is the backward pass of batch norm. Here images do not hear of each "
            "other: dx of one is zero where its own dy is zero.",
            over_the_batch,
        ),
        Misconception(
            "statistics of each sample, over all its channels",
            "That is the backward pass of layer norm. In instance norm channels are "
            "not mixed.",
            each_sample_whole,
        ),
        Misconception(
            "the paths through mean and variance averaged over the batch",
            "On the way forward the statistics belong to one image. On the way back, "
            "over which numbers is the gradient averaged then?",
            means_over_the_batch,
        ),
        Misconception(
            "m counted with the batch",
            "Behind each mean stand the positions of one channel of one image. How "
            "many are they?",
            counted_with_the_batch,
        ),
        Misconception(
            "dgamma and dbeta used in dx",
            "In batch norm the sums in dx are dgamma and dbeta themselves. Here these "
            "two also gather the other images, of which dx knows nothing.",
            from_dgamma_and_dbeta,
        ),
        Misconception(
            "sums where means belong in dx",
            "The mean and the variance are averages: one pixel has only an m-th part "
            "in them.",
            sums_for_means,
        ),
        Misconception(
            "dx is m times too large",
            "The factor m was put in to avoid a fraction. It has to be divided out "
            "again.",
            m_times_too_large,
        ),
        Misconception(
            "the path through the mean counted twice",
            "The deviations from the mean sum to zero, so the mean has no effect on "
            "the variance. It reaches the output in one way only.",
            mean_twice,
        ),
        Misconception(
            "the wrong sign on the path through the variance",
            "A larger spread makes the output smaller. Which sign has the derivative "
            "of one over a root?",
            variance_sign,
        ),
        Misconception(
            "the path through the variance counted twice",
            "Differentiating a power brings its exponent to the front. What is the "
            "exponent in one over a square root?",
            root_without_half,
        ),
        Misconception(
            "half of the path through the variance",
            "The variance is a mean of squares. What does differentiating a square "
            "bring to the front?",
            square_without_two,
        ),
        Misconception(
            "x itself where its distance from the mean belongs",
            "The variance squares distances from the mean: its derivative at a pixel "
            "that lies on the mean is zero.",
            x_not_centered,
        ),
        Misconception(
            "the path through the variance in the units of x",
            "The gradient with respect to x_hat can be corrected only by something "
            "without a unit. Is it x minus its mean that belongs there, or x_hat?",
            x_for_x_hat,
        ),
        Misconception(
            "gamma missing from dx",
            "gamma multiplies x_hat on the way forward, so it multiplies the gradient "
            "on the way back. With gamma at 1 nobody notices.",
            no_gamma,
        ),
        Misconception(
            "gamma on the direct path only",
            "All three paths pass through x_hat, and gamma lies behind it.",
            gamma_on_one_path,
        ),
        Misconception(
            "gamma in dx twice",
            "The gradient of x_hat has gamma in it already. It is not multiplied by "
            "gamma again.",
            gamma_twice,
        ),
        Misconception(
            "gamma laid along the last axis",
            "NumPy lines up shapes from the last axis, and gamma belongs to the "
            "second. It passes without an error only when the last size equals C.",
            along_the_width,
        ),
        Misconception(
            "dx not divided by the standard deviation",
            "What you have is the gradient in units of x_hat. A contrast ten times "
            "larger makes the gradient ten times smaller.",
            no_inv_std,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "Instance norm divides by m when it normalizes, and so does its gradient. "
            "Yours is the gradient of another layer.",
            unbiased,
        ),
        Misconception(
            "m on the way forward, m − 1 on the way back",
            "The gradient belongs to the function that was computed: the same m in "
            "both directions.",
            unbiased_on_the_way_back,
        ),
        Misconception(
            "two spatial axes taken for granted",
            "It works for images. Sequences have one axis after the channels, volumes "
            "have three. How many has `x`?",
            images_only,
        ),
        Misconception(
            "no eps",
            "The gradient has the same eps as the forward pass, wherever the standard "
            "deviation appears.",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="instance-norm-numerical-care",
        ),
        Misconception(
            "dgamma and dbeta of each image by itself",
            "The statistics belong to one image, but gamma and beta are shared by all. "
            "Compare the shape of dgamma with that of gamma.",
            not_over_the_batch,
        ),
        Misconception(
            "dgamma and dbeta of each position by itself",
            "A channel has one gamma, used at all its positions. Compare the shape of "
            "dgamma with that of gamma.",
            over_the_batch_only,
        ),
        Misconception(
            "dgamma and dbeta averaged over the images",
            "Every image uses the same gamma, and each contributes its whole "
            "gradient. If the loss is a mean, dy holds that already.",
            batch_mean_of_gradients,
        ),
        Misconception(
            "means where sums belong in dgamma and dbeta",
            "Every pixel of every image uses the same gamma and the same beta, and "
            "each contributes its whole gradient.",
            means_for_sums,
        ),
        Misconception(
            "dgamma computed from x",
            "What does gamma multiply on the way forward? It is not x itself.",
            dgamma_from_x,
        ),
        Misconception(
            "gamma inside dgamma and dbeta",
            "y is linear in gamma and in beta: their gradients do not depend on gamma.",
            gamma_in_dgamma,
        ),
        Misconception(
            "dgamma and dbeta swapped",
            "The order is dx, dgamma, dbeta. The gradient of a shift is the simpler "
            "one: it does not need x.",
            swapped,
        ),
        Misconception(
            "the result written into dy",
            "Another branch of the network may need dy too. Work on a copy.",
            into_dy,
        ),
    ),
    equivalents=(node_by_node, by_projection, with_einsum, in_torch, in_float32),
    symptoms=(
        (
            frozenset({"dx"}),
            "Only dx is wrong: x_hat is right, and so is what gamma and beta get. x "
            "reaches the output directly, through the mean and through the variance "
            "of its channel. Take one path at a time.",
        ),
        (
            frozenset({"dgamma"}),
            "Only dgamma is wrong. Ask how y changes when gamma grows by a little.",
        ),
        (
            frozenset({"dbeta"}),
            "Only dbeta is wrong. Ask how y changes when beta grows by a little.",
        ),
        (
            frozenset({"dgamma", "dbeta"}),
            "dx is right, and dgamma and dbeta are wrong: all images and all their "
            "positions share them.",
        ),
        (
            frozenset({"dx", "dgamma"}),
            "dbeta, the only gradient that does not need x_hat, is right. Look at "
            "x_hat first.",
        ),
    ),
)
