"""instance_norm.spot_the_bug: images that give away a layer which remembers."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(4, 3, 8, 8))
    x = 50 + 10 * rng.normal(size=(1, 3, 8, 8))
    return train, x


# The functions. The wrong layers have seen the images `train` in training; in eval mode
# they use averages over these for x.


def statistics(images):
    images = images.astype(np.float64)
    first = images[:, :, :1, :1]  # less this, the mean of equal numbers is exact
    mean = first + (images - first).mean((2, 3), keepdims=True)
    return mean, ((images - mean) ** 2).mean((2, 3), keepdims=True)


def normalized(x, mean, var):
    return (x - mean) / np.sqrt(var + 1e-5)


def right(train, x):
    return normalized(x, *statistics(x))


def published(train, x):
    mean, var = statistics(train)
    return normalized(x, mean.mean(axis=0), var.mean(axis=0))


def remembers_the_mean(train, x):
    return normalized(x, statistics(train)[0].mean(axis=0), statistics(x)[1])


def remembers_the_variance(train, x):
    return normalized(x, statistics(x)[0], statistics(train)[1].mean(axis=0))


ASKED = 0.5  # of the largest value


def images(train, x):
    shapes = f"yours have shapes {train.shape} and {x.shape}"
    if train.ndim != 4 or x.ndim != 4:
        raise Unusable(f"train and x should be (N, C, H, W), {shapes}")
    if train.shape[1] != x.shape[1]:
        raise Unusable(f"train and x should have as many channels, {shapes}")
    if max(np.abs(train).max(), np.abs(x).max()) > 1e15:
        raise Unusable("train and x should hold magnitudes up to 1e15")


def no_arguments(rng):
    return {}


# Images that do not tell them apart, or only half.


def the_training_image():
    x = 50 + 10 * np.random.default_rng(1).normal(size=(1, 3, 8, 8))
    return x, x


def noise_and_noise():
    rng = np.random.default_rng(1)
    return rng.normal(size=(8, 3, 16, 16)), rng.normal(size=(2, 3, 16, 16))


def between_dark_and_bright():
    x = np.random.default_rng(1).normal(size=(1, 3, 8, 8))
    return np.concatenate([x - 5, x + 5]), x


def brighter():
    train = np.random.default_rng(1).normal(size=(1, 3, 8, 8))
    return train, train + 5


def more_contrast():
    train = np.random.default_rng(1).normal(size=(1, 3, 8, 8))
    train = train - train.mean(axis=(2, 3), keepdims=True)
    return train, 10 * train


def dark_pictures():
    rng = np.random.default_rng(1)
    train = 1e-4 * rng.normal(size=(4, 3, 8, 8))
    return train, 5e-3 + 3e-4 * rng.normal(size=(1, 3, 8, 8))


def clear_sky():
    train = np.random.default_rng(1).normal(size=(4, 3, 8, 8))
    return train, np.full((1, 3, 8, 8), 0.9)


def pixels():
    train = np.random.default_rng(1).normal(size=(4, 3, 1, 1))
    return train, 50 + 10 * train


def a_lone_picture():
    train = np.random.default_rng(1).normal(size=(3, 8, 8))
    return train, 50 + 10 * train


# What they have in common with others of their kind.


def _exposes(wrong, train, x):
    return share(right, wrong, [train, x]) >= ASKED


def _kind(outputs):
    """The reason why the images tell too little; None where they tell all."""
    train, x = outputs["train"], outputs["x"]
    if 3 in (train.ndim, x.ndim):
        return a_lone_picture
    images(train, x)
    mean = _exposes(remembers_the_mean, train, x)
    variance = _exposes(remembers_the_variance, train, x)
    if mean and variance:
        return None
    if x[0, 0].size == 1:
        return pixels
    if not np.ptp(x, axis=(2, 3)).any():
        return clear_sky
    if not variance and max(statistics(x)[1].max(), statistics(train)[1].max()) < 1e-6:
        return dark_pictures
    if mean or variance:
        return brighter if mean else more_contrast
    if train.shape[1:] == x.shape[1:] and any(np.allclose(x, seen) for seen in train):
        return the_training_image
    if any(_exposes(published, train, image[None]) for image in train):
        return between_dark_and_bright
    return noise_and_noise


def _is(kind):
    return lambda outputs: outputs["x"].size > 0 and _kind(outputs) is kind


# Images that do.


def the_same_picture_at_noon():
    train = np.arange(48.0).reshape(1, 3, 4, 4)
    return train, 3 * train + 100


def a_remote_control():
    train = np.zeros((2, 1, 2, 2))
    train[:, :, 0] = 1.0
    return [train.tolist(), (-20 * train).tolist()]


def each_in_one_channel():
    rng = np.random.default_rng(2)
    train = rng.uniform(0, 1, size=(3, 2, 6, 6)).astype(np.float32)
    x = train[:2].copy()
    x[:, 0] += 3
    x[:, 1] = (x[:, 1] - x[:, 1].mean()) * 4 + 0.5
    return train, x


def fog():
    import torch

    generator = torch.Generator().manual_seed(0)
    train = 255 * torch.rand(5, 3, 9, 7, generator=generator)
    return train, 230 + train[:1] / 25


EXERCISE = Exercise(
    key="instance_norm.spot_the_bug",
    points=2,
    statement="Images on which a layer that remembers gives something else than a "
    "right one.",
    section="instance-norm-module",
    reference=exposing_input,
    run=call("train", "x"),
    cases=(
        Case(
            "right and wrong differ on your images",
            2 / 4,
            no_arguments,
            measure=separates(right, published, asked=ASKED, usable=images),
        ),
        Case(
            "so they do if only the mean is remembered",
            1 / 4,
            no_arguments,
            measure=separates(right, remembers_the_mean, asked=ASKED, usable=images),
        ),
        Case(
            "so they do if only the variance is remembered",
            1 / 4,
            no_arguments,
            measure=separates(
                right, remembers_the_variance, asked=ASKED, usable=images
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "the very image that the layer was trained on",
            "What it remembers of this image are the image's own statistics. Every "
            "test that passes one array through the layer twice will pass.",
            the_training_image,
            recognize=_is(the_training_image),
        ),
        Misconception(
            "an image like all those in training",
            "Numbers drawn in the same way have nearly the same mean and spread, the "
            "more so the more pixels there are. When do an image's own statistics "
            "differ from the usual ones?",
            noise_and_noise,
            recognize=_is(noise_and_noise),
        ),
        Misconception(
            "an image like the average of those in training",
            "The training images differ, but what is remembered is their average, and "
            "your `x` lies there. Which images lie far from it?",
            between_dark_and_bright,
            recognize=_is(between_dark_and_bright),
        ),
        Misconception(
            "a brighter or darker image of the same contrast",
            "That gives the remembered mean away. With a remembered variance and its "
            "own mean, the layer would be right on it, or nearly.",
            brighter,
            recognize=_is(brighter),
        ),
        Misconception(
            "an image of other contrast and the same brightness",
            "That gives the remembered variance away. With a remembered mean and its "
            "own variance, the layer would be right on it, or nearly.",
            more_contrast,
            recognize=_is(more_contrast),
        ),
        Misconception(
            "numbers so small that eps decides",
            "Next to eps = 1e-5 both variances are nothing, so it does not matter "
            "which of them is used. In which unit are your pixels?",
            dark_pictures,
            recognize=_is(dark_pictures),
        ),
        Misconception(
            "an image without any contrast",
            "Minus its own mean it is 0, whatever that is divided by. So it cannot "
            "give a remembered variance away.",
            clear_sky,
            recognize=_is(clear_sky),
        ),
        Misconception(
            "images of one pixel",
            "A lone pixel is its own mean, and has no variance that could differ from "
            "a remembered one. torch refuses such images.",
            pixels,
            recognize=_is(pixels),
        ),
        Misconception(
            "an image without the axis of the batch",
            "One image has the shape (1, C, H, W).",
            a_lone_picture,
            recognize=_is(a_lone_picture),
        ),
    ),
    equivalents=(
        the_same_picture_at_noon,
        a_remote_control,
        each_in_one_channel,
        fog,
    ),
)
