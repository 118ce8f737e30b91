"""feature_scaling.decimal: shift the decimal point until every magnitude is below 1."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.feature_scaling.cases import small_tables
from normlib.check.exercises.feature_scaling.protocols import each_table
from normlib.check.running.protocols import call


def decimal_scale(x):
    """Divide each column of x by the smallest power of ten that leaves it below 1."""
    j = np.zeros(x.shape[1])
    for column, largest in enumerate(np.abs(x).max(axis=0)):
        while largest / 10.0 ** j[column] >= 1:
            j[column] += 1
        while largest > 0 and largest / 10.0 ** (j[column] - 1) < 1:
            j[column] -= 1
    return x / 10.0**j


# Cases. Largest magnitudes of either sign; at, just below and far from powers of ten.


def by_hand(rng):
    return dict(x=np.array([[-120.0, 0.05], [999.0, 0.02], [7.0, -0.04]]))


def several_magnitudes(rng, dtype=np.float64):
    x = rng.uniform(0.1, 0.9, (5, 3)) * np.array([1.0, 80.0, 3000.0])
    x[rng.integers(5), 1] = -rng.uniform(200, 900)  # largest, and negative
    return dict(x=x.astype(dtype))


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
    inputs = several_magnitudes(rng)
    inputs["x"][:, 1] = 0
    return inputs


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


def in_torch(x):
    import torch

    x = torch.from_numpy(x.astype(np.float64))
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
    reference=normlib.decimal_scale,
    answer=decimal_scale,
    run=call("y"),
    cases=(
        Case("three rows, by hand", 1 / 12, by_hand),
        Case("columns of different magnitude and sign", 2 / 12, several_magnitudes),
        Case("exact powers of ten", 2 / 12, powers_of_ten),
        Case("just below a power of ten", 1 / 12, just_below),
        Case("columns that are below 1 already", 1 / 12, below_one),
        Case("a column of zeros stays zero", 1 / 12, a_zero_column),
        Case("one row, two rows, one column", 1 / 12, small_tables, run=each_table),
        any_memory(
            1 / 12,
            partial(several_magnitudes, dtype=np.float32),
            "y",
            name="float32 tables: transposed, strided and read-only",
        ),
        second_call(
            1 / 12, several_magnitudes, "y", name="a second call, with other numbers"
        ),
        Case("x is left as it was", 1 / 12, several_magnitudes, intact=True),
    ),
    sections={"constant-columns": ("logarithm-of-zero",)},
    equivalents=(with_loops, logarithm_corrected, in_torch, divided_in_float32),
)
