"""layer_norm.backward: send a gradient back through a sample's own statistics."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def layer_norm_backward(dy, x, gamma, eps=1e-5):
    cache = normlib.layer_norm(x, gamma, np.zeros_like(gamma), eps=eps)[1]
    return normlib.layer_norm_backward(dy, cache)


# Cases. The upstream gradient is random, for the sum of a sample's x_hat does not
# depend on x. gamma differs from feature to feature: only so is it seen that gamma has
# to be under the means. Never two features: they become −1 and 1, and dx vanishes.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0, 0.0, 0.0, 0.0]]),
        x=np.array([[1.0, 1.0, 3.0, 3.0]]),
        gamma=np.array([2.0, 3.0, 1.0, -1.0]),
    )


def arrays(rng, shape, axes=1):
    """``x`` of ``shape``, normalized over the last ``axes`` axes of it."""
    lead, normalized = shape[:-axes], shape[-axes:]
    n, m = int(np.prod(lead)), int(np.prod(normalized))
    x = np.tile(np.linspace(-1.5, 1.5, m), (n, 1)) + rng.uniform(-0.2, 0.2, (n, m))
    scale = rng.permutation(np.geomspace(1, 9, n))[:, None]
    x = scale * (rng.permuted(x, axis=1) + rng.uniform(2, 5, (n, 1)))
    gamma = np.where(np.arange(m) % 2, -1, 1) * rng.uniform(0.5, 3, m)
    return dict(
        dy=rng.normal(size=shape), x=x.reshape(shape), gamma=gamma.reshape(normalized)
    )


def rows(rng):
    return arrays(rng, (3, 5))


def as_many_rows_as_features(rng):
    return arrays(rng, (5, 5))  # N = D hides a lost axis


def tokens(rng):
    return arrays(rng, (2, 3, 5))


def images(rng):
    return arrays(rng, (2, 3, 2, 4), axes=3)


def a_large_eps(rng):
    inputs = rows(rng)
    x = inputs["x"] / inputs["x"].std(axis=1, keepdims=True)
    return inputs | dict(x=x * np.array([[1.0], [0.3], [0.1]]), eps=0.3)


def constant_samples(rng):
    return rows(rng) | dict(x=np.full((3, 5), 7.25))


def far_from_zero(rng):
    inputs = rows(rng)
    x = inputs["x"] - inputs["x"].mean(axis=1, keepdims=True)
    x_hat = x / x.std(axis=1, keepdims=True)
    inputs["x"] = 1e4 + x_hat * np.array([[1.0], [3.0], [9.0]])
    # All paths count, and dx stays far from 0.
    inputs["dy"] = (1 + x_hat + x_hat**2) / inputs["gamma"]
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def constant_statistics(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    dx = inv_std * dx_hat
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def constant_mean(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def constant_variance(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def gamma_outside_the_means(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = gamma * inv_std * (dy - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def gamma_on_one_path(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def no_gamma(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dy - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def sums_for_means(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.sum(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def d_times_too_large(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = gamma.size * inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def mean_twice(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - 2 * through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def variance_sign(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean + through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def root_without_half(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma
    dvar = -(dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + (dvar * 2 * centered + dmean) / gamma.size
    return dx, (dy * centered * inv_std).sum(axis=lead), dy.sum(axis=lead)


def square_without_two(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + (dvar * centered + dmean) / gamma.size
    return dx, (dy * centered * inv_std).sum(axis=lead), dy.sum(axis=lead)


def x_not_centered(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum(axis=axes, keepdims=True) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + (dvar * 2 * x + dmean) / gamma.size
    return dx, (dy * centered * inv_std).sum(axis=lead), dy.sum(axis=lead)


def x_for_x_hat(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = centered * (dx_hat * centered).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * centered * inv_std).sum(axis=lead), dy.sum(axis=lead)


def lost_axis_in_dvar(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum() * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=axes, keepdims=True)
    dx = dx_hat * inv_std + (dvar * 2 * centered + dmean) / gamma.size
    return dx, (dy * centered * inv_std).sum(axis=lead), dy.sum(axis=lead)


def no_inv_std(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = dx_hat - through_mean - through_var
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def unbiased(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    d = gamma.size
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True, ddof=1) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True) / (d - 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def unbiased_on_the_way_back(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    d = gamma.size
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=axes, keepdims=True) / (d - 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def over_the_batch(dy, x, gamma, eps=1e-5):
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=lead)
    inv_std = 1 / np.sqrt(x.var(axis=lead) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=lead)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=lead)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def last_axis_only(dy, x, gamma, eps=1e-5):
    axes = (-1,)
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def all_but_the_first_axis(dy, x, gamma, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def uncentered(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    inv_std = 1 / np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    x_hat = x * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def no_eps(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True))
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def fixed_eps(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def eps_outside(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / (x.std(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def mean_of_squares(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = (x * x).mean(axis=axes, keepdims=True) - mean * mean
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)


def means_for_sums(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).mean(axis=lead), dy.mean(axis=lead)


def not_summed(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, dy * x_hat, dy


def summed_over_features(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def summed_over_the_first_axis(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def dgamma_from_x(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x).sum(axis=lead), dy.sum(axis=lead)


def gamma_in_dgamma(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dx_hat * x_hat).sum(axis=lead), dx_hat.sum(axis=lead)


def swapped(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, dy.sum(axis=lead), (dy * x_hat).sum(axis=lead)


def into_dy(dy, x, gamma, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    lead = tuple(range(x.ndim - gamma.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = centered * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=lead), dy.sum(axis=lead)
    dy *= gamma
    through_mean = dy.mean(axis=axes, keepdims=True)
    through_var = x_hat * (dy * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std * (dy - through_mean - through_var)
    return dx, dgamma, dbeta


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


def by_projection(dy, x, gamma, eps=1e-5):
    shape, d = x.shape, gamma.size
    dy, x = dy.reshape(-1, d), x.reshape(-1, d)
    dx, x_hats = np.empty(x.shape), np.empty(x.shape)
    for i in range(len(x)):
        centered = x[i] - x[i].sum() / d
        std = (centered @ centered / d + eps) ** 0.5
        x_hats[i] = centered / std
        jacobian = (np.eye(d) - 1 / d - np.outer(x_hats[i], x_hats[i]) / d) / std
        dx[i] = jacobian @ (gamma.reshape(d) * dy[i])
    dgamma, dbeta = np.einsum("nd,nd->d", dy, x_hats), np.einsum("nd->d", dy)
    return dx.reshape(shape), dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def in_torch(dy, x, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.tensor(array, requires_grad=True) for array in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    axes = tuple(range(-gamma.ndim, 0))
    var, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
    y = gamma * (x - mean) / torch.sqrt(var + eps) + beta
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy))


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


# A mistake in dgamma need not cost the points of dx, nor the other way round.
dx_only = call("dx", "dgamma", "dbeta", only=("dx",))
parameters_only = call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="layer_norm.backward",
    points=5,
    statement="The gradients of the loss with respect to x, gamma and beta.",
    section="layer-norm-backward",
    reference=layer_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("one row, by hand", 0.1, by_hand),
        Case("dgamma and dbeta", 0.2, rows, run=parameters_only),
        Case("dx, along all three paths", 0.25, rows, run=dx_only),
        Case("as many rows as features", 0.05, as_many_rows_as_features),
        Case("sequences of tokens", 0.1, tokens),
        Case("images, over all three trailing axes", 0.1, images),
        Case("a large eps counts as it should", 0.05, a_large_eps, run=dx_only),
        Case("samples of equal numbers", 0.05, constant_samples),
        Case(
            "far from zero, in float32",
            0.05,
            far_from_zero,
            run=dx_only,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("dy and x are left as they were", 0.05, rows, intact=True),
    ),
    misconceptions=(
        Misconception(
            "mean and variance treated as constants",
            "Both are computed from x, in training and at inference alike, so x "
            "reaches the output along two more paths.",
            constant_statistics,
        ),
        Misconception(
            "the path through the mean left out",
            "Move one feature and the mean moves with it, which shifts all the "
            "others. The sum of dx over a sample must come out as zero.",
            constant_mean,
        ),
        Misconception(
            "the path through the variance left out",
            "Move one feature and the spread changes, which rescales all the others. "
            "The sum of dx times x_hat over a sample must come out almost as zero.",
            constant_variance,
        ),
        Misconception(
            "gamma taken out of the means",
            "In batch norm all the numbers behind a mean share one gamma, and it can "
            "be put in front. Here each of them has its own.",
            gamma_outside_the_means,
        ),
        Misconception(
            "gamma on the direct path only",
            "All three paths pass through x_hat, and gamma lies behind it.",
            gamma_on_one_path,
        ),
        Misconception(
            "gamma missing from dx",
            "gamma multiplies x_hat on the way forward, so it multiplies the gradient "
            "on the way back. With gamma at 1 nobody notices.",
            no_gamma,
        ),
        Misconception(
            "sums where means belong in dx",
            "The mean and the variance are averages: one feature has only a D-th part "
            "in them.",
            sums_for_means,
        ),
        Misconception(
            "dx is D times too large",
            "The factor D was put in to avoid a fraction. It has to be divided out "
            "again.",
            d_times_too_large,
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
            "The variance squares distances from the mean: its derivative at a "
            "feature that lies on the mean is zero.",
            x_not_centered,
        ),
        Misconception(
            "the path through the variance in the units of x",
            "The gradient with respect to x_hat can be corrected only by something "
            "without a unit. Is it x minus its mean that belongs there, or x_hat?",
            x_for_x_hat,
        ),
        Misconception(
            "one gradient of the variance for all samples",
            "Each sample has a variance of its own, so its gradient has one entry per "
            "sample. Over what did you sum?",
            lost_axis_in_dvar,
        ),
        Misconception(
            "dx not divided by the standard deviation",
            "What you have is the gradient in units of x_hat. A spread ten times "
            "larger makes the gradient ten times smaller.",
            no_inv_std,
        ),
        Misconception(
            "the unbiased variance, divided by D − 1",
            "Layer norm divides by D, and so does its gradient. Yours is the gradient "
            "of another layer.",
            unbiased,
        ),
        Misconception(
            "D on the way forward, D − 1 on the way back",
            "The gradient belongs to the function that was computed: the same D in "
            "both directions.",
            unbiased_on_the_way_back,
        ),
        Misconception(
            "statistics of each feature, over the batch",
            "That is the backward pass of batch norm. In layer norm no sample knows "
            "of another: which axes hold the numbers of one sample?",
            over_the_batch,
            section="layer-norm-idea",
        ),
        Misconception(
            "the last axis alone, whatever the shape of gamma",
            "gamma may have several axes. The numbers that share a mean are as many "
            "as gamma has.",
            last_axis_only,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "one mean for all the tokens of a sequence",
            "The shape of gamma says what belongs together. With gamma of shape (D,) "
            "each token has a mean of its own.",
            all_but_the_first_axis,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the mean left in",
            "Without subtracting the mean it is RMS norm, and this its gradient.",
            uncentered,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "no eps",
            "The gradient has the same eps as the forward pass, wherever the standard "
            "deviation appears.",
            no_eps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken, in both "
            "directions.",
            eps_outside,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. Subtract the "
            "mean first.",
            mean_of_squares,
            section="layer-norm-numerical-care",
        ),
        Misconception(
            "means where sums belong in dgamma and dbeta",
            "Every sample uses the same gamma and the same beta, and each contributes "
            "its whole gradient. If the loss is a mean, dy holds that already.",
            means_for_sums,
        ),
        Misconception(
            "dgamma and dbeta of every sample by itself",
            "All samples share one gamma and one beta, so their gradients are "
            "gathered. Compare the shape of dgamma with that of gamma.",
            not_summed,
        ),
        Misconception(
            "dgamma and dbeta summed over the features",
            "The statistics run over the features, and the gradients of gamma do not: "
            "each feature has its own gamma, shared by all samples.",
            summed_over_features,
        ),
        Misconception(
            "dgamma and dbeta summed over the first axis only",
            "The tokens of a sequence share gamma too. Which axes does x have that "
            "gamma has not?",
            summed_over_the_first_axis,
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
    equivalents=(node_by_node, in_one_line, by_projection, in_torch, in_float32),
    symptoms=(
        (
            frozenset({"dx"}),
            "Only dx is wrong: x_hat is right, and so is what gamma and beta get. x "
            "reaches the output directly, through the mean and through the variance. "
            "Take one path at a time.",
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
            "dx is right, and dgamma and dbeta are wrong: all samples share them.",
        ),
        (
            frozenset({"dx", "dgamma"}),
            "dbeta, the only gradient that does not need x_hat, is right. Look at "
            "x_hat first.",
        ),
    ),
)
