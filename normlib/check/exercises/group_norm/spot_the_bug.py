"""group_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    x = np.zeros((1, 2, 2, 4))
    x[:] = [0.0, 1.0, 10.0, 11.0]  # a value for each channel
    return x


# The two functions. Both put the channels last, and have two groups.


def right(x, eps=1e-5):
    N, H, W, C = x.shape
    groups = x.astype(np.float64).reshape(N, H, W, 2, C // 2)
    mean = groups.mean(axis=(1, 2, 4), keepdims=True)
    var = groups.var(axis=(1, 2, 4), keepdims=True)
    return ((groups - mean) / np.sqrt(var + eps)).reshape(x.shape)


def published(x, eps=1e-5):
    N, H, W, C = x.shape
    groups = x.astype(np.float64).reshape(N, 2, H, W, C // 2)
    mean = groups.mean(axis=(2, 3, 4), keepdims=True)
    var = groups.var(axis=(2, 3, 4), keepdims=True)
    return ((groups - mean) / np.sqrt(var + eps)).reshape(x.shape)


ASKED = 0.1  # of the largest number; less can be chance


def images(x):
    if x.ndim != 4:
        raise Unusable(f"x should be (N, H, W, C), yours has shape {x.shape}")
    if x.shape[3] % 2:
        raise Unusable(
            f"x should have channels for two groups, yours has {x.shape[3]} of them"
        )


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart.


def without_contrast():
    return np.full((2, 4, 4, 4), 3.0)


def one_pixel():
    offsets = np.array([0.0, 0.0, 9.0, 9.0])
    return np.random.default_rng(0).normal(size=(5, 1, 1, 4)) + offsets


def one_bright_pixel():
    x = np.zeros((1, 8, 8, 4))
    x[0, 2, 3, 1] = 1.0
    return x


def standard_noise():
    return np.random.default_rng(0).normal(size=(2, 64, 64, 4))


def noise_elsewhere():
    return np.random.default_rng(0).normal(loc=50.0, scale=10.0, size=(2, 64, 64, 4))


def samples_that_differ():
    noise = np.random.default_rng(0).normal(size=(3, 64, 64, 4))
    return noise + np.array([0.0, 10.0, 50.0]).reshape(3, 1, 1, 1)


def channels_that_differ_within():
    noise = np.random.default_rng(0).normal(size=(2, 64, 64, 4))
    return noise + np.array([0.0, 10.0, 0.0, 10.0])


def the_same_pattern():
    row, column = np.indices((4, 4))
    checkerboard = ((row + column) % 2).astype(float)
    return np.repeat(checkerboard[None, :, :, None], 4, axis=3)


# What they have in common with others of their kind.


def _alike(x):
    """How far apart the four parts lie (both groups, both halves), in stds of x."""
    N, H, W, C = x.shape
    groups = np.moveaxis(x.reshape(N, H, W, 2, C // 2), 3, 1).reshape(N, 2, -1)
    halves = x.reshape(N, 2, -1)
    parts = np.concatenate([groups, halves], axis=1)
    moments = np.stack([parts.mean(axis=2), parts.std(axis=2)])
    std = x.reshape(N, -1).std(axis=1, keepdims=True)
    return (np.ptp(moments, axis=2, keepdims=True) / std).max()


def _kind(outputs):
    """The reason why x does not tell the two apart; None where it does."""
    x = outputs["x"].astype(np.float64)
    if not np.isfinite(x).all() or share(right, published, [x]) >= ASKED:
        return None  # what is no batch of images raises here
    if x.shape[1:3] == (1, 1):
        return one_pixel
    samples = x.reshape(len(x), -1)
    if not np.ptp(samples, axis=1).any():
        return without_contrast
    usual = np.median(samples, axis=1, keepdims=True)
    if (samples != usual).mean() < 0.05:
        return one_bright_pixel
    if _alike(x) < 1e-9:
        return the_same_pattern
    within = samples.std(axis=1).mean()
    if len(x) > 1 and samples.mean(axis=1).std() > within:
        return samples_that_differ
    if x.mean(axis=(0, 1, 2)).std() > 0.3 * within:
        return channels_that_differ_within
    if abs(x.mean()) < 0.2 and 0.8 < within < 1.25:
        return standard_noise
    return noise_elsewhere


def _is(kind):
    return lambda outputs: _kind(outputs) is kind


# Inputs that do.


def counted_up():
    return np.arange(32, dtype=np.float32).reshape(1, 2, 4, 4)


def one_loud_group():
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 6))
    return x * np.array([1.0, 1.0, 1.0, 20.0, 20.0, 20.0])


def a_dark_half():
    x = np.random.default_rng(2).uniform(0, 1, size=(3, 4, 4, 2))
    x[:, 2:] += 5.0  # the lower rows, in all channels
    return x


def in_torch():
    import torch

    position = torch.linspace(0, 1, 9).reshape(1, 3, 3, 1)
    return position + torch.tensor([0.0, 0.0, 4.0, 4.0])


EXERCISE = Exercise(
    key="group_norm.spot_the_bug",
    points=2,
    statement="An input on which a group norm with a published mistake gives "
    "something else than a right one.",
    section="group-norm-mistakes",
    reference=exposing_input,
    run=call("x"),
    measure=separates(right, published, asked=ASKED, usable=images),
    cases=(Case("right and wrong differ on your input", 1.0, no_arguments),),
    misconceptions=(
        Misconception(
            "images without contrast",
            "When all numbers of an image are equal, zero comes out, however they "
            "are grouped.",
            without_contrast,
            recognize=_is(without_contrast),
        ),
        Misconception(
            "images of one pixel",
            "With a single position, the reshape splits the channels and nothing "
            "else, which is right. What else is there to split when there are rows?",
            one_pixel,
            recognize=_is(one_pixel),
        ),
        Misconception(
            "a single number that differs",
            "Whichever group it falls in, it is one among as many, and comes out as "
            "large. The others are nearly zero, with it or without it.",
            one_bright_pixel,
            recognize=_is(one_bright_pixel),
        ),
        Misconception(
            "standard normal noise everywhere",
            "One large sample of such noise has the mean and the spread of any other. "
            "Statistics of the wrong numbers are then as good as those of the right "
            "ones. This is how such mistakes survive tests.",
            standard_noise,
            recognize=_is(standard_noise),
        ),
        Misconception(
            "noise of one mean and one spread",
            "Another mean and another spread change nothing if all channels and all "
            "rows have them: any group of numbers is like any other.",
            noise_elsewhere,
            recognize=_is(noise_elsewhere),
        ),
        Misconception(
            "samples that differ, and nothing else that does",
            "Neither of the two mixes samples. What they disagree about lies within "
            "one image.",
            samples_that_differ,
            recognize=_is(samples_that_differ),
        ),
        Misconception(
            "channels that differ within each group, and groups that are alike",
            "The channels are not equal, and that is the right idea. But what is "
            "compared are the statistics of whole groups: which channels are in the "
            "first, which in the second?",
            channels_that_differ_within,
            recognize=_is(channels_that_differ_within),
        ),
        Misconception(
            "the same pattern in every part",
            "Both groups of channels have exactly the mean and the variance that the "
            "upper and the lower rows have.",
            the_same_pattern,
            recognize=_is(the_same_pattern),
        ),
    ),
    equivalents=(counted_up, one_loud_group, a_dark_half, in_torch),
)
