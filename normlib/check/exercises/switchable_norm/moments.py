"""switchable_norm.moments: three means and three variances from one pass."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.switchable_norm.protocols import MEMBERS, six_moments


def switchable_moments(x):
    return normlib.switchable_moments(x)


def means(outputs):
    return {name: value for name, value in outputs.items() if "mean" in name}


def variances(outputs):
    return {name: value for name, value in outputs.items() if "variance" in name}


# Cases. Images and channels differ in offset, channels also in spread, so that what
# is averaged over which axis is plain in every number.


def by_hand(rng):
    image_0, image_1 = [[[0.0, 2.0]], [[3.0, 7.0]]], [[[2.0, 8.0]], [[9.0, 9.0]]]
    return dict(x=np.array([image_0, image_1]))


def maps(rng, n=2, height=5, width=7):
    image = rng.permutation(np.linspace(-2, 2, n)).reshape(n, 1, 1)
    position = np.tile(np.linspace(-1.5, 1.5, height * width), (n, 3, 1))
    x = image + rng.permuted(position, axis=2) + rng.uniform(-0.2, 0.2, position.shape)
    # No mean is near zero, where float32 would have no digits to show.
    offset = np.array([[-6.0], [15.0], [40.0]]) + rng.uniform(-1, 1, (3, 1))
    x = np.array([[1.0], [3.0], [12.0]]) * x + offset
    return dict(x=x.reshape(n, 3, height, width))


def equal_sizes(rng):
    return maps(rng, n=3, height=3, width=3)


def one_image(rng):
    return maps(rng, n=1)


def one_pixel(rng):
    return maps(rng, n=5, height=1, width=1)


def far_from_zero(rng):
    x = maps(rng)["x"] / np.array([1.0, 3.0, 12.0]).reshape(3, 1, 1)
    return dict(x=(1e4 + x).astype(np.float32))


# What people get wrong.


def within_alone(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        variances.append(var.mean(axis=axis, keepdims=True))
    return means, variances


def between_alone(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    means, variances = [mean], [x.var(axis=(2, 3), keepdims=True)]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        variances.append(mean.var(axis=axis, keepdims=True))
    return means, variances


def around_the_grand_mean(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        spread = var + (mean - mean.mean()) ** 2
        variances.append(spread.mean(axis=axis, keepdims=True))
    return means, variances


def sums_for_means(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        spread = var + (mean - means[-1]) ** 2
        variances.append(spread.sum(axis=axis, keepdims=True))
    return means, variances


def unbiased_between(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        within = var.mean(axis=axis, keepdims=True)
        variances.append(within + mean.var(axis=axis, ddof=1, keepdims=True))
    return means, variances


def unbiased_instance(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), ddof=1, keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        spread = var + (mean - means[-1]) ** 2
        variances.append(spread.mean(axis=axis, keepdims=True))
    return means, variances


def unbiased(x):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    return means, [x.var(axis=axis, ddof=1, keepdims=True) for axis in axes]


def standard_deviations(x):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    return means, [x.std(axis=axis, keepdims=True) for axis in axes]


def another_order(x):
    axes = (0, 2, 3), (2, 3), (1, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    return means, [x.var(axis=axis, keepdims=True) for axis in axes]


def layer_and_batch_at_a_pixel(x):
    axes = (2, 3), 1, 0
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    return means, [x.var(axis=axis, keepdims=True) for axis in axes]


def layer_at_a_pixel(x):
    axes = (2, 3), 1, (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    return means, [x.var(axis=axis, keepdims=True) for axis in axes]


def axes_gone(x):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis) for axis in axes]
    return means, [x.var(axis=axis) for axis in axes]


def one_for_the_whole_array(x):
    means, variances = [], []
    for shape in ((*x.shape[:2], 1, 1), (len(x), 1, 1, 1), (1, x.shape[1], 1, 1)):
        means.append(np.full(shape, x.mean()))
        variances.append(np.full(shape, x.var()))
    return means, variances


def mean_of_squares(x):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = [x.mean(axis=axis, keepdims=True) for axis in axes]
    squares = [(x * x).mean(axis=axis, keepdims=True) for axis in axes]
    return means, [s - m * m for s, m in zip(squares, means, strict=True)]


def squares_of_means(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        square = (var + mean * mean).mean(axis=axis, keepdims=True)
        variances.append(square - means[-1] * means[-1])
    return means, variances


def into_the_input(x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    x -= mean
    var = (x * x).mean(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):
        means.append(mean.mean(axis=axis, keepdims=True))
        spread = var + (mean - means[-1]) ** 2
        variances.append(spread.mean(axis=axis, keepdims=True))
    return means, variances


# Mistakes that can be made in several ways, seen in the shapes.


def _shapes(outputs):
    return [outputs[f"{member} mean"].shape for member in MEMBERS]


def is_in_another_order(outputs):
    shapes = _shapes(outputs)
    if any(len(shape) != 4 for shape in shapes):
        return False
    n, c = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    wanted = [(n, c, 1, 1), (n, 1, 1, 1), (1, c, 1, 1)]
    return shapes != wanted and sorted(shapes) == sorted(wanted)


def has_lost_axes(outputs):
    return any(len(shape) < 4 for shape in _shapes(outputs))


# Right answers in other styles. Nothing tells from the result whether the data were
# read once or three times.


def three_times(x):
    axes = (2, 3), (1, 2, 3), (0, 2, 3)
    means = tuple(x.mean(axis=axis, keepdims=True) for axis in axes)
    return means, tuple(x.var(axis=axis, keepdims=True) for axis in axes)


def with_loops(x):
    n, c = x.shape[:2]
    means = [np.zeros((n, c, 1, 1)), np.zeros((n, 1, 1, 1)), np.zeros((1, c, 1, 1))]
    variances = [np.zeros_like(mean) for mean in means]

    def moments(values):
        values = [float(value) for value in values.ravel()]
        mean = sum(values) / len(values)
        return mean, sum((value - mean) ** 2 for value in values) / len(values)

    for i in range(n):
        means[1][i], variances[1][i] = moments(x[i])
        for j in range(c):
            means[0][i, j], variances[0][i, j] = moments(x[i, j])
            means[2][0, j], variances[2][0, j] = moments(x[:, j])
    return means, variances


def with_einsum(x):
    n, c, h, w = x.shape
    mean = np.einsum("nchw->nc", x) / (h * w)
    rest = x - mean[:, :, None, None]
    var = np.einsum("nchw,nchw->nc", rest, rest) / (h * w)
    layer, batch = np.einsum("nc->n", mean) / c, np.einsum("nc->c", mean) / n
    var_layer = np.einsum("nc->n", var + (mean - layer[:, None]) ** 2) / c
    var_batch = np.einsum("nc->c", var + (mean - batch) ** 2) / n
    means = mean.reshape(n, c, 1, 1), layer.reshape(n, 1, 1, 1)
    variances = var.reshape(n, c, 1, 1), var_layer.reshape(n, 1, 1, 1)
    return (
        (*means, batch.reshape(1, c, 1, 1)),
        (*variances, var_batch.reshape(1, c, 1, 1)),
    )


def in_torch(x):
    import torch

    var, mean = torch.var_mean(torch.tensor(x), dim=(2, 3), correction=0, keepdim=True)
    means, variances = [mean], [var]
    for dim in (1, 0):
        between, middle = torch.var_mean(mean, dim=dim, correction=0, keepdim=True)
        means.append(middle)
        variances.append(var.mean(dim=dim, keepdim=True) + between)
    return means, variances


def in_float32(x):
    x = np.array(x, dtype=np.float32)
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = np.square(x - mean).mean(axis=(2, 3), keepdims=True)
    return (mean, mean.mean(1, keepdims=True), mean.mean(0, keepdims=True)), (
        var,
        var.mean(1, keepdims=True) + mean.var(1, keepdims=True),
        var.mean(0, keepdims=True) + mean.var(0, keepdims=True),
    )


EXERCISE = Exercise(
    key="switchable_norm.moments",
    points=3,
    statement="Mean and variance for instance, layer and batch norm, from one pass.",
    section="switchable-norm-moments",
    reference=switchable_moments,
    run=six_moments,
    cases=(
        Case("two images by hand: the means", 1 / 12, by_hand, measure=means),
        Case("two images by hand: the variances", 1 / 12, by_hand, measure=variances),
        Case("two images of 5 × 7 pixels: the means", 2 / 12, maps, measure=means),
        Case("their variances", 2 / 12, maps, measure=variances),
        Case("all four sizes equal", 2 / 12, equal_sizes),
        Case("a single image", 1 / 12, one_image),
        Case("images of one pixel", 1 / 12, one_pixel),
        Case(
            "far from zero, in float32",
            1 / 12,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 12, maps, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the mean of the variances, without the variance of the means",
            "Within a channel the variance is taken around that channel's mean. How "
            "far the means lie apart is spread too, and it is missing.",
            within_alone,
        ),
        Misconception(
            "the variance of the means, without the mean of the variances",
            "The means do not vary the way the pixels do: what spreads around each "
            "mean is missing.",
            between_alone,
        ),
        Misconception(
            "the means compared with the mean of the whole array",
            "Layer norm looks at one image and batch norm at one channel. How far a "
            "mean lies from the mean of that image, or of that channel, is what "
            "counts.",
            around_the_grand_mean,
        ),
        Misconception(
            "variances added up instead of averaged",
            "Every channel has as many pixels as any other, so each counts the same. "
            "More channels do not make a larger variance.",
            sums_for_means,
        ),
        Misconception(
            "the variance of the means divided by one less than their number",
            "The means are all there is to average, no sample of more of them. torch's "
            "`var` divides by one less unless told otherwise.",
            unbiased_between,
        ),
        Misconception(
            "the unbiased variance for instance norm, and what follows from it",
            "All three variances divide by the number of values. Put an unbiased one "
            "into the law of total variance, and what comes out for layer and batch "
            "norm is neither of the two. With one pixel it is 0 / 0.",
            unbiased_instance,
        ),
        Misconception(
            "the unbiased variance for all three",
            "Each norm divides by the number of values that it standardizes.",
            unbiased,
        ),
        Misconception(
            "standard deviations instead of variances",
            "Variances are what is mixed later, and the root comes after that.",
            standard_deviations,
        ),
        Misconception(
            "the three in another order",
            "The order here is instance, layer, batch, and it tells which logit "
            "belongs to which. Libraries differ, and nothing but the shapes gives it "
            "away.",
            another_order,
            recognize=is_in_another_order,
        ),
        Misconception(
            "layer and batch norm at each pixel by itself",
            "Both average over the pixels too. Instance norm has done that already: "
            "start from its mean instead of x.",
            layer_and_batch_at_a_pixel,
        ),
        Misconception(
            "layer norm at each pixel, over the channels alone",
            "Some networks normalize images like that and call it layer norm. Here "
            "an image has one mean, over its channels and its pixels.",
            layer_at_a_pixel,
        ),
        Misconception(
            "axes of length 1 that are gone",
            "The six arrays are to meet each other and x. Arrays of four axes know "
            "which of theirs are which; others line up from the last.",
            axes_gone,
            recognize=has_lost_axes,
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "The shapes are right, and everything in them is the same number. Which "
            "numbers share a mean is all that tells the three norms apart.",
            one_for_the_whole_array,
            section="switchable-norm-idea",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="switchable-norm-numerical-care",
        ),
        Misconception(
            "the law of total variance through squares of means",
            "Instance norm's variance is right, and the squares of large means spoil "
            "the other two: they agree in all the digits of float32. How far "
            "apart are the means themselves?",
            squares_of_means,
            section="switchable-norm-numerical-care",
        ),
        Misconception(
            "the centered values written into x",
            "The caller still needs x: the moments are there to normalize it.",
            into_the_input,
        ),
    ),
    equivalents=(three_times, with_loops, with_einsum, in_torch, in_float32),
    symptoms=(
        (
            frozenset({"layer variance", "batch variance"}),
            "Instance norm's moments are right, and so are the means. What do the "
            "variances of layer and batch norm consist of?",
        ),
        (
            frozenset({"layer mean", "layer variance"}),
            "Only layer norm's moments are wrong. What does it average over?",
        ),
        (
            frozenset({"batch mean", "batch variance"}),
            "Only batch norm's moments are wrong. What does it average over?",
        ),
    ),
)
