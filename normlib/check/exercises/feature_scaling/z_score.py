"""feature_scaling.z_score: zero mean and unit variance for each column."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, far_away, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.feature_scaling.cases import a_table, small_tables
from normlib.check.exercises.feature_scaling.protocols import each_table
from normlib.check.running.protocols import call


def z_score_scale(x):
    """Give each column of x, of shape (n_samples, n_features), mean 0, variance 1."""
    x = x.astype(float)
    mean, std = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / np.where(std == 0, 1, std)


# Cases. Few rows, so that N and N - 1 differ. Constant columns are constant in floating
# point too, mean and all: what rounding does to others is left to the chapter.


def by_hand(rng):
    x = [[3.0, 10.0], [3.0, 40.0], [3.0, 20.0], [3.0, 30.0], [8.0, 25.0]]
    return dict(x=np.array(x))


def constant_and_tiny(rng):
    charges = 1.6e-19 * rng.permutation([-1.0, 1.0, 2.0, 3.0, 5.0, 6.0])
    constant = np.tile([7.25, 0.0], (6, 1))
    return dict(x=np.column_stack([a_table(rng)["x"], constant, charges]))


def far_from_zero(rng):
    return dict(x=(1e4 + rng.normal(size=(6, 3))).astype(np.float32))


# Right answers in other styles.


def up_to_rounding(x):
    centered = x - x.sum(axis=0, keepdims=True) / len(x)
    largest = np.abs(x).max(axis=0).astype(float)
    constant = np.ptp(x, axis=0) <= 4 * np.spacing(largest)
    std = np.sqrt((centered**2).sum(axis=0) / len(x))
    return np.divide(centered, std, out=np.zeros(x.shape), where=~constant)


def with_loops(x):
    columns = []
    for column in x.T.tolist():
        n = len(column)
        mean = sum(column) / n
        std = (sum((value - mean) ** 2 for value in column) / n) ** 0.5
        if std <= 1e-15 * n * abs(mean):
            columns.append([0.0] * n)
        else:
            columns.append([(value - mean) / std for value in column])
    return [list(row) for row in zip(*columns, strict=True)]


def in_torch(x):
    import torch

    x = torch.from_numpy(x.astype(np.float64))
    std, mean = torch.std_mean(x, dim=0, correction=0)
    return ((x - mean) / std).masked_fill(x.amin(dim=0) == x.amax(dim=0), 0.0)


def in_float32(x):
    x = np.array(x, dtype=np.float32)
    x -= x.mean(axis=0)
    std = x.std(axis=0)
    std[std == 0] = 1
    x /= std
    return x


EXERCISE = Exercise(
    key="feature_scaling.z_score",
    points=3,
    statement="Give each column zero mean and unit variance.",
    section="z-score",
    reference=normlib.z_score_scale,
    answer=z_score_scale,
    run=call("z"),
    cases=(
        Case("five rows, by hand", 2 / 12, by_hand),
        Case("columns of different offset and standard deviation", 3 / 12, a_table),
        Case(
            "constant columns become 0, a column of tiny numbers does not",
            2 / 12,
            constant_and_tiny,
        ),
        far_away(1 / 12, far_from_zero),
        Case("one row, two rows, one column", 1 / 12, small_tables, run=each_table),
        any_memory(
            1 / 12,
            partial(a_table, rows=4),
            "z",
            name="transposed, strided and read-only tables",
        ),
        second_call(1 / 12, a_table, "z", name="a second call, with other numbers"),
        Case("x is left as it was", 1 / 12, a_table, intact=True),
    ),
    sections={
        "constant-columns": ("zero-over-zero", "constant-left-alone", "fixed-threshold")
    },
    equivalents=(up_to_rounding, with_loops, in_torch, in_float32),
)
