"""instance_norm.spot_the_bug: images that give away a layer which remembers."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import apart, separates


def exposing_input():
    """Images (train, x), each (N, C, H, W), on which remembering goes wrong."""
    rng = np.random.default_rng(0)
    train = rng.normal(size=(4, 3, 8, 8))
    x = 50 + 10 * train[:1]
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
        raise Refused("train and x should hold magnitudes up to 1e15")


def _in_another_light(train, x):
    """Whether each of ``x`` is a training image but for brightness and contrast."""
    seen, given = right(train, train), right(x, x)
    if seen.shape[1:] != given.shape[1:]:
        return False
    close = 0.01 * np.abs(given).max()  # eps makes a difference, too
    return all((np.abs(seen - y).max(axis=(1, 2, 3)) <= close).any() for y in given)


def training_images(train, x):
    images(train, x)
    if not _in_another_light(train, x):
        raise Unusable("x should be one of the training images in another light")


def tells_all_apart(outputs):
    """The measure: whether the images separate right from each of the wrong layers."""
    found: dict[str, np.ndarray] = {}
    for what, wrong in (
        ("", published),
        ("if only the mean is remembered, ", remembers_the_mean),
        ("if only the variance is remembered, ", remembers_the_variance),
    ):
        try:
            found |= separates(right, wrong, ASKED, usable=training_images)(outputs)
        except Unusable as error:
            raise type(error)(f"{what}{error}") from None
    return found


# Images that do not tell them apart, or only half: how each kind is recognized.


def _exposes(wrong, train, x):
    return apart(right, wrong, [train, x]) >= ASKED


def _kind(outputs):
    """The key of the reason why the images tell too little; None for others."""
    train, x = outputs["train"], outputs["x"]
    if 3 in (train.ndim, x.ndim):
        return "a-lone-picture"
    images(train, x)
    mean = _exposes(remembers_the_mean, train, x)
    variance = _exposes(remembers_the_variance, train, x)
    if mean and variance:
        return None if _in_another_light(train, x) else "another-image"
    if x[0, 0].size == 1:
        return "pixels"
    if not np.ptp(x, axis=(2, 3)).any():
        return "clear-sky"
    if not variance and max(statistics(x)[1].max(), statistics(train)[1].max()) < 1e-6:
        return "dark-pictures"
    if mean or variance:
        return "brighter" if mean else "more-contrast"
    if train.shape[1:] == x.shape[1:] and any(np.allclose(x, seen) for seen in train):
        return "the-training-image"
    if any(_exposes(published, train, image[None]) for image in train):
        return "between-dark-and-bright"
    return "noise-and-noise"


# Images that do.


def the_same_picture_at_noon():
    train = np.arange(48.0).reshape(1, 3, 4, 4)
    return train, 3 * train + 100


def a_remote_control():
    train = np.zeros((2, 1, 2, 2))
    train[:, :, 0] = 1.0
    train = train.astype(int)
    return [train.tolist(), (20 * train - 300).tolist()]


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


EXERCISE = spotting(
    exposing_input,
    key="instance_norm.spot_the_bug",
    statement="Training images in another light, on which a layer that remembers goes "
    "wrong.",
    section="instance-norm-module",
    names=("train", "x"),
    case="right and wrong differ on your images, whichever half is remembered",
    measure=tells_all_apart,
    kind=_kind,
    equivalents=(the_same_picture_at_noon, a_remote_control, each_in_one_channel, fog),
)
