"""feature_scaling.decimal: shift the decimal point until every magnitude is below 1."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def decimal_scale(x):
    return normlib.decimal_scale(x)


# Cases. Largest magnitudes of either sign; at, just below and far from powers of ten.


def by_hand(rng):
    return dict(x=np.array([[-120.0, 0.05], [999.0, 0.02], [7.0, -0.04]]))


def a_table(rng):
    x = rng.uniform(0.1, 0.9, (5, 3)) * np.array([1.0, 80.0, 3000.0])
    x[rng.integers(5), 1] = -rng.uniform(200, 900)  # largest, and negative
    return dict(x=x)


def powers_of_ten(rng):
    largest = np.array([10.0, -1000.0, 1e6, 1.0, 0.001])
    return dict(x=largest * np.array([[0.3], [-0.07], [1.0]]))


def just_below(rng):
    largest = np.nextafter([1000.0, 1e15], 0)
    return dict(x=np.array([[0.2], [1.0], [-0.6]]) * largest)


def below_one(rng):
    fraction = rng.permuted(np.tile([[0.25], [-0.75], [0.5], [0.1]], 3), axis=0)
    return dict(x=fraction * np.array([0.08, 0.9, 4e-14]))


def a_zero_column(rng):
    inputs = a_table(rng)
    inputs["x"][:, 1] = 0
    return inputs


# What people get wrong.


def one_allowed(x):
    largest = np.abs(x).max(axis=0)
    j = np.ceil(np.log10(np.where(largest == 0, 0.5, largest)))
    return x / 10.0**j


def rounded_logarithm(x):
    largest = np.abs(x).max(axis=0)
    j = np.floor(np.log10(np.where(largest == 0, 0.5, largest))) + 1
    return x / 10.0**j


def one_digit_left(x):
    largest = np.abs(x).max(axis=0)
    return x / 10.0 ** np.floor(np.log10(np.where(largest == 0, 1, largest)))


def logarithm_of_zero(x):
    j = np.floor(np.log10(np.abs(x).max(axis=0))) + 1
    return x / 10.0**j


def small_number_added(x):
    j = np.floor(np.log10(np.abs(x).max(axis=0) + 1e-12)) + 1
    return x / 10.0**j


def never_negative(x):
    j = np.zeros(x.shape[1])
    for d, largest in enumerate(np.abs(x).max(axis=0)):
        while largest / 10.0 ** j[d] >= 1:
            j[d] += 1
    return x / 10.0**j


def digits_counted(x):
    j = [len(str(int(largest))) for largest in np.abs(x).max(axis=0)]
    return x / 10.0 ** np.array(j)


def sign_ignored(x):
    from decimal import Decimal

    largest = x.max(axis=0)
    j = [Decimal(float(m)).adjusted() + 1 if m else 0 for m in largest]
    return x / 10.0 ** np.array(j)


def one_for_all(x):
    from decimal import Decimal

    return x / 10.0 ** (Decimal(float(np.abs(x).max())).adjusted() + 1)


def over_columns(x):
    from decimal import Decimal

    largest = np.abs(x).max(axis=1)
    j = [Decimal(float(m)).adjusted() + 1 if m else 0 for m in largest]
    return x / 10.0 ** np.array(j)[:, None]


def by_the_largest(x):
    largest = np.abs(x).max(axis=0)
    return x / np.where(largest == 0, 1, largest)


def into_the_input(x):
    from decimal import Decimal

    largest = np.abs(x).max(axis=0)
    j = [Decimal(float(m)).adjusted() + 1 if m else 0 for m in largest]
    x /= 10.0 ** np.array(j)
    return x


# Right answers in other styles.


def with_loops(x):
    columns = []
    for column in x.T.tolist():
        largest, j = max(abs(value) for value in column), 0
        while largest / 10.0**j >= 1:
            j += 1
        while largest and largest / 10.0 ** (j - 1) < 1:
            j -= 1
        columns.append([value / 10.0**j for value in column])
    return [list(row) for row in zip(*columns, strict=True)]


def logarithm_corrected(x):
    largest = np.abs(x).max(axis=0)
    safe = np.where(largest > 0, largest, 0.5)
    j = np.floor(np.log10(safe)) + 1
    j -= safe / 10.0 ** (j - 1) < 1
    j += safe / 10.0**j >= 1
    return x / 10.0**j


def as_text(x):
    j = np.zeros(x.shape[1], dtype=int)
    for d, largest in enumerate(np.max(np.abs(x), axis=0)):
        if largest > 0:
            j[d] = int(f"{largest:.16e}".partition("e")[2]) + 1
    return x / np.power(10.0, j)


def in_torch(x):
    import torch

    x = torch.from_numpy(x)
    candidates = torch.arange(-320, 309, dtype=torch.float64)
    largest = x.abs().amax(dim=0)
    too_small = largest[:, None] / 10**candidates >= 1
    j = candidates[0] + too_small.sum(dim=1)
    return x / 10 ** torch.where(largest > 0, j, 0)


def divided_in_float32(x):
    powers = 10.0 ** np.arange(-300, 300)
    largest = np.abs(x).max(axis=0)
    j = np.searchsorted(powers, largest, side="right")
    power = np.where(largest > 0, powers[j], 1.0)
    return x.astype(np.float32) / power.astype(np.float32)


EXERCISE = Exercise(
    key="feature_scaling.decimal",
    points=3,
    statement="Divide each column by the smallest power of ten that leaves every "
    "magnitude below 1.",
    section="decimal-scaling",
    reference=decimal_scale,
    run=call("y"),
    cases=(
        Case("three rows, by hand", 2 / 12, by_hand),
        Case("columns of different magnitude and sign", 3 / 12, a_table),
        Case("exact powers of ten", 2 / 12, powers_of_ten),
        Case("a hair below a power of ten", 1 / 12, just_below),
        Case("columns that are below 1 already", 2 / 12, below_one),
        Case("a column of zeros stays zero", 1 / 12, a_zero_column),
        Case("x is left as it was", 1 / 12, a_table, intact=True),
    ),
    misconceptions=(
        Misconception(
            "a largest magnitude that may become exactly 1",
            "Every magnitude has to end up below 1. The logarithm of 1000, rounded up, "
            "is 3, and 1000 divided by 10³ is not below 1.",
            one_allowed,
        ),
        Misconception(
            "a logarithm trusted to the last digit",
            "A hair below 1000 the logarithm is less than 3, but in floating point it "
            "rounds to 3. Take it for a guess, and let the definition decide.",
            rounded_logarithm,
        ),
        Misconception(
            "one digit left before the point",
            "That is how numbers are written in scientific notation, 9.99 times 10². "
            "Here the largest magnitude ends up below 1: one place more.",
            one_digit_left,
        ),
        Misconception(
            "the logarithm of zero",
            "A column of zeros has no smallest j: every shift leaves it below 1. "
            "The convention is j = 0.",
            logarithm_of_zero,
            section="constant-columns",
        ),
        Misconception(
            "a small number added before the logarithm",
            "It avoids the logarithm of zero, and is larger than all the numbers of a "
            "tiny column. Treat the column of zeros by itself.",
            small_number_added,
        ),
        Misconception(
            "a point that moves to the left only",
            "With 0.05 as its largest magnitude, a column stays below 1 even after a "
            "shift to the right. The smallest j may be negative.",
            never_negative,
        ),
        Misconception(
            "the digits before the point counted",
            "0.5 and 0.0005 have the same digits before the point, a single zero. "
            "The definition compares magnitudes with 1.",
            digits_counted,
        ),
        Misconception(
            "the largest value instead of the largest magnitude",
            "−986 needs three places as much as 986 does.",
            sign_ignored,
        ),
        Misconception(
            "one shift for the whole table",
            "The column with the largest numbers then pushes all others towards zero. "
            "Each column needs a shift of its own.",
            one_for_all,
        ),
        Misconception(
            "a shift for each row",
            "A row holds one sample, with numbers in different units. All rows of a "
            "column must move by the same number of places.",
            over_columns,
        ),
        Misconception(
            "divided by the largest magnitude itself",
            "Decimal scaling keeps the digits and moves the point: it divides by a "
            "power of ten.",
            by_the_largest,
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x in its own units: the function works on a copy.",
            into_the_input,
        ),
    ),
    equivalents=(
        with_loops,
        logarithm_corrected,
        as_text,
        in_torch,
        divided_in_float32,
    ),
)
