"""switchable_norm.forward: mix three statistics by two softmaxes, standardize."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def switchable_norm(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    return normlib.switchable_norm(x, mean_weight, var_weight, gamma, beta, eps=eps)[0]


# Cases. Images and channels differ in offset and spread, so that the three members
# are far apart; shares of means and of variances differ, and none is small.


def by_hand(rng):
    return dict(
        x=np.array([[[[1.0, 3.0]], [[7.0, 9.0]]]]),
        mean_weight=np.ones(3),
        var_weight=np.zeros(3),
        gamma=np.array([1.0, 2.0]),
        beta=np.array([0.0, 5.0]),
    )


def maps(rng, n=2, height=5, width=7):
    image = rng.permutation(np.linspace(-2, 2, n)).reshape(n, 1, 1)
    position = np.tile(np.linspace(-1.5, 1.5, height * width), (n, 3, 1))
    x = image + rng.permuted(position, axis=2) + rng.uniform(-0.2, 0.2, position.shape)
    offset = np.array([[-6.0], [9.0], [20.0]]) + rng.uniform(-1, 1, (3, 1))
    x = np.array([[1.0], [3.0], [9.0]]) * x + offset
    return dict(
        x=x.reshape(n, 3, height, width),
        mean_weight=np.array([0.3, 1.1, -0.4]) + rng.uniform(-0.1, 0.1, 3),
        var_weight=np.array([0.9, -0.5, 0.2]) + rng.uniform(-0.1, 0.1, 3),
        gamma=rng.uniform(0.5, 3, 3) * np.array([1, -1, 1]),
        beta=rng.uniform(0.5, 2, 3),
    )


def equal_sizes(rng):
    return maps(rng, n=3, height=3, width=3)


def one_image(rng):
    return maps(rng, n=1)


def one_pixel(rng):
    return maps(rng, n=5, height=1, width=1)


def large_logits(rng):
    inputs = maps(rng)
    inputs["mean_weight"] += 1000
    inputs["var_weight"] -= 1000
    return inputs


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=inputs["x"] / 20, eps=0.3)


def constant_images(rng):
    return maps(rng) | dict(x=np.full((2, 3, 5, 7), 0.25))


def far_from_zero(rng):
    inputs = maps(rng)
    inputs["x"] = 1e4 + inputs["x"] / np.array([1.0, 3.0, 9.0]).reshape(3, 1, 1)
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong. ``p`` are the shares of the means, ``q`` of the variances.


def no_softmax(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight, var_weight
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def divided_by_their_sum(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight / mean_weight.sum(), var_weight / var_weight.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def exponentials_not_divided(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = np.exp(mean_weight), np.exp(var_weight)
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def each_gate_by_itself(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = 1 / (1 + np.exp(-mean_weight)), 1 / (1 + np.exp(-var_weight))
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def the_largest_alone(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = np.eye(3)[mean_weight.argmax()], np.eye(3)[var_weight.argmax()]
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def softmax_overflows(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = np.exp(mean_weight), np.exp(var_weight)
    p, q = p / p.sum(), q / q.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def one_softmax_for_both(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p = np.exp(mean_weight - mean_weight.max())
    p = q = p / p.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def weights_swapped(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    q, p = (
        np.exp(mean_weight - mean_weight.max()),
        np.exp(var_weight - var_weight.max()),
    )
    p, q = p / p.sum(), q / q.sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def another_order(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (0, 2, 3), (2, 3), (1, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def layer_and_batch_swapped(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (0, 2, 3), (1, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def no_batch_for_one_image(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = ((2, 3), (1, 2, 3), (0, 2, 3))[: 3 if len(x) > 1 else 2]
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight[: len(axes)], var_weight[: len(axes)]
    p, q = np.exp(p - p.max()), np.exp(q - q.max())
    p, q = p / p.sum(), q / q.sum()
    mean = sum(share * moment for share, moment in zip(p, means, strict=True))
    var = sum(share * moment for share, moment in zip(q, variances, strict=True))
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def layer_at_a_pixel(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), 1, (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def within_alone(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=(2, 3), keepdims=True)]
    variances += [variances[0].mean(axis=k, keepdims=True) for k in (1, 0)]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def unbiased_instance(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    var = x.var(axis=(2, 3), ddof=1, keepdims=True)
    variances = [var]
    for k, axis in ((1, 1), (2, 0)):
        spread = var + (means[0] - means[k]) ** 2
        variances.append(spread.mean(axis=axis, keepdims=True))
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def unbiased(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, ddof=1, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def around_the_mixed_mean(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    square = (x - mean) ** 2
    variances = [square.mean(axis=axis, keepdims=True) for axis in axes]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def outputs_mixed(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p = np.exp(mean_weight - mean_weight.max())
    p = p / p.sum()
    x_hat = np.zeros(x.shape)
    for k in range(3):
        x_hat += p[k] * (x - means[k]) / np.sqrt(variances[k] + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def deviations_mixed(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    stds = [x.std(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    std = q[0] * stds[0] + q[1] * stds[1] + q[2] * stds[2]
    x_hat = (x - mean) / np.sqrt(std**2 + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def inverses_mixed(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    inv_stds = [1 / np.sqrt(var + eps) for var in variances]
    inv_std = q[0] * inv_stds[0] + q[1] * inv_stds[1] + q[2] * inv_stds[2]
    x_hat = (x - mean) * inv_std
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def by_variance(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / (var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def eps_outside(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / (np.sqrt(var) + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def no_eps(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def fixed_eps(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + 1e-5)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def no_affine(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    return (x - mean) / np.sqrt(var + eps)


def swapped_affine(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return beta[:, None, None] * x_hat + gamma[:, None, None]


def shifted_first(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * (x_hat + beta[:, None, None])


def along_the_width(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


def mean_of_squares(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    squares = [(x * x).mean(axis=axis, keepdims=True) for axis in axes]
    variances = [s - m * m for s, m in zip(squares, means, strict=True)]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def into_the_input(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    variances = [x.var(axis=axis, keepdims=True) for axis in axes]
    p, q = mean_weight - mean_weight.max(), var_weight - var_weight.max()
    p, q = np.exp(p) / np.exp(p).sum(), np.exp(q) / np.exp(q).sum()
    mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
    var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
    x -= mean
    x /= np.sqrt(var + eps)
    return gamma[:, None, None] * x + beta[:, None, None]


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


def with_loops(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    def shares(logits):
        largest = max(logits)
        parts = [float(np.exp(logit - largest)) for logit in logits]
        return [part / sum(parts) for part in parts]

    y = np.empty(x.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            mean = var = 0.0
            members = x[n, c], x[n], x[:, c]
            for k, p in enumerate(shares(mean_weight)):
                mean += p * members[k].sum() / members[k].size
            for k, q in enumerate(shares(var_weight)):
                rest = members[k] - members[k].sum() / members[k].size
                var += q * (rest**2).sum() / members[k].size
            y[n, c] = gamma[c] * (x[n, c] - mean) / (var + eps) ** 0.5 + beta[c]
    return y


def with_einsum(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    n, c, h, w = x.shape
    p = np.exp(mean_weight - np.logaddexp.reduce(mean_weight))
    q = np.exp(var_weight - np.logaddexp.reduce(var_weight))
    ones = np.ones((n, c))
    mean = np.einsum("nchw->nc", x) / (h * w)
    rest = x - mean[:, :, None, None]
    var = np.einsum("nchw,nchw->nc", rest, rest) / (h * w)
    means = np.stack([mean, mean.mean(1)[:, None] * ones, mean.mean(0) * ones])
    spread = var + (mean - means) ** 2
    variances = np.stack(
        [var, spread[1].mean(1)[:, None] * ones, spread[2].mean(0) * ones]
    )
    shift = mean - np.einsum("k,knc->nc", p, means)
    inv_std = (np.einsum("k,knc->nc", q, variances) + eps) ** -0.5
    y = np.einsum("nchw,nc,c->nchw", rest + shift[:, :, None, None], inv_std, gamma)
    return y + beta[None, :, None, None]


def in_torch(x, mean_weight, var_weight, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
    p = torch.softmax(torch.tensor(mean_weight), 0)
    q = torch.softmax(torch.tensor(var_weight), 0)
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
    reference=switchable_norm,
    run=call("y"),
    cases=(
        Case("one image of two channels, by hand", 2 / 16, by_hand),
        Case("two images of 5 × 7 pixels", 4 / 16, maps),
        Case("all four sizes equal", 2 / 16, equal_sizes),
        Case("a single image", 1 / 16, one_image),
        Case("images of one pixel", 1 / 16, one_pixel),
        Case("logits around 1000 and −1000", 1 / 16, large_logits),
        Case("a large eps counts as it should", 2 / 16, a_large_eps),
        Case("constant images become beta", 1 / 16, constant_images),
        Case(
            "far from zero, in float32",
            1 / 16,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 16, maps, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the logits used as the shares",
            "Any three numbers can be logits, negative ones too. Shares are positive "
            "and sum to 1: which function makes the one of the other?",
            no_softmax,
        ),
        Misconception(
            "the logits divided by their sum",
            "That makes the shares sum to 1, and does not keep them positive. Logits "
            "can be negative, and their sum can be 0.",
            divided_by_their_sum,
        ),
        Misconception(
            "exponentials that do not sum to 1",
            "The shares are parts of a whole. When all three members agree on a mean, "
            "the mixture has to agree with them.",
            exponentials_not_divided,
        ),
        Misconception(
            "each logit through a function of its own",
            "The three compete: what one gains the others lose. With a sigmoid each "
            "would open or close by itself, and the shares would not sum to 1.",
            each_gate_by_itself,
        ),
        Misconception(
            "the largest logit takes all",
            "Switchable norm mixes, it does not choose: a step from one member to "
            "another has no gradient to be learned by.",
            the_largest_alone,
            section="switchable-norm-idea",
        ),
        Misconception(
            "a softmax that overflows",
            "The exponential of 1000 is infinite, and that of −1000 is 0. The same "
            "number added to all the logits changes no share: which number makes the "
            "exponentials harmless?",
            softmax_overflows,
            section="switchable-norm-numerical-care",
        ),
        Misconception(
            "the shares of the means used for the variances",
            "Means and variances have logits of their own, for the layer may want the "
            "mean of one norm and the variance of another.",
            one_softmax_for_both,
        ),
        Misconception(
            "the two sets of logits swapped",
            "`mean_weight` mixes the means and `var_weight` the variances.",
            weights_swapped,
        ),
        Misconception(
            "the logits in another order: batch, instance, layer",
            "Here the first logit is instance norm's, then come layer and batch norm. "
            "Other libraries have other orders, and nothing complains when they are "
            "mixed up.",
            another_order,
        ),
        Misconception(
            "layer and batch norm exchanged",
            "The second logit is layer norm's, which averages over one image. The "
            "third is batch norm's, which averages over one channel.",
            layer_and_batch_swapped,
        ),
        Misconception(
            "no share for batch norm when there is a single image",
            "A batch of one has statistics too: those of instance norm. The softmax "
            "goes over three logits, whatever the batch size.",
            no_batch_for_one_image,
        ),
        Misconception(
            "layer norm at each pixel, over the channels alone",
            "Some networks normalize images like that and call it layer norm. Here an "
            "image has one mean, over its channels and its pixels.",
            layer_at_a_pixel,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the mean of the variances, without the variance of the means",
            "Within a channel the variance is taken around that channel's mean. How "
            "far the means lie apart is spread too, and it is missing.",
            within_alone,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the unbiased variance for instance norm, and what follows from it",
            "All three variances divide by the number of values. With all weight on "
            "one member, the layer should be that member exactly. With one pixel "
            "yours is 0 / 0.",
            unbiased_instance,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the unbiased variance for all three",
            "With all weight on one member, the layer should be that member exactly, "
            "and each of them divides by the number of values.",
            unbiased,
            section="switchable-norm-moments",
        ),
        Misconception(
            "variances around the mixed mean",
            "Each member brings the variance around its own mean. The two mixtures do "
            "not know of each other.",
            around_the_mixed_mean,
        ),
        Misconception(
            "three normalized outputs mixed, instead of their statistics",
            "First one mean and one variance are mixed, then x is standardized once. "
            "With outputs there would be no use for two sets of shares.",
            outputs_mixed,
            section="switchable-norm-idea",
        ),
        Misconception(
            "standard deviations mixed instead of variances",
            "The mixture is one of variances. The root is taken once, of the mixed "
            "variance.",
            deviations_mixed,
        ),
        Misconception(
            "one over the root of each variance, then mixed",
            "The mixture is one of variances. The root is taken once, of the mixed "
            "variance.",
            inverses_mixed,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the mixed variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "When all pixels are equal, so are the three variances: they are 0. What "
            "is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each channel is scaled and shifted, so that the "
            "network can restore any mean and spread.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "beta scaled along with the input",
            "beta is added after the scaling.",
            shifted_first,
        ),
        Misconception(
            "gamma and beta laid along the width",
            "NumPy lines up shapes from the last axis, and gamma belongs to the "
            "second. It passes without an error only when the width equals C.",
            along_the_width,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. Subtract the "
            "mean first.",
            mean_of_squares,
            section="switchable-norm-numerical-care",
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x, not least for the backward pass.",
            into_the_input,
        ),
    ),
    equivalents=(from_instance, with_loops, with_einsum, in_torch, in_float32),
)
