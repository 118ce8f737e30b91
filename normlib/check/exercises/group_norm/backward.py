"""group_norm.backward: send a gradient back through the groups' statistics."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def group_norm_backward(dy, x, num_groups, gamma, eps=1e-5):
    cache = normlib.group_norm(x, num_groups, gamma, np.zeros_like(gamma), eps=eps)[1]
    return normlib.group_norm_backward(dy, cache)


# Cases. The upstream gradient is random, and gamma differs within each group: with
# ones for either, the paths through mean and variance lose half of what can go wrong.


def by_hand(rng):
    return dict(
        dy=np.array([[[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [2.0, 1.0]]]),
        x=np.array([[[1.0, 1.0], [3.0, 3.0], [10.0, 30.0], [10.0, 30.0]]]),
        num_groups=2,
        gamma=np.array([2.0, 1.0, 20.0, 10.0]),
    )


def maps(rng, n=2, c=6, positions=(2, 3), num_groups=3):
    m = int(np.prod(positions))
    # A single position stays at 0: it must not cancel a channel's offset.
    position = np.tile(np.linspace(-1.5, 1.5, m) if m > 1 else 0, (n, c, 1))
    x = rng.permuted(position, axis=2) + rng.uniform(-0.2, 0.2, position.shape)
    spread = rng.permutation(np.geomspace(1, 3, c))
    offset = 2 * rng.permutation(np.arange(c))
    x = spread[:, None] * x + offset[:, None] + 5 * np.arange(n).reshape(n, 1, 1)
    sign = np.where(np.arange(c) % 3 == 1, -1, 1)
    return dict(
        dy=1 + rng.normal(size=(n, c, *positions)),
        x=x.reshape(n, c, *positions),
        num_groups=num_groups,
        gamma=sign * rng.permutation(np.linspace(0.5, 3, c)),
    )


def one_group(rng):
    return maps(rng, num_groups=1)


def a_group_per_channel(rng):
    return maps(rng, num_groups=6)


def no_positions(rng):
    return maps(rng, n=4, positions=(), num_groups=2)


def equal_sizes(rng):
    return maps(rng, n=4, c=4, positions=(4, 4), num_groups=2)


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=0.1 * inputs["x"], eps=0.3)


def equal_numbers(rng):
    inputs = maps(rng)
    return inputs | dict(x=np.full_like(inputs["x"], 7.25))


def far_from_zero(rng):
    inputs = maps(rng, n=1)
    inputs["x"] += 1e4
    return {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else value
        for name, value in inputs.items()
    }


# What people get wrong. In each, everything but the mistake is as it should be.


def constant_statistics(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx = inv_std * dy_g * gamma.reshape(num_groups, -1, 1)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def constant_mean(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def constant_variance(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=(2, 3), keepdims=True))
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def gamma_after_the_means(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    through_mean = dy_g.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dy_g * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dy_g - through_mean - through_var)
    dx = dx * gamma.reshape(num_groups, -1, 1)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def no_gamma(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    through_mean = dy_g.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dy_g * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dy_g - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def gamma_on_one_path(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    through_mean = dy_g.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dy_g * x_hat).mean(axis=(2, 3), keepdims=True)
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def sums_for_means(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.sum(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def divided_by_positions(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    positions = x_g.shape[3]
    through_mean = dx_hat.sum(axis=(2, 3), keepdims=True) / positions
    through_var = x_hat * (dx_hat * x_hat).sum(axis=(2, 3), keepdims=True) / positions
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def m_times_too_large(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.sum(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=(2, 3), keepdims=True)
    dx = inv_std * (x_g[0, 0].size * dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def variance_sign(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean + through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def no_inv_std(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = dx_hat - through_mean - through_var
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def each_channel(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_c, dy_c = (a.reshape(N, C, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_c.var(axis=2, keepdims=True) + eps)
    x_hat = (x_c - x_c.mean(axis=2, keepdims=True)) * inv_std
    dx_hat = dy_c * gamma[:, None]
    through_mean = dx_hat.mean(axis=2, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=2, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx.reshape(x.shape), (dy_c * x_hat).sum(axis=(0, 2)), dy_c.sum(axis=(0, 2))


def means_over_a_channel(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=3, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=3, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def over_the_batch_too(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(0, 2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(0, 2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(0, 2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(0, 2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def the_whole_sample(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_c, dy_c = (a.reshape(N, C, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_c.var(axis=(1, 2), keepdims=True) + eps)
    x_hat = (x_c - x_c.mean(axis=(1, 2), keepdims=True)) * inv_std
    dx_hat = dy_c * gamma[:, None]
    through_mean = dx_hat.mean(axis=(1, 2), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(1, 2), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx.reshape(x.shape), (dy_c * x_hat).sum(axis=(0, 2)), dy_c.sum(axis=(0, 2))


def interleaved(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, C // num_groups, num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(1, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(1, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(-1, num_groups, 1)
    through_mean = dx_hat.mean(axis=(1, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(1, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def unbiased(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    m = x_g[0, 0].size
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), ddof=1, keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).sum(axis=(2, 3), keepdims=True) / (m - 1)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def no_eps(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True))
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def fixed_eps(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + 1e-5)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def mean_of_squares(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    mean = x_g.mean(axis=(2, 3), keepdims=True)
    var = (x_g * x_g).mean(axis=(2, 3), keepdims=True) - mean * mean
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x_g - mean) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def summed_over_groups(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx.reshape(x.shape), (dy_g * x_hat).sum(axis=(0, 2, 3)), dy_g.sum((0, 2, 3))


def group_of_the_index(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    mean = x_g.mean(axis=(2, 3), keepdims=True)
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - mean) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = np.zeros(C)
    for c in range(C):
        g = c % num_groups
        centered = x[:, c].reshape(N, -1) - mean[:, g, 0]
        dgamma[c] = (dy[:, c].reshape(N, -1) * centered * inv_std[:, g, 0]).sum()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def not_summed_over_the_batch(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=3).reshape(N, C)
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=3).reshape(N, C)


def means_for_sums(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).mean(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.mean(axis=(0, 3)).ravel()


def dgamma_from_x(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_g).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dgamma, dy_g.sum(axis=(0, 3)).ravel()


def swapped(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dx_hat = dy_g * gamma.reshape(num_groups, -1, 1)
    through_mean = dx_hat.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    return dx.reshape(x.shape), dy_g.sum(axis=(0, 3)).ravel(), dgamma


def into_dy(dy, x, num_groups, gamma, eps=1e-5):
    N, C = x.shape[:2]
    x_g, dy_g = (a.reshape(N, num_groups, C // num_groups, -1) for a in (x, dy))
    inv_std = 1 / np.sqrt(x_g.var(axis=(2, 3), keepdims=True) + eps)
    x_hat = (x_g - x_g.mean(axis=(2, 3), keepdims=True)) * inv_std
    dgamma = (dy_g * x_hat).sum(axis=(0, 3)).ravel()
    dbeta = dy_g.sum(axis=(0, 3)).ravel()
    dy_g *= gamma.reshape(num_groups, -1, 1)  # a view: the same numbers
    through_mean = dy_g.mean(axis=(2, 3), keepdims=True)
    through_var = x_hat * (dy_g * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = inv_std * (dy_g - through_mean - through_var)
    return dx.reshape(x.shape), dgamma, dbeta


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


def group_by_group(dy, x, num_groups, gamma, eps=1e-5):
    n, c = x.shape[:2]
    size = c // num_groups
    dx, dgamma, dbeta = np.empty(x.shape), np.zeros(c), np.zeros(c)
    for i in range(n):
        for start in range(0, c, size):
            stop = start + size
            values = x[i, start:stop].reshape(size, -1)
            upstream = dy[i, start:stop].reshape(size, -1)
            m = values.size
            centered = values - values.sum() / m
            inv_std = ((centered**2).sum() / m + eps) ** -0.5
            dgamma[start:stop] += (upstream * centered * inv_std).sum(axis=1)
            dbeta[start:stop] += upstream.sum(axis=1)
            d_hat = gamma[start:stop, None] * upstream
            dvar = -0.5 * (d_hat * centered).sum() * inv_std**3
            dmean = -(d_hat * inv_std).sum()
            d = d_hat * inv_std + dvar * 2 * centered / m + dmean / m
            dx[i, start:stop] = d.reshape(dx[i, start:stop].shape)
    return dx, dgamma, dbeta


def by_autograd(dy, x, num_groups, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.from_numpy(a).requires_grad_() for a in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    grouped = x.reshape(len(x), num_groups, -1)
    var, mean = torch.var_mean(grouped, dim=2, correction=0, keepdim=True)
    x_hat = ((grouped - mean) / torch.sqrt(var + eps)).reshape(x.shape)
    shape = [-1] + [1] * (x.ndim - 2)
    y = gamma.reshape(shape) * x_hat + beta.reshape(shape)
    y.backward(torch.from_numpy(dy))
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
    reference=group_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("four channels in two groups, by hand", 1 / 16, by_hand),
        Case(
            "dx of six channels in three groups",
            4 / 16,
            maps,
            run=call("dx", "dgamma", "dbeta", only=("dx",)),
        ),
        Case(
            "dgamma and dbeta of six channels in three groups",
            3 / 16,
            maps,
            run=call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta")),
        ),
        Case("one group: all channels together", 1 / 16, one_group),
        Case("six groups: each channel alone", 1 / 16, a_group_per_channel),
        Case("no positions, (N, C)", 1 / 16, no_positions),
        Case("all four sizes equal", 1 / 16, equal_sizes),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("groups of equal numbers", 1 / 16, equal_numbers),
        Case(
            "far from zero, in float32",
            1 / 16,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("dy and x are left as they were", 1 / 16, maps, intact=True),
    ),
    misconceptions=(
        Misconception(
            "mean and variance treated as constants",
            "x reaches the output in three ways: directly, through the group's mean, "
            "and through its variance. Only the first is there.",
            constant_statistics,
        ),
        Misconception(
            "the mean treated as a constant",
            "Move one number, and the mean of its group moves with it, which shifts "
            "all the others. The path through the variance is there, this one is not.",
            constant_mean,
        ),
        Misconception(
            "the variance treated as a constant",
            "Move one number away from the mean, and the group's variance grows, "
            "which shrinks all the others. The path through the mean is there, this "
            "one is not.",
            constant_variance,
        ),
        Misconception(
            "gamma taken out of the means",
            "In batch norm gamma is the same for all numbers behind one mean, and may "
            "wait. Here the channels of a group share a mean and not a gamma.",
            gamma_after_the_means,
        ),
        Misconception(
            "gamma left out of dx",
            "What comes back to x has gone through the multiplication by gamma.",
            no_gamma,
        ),
        Misconception(
            "gamma used on the direct path only",
            "All three paths leave from the gradient of x_hat, which holds gamma.",
            gamma_on_one_path,
        ),
        Misconception(
            "sums where means belong in dx",
            "Each number has a share of 1/m in its group's mean. On the way back it "
            "gets that share.",
            sums_for_means,
        ),
        Misconception(
            "divided by the number of positions",
            "A group has more numbers than a channel has positions: m is positions "
            "times channels of the group.",
            divided_by_positions,
        ),
        Misconception(
            "dx is m times too large",
            "A formula multiplied through by m was not divided by it in the end.",
            m_times_too_large,
        ),
        Misconception(
            "the path through the variance has the wrong sign",
            "A larger variance makes the output smaller.",
            variance_sign,
        ),
        Misconception(
            "dx not divided by the standard deviation",
            "x_hat changes with x at the rate of one over the standard deviation.",
            no_inv_std,
        ),
        Misconception(
            "statistics of each channel by itself",
            "That is the backward pass of instance norm. The channels of a group "
            "share one mean and one variance.",
            each_channel,
        ),
        Misconception(
            "the gradient averaged over each channel by itself",
            "x_hat is right. But the channels of a group share a mean and a variance, "
            "and what comes back through these is averaged over the whole group.",
            means_over_a_channel,
        ),
        Misconception(
            "statistics over the batch as well",
            "Each sample is normalized by its own numbers: none of its gradient "
            "reaches another sample.",
            over_the_batch_too,
        ),
        Misconception(
            "statistics of the whole sample, over all its channels",
            "That is group norm with one group. Channels of different groups do not "
            "meet.",
            the_whole_sample,
        ),
        Misconception(
            "channels dealt out to the groups in turn, instead of neighbors together",
            "With three groups of six channels, the first group is channels 0 and 1, "
            "not 0 and 3. In which order does a reshape count, and which of the two "
            "new axes then is the group?",
            interleaved,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "Group norm divides by the number of values in the group. Nothing is "
            "estimated here.",
            unbiased,
            section="group-norm-algorithm",
        ),
        Misconception(
            "no eps",
            "The backward pass has the same eps as the forward pass, wherever the "
            "standard deviation appears.",
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
            section="group-norm-numerical-care",
        ),
        Misconception(
            "dgamma and dbeta of each group",
            "Each channel has its own gamma and beta, so it has gradients of its own. "
            "Compare the shape of dgamma with that of gamma.",
            summed_over_groups,
        ),
        Misconception(
            "dgamma with the statistics of another group",
            "Which group does channel c belong to? Neighbors are together: dividing c "
            "by the number of groups and taking what is left over deals the channels "
            "out in turn.",
            group_of_the_index,
        ),
        Misconception(
            "dgamma and dbeta of every sample by itself",
            "All samples share one gamma and one beta, so their gradients are "
            "gathered. Compare the shape of dgamma with that of gamma.",
            not_summed_over_the_batch,
        ),
        Misconception(
            "means where sums belong in dgamma and dbeta",
            "Every position of every sample uses the channel's gamma, and each "
            "contributes its whole gradient.",
            means_for_sums,
        ),
        Misconception(
            "dgamma computed from x",
            "What does gamma multiply on the way forward? It is not x itself.",
            dgamma_from_x,
        ),
        Misconception(
            "dgamma and dbeta swapped",
            "The order is dx, dgamma, dbeta. The gradient of a shift is the simpler "
            "one: it does not need x.",
            swapped,
        ),
        Misconception(
            "the result written into dy",
            "Another branch of the network may need dy too. A reshape is as a rule "
            "another view of the same numbers.",
            into_dy,
        ),
    ),
    equivalents=(by_rows, group_by_group, by_autograd, in_float32),
    symptoms=(
        (
            frozenset({"dx"}),
            "Only dx is wrong: x_hat is right, and so is what gamma and beta get. x "
            "reaches the output directly, through its group's mean and through its "
            "group's variance. Take one path at a time.",
        ),
        (
            frozenset({"dgamma"}),
            "Only dgamma is wrong. Ask how y changes when one channel's gamma grows "
            "by a little.",
        ),
        (
            frozenset({"dbeta"}),
            "Only dbeta is wrong. Ask how y changes when one channel's beta grows by "
            "a little.",
        ),
        (
            frozenset({"dgamma", "dbeta"}),
            "dx is right, and dgamma and dbeta are wrong: what a channel has of its "
            "own is gathered over the batch and over its positions.",
        ),
        (
            frozenset({"dx", "dgamma"}),
            "dbeta, the only gradient that does not need x_hat, is right. Look at "
            "x_hat first.",
        ),
    ),
)
