"""Sums over a table's columns that comes in parts, and gradients whatever the parts."""

import numpy as np
import pytest

from normlib import _rows, layer_norm, layer_norm_backward, rms_norm, rms_norm_backward
from normlib._blockwise import COLUMN_PIECE
from normlib._rows import ColumnSums


def draw(shape, seed=0):
    return np.random.default_rng(seed).normal(3, 2, size=shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [0, 1, 7])
@pytest.mark.parametrize(
    "parts",
    [
        (0,),
        (1,),
        (3, 3),
        (COLUMN_PIECE,),
        (COLUMN_PIECE - 1, 1, 1),
        (8,) * 20,
        (2 * COLUMN_PIECE, 2 * COLUMN_PIECE, 5),
        (5, COLUMN_PIECE + 1, COLUMN_PIECE + 1, COLUMN_PIECE - 1),
    ],
)
def test_columns_are_added_up_whatever_the_parts(parts, columns, dtype):
    table = draw((sum(parts), columns)).astype(dtype)
    weights = draw((sum(parts), 1), seed=1).astype(dtype)
    sums, start = ColumnSums(), 0
    for length in parts:
        rows = slice(start, start := start + length)
        sums.add(table[rows], weights[rows])
    expected = (table.astype(float) * weights).sum(axis=0, keepdims=True)
    tolerance = {np.float32: 2e-6, np.float64: 1e-13}[dtype]
    assert sums.total().shape == (1, columns)
    np.testing.assert_allclose(sums.total(), expected, rtol=tolerance)


@pytest.mark.parametrize("length", [8, 1000])
def test_a_long_column_is_not_added_up_in_float32(length):
    """0.1, added up in float32 half a million times, is off by 1 %."""
    part, sums = np.full((length, 3), 0.1, np.float32), ColumnSums()
    number = 500_000 // length
    for _ in range(number):
        sums.add(part, np.ones((length, 1), np.float32))
    expected = number * length * np.float64(part[0, 0])
    np.testing.assert_allclose(sums.total(), expected, rtol=1e-6)


@pytest.mark.parametrize("numbers", [1, 40, 10**6])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_gradients_do_not_depend_on_the_size_of_a_part(monkeypatch, numbers, offset):
    x, dy = offset + draw((150, 7)), draw((150, 7), seed=1)
    gamma, beta = draw(7, seed=2), draw(7, seed=3)
    caches = layer_norm(x, gamma, beta)[1], rms_norm(x, gamma)[1]

    def gradients():
        return (
            *layer_norm_backward(dy, caches[0]),
            *rms_norm_backward(dy, caches[1]),
        )

    expected = gradients()
    monkeypatch.setattr(_rows, "ROWS", numbers)
    for found, wanted in zip(gradients(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
