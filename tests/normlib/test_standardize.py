"""The public form of the one operation, beside its formula in plain NumPy."""

import itertools

import numpy as np
import pytest

from normlib import standardize

SHAPE = (3, 4, 2, 5)
AXES = [
    axes
    for count in range(1, 5)
    for axes in itertools.combinations(range(len(SHAPE)), count)
]


def formula(x, axes, eps):
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


@pytest.mark.parametrize("axes", AXES)
def test_it_is_the_formula_over_any_axes(axes):
    x = np.random.default_rng(0).normal(3, 2, SHAPE)
    for eps in (1e-5, 0.3):
        expected = formula(x, axes, eps)
        np.testing.assert_allclose(standardize(x, axes, eps), expected, atol=1e-12)
        from_behind = tuple(axis - len(SHAPE) for axis in axes)[::-1]
        again = standardize(x, from_behind, eps)
        np.testing.assert_allclose(again, expected, atol=1e-12)


def test_one_axis_may_be_a_number():
    x = np.arange(12.0).reshape(3, 4) ** 2
    np.testing.assert_array_equal(standardize(x, -1), standardize(x, (1,)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_far_from_zero_it_keeps_its_digits_and_the_dtype(dtype):
    x = (1000 + np.random.default_rng(1).integers(0, 8, (5, 64))).astype(dtype)
    y = standardize(x, 1)
    assert y.dtype == dtype
    expected = formula(x.astype(np.float64), 1, 1e-5)
    np.testing.assert_allclose(y, expected, atol=2 * np.finfo(dtype).eps * 4)


@pytest.mark.parametrize("axes", [2, -3, (0, 0), (1, -1), ()])
def test_axes_that_are_none_of_x_are_refused(axes):
    with pytest.raises(ValueError, match="axes must be different axes of x, which has"):
        standardize(np.ones((2, 3)), axes)
    with pytest.raises(ValueError, match="eps must be positive"):
        standardize(np.ones((2, 3)), 0, eps=0)
