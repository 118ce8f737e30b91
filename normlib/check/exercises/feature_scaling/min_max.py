"""feature_scaling.min_max: map each column of a table onto a range."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def min_max_scale(x, low=0.0, high=1.0):
    """Map each column of x, of shape (n_samples, n_features), onto [low, high]."""
    smallest = x.min(axis=0)
    span = x.max(axis=0) - smallest
    fraction = (x - smallest) / np.where(span == 0, 1, span)
    return low + (high - low) * fraction


# Cases. More rows than columns, columns of very different offset and spread, one of
# them negative throughout: an axis, a minimum or a sign that is lost shows.


def by_hand(rng):
    return dict(x=np.array([[1.0, 200.0], [2.0, 400.0], [5.0, 300.0]]))


def a_table(rng):
    offset = np.array([3.0, -40.0, 500.0])
    return dict(x=offset + np.array([0.5, 8.0, 90.0]) * rng.uniform(-1, 1, (5, 3)))


def a_range(rng):
    low, high = -rng.uniform(1, 3), rng.uniform(4, 6)
    return a_table(rng) | dict(low=low, high=high)


def a_constant_column(rng):
    inputs = a_range(rng)
    inputs["x"][:, 1] = 7.25
    return inputs


def tiny_numbers(rng):
    inputs = a_table(rng)
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

    x = torch.from_numpy(x).double()
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


def by_sorting(x, low=0.0, high=1.0):
    ordered = np.sort(x, axis=0)
    span = ordered[-1:] - ordered[:1]
    unit = np.divide(x - ordered[:1], span, out=np.zeros(x.shape), where=span > 0)
    return (1 - unit) * low + unit * high


EXERCISE = Exercise(
    key="feature_scaling.min_max",
    points=3,
    statement="Map each column linearly: its minimum to low, its maximum to high.",
    section="min-max",
    reference=normlib.min_max_scale,
    answer=min_max_scale,
    run=call("y"),
    cases=(
        Case("three rows, by hand", 2 / 12, by_hand),
        Case("columns of different offset and spread", 3 / 12, a_table),
        Case("a range of the caller's choice", 3 / 12, a_range),
        Case("a constant column becomes low", 1 / 12, a_constant_column),
        Case("tiny numbers are scaled like any others", 1 / 12, tiny_numbers),
        Case("whole numbers become fractions", 1 / 12, whole_numbers),
        Case("x is left as it was", 1 / 12, a_table, intact=True),
    ),
    sections={
        "constant-columns": (
            "zero-over-zero",
            "constant-becomes-zero",
            "small-number-added",
        ),
    },
    equivalents=(interpolated, with_loops, in_torch, in_float32, by_sorting),
)
