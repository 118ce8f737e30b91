"""batch_norm.spot_the_bug: an input on which a repaired shortcut still goes wrong."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import apart, separates


def exposing_input():
    """A batch on which the repaired function goes wrong."""
    x = np.array([[0.0, 1.0], [1.0, 3.0], [3.0, 2.0], [4.0, 5.0]])
    return x + np.array([0, 10_000])


# The two functions. Both compute in float32, as networks do.


def right(x, eps=1e-5):
    x = x.astype(np.float32)
    centered = x - x.mean(axis=0)
    return centered / np.sqrt((centered**2).mean(axis=0) + eps)


def repaired(x, eps=1e-5):
    x = x.astype(np.float32)
    x = x - x[0, 0]
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
    if not np.abs(x).max(initial=0) <= LARGEST or apart(right, repaired, [x]) >= ASKED:
        return None
    if len(x) == 1:
        return "one-row"
    wide = x.astype(np.float32).astype(np.float64)  # what the functions compute with
    varies = np.ptp(wide, axis=0) > 0
    if not varies.any():
        return "constant-features"
    mean, std = wide.mean(axis=0), wide.std(axis=0)
    far, offset = np.abs(mean - wide[0, 0]) > 5 * std, np.abs(mean) > 5 * std
    if x.shape[1] == 1 and (far | offset).any():
        return "one-feature"
    if far.any():  # a constant one is exposed at no distance
        return "not-far-enough" if (far & varies).any() else "constant-features"
    if offset.any():
        return "one-offset"
    if std.max() > 30:
        return "large-numbers-around-zero"
    if std.max() < 0.03:
        return "small-numbers-around-zero"
    return "standard-normal"


# Inputs that do.


def far_in_float32():
    x = np.random.default_rng(1).normal(size=(8, 3))
    return (x + np.array([-5000, 0, 5000])).astype(np.float32)


def one_far_feature():
    x = np.random.default_rng(2).normal(size=(16, 4))
    x[:, 2] = 500 - 0.01 * x[:, 2]
    return x


def far_in_its_first_number():
    x = np.random.default_rng(3).normal(size=(16, 4))
    x[0, 0] = 20_000
    return x


def as_a_list():
    return [[20_000.0, 0.0], [20_001.0, 1.0], [20_003.0, 5.0]]


def in_whole_numbers():
    return np.array([[0, 10_000], [1, 10_002]])


def in_torch():
    import torch

    return torch.arange(12.0).reshape(6, 2) / 10 + torch.tensor([0.0, 20_000])


EXERCISE = spotting(
    exposing_input,
    key="batch_norm.spot_the_bug",
    statement="A batch on which a repaired batch norm gives something else than a "
    "right one.",
    section="numerical-care",
    names=("x",),
    case="right and wrong differ on your batch",
    measure=separates(right, repaired, asked=ASKED, usable=a_batch),
    kind=_kind,
    equivalents=(
        far_in_float32,
        one_far_feature,
        far_in_its_first_number,
        as_a_list,
        in_whole_numbers,
        in_torch,
    ),
)
