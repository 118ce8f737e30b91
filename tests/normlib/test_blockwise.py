"""Sums and sweeps: what they compute, at every size of a block, and in float32."""

import math
from fractions import Fraction

import numpy as np
import pytest

from normlib import _blockwise
from normlib._blockwise import (
    PIECE,
    as_wide,
    center,
    expand,
    subtract_mean,
    sum_of_products,
    total,
)
from tests.normlib.test_core import SHAPES_AND_AXES


def draw(shape, seed=0):
    return np.random.default_rng(seed).normal(3, 2, size=shape)


@pytest.mark.parametrize(("shape", "axes"), SHAPES_AND_AXES)
def test_total_sums_products_without_touching_them(shape, axes):
    a, b = draw(shape), draw(shape, seed=1)
    np.testing.assert_allclose(
        total(a, axes), a.sum(axis=axes, keepdims=True), rtol=1e-12
    )
    np.testing.assert_allclose(
        total(a, axes, b), (a * b).sum(axis=axes, keepdims=True), rtol=1e-12
    )


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, 2 * PIECE + 3])
def test_total_adds_up_every_piece_of_a_long_row(length):
    a = np.random.default_rng(0).normal(size=(2, length))
    expected = [math.fsum(row) for row in a]
    np.testing.assert_allclose(total(a, (1,)).ravel(), expected, rtol=1e-11)
    expected = [math.fsum(row) for row in a * a]
    np.testing.assert_allclose(total(a, (1,), a).ravel(), expected, rtol=1e-12)


def test_expand_leaves_one_number_per_sample_alone():
    x, per_sample = draw((3, 4, 5)), draw((3, 1, 1))
    assert expand(per_sample, x) is per_sample


def test_expand_keeps_finite_numbers_finite():
    """A constant channel with a tiny eps would be 0 times infinity."""
    x = np.ones((2, 3, 4), np.float32)
    param = np.array([1e300, -np.inf, np.nan]).reshape(1, 3, 1)
    largest = np.finfo(np.float32).max
    for row, expected in zip(
        expand(param, x)[0], [largest, -np.inf, np.nan], strict=True
    ):
        np.testing.assert_array_equal(row, np.float32(expected))


def test_expand_writes_one_number_per_channel_out():
    x, param = np.ones((3, 3, 3, 3), np.float32), np.array([1.0, -2.0, 3.0])
    written_out = expand(param.reshape(1, 3, 1, 1), x)
    assert written_out.shape == (1, 3, 3, 3) and written_out.dtype == x.dtype
    np.testing.assert_array_equal(written_out[0, :, 0, 0], param)


@pytest.mark.parametrize("block", [1, 40, 10**6])
def test_combine_adds_terms_and_constant_whatever_the_block(monkeypatch, block):
    monkeypatch.setattr(_blockwise, "PRODUCT", block)
    x, z = draw((5, 3, 7)), draw((5, 3, 7), seed=1)
    per_row, per_channel, per_sample, shared = (
        draw(shape, seed=2) for shape in [(5, 3, 1), (1, 3, 1), (5, 1, 1), (1, 3, 7)]
    )
    terms = ((x, per_row), (z, per_channel, shared))
    expected = per_row * x + per_channel * shared * z + per_sample
    result = sum_of_products(*terms, constant=per_sample)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    np.testing.assert_array_equal(sum_of_products((x, per_row)), per_row * x)
    np.testing.assert_array_equal(
        sum_of_products((x, per_row, shared)), per_row * x * shared
    )
    assert sum_of_products(*terms, constant=per_sample, out=x) is x
    np.testing.assert_array_equal(x, result)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mean_is_subtracted_to_the_last_digit(offset, dtype):
    x = (offset + np.random.default_rng(0).normal(size=(3, 50, 40))).astype(dtype)
    exact = np.empty(x.shape)
    for row, exact_row in zip(x, exact, strict=True):
        mean = sum(map(Fraction, row.ravel().tolist())) / row.size
        exact_row[...] = [[float(Fraction(float(v)) - mean) for v in r] for r in row]
    used, centered, mean, var = center(x, (1, 2))
    assert used is x and centered.dtype == dtype
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(centered, exact, rtol=0, atol=tolerance)
    np.testing.assert_allclose(var, exact.var(axis=(1, 2), keepdims=True), rtol=1e-6)
    again = subtract_mean(x, mean, 1 / np.sqrt(var))
    tolerance += np.spacing(offset)  # the mean is one float64
    np.testing.assert_allclose(again, exact, rtol=0, atol=tolerance)


def test_the_buffer_of_numpy_is_as_large_afterwards_as_before():
    before = np.getbufsize()
    x = draw((2, 3))
    sum_of_products((x, x))
    center(x, (1,))
    with pytest.raises(ValueError):
        sum_of_products((x, np.ones((2, 5))))
    assert np.getbufsize() == before


def test_where_squares_overflow_x_is_replaced():
    x = np.array([[1e20, -1e20], [1, 2]], np.float32)
    used, centered, _, var = center(x, (1,), out=np.empty_like(x))
    assert used.dtype == centered.dtype == np.float64
    np.testing.assert_array_equal(used, x)
    np.testing.assert_allclose(var, [[1e40], [0.25]], rtol=1e-6)
    x = np.array([[1e300, -1e300], [np.inf, 2]])
    used, centered, _, var = center(x, (1,), out=(out := np.empty_like(x)))
    assert centered is out and np.isfinite(var[0]) and np.isnan(var[1])
    np.testing.assert_array_equal(centered[0], used[0])


@pytest.mark.parametrize("shape", [(130, 3), (7, 20, 2), (1, 64, 2), (65, 1, 2)])
def test_total_of_columns(shape):
    a, b = draw(shape), draw(shape, seed=1)
    for axes in [(0,), tuple(range(len(shape) - 1))]:
        np.testing.assert_allclose(
            total(a, axes), a.sum(axis=axes, keepdims=True), rtol=1e-12
        )
        np.testing.assert_allclose(
            total(a, axes, b), (a * b).sum(axis=axes, keepdims=True), rtol=1e-12
        )
    assert total(a.astype(np.float32), (0,)).dtype == np.float64


def test_as_wide_widens_half_precision_alone():
    assert as_wide(np.ones((2, 3), np.float16)).dtype == np.float32
    for dtype in (np.float32, np.float64):
        x = np.ones((2, 3), dtype)
        assert as_wide(x) is x
