"""feature_scaling.min_max: map each column of a table onto a range."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.feature_scaling.cases import a_table, small_tables
from normlib.check.exercises.feature_scaling.protocols import each_table
from normlib.check.running.protocols import call


def min_max_scale(x, low=0.0, high=1.0):
    """Map each column of x, of shape (n_samples, n_features), onto [low, high]."""
    smallest = x.min(axis=0)
    span = x.max(axis=0) - smallest
    fraction = (x - smallest) / np.where(span == 0, 1, span)
    return low + (high - low) * fraction


# Cases. More rows than columns, columns of very different offset and range, one of
# them negative throughout: an axis, a minimum or a sign that is lost shows.


def by_hand(rng):
    return dict(x=np.array([[1.0, 200.0], [2.0, 400.0], [5.0, 300.0]]))


def a_range(rng):
    low, high = -rng.uniform(1, 3), rng.uniform(4, 6)
    return a_table(rng, rows=5) | dict(low=low, high=high)


def constant_columns(rng):
    inputs = a_range(rng) | dict(high=0.0)
    inputs["x"][:, 1:] = 7.25, 0.0
    return inputs


def tiny_numbers(rng):
    inputs = a_table(rng, rows=5)
    inputs["x"][:, 0] = 1e-17 * rng.permutation([2.0, 3.0, 5.0, 6.0, 9.0])
    return inputs


def whole_numbers(rng):
    column = rng.permutation([3, 4, 6, 9, 11])
    return dict(x=np.stack([column, 100 * rng.permutation(column)], axis=1))


# Right answers in other styles.


def interpolated(x, low=0.0, high=1.0):
    columns = []
    for column in x.T:
        if column.min() == column.max():
            columns.append(np.full(len(column), low))
        else:
            ends = column.min(), column.max()
            columns.append(np.interp(column, ends, (low, high)))
    return np.column_stack(columns)


def with_loops(x, low=0.0, high=1.0):
    columns = []
    for column in x.T.tolist():
        smallest, span = min(column), max(column) - min(column)
        unit = [(value - smallest) / span if span else 0.0 for value in column]
        columns.append([low + (high - low) * value for value in unit])
    return [list(row) for row in zip(*columns, strict=True)]


def in_torch(x, low=0.0, high=1.0):
    import torch

    x = torch.from_numpy(x.astype(np.float64))
    smallest, largest = torch.aminmax(x, dim=0)
    weight = ((x - smallest) / (largest - smallest)).nan_to_num(0.0)
    return torch.lerp(torch.tensor(low).double(), torch.tensor(high).double(), weight)


def in_float32(x, low=0.0, high=1.0):
    x = x.astype(np.float32)
    x -= x.min(axis=0)
    largest = x.max(axis=0)
    largest[largest == 0] = 1
    x /= largest
    return x * np.float32(high - low) + np.float32(low)


EXERCISE = Exercise(
    key="feature_scaling.min_max",
    points=3,
    statement="Map each column linearly: its minimum to low, its maximum to high.",
    section="min-max",
    reference=normlib.min_max_scale,
    answer=min_max_scale,
    run=call("y"),
    cases=(
        Case("three rows, by hand", 1 / 12, by_hand),
        Case("columns of different offset and range", 2 / 12, partial(a_table, rows=5)),
        Case("a range of the caller's choice", 2 / 12, a_range),
        Case("constant columns become low, with a high of 0", 1 / 12, constant_columns),
        Case("tiny numbers are scaled like any others", 1 / 12, tiny_numbers),
        Case("whole numbers become fractions", 1 / 12, whole_numbers),
        Case("one row, two rows, one column", 1 / 12, small_tables, run=each_table),
        any_memory(
            1 / 12,
            partial(a_table, rows=4, dtype=np.float32),
            "y",
            name="float32 tables: transposed, strided and read-only",
        ),
        second_call(1 / 12, a_table, "y", name="a second call, with other numbers"),
        Case("x is left as it was", 1 / 12, a_table, intact=True),
    ),
    sections={
        "constant-columns": (
            "zero-over-zero",
            "constant-becomes-zero",
            "small-number-added",
        )
    },
    equivalents=(interpolated, with_loops, in_torch, in_float32),
)
