"""feature_scaling.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import separates


def exposing_input():
    """A table on which the published function goes wrong in every column."""
    return np.array([[100.0, 0.1], [7.0, 0.02]])


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


ASKED = 0.01  # of the largest number


def _come_out_right(x):
    """For each column, whether the two functions give the same, or nearly."""
    a, b = right(x), published(x)
    largest = np.maximum(np.abs(a), np.abs(b)).max(axis=0)
    return np.abs(a - b).max(axis=0) <= ASKED * largest


def a_table(x):
    if x.ndim != 2:
        raise Unusable(f"x should be (n_samples, n_features), yours has {x.ndim} axes")
    largest = np.abs(x).max(axis=0)
    if ((largest > 0) & ((largest < 1e-100) | (largest > 1e100))).any():
        raise Refused("x should hold magnitudes between 1e-100 and 1e100, or zero")


def every_column_wrong(x):
    """Two columns, because one may be hit by chance: by counting up, for example."""
    a_table(x)
    if (same := _come_out_right(x)).any():
        raise Unusable(f"both functions give the same for column {same.argmax()}")
    columns = x.shape[1]
    different = len(np.unique(np.abs(x).max(axis=0)))
    if different < max(2, columns):
        raise Unusable(
            "x should have at least two columns, no two of them with the same largest "
            f"magnitude; yours has {columns} columns and {different} such magnitudes"
        )


# Inputs that do not tell the two apart: how each kind is recognized.


def _is_power(values):
    nonzero = np.where(values == 0, 3.0, np.abs(values))
    exponents = np.log10(nonzero)
    return np.isclose(exponents, np.round(exponents), rtol=0, atol=1e-3)


def _kind(outputs):
    """The key of the reason why some columns come out right; None where none does."""
    x = outputs["x"].astype(np.float64)
    if x.ndim == 1:
        return "one-axis"
    a_table(x)  # else it is refused for another reason
    x = x[:, _come_out_right(x)]
    if not x.size:
        return None
    largest = np.abs(x).max(axis=0)
    if not largest.all():
        return "zeros"
    if _is_power(largest).any():
        return "nearly-a-power"
    if _is_power(x).any():
        return "powers-that-are-not-largest"
    if (x <= 0).all():
        return "negative-numbers"
    return "below-one" if largest.max() < 1 else "usual-columns"


# Inputs that do.


def one_row_of_whole_numbers():
    return [[1, 10]]


def minus_a_thousand():
    return np.array([[-1000, 5, 0.5], [3.0, 10, -1.0]], dtype=np.float32)


def a_tenth():
    return np.array([[0.1, 20.0], [0.03, -100.0], [-0.02, 0.0]])


def in_torch():
    import torch

    return torch.tensor([[10, 2], [1, 100]])


EXERCISE = spotting(
    exposing_input,
    key="feature_scaling.spot_the_bug",
    statement="A table on which a published decimal scaling goes wrong in every "
    "column.",
    section="decimal-scaling",
    names=("x",),
    case="right and wrong differ in every column",
    measure=separates(right, published, asked=ASKED, usable=every_column_wrong),
    kind=_kind,
    equivalents=(one_row_of_whole_numbers, minus_a_thousand, a_tenth, in_torch),
)
