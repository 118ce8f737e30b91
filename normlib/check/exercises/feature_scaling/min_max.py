"""feature_scaling.min_max: map each column of a table onto a range."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def min_max_scale(x, low=0.0, high=1.0):
    return normlib.min_max_scale(x, low, high)


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


# What people get wrong.


def over_columns(x, low=0.0, high=1.0):
    smallest = x.min(axis=1, keepdims=True)
    span = x.max(axis=1, keepdims=True) - smallest
    return low + (high - low) * (x - smallest) / span


def over_everything(x, low=0.0, high=1.0):
    return low + (high - low) * (x - x.min()) / (x.max() - x.min())


def zero_over_zero(x, low=0.0, high=1.0):
    smallest, largest = x.min(axis=0), x.max(axis=0)
    return low + (high - low) * (x - smallest) / (largest - smallest)


def constant_becomes_zero(x, low=0.0, high=1.0):
    smallest, span = x.min(axis=0), np.ptp(x, axis=0)
    y = low + (high - low) * (x - smallest) / np.where(span == 0, 1, span)
    return np.where(span == 0, 0.0, y)


def small_number_added(x, low=0.0, high=1.0):
    smallest, largest = x.min(axis=0), x.max(axis=0)
    return low + (high - low) * (x - smallest) / (largest - smallest + 1e-8)


def by_maximum(x, low=0.0, high=1.0):
    return low + (high - low) * x / x.max(axis=0)


def span_without_minimum(x, low=0.0, high=1.0):
    return low + (high - low) * (x - x.min(axis=0)) / x.max(axis=0)


def from_the_mean(x, low=0.0, high=1.0):
    span = np.ptp(x, axis=0)
    return low + (high - low) * (x - x.mean(axis=0)) / np.where(span == 0, 1, span)


def range_ignored(x, low=0.0, high=1.0):
    span = np.ptp(x, axis=0)
    return (x - x.min(axis=0)) / np.where(span == 0, 1, span)


def high_as_width(x, low=0.0, high=1.0):
    span = np.ptp(x, axis=0)
    return low + high * (x - x.min(axis=0)) / np.where(span == 0, 1, span)


def low_not_added(x, low=0.0, high=1.0):
    span = np.ptp(x, axis=0)
    return (high - low) * (x - x.min(axis=0)) / np.where(span == 0, 1, span)


def into_whole_numbers(x, low=0.0, high=1.0):
    y = np.zeros_like(x)
    for j in range(x.shape[1]):
        smallest, largest = x[:, j].min(), x[:, j].max()
        span = largest - smallest if largest > smallest else 1
        y[:, j] = low + (high - low) * (x[:, j] - smallest) / span
    return y


def into_the_input(x, low=0.0, high=1.0):
    x -= x.min(axis=0)
    largest = x.max(axis=0)
    x /= np.where(largest == 0, 1, largest)
    x *= high - low
    x += low
    return x


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
    reference=min_max_scale,
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
    misconceptions=(
        Misconception(
            "the minimum and maximum of each row",
            "A row holds one sample: its numbers have different units and cannot be "
            "compared. A feature is compared with itself in the other samples.",
            over_columns,
        ),
        Misconception(
            "one minimum and one maximum for the whole table",
            "The feature with the largest numbers then squeezes all others into a "
            "corner. Each column needs a minimum and a maximum of its own.",
            over_everything,
        ),
        Misconception(
            "zero divided by zero in a constant column",
            "Where all values are equal, the range is zero. Find such columns before "
            "you divide.",
            zero_over_zero,
            section="constant-columns",
        ),
        Misconception(
            "a constant column set to 0, whatever the range asked for",
            "Zero may lie outside the range. A constant column holds its own minimum "
            "in every row: where does the minimum go?",
            constant_becomes_zero,
            section="constant-columns",
        ),
        Misconception(
            "a fixed small number that decides which spread counts",
            "Added to the range, or used as its threshold, it is large beside a "
            "column of much smaller numbers. Which range alone cannot be divided by?",
            small_number_added,
            section="constant-columns",
        ),
        Misconception(
            "divided by the maximum, with the minimum left out",
            "The smallest value has to arrive at `low`, and it does so only if each "
            "value is measured from the minimum.",
            by_maximum,
        ),
        Misconception(
            "measured from the minimum, but divided by the maximum",
            "After the minimum is subtracted, the largest value is no longer the "
            "maximum. What is left of it?",
            span_without_minimum,
        ),
        Misconception(
            "the mean subtracted instead of the minimum",
            "This centers the column on `low`, and half of it falls below. Which value "
            "of the column has to land on `low`?",
            from_the_mean,
        ),
        Misconception(
            "low and high left out",
            "The column goes to [0, 1] and stays there. Stretch it to the width of the "
            "range that the caller asks for, then move it.",
            range_ignored,
        ),
        Misconception(
            "high taken for the width of the range",
            "From −1 to 1 the width is 2, not 1.",
            high_as_width,
        ),
        Misconception(
            "the right width, but starting from 0 instead of low",
            "Stretching keeps 0 at 0. One step more moves the smallest value to `low`.",
            low_not_added,
        ),
        Misconception(
            "fractions stored in an array of whole numbers",
            "An array made after the model of x takes over the type of x too. "
            "Fractions written into it lose what stands behind the point.",
            into_whole_numbers,
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x in its own units: the function works on a copy.",
            into_the_input,
        ),
    ),
    equivalents=(interpolated, with_loops, in_torch, in_float32, by_sorting),
)
