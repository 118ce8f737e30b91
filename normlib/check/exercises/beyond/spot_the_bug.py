"""beyond.spot_the_bug: an input that shows where another RMS norm has its eps."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    return np.full((2, 3), 1e-3), np.ones(3)


# The two functions. In both, eps is 1e-6.


def inside(x, gamma, eps=1e-6):
    x = x.astype(np.float64)
    return gamma * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


def outside(x, gamma, eps=1e-6):
    x = x.astype(np.float64)
    return gamma * x / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + eps)


ASKED = 0.1  # of the largest number


def rows(x, gamma):
    if x.ndim != 2:
        raise Unusable(f"x should be (N, D), yours has shape {x.shape}")
    if gamma.shape != x.shape[1:]:
        raise Unusable(
            f"gamma should have shape {x.shape[1:]} to go with x, yours has "
            f"{gamma.shape}"
        )
    if np.abs(x).max() > 1e15:
        raise Unusable("x should hold magnitudes up to 1e15")


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart.


def zeros():
    return np.zeros((3, 4)), np.ones(4)


def a_gamma_of_zeros():
    return 1e-3 * np.random.default_rng(0).normal(size=(3, 4)), np.zeros(4)


def a_small_gamma():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), 1e-6 * rng.uniform(1, 2, 4)


def ordinary_numbers():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 8)), rng.normal(size=8)


def large_numbers():
    rng = np.random.default_rng(0)
    return 1e6 * rng.normal(size=(4, 8)), rng.normal(size=8)


def a_small_spread():
    rng = np.random.default_rng(0)
    return 5 + 1e-4 * rng.normal(size=(4, 8)), np.ones(8)


def one_ordinary_number_a_row():
    x = 1e-5 * np.random.default_rng(0).normal(size=(3, 6))
    x[:, 2] = 1.0
    return x, np.ones(6)


def a_row_that_vanishes():
    x = np.random.default_rng(0).normal(size=(3, 6))
    x[1] *= 1e-10
    return x, np.ones(6)


def not_small_enough():
    return 0.02 * np.random.default_rng(0).normal(size=(4, 8)), np.ones(8)


# What they have in common with others of their kind.


def _kind(outputs):
    """The reason why the input does not tell the two apart; None where it does."""
    x, gamma = (outputs[name].astype(np.float64) for name in ("x", "gamma"))
    if x.ndim != 2 or not np.isfinite(x).all():
        return None
    if share(inside, outside, [x, gamma]) >= ASKED:
        return None
    if not x.any():
        return zeros
    if not gamma.any():
        return a_gamma_of_zeros
    rms = np.sqrt((x**2).mean(axis=1))
    if rms.min() < 1e-3 < 0.1 < rms.max():
        return a_row_that_vanishes
    if rms.min() < 0.1:
        return not_small_enough
    if (x.std(axis=1) < 0.01 * rms).all():
        return a_small_spread
    if (np.median(np.abs(x), axis=1) < 0.01 * rms).all():
        return one_ordinary_number_a_row
    if np.abs(gamma).max() < 0.01:
        return a_small_gamma
    return large_numbers if rms.min() > 100 else ordinary_numbers


def _is(kind):
    return lambda outputs: _kind(outputs) is kind


# Inputs that do.


def drawn_small():
    rng = np.random.default_rng(1)
    return 1e-4 * rng.normal(size=(3, 4)), rng.uniform(0.5, 2, 4)


def far_smaller_still():
    return np.full((1, 2), 1e-12), np.array([1.0, -1.0])


def one_small_row():
    x = np.random.default_rng(2).normal(size=(4, 5)).astype(np.float32)
    x[2] = 7e-4
    return x, np.ones(5, np.float32)


def in_torch():
    import torch

    return 5e-4 * torch.ones(2, 3), torch.ones(3)


EXERCISE = Exercise(
    key="beyond.spot_the_bug",
    points=2,
    statement="An input on which two RMS norms with the same eps give different "
    "results.",
    section="beyond-mistakes",
    reference=exposing_input,
    run=call("x", "gamma", whole=True),
    measure=separates(inside, outside, asked=ASKED, usable=rows),
    cases=(Case("the two norms differ on your input", 1.0, no_arguments),),
    misconceptions=(
        Misconception(
            "an x of zeros",
            "Zero divided by anything is zero. eps saves both from dividing by zero, "
            "wherever it stands.",
            zeros,
            recognize=_is(zeros),
        ),
        Misconception(
            "a gamma of zeros",
            "Whatever the two disagree about, it is multiplied by zero.",
            a_gamma_of_zeros,
            recognize=_is(a_gamma_of_zeros),
        ),
        Misconception(
            "gamma made small instead of x",
            "gamma is multiplied after the division. The size that eps is compared "
            "with is that of x.",
            a_small_gamma,
            recognize=_is(a_small_gamma),
        ),
        Misconception(
            "numbers of ordinary size",
            "Beside a mean square of 1, an eps of 0.000001 counts for nothing, "
            "wherever it stands. Which mean square is about as large as eps?",
            ordinary_numbers,
            recognize=_is(ordinary_numbers),
        ),
        Misconception(
            "large numbers",
            "The larger the numbers, the less eps counts. Go the other way.",
            large_numbers,
            recognize=_is(large_numbers),
        ),
        Misconception(
            "numbers that lie close together, far from zero",
            "Their variance is small. RMS norm does not look at the variance: it "
            "measures from zero.",
            a_small_spread,
            recognize=_is(a_small_spread),
        ),
        Misconception(
            "small numbers beside a large one in each row",
            "All numbers of a row are divided by the same size, and one large number "
            "is enough to make that large.",
            one_ordinary_number_a_row,
            recognize=_is(one_ordinary_number_a_row),
        ),
        Misconception(
            "a row so small that it vanishes beside the others",
            "Under the root, eps makes so small a row nearly zero, and the other norm "
            "makes little more of it. Beside rows of ordinary size the difference is "
            "small. There is a size in between.",
            a_row_that_vanishes,
            recognize=_is(a_row_that_vanishes),
        ),
        Misconception(
            "numbers that are small, but not small enough",
            "The right direction. eps is added to the square of the size: at which "
            "size is the square about as large as eps?",
            not_small_enough,
            recognize=_is(not_small_enough),
        ),
    ),
    equivalents=(drawn_small, far_smaller_still, one_small_row, in_torch),
)
