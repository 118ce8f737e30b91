"""switchable_norm.moments: three means and three variances from one pass."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import far_away, far_from_zero
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.switchable_norm.cases import channels, pixels
from normlib.check.exercises.switchable_norm.protocols import (
    MEMBERS,
    six_moments,
    six_moments_called_again,
    six_moments_from_any_memory,
)


def reference(x):
    return normlib.switchable_moments(x)


def switchable_moments(x):
    """Means and variances of x, (N, C, H, W), for instance, layer and batch norm."""
    mean = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    means, variances = [mean], [var]
    for axis in (1, 0):  # over the channels for layer norm, the images for batch norm
        middle = mean.mean(axis=axis, keepdims=True)
        between = (mean - middle) ** 2
        means.append(middle)
        variances.append((var + between).mean(axis=axis, keepdims=True))
    return means, variances


def means(outputs):
    return {name: value for name, value in outputs.items() if "mean" in name}


def variances(outputs):
    return {name: value for name, value in outputs.items() if "variance" in name}


# Cases. No mean is near zero, where float32 would have no digits to show.


def by_hand(rng):
    image_0, image_1 = [[[0.0, 2.0]], [[3.0, 7.0]]], [[[2.0, 8.0]], [[9.0, 9.0]]]
    return dict(x=np.array([image_0, image_1]))


def maps(rng, n=2, c=3, height=5, width=7, factors=(1, 3, 12)):
    z = pixels(rng, n, c, height * width)
    x = channels(rng, z, factors, (-6, 5, 3.5))
    return dict(x=x.reshape(n, c, height, width))


def equal_sizes_and_zeros(rng):
    inputs = maps(rng, n=3, height=3, width=3)
    inputs["x"][0, 1] = 0
    return inputs


def one_negative_image(rng):
    x = maps(rng, n=1)["x"]
    return dict(x=x - x.max() - 1)


def one_scale_far_from_zero(rng):
    return far_from_zero(maps(rng, factors=(1, 1, 1)))


# Mistakes that can be made in several ways: the shapes give them away.


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
    shapes = _shapes(outputs)
    instance, layer, batch = (tuple(n for n in shape if n > 1) for shape in shapes)
    lost = any(len(shape) < 4 for shape in shapes)
    return lost and instance == layer + batch != ()


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


def in_torch(x):
    import torch

    var, mean = torch.var_mean(
        torch.tensor(x.copy()), dim=(2, 3), correction=0, keepdim=True
    )
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
    reference=reference,
    answer=switchable_moments,
    run=six_moments,
    cases=(
        Case("two images by hand: the means", 1 / 12, by_hand, measure=means),
        Case("two images by hand: the variances", 1 / 12, by_hand, measure=variances),
        Case("two images of 5 × 7 pixels: the means", 1 / 12, maps, measure=means),
        Case("their variances", 1 / 12, maps, measure=variances),
        Case("all four sizes equal, a channel of zeros", 1 / 12, equal_sizes_and_zeros),
        Case("a single image of negative numbers", 1 / 12, one_negative_image),
        Case("images of one pixel", 1 / 12, partial(maps, n=5, height=1, width=1)),
        Case("images of one channel", 1 / 12, partial(maps, c=1)),
        far_away(1 / 12, one_scale_far_from_zero),
        Case(
            "transposed, strided and read-only arrays",
            1 / 12,
            maps,
            run=six_moments_from_any_memory,
        ),
        Case("called a second time", 1 / 12, maps, run=six_moments_called_again),
        Case("x is left as it was", 1 / 12, maps, intact=True),
    ),
    sections={
        "switchable-norm-idea": ("whole-array",),
        "switchable-norm-numerical-care": ("mean-of-squares", "squares-of-means"),
    },
    recognize={"another-order": is_in_another_order, "axes-gone": has_lost_axes},
    equivalents=(three_times, with_loops, in_torch, in_float32),
    symptoms={
        "layer variance and batch variance": "Instance norm's moments are right, and "
        "so are all the means. What do the variances of layer and batch norm consist "
        "of?",
        "layer mean and layer variance": "Only layer norm's moments are wrong. What "
        "does it average over?",
        "batch mean and batch variance": "Only batch norm's moments are wrong. What "
        "does it average over?",
    },
)
