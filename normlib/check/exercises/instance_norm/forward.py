"""instance_norm.forward: standardize each channel of each sample by itself."""

import math

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def instance_norm(x, gamma, beta, eps=1e-5):
    if math.prod(x.shape[2:]) == 1:  # which normlib refuses, as torch does
        beta = beta.reshape(-1, *[1] * (x.ndim - 2))
        return np.broadcast_to(beta, x.shape)
    return normlib.instance_norm(x, gamma, beta, eps=eps)[0]


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; samples and channels differ in offset and in spread.


def by_hand(rng):
    x = np.array(
        [
            [[[1.0, 1.0, 3.0, 3.0]], [[10.0, 30.0, 30.0, 10.0]]],
            [[[101.0, 103.0, 103.0, 101.0]], [[5.0, 5.0, 5.0, 5.0]]],
        ]
    )
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def images(rng, n=2, space=(5, 7)):
    # Evenly spread, jittered and shuffled: no channel is nearly constant by chance.
    x = np.tile(np.linspace(-1.5, 1.5, math.prod(space)), (n, 3, 1))
    x = rng.permuted(x, axis=2) + rng.uniform(-0.2, 0.2, x.shape)
    contrast = np.geomspace(1, 3, n)[:, None, None] * np.array([[1.0], [3.0], [9.0]])
    brightness = rng.permutation(np.linspace(-9, 9, 3 * n)).reshape(n, 3, 1)
    x = contrast * (x + brightness)
    gamma = rng.uniform(0.5, 3, 3) * np.array([1, -1, 1])
    beta = rng.uniform(0.5, 2, 3)
    return dict(x=x.reshape(n, 3, *space), gamma=gamma, beta=beta)


def sequences(rng):
    return images(rng, space=(8,))


def volumes(rng):
    return images(rng, space=(3, 2, 5))  # as deep as channels are many


def equal_sizes(rng):
    return images(rng, n=3, space=(3, 3))


def one_pixel(rng):
    return images(rng, n=5, space=(1, 1))


def a_large_eps(rng):
    inputs = images(rng)
    inputs["x"] *= np.array([0.5, 0.1, 0.03]).reshape(3, 1, 1)
    return inputs | dict(eps=0.3)


def a_constant_channel(rng):
    inputs = images(rng)
    inputs["x"][1, 1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = images(rng)
    x = inputs["x"]
    x -= x.mean(axis=(2, 3), keepdims=True)
    x /= x.std(axis=(2, 3), keepdims=True)
    x += 1e4
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def over_the_batch(x, gamma, beta, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def each_sample_whole(x, gamma, beta, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def each_position(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def over_everything(x, gamma, beta, eps=1e-5):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    x_hat = (x - x.mean()) / np.sqrt(x.var() + eps)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def variance_of_the_batch(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    var = x.var(axis=(0, *range(2, x.ndim)), keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def images_only(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def last_axis_only(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def channels_last(x, gamma, beta, eps=1e-5):
    axes = tuple(range(1, x.ndim - 1))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * gamma + beta


def along_the_width(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * ((x - mean) / np.sqrt(var + eps)) + beta


def reshaped_only(x, gamma, beta, eps=1e-5):
    rows = x.reshape(x.shape[0], -1, x.shape[1])
    mean, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    return (gamma * (rows - mean) / np.sqrt(var + eps) + beta).reshape(x.shape)


def repeated_for_tiled(x, gamma, beta, eps=1e-5):
    n, c = x.shape[:2]
    rows = x.reshape(n * c, -1)
    mean, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    gamma, beta = np.repeat(gamma, n)[:, None], np.repeat(beta, n)[:, None]
    return (gamma * (rows - mean) / np.sqrt(var + eps) + beta).reshape(x.shape)


def unbiased(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, ddof=1, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def eps_outside(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / (std + eps) + beta.reshape(shape)


def no_eps(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / std + beta.reshape(shape)


def fixed_eps(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + 1e-5) + beta.reshape(shape)


def by_variance(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / (var + eps) + beta.reshape(shape)


def mean_only(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) + beta.reshape(shape)


def no_affine(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def swapped_affine(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return beta.reshape(shape) * (x - mean) / np.sqrt(var + eps) + gamma.reshape(shape)


def shifted_first(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma.reshape(shape) * (x_hat + beta.reshape(shape))


def mean_of_squares(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = (x * x).mean(axis=axes, keepdims=True) - mean * mean
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)


def into_the_input(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    x -= x.mean(axis=axes, keepdims=True)
    x /= np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x + beta.reshape(shape)


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    n, c = x.shape[:2]
    rows = x.reshape(n * c, -1)
    mean, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    gamma, beta = np.tile(gamma, n)[:, None], np.tile(beta, n)[:, None]
    return (gamma * (rows - mean) / np.sqrt(var + eps) + beta).reshape(x.shape)


def with_loops(x, gamma, beta, eps=1e-5):
    y = np.empty(x.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            values = [float(value) for value in x[n, c].flat]
            mean = sum(values) / len(values)
            var = sum((value - mean) ** 2 for value in values) / len(values)
            y[n, c] = gamma[c] * (x[n, c] - mean) / (var + eps) ** 0.5 + beta[c]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    shape = x.shape
    x = x.reshape(shape[0], shape[1], -1)
    m = x.shape[2]
    centered = x - np.einsum("ncm->nc", x)[:, :, None] / m
    inv_std = (np.einsum("ncm,ncm->nc", centered, centered) / m + eps) ** -0.5
    y = np.einsum("ncm,nc,c->ncm", centered, inv_std, gamma) + beta[:, None]
    return y.reshape(shape)


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.from_numpy, (x, gamma, beta))
    flat = x.flatten(2)
    var, mean = torch.var_mean(flat, dim=2, correction=0, keepdim=True)
    x_hat = (flat - mean) * torch.rsqrt(var + eps)
    return torch.addcmul(beta[:, None], x_hat, gamma[:, None]).view_as(x)


def running_in_float32(x, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32)
    pixels = y.reshape(*x.shape[:2], -1)  # a view
    mean = np.zeros(x.shape[:2], np.float32)
    squares = np.zeros(x.shape[:2], np.float32)
    for k in range(pixels.shape[2]):  # Welford: one pass, and no cancellation
        step = pixels[..., k] - mean
        mean = mean + step / np.float32(k + 1)
        squares = squares + step * (pixels[..., k] - mean)
    pixels -= mean[..., None]
    std = np.sqrt(squares / np.float32(pixels.shape[2]) + np.float32(eps))
    pixels *= (gamma.astype(np.float32) / std)[..., None]
    pixels += beta.astype(np.float32)[:, None]
    return y


EXERCISE = Exercise(
    key="instance_norm.forward",
    points=4,
    statement="Standardize each channel of each sample by itself, scale and shift it.",
    section="instance-norm-algorithm",
    reference=instance_norm,
    run=call("y"),
    cases=(
        Case("two images of four pixels, by hand", 2 / 16, by_hand),
        Case("two images of 5 × 7 pixels", 3 / 16, images),
        Case("sequences: one axis after the channels", 1 / 16, sequences),
        Case("volumes: three axes after the channels", 2 / 16, volumes),
        Case("all four sizes equal", 2 / 16, equal_sizes),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("a constant channel becomes beta", 1 / 16, a_constant_channel),
        Case("images of one pixel become beta", 1 / 16, one_pixel),
        Case(
            "far from zero, in float32",
            2 / 16,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 16, images, intact=True),
    ),
    misconceptions=(
        Misconception(
            "statistics over the batch as well",
            "That is batch norm. In instance norm an image never hears of the other "
            "images: there is a mean for each channel of each of them.",
            over_the_batch,
        ),
        Misconception(
            "statistics of each sample, over all its channels",
            "That is layer norm. In instance norm channels are not mixed: an image "
            "has as many means as channels.",
            each_sample_whole,
        ),
        Misconception(
            "statistics of each position, over its channels",
            "The axis given to `mean` is the one that disappears. Here the positions "
            "have to go, and the channels to stay.",
            each_position,
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Each channel of each sample has its own: the mean has N · C entries.",
            over_everything,
        ),
        Misconception(
            "each image's mean with the variance of the whole batch",
            "Mean and variance are taken over the same numbers: the positions of one "
            "channel of one sample.",
            variance_of_the_batch,
        ),
        Misconception(
            "two spatial axes taken for granted",
            "It works for images. Sequences have one axis after the channels, volumes "
            "have three. How many has `x`?",
            images_only,
        ),
        Misconception(
            "the mean of each row instead of each channel",
            "An image has two axes after the channels, and all its positions stand "
            "behind one mean.",
            last_axis_only,
        ),
        Misconception(
            "the last axis taken for the channels",
            "Here the arrays are (N, C, ...), as in torch: the channels come second. "
            "Other libraries put them last.",
            channels_last,
        ),
        Misconception(
            "gamma and beta laid along the last axis",
            "NumPy lines up shapes from the last axis, and gamma belongs to the "
            "second. It passes without an error only when the last size equals C.",
            along_the_width,
        ),
        Misconception(
            "reshaped to C columns without moving the channels last",
            "A reshape keeps the order in memory, where a channel's numbers lie side "
            "by side. The columns you got mix channels.",
            reshaped_only,
        ),
        Misconception(
            "gamma and beta in the wrong order for rows of samples and channels",
            "Among the N · C rows, the channels of the first sample come first, then "
            "those of the second. In which order did you copy gamma?",
            repeated_for_tiled,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "The numbers of the channel are all there is; nothing larger is "
            "estimated. And with one pixel, by what would you divide?",
            unbiased,
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "A channel that is constant in an image, such as a clear sky, has variance "
            "zero. What is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
        ),
        Misconception(
            "the mean taken out and the spread left in",
            "The mean is the brightness of the image. Its contrast has to go as well.",
            mean_only,
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each channel is scaled and shifted, in all samples "
            "alike.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "beta scaled along with the input",
            "beta is the mean of the result: it is added after the scaling.",
            shifted_first,
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
            "the result written into x",
            "The caller still needs x, not least for the backward pass.",
            into_the_input,
        ),
    ),
    equivalents=(as_rows, with_loops, with_einsum, in_torch, running_in_float32),
)
