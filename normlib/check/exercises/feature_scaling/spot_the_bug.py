"""feature_scaling.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    return np.array([[100.0, 3.0], [7.0, 20.0]])


# The two functions.


def right(x):
    j = np.zeros(x.shape[1])
    for column, largest in enumerate(np.abs(x).max(axis=0)):
        while largest / 10.0 ** j[column] >= 1:
            j[column] += 1
        while largest > 0 and largest / 10.0 ** (j[column] - 1) < 1:
            j[column] -= 1
    return x / 10.0**j


def published(x):
    largest = np.abs(x.astype(float)).max(axis=0)
    j = np.ceil(np.log10(np.where(largest == 0, 1, largest)))
    return x / 10.0**j


def a_table(x):
    if x.ndim != 2:
        raise Unusable(f"x should be (n_samples, n_features), yours has {x.ndim} axes")
    largest = np.abs(x).max(axis=0)
    if ((largest > 0) & ((largest < 1e-100) | (largest > 1e100))).any():
        raise Unusable("x should hold magnitudes between 1e-100 and 1e100, or zero")


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart.


def usual_columns():
    return np.array([[120.0, 0.5], [856.0, 3.2]])


def zeros():
    return np.zeros((3, 2))


def negative_numbers():
    return np.array([[-120.0, -0.5], [-856.0, -3.2]])


def below_one():
    return np.array([[0.05, 0.2], [0.03, 0.7]])


def powers_that_are_not_largest():
    return np.array([[10.0, 1.0], [25.0, 7.0]])


def nearly_a_power():
    return np.array([[99.999, 3.0], [1.0, 2.0]])


def two_axes_missing():
    return np.array([100.0, 7.0])


# What they have in common with others of their kind.


def _is_power(values):
    nonzero = np.where(values == 0, 3.0, np.abs(values))
    exponents = np.log10(nonzero)
    return np.isclose(exponents, np.round(exponents), rtol=0, atol=1e-3)


def _kind(outputs):
    """The reason why x does not tell the two apart; None where it does."""
    x = outputs["x"]
    if x.ndim == 1:
        return two_axes_missing
    if share(right, published, [x]) >= 0.01:
        return None
    if not x.any():
        return zeros
    largest = np.abs(x).max(axis=0)
    if _is_power(largest).any():
        return nearly_a_power
    if _is_power(x).any():
        return powers_that_are_not_largest
    if (x <= 0).all():
        return negative_numbers
    return below_one if largest.max() < 1 else usual_columns


def _is(kind):
    return lambda outputs: _kind(outputs) is kind


# Inputs that do.


def just_one():
    return [[1.0]]


def minus_a_thousand():
    return np.array([[-1000.0, 5.0, 0.0], [3.0, 2.0, 0.0]], dtype=np.float32)


def a_tenth():
    return np.array([[0.1], [0.03], [-0.02]])


def in_torch():
    import torch

    return torch.tensor([[10.0, 2.0], [1.0, 3.0]])


EXERCISE = Exercise(
    key="feature_scaling.spot_the_bug",
    points=2,
    statement="A table on which a published decimal scaling gives something else "
    "than a right one.",
    section="decimal-scaling",
    reference=exposing_input,
    run=call("x"),
    measure=separates(right, published, asked=0.01, usable=a_table),
    cases=(Case("right and wrong differ on your table", 1.0, no_arguments),),
    misconceptions=(
        Misconception(
            "columns as they usually are",
            "Between two powers of ten, the rounded logarithm counts the digits as it "
            "should. Where does the number of digits change?",
            usual_columns,
            recognize=_is(usual_columns),
        ),
        Misconception(
            "columns of zeros",
            "They are taken care of: their largest magnitude is replaced by 1, and "
            "the logarithm of 1 is 0.",
            zeros,
            recognize=_is(zeros),
        ),
        Misconception(
            "negative numbers, and nothing else that is unusual",
            "Forgetting the magnitude is a common mistake, but not this one's: look "
            "for `abs`.",
            negative_numbers,
            recognize=_is(negative_numbers),
        ),
        Misconception(
            "numbers below one",
            "A negative logarithm is rounded up as well, and that gives the right "
            "negative exponent. Small is not what it takes.",
            below_one,
            recognize=_is(below_one),
        ),
        Misconception(
            "a power of ten that is not the largest of its column",
            "The right number, in the wrong place: only the largest magnitude of a "
            "column decides about its exponent.",
            powers_that_are_not_largest,
            recognize=_is(powers_that_are_not_largest),
        ),
        Misconception(
            "nearly a power of ten",
            "So close, and still on the safe side of it. Which value does the "
            "definition exclude?",
            nearly_a_power,
            recognize=_is(nearly_a_power),
        ),
        Misconception(
            "a single column without a table around it",
            "Both functions take a table, with a row for each sample. One column is a "
            "table as well: `[[…], […]]`.",
            two_axes_missing,
            recognize=_is(two_axes_missing),
        ),
    ),
    equivalents=(just_one, minus_a_thousand, a_tenth, in_torch),
)
