"""batch_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
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


def a_batch(x):
    if x.ndim != 2:
        raise Unusable(f"x should be (N, D), yours has shape {x.shape}")
    if np.abs(x).max() > 1e15:
        raise Unusable("x should hold magnitudes up to 1e15; float32 ends at 1e38")


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart.


def standard_normal():
    return np.random.default_rng(0).normal(size=(8, 3))


def large_numbers_around_zero():
    return 1e6 * np.random.default_rng(0).normal(size=(8, 3))


def small_numbers_around_zero():
    return 1e-4 * np.random.default_rng(0).normal(size=(8, 3))


def one_row():
    return np.array([[10_000.0, 20_000.0]])


def constant_features():
    return np.full((4, 2), 4096.0)


def not_far_enough():
    return 30 + np.random.default_rng(0).normal(size=(8, 3))


def not_a_batch():
    return np.array([1.0, 2.0, 3.0])


# What they have in common with others of their kind.


def _kind(outputs):
    """The reason why x does not tell the two apart; None where it does."""
    x = outputs["x"]
    if x.ndim != 2:
        return not_a_batch
    if share(right, published, [x]) >= ASKED:
        return None
    if len(x) == 1:
        return one_row
    if not np.ptp(x, axis=0).any():
        return constant_features
    wide = x.astype(np.float64)
    if (np.abs(wide.mean(axis=0)) > 5 * wide.std(axis=0)).any():
        return not_far_enough
    if wide.std(axis=0).max() > 30:
        return large_numbers_around_zero
    if wide.std(axis=0).max() < 0.03:
        return small_numbers_around_zero
    return standard_normal


def _is(kind):
    return lambda outputs: _kind(outputs) is kind


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


def in_torch():
    import torch

    return 20_000 + torch.arange(12.0).reshape(6, 2) / 10


EXERCISE = Exercise(
    key="batch_norm.spot_the_bug",
    points=2,
    statement="A batch on which a published batch norm gives something else than a "
    "right one.",
    section="numerical-care",
    reference=exposing_input,
    run=call("x"),
    measure=separates(right, published, asked=ASKED, usable=a_batch),
    cases=(Case("right and wrong differ on your batch", 1.0, no_arguments),),
    misconceptions=(
        Misconception(
            "standard normal numbers",
            "Their mean is near 0, so nothing is lost when its square is subtracted. "
            "Every test with such numbers passes.",
            standard_normal,
            recognize=_is(standard_normal),
        ),
        Misconception(
            "large numbers around zero",
            "Multiply x by a million, and the variance and its rounding error grow "
            "together. It is not the size that counts. Compared with what must "
            "something be large?",
            large_numbers_around_zero,
            recognize=_is(large_numbers_around_zero),
        ),
        Misconception(
            "small numbers around zero",
            "Where the variance is small, eps decides, and it stands in the same "
            "place in both.",
            small_numbers_around_zero,
            recognize=_is(small_numbers_around_zero),
        ),
        Misconception(
            "a single row",
            "Minus its own mean it is zero, whatever it is divided by.",
            one_row,
            recognize=_is(one_row),
        ),
        Misconception(
            "constant features",
            "What is constant becomes zero when its mean is subtracted, and then the "
            "divisor does not matter.",
            constant_features,
            recognize=_is(constant_features),
        ),
        Misconception(
            "an offset that is not large enough",
            "float32 keeps seven digits. The squares of an offset of 30 leave four of "
            "them to the variance. How far off may it be until none is left?",
            not_far_enough,
            recognize=_is(not_far_enough),
        ),
        Misconception(
            "numbers without a batch around them",
            "Both functions take `(N, D)`: a row for each sample, a column for each "
            "feature.",
            not_a_batch,
            recognize=_is(not_a_batch),
        ),
    ),
    equivalents=(far_in_float32, one_far_feature, as_a_list, in_torch),
)
