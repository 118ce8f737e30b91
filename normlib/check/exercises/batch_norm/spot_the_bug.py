"""batch_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import separates, share


def exposing_input():
    """A batch on which the published function goes wrong."""
    x = np.array([[0.0, 1.0], [1.0, 3.0], [3.0, 2.0], [4.0, 5.0]])
    return x + 10_000


# The two functions. Both compute in float32, as networks do.


def right(x, eps=1e-5):
    x = x.astype(np.float32)
    centered = x - x.mean(axis=0)
    return centered / np.sqrt((centered**2).mean(axis=0) + eps)


def published(x, eps=1e-5):
    x = x.astype(np.float32)
    mean = x.mean(axis=0)
    var = np.maximum((x * x).mean(axis=0) - mean * mean, 0)
    return (x - mean) / np.sqrt(var + eps)


ASKED = 0.05  # of the largest value
LARGEST = 1e15  # its square is a number in float32


def a_batch(x):
    if x.ndim != 2:
        raise Unusable(f"x should be (N, D), yours has shape {x.shape}")
    if np.abs(x).max() > LARGEST:
        raise Refused("x should hold magnitudes up to 1e15; float32 ends at 1e38")


# Inputs that do not tell the two apart: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why x does not tell the two apart; None where it does."""
    x = outputs["x"]
    if x.ndim != 2:
        return "not-a-batch"
    if not np.abs(x).max(initial=0) <= LARGEST or share(right, published, [x]) >= ASKED:
        return None
    if len(x) == 1:
        return "one-row"
    if not np.ptp(x, axis=0).any():
        return "constant-features"
    wide = x.astype(np.float64)
    if (np.abs(wide.mean(axis=0)) > 5 * wide.std(axis=0)).any():
        return "not-far-enough"
    if wide.std(axis=0).max() > 30:
        return "large-numbers-around-zero"
    if wide.std(axis=0).max() < 0.03:
        return "small-numbers-around-zero"
    return "standard-normal"


# Inputs that do.


def far_in_float32():
    x = 5000 + np.random.default_rng(1).normal(size=(8, 3))
    return x.astype(np.float32)


def one_far_feature():
    x = np.random.default_rng(2).normal(size=(16, 4))
    x[:, 2] = 500 - 0.01 * x[:, 2]
    return x


def as_a_list():
    return [[20_000.0], [20_001.0], [20_003.0]]


def in_whole_numbers():
    return np.array([[10_000], [10_002]])


def in_torch():
    import torch

    return 20_000 + torch.arange(12.0).reshape(6, 2) / 10


EXERCISE = spotting(
    exposing_input,
    key="batch_norm.spot_the_bug",
    statement="A batch on which a published batch norm gives something else than a "
    "right one.",
    section="numerical-care",
    names=("x",),
    case="right and wrong differ on your batch",
    measure=separates(right, published, asked=ASKED, usable=a_batch),
    kind=_kind,
    equivalents=(
        far_in_float32,
        one_far_feature,
        as_a_list,
        in_whole_numbers,
        in_torch,
    ),
)
