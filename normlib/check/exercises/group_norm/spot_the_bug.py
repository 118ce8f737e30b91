"""group_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Unusable
from normlib.check.separation import apart, leaves_as_it_is, separates


def exposing_input():
    """An x of shape (N, H, W, C) on which the mistake shows."""
    x = np.ones((1, 2, 2, 4))
    x[:, 1] = -1
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


# Inputs that will not do: how each kind is recognized.


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
    """The key of the reason why x will not do; None where it does."""
    x = outputs["x"].astype(np.float64)
    if not (x.size and np.isfinite(x).all()):
        return None  # what is no batch of images raises below
    if apart(right, published, [x]) >= ASKED:
        if leaves_as_it_is(right, [x]):
            return None
        return "halves" if leaves_as_it_is(published, [x]) else "not-normalized"
    if x.shape[1:3] == (1, 1):
        return "one-pixel"
    samples = x.reshape(len(x), -1)
    if not np.ptp(samples, axis=1).any():
        return "without-contrast"
    usual = np.median(samples, axis=1, keepdims=True)
    if (samples != usual).mean() < 0.05:
        return "one-bright-pixel"
    if _alike(x) < 1e-9:
        return "the-same-pattern"
    within = samples.std(axis=1).mean()
    if len(x) > 1 and samples.mean(axis=1).std() > within:
        return "samples-that-differ"
    if x.mean(axis=(0, 1, 2)).std() > 0.3 * within:
        return "channels-that-differ-within"
    if abs(x.mean()) < 0.2 and 0.8 < within < 1.25:
        return "standard-noise"
    return "noise-elsewhere"


# Inputs that do.


def normalized_first():
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 6))
    x[:, :3] += 5.0  # the upper rows, in all channels
    groups = x.reshape(2, 6, 6, 2, 3)  # of neighboring channels
    mean = groups.mean(axis=(1, 2, 4), keepdims=True)
    std = groups.std(axis=(1, 2, 4), keepdims=True)
    return ((groups - mean) / std).reshape(x.shape)


def rows_and_columns():
    row, column = np.indices((2, 2), dtype=np.float32) * 2 - 1
    return np.stack([row, row, column, column], axis=-1)[None]


def in_whole_numbers():
    return [[[[1, 1]], [[-1, -1]]]]


def in_torch():
    import torch

    row = torch.tensor([-1.0, -1.0, 1.0, 1.0]).reshape(1, 4, 1, 1)
    return row.expand(2, 4, 3, 6)


EXERCISE = spotting(
    exposing_input,
    key="group_norm.spot_the_bug",
    statement="A normalized input that a published group norm changes.",
    section="group-norm-mistakes",
    names=("x",),
    case="right returns x as it is, published does not",
    measure=separates(right, published, asked=ASKED, usable=images, unchanged=True),
    kind=_kind,
    equivalents=(normalized_first, rows_and_columns, in_whole_numbers, in_torch),
)
