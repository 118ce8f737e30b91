"""The shared operation, over the axes of every norm that is built on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import normlib
from normlib import _blockwise, _rows
from normlib._core import (
    moments,
    per_channel,
    standardize,
    standardize_backward,
    standardize_by,
    standardize_by_backward,
)
from normlib.gradcheck import numerical_gradient

# What batch norm (tables, sequences, images), layer norm and instance norm average
# over, then group norm (on its reshaped view), and two that no norm uses.
SHAPES_AND_AXES = [
    ((5, 3), (0,)),
    ((4, 3, 5), (0, 2)),
    ((2, 3, 5, 7), (0, 2, 3)),
    ((2, 3, 5, 7), (1, 2, 3)),
    ((5, 7), (1,)),
    ((2, 3, 5), (2,)),
    ((2, 3, 5, 7), (2, 3)),
    ((2, 3, 5, 7), (0, 1, 2, 3)),
    ((2, 3, 5, 7), (1,)),
    ((1, 3, 4, 2), (0, 2, 3)),
]
over_axes = pytest.mark.parametrize(("shape", "axes"), SHAPES_AND_AXES)


def draw(shape, seed=0):
    """Numbers with another mean and spread in each row of the first two axes."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=shape[:2]).reshape(*shape[:2], *[1] * (len(shape) - 2))
    return 3 + 5 * level + np.exp(level) * rng.normal(size=shape)


def in_float64(x, axes, eps):
    """The formula as it stands in the books."""
    x = x.astype(np.float64)
    mean = x.mean(axis=axes, keepdims=True)
    var = np.square(x - mean).mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps), mean, var


def alone(x, axes, eps):
    """``standardize`` without scale and shift: gamma = 1 and beta = 0."""
    one = np.ones([1] * x.ndim)
    return standardize(x, axes, eps, one, 0 * one)


@over_axes
def test_standardize_is_the_textbook_formula(shape, axes):
    x = draw(shape)
    before = x.copy()
    x_hat, _, (mean, var) = alone(x, axes, eps=0.1)
    expected, expected_mean, expected_var = in_float64(x, axes, eps=0.1)
    np.testing.assert_allclose(x_hat, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-13)
    np.testing.assert_allclose(var, expected_var, rtol=1e-12)
    assert mean.shape == var.shape == expected_mean.shape
    np.testing.assert_array_equal(x, before)


@over_axes
def test_standardize_backward_is_the_numerical_gradient(shape, axes):
    x, dx_hat = draw(shape), np.random.default_rng(1).normal(size=shape)
    dx, *_ = standardize_backward(dx_hat, alone(x, axes, eps=0.1)[1])
    expected = numerical_gradient(lambda x: alone(x, axes, 0.1)[0], x, dx_hat)
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-8)


# For each channel, for each sample and channel, for all and, in tables, for each of
# a row: the shapes that a norm gives to gamma and beta.
@pytest.mark.parametrize(
    ("shape", "axes", "of_gamma"),
    [
        ((4, 3), (0,), (1, 3)),
        ((4, 3, 5), (0, 2), (1, 3, 1)),
        ((4, 3, 5), (2,), (1, 3, 1)),
        ((4, 3, 5), (2,), (4, 3, 1)),
        ((2, 2, 3, 5), (2, 3), (1, 2, 3, 1)),
        ((2, 3, 5, 2), (1, 2, 3), (1, 3, 1, 1)),
        ((4, 5), (1,), (1, 5)),
        ((4, 5), (1,), (1, 1)),
        ((1, 5), (1,), (1, 5)),
        ((4, 1), (1,), (1, 1)),
    ],
)
def test_all_three_gradients_are_the_numerical_ones(shape, axes, of_gamma):
    x, dy = draw(shape), np.random.default_rng(1).normal(size=shape)
    gamma, beta = np.random.default_rng(2).normal(size=(2, *of_gamma))
    y, saved, _ = standardize(x, axes, 0.1, gamma, beta)
    x_hat, *_ = in_float64(x, axes, 0.1)
    np.testing.assert_allclose(y, gamma * x_hat + beta, rtol=1e-11, atol=1e-12)
    inputs = [x, gamma, beta]
    for i, gradient in enumerate(standardize_backward(dy, saved)):

        def forward(array, i=i):
            x, gamma, beta = (*inputs[:i], array, *inputs[i + 1 :])
            return standardize(x, axes, 0.1, gamma, beta)[0]

        expected = numerical_gradient(forward, inputs[i], dy)
        assert gradient.shape == inputs[i].shape
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


def test_by_given_moments_it_is_one_map_for_each_channel():
    x, dy = draw((4, 3, 5)), draw((4, 3, 5), seed=1)
    mean, var = np.array([1.0, -2, 3]), np.array([4.0, 0.25, 1])
    gamma, beta = draw((1, 3, 1), seed=2), draw((1, 3, 1), seed=3)
    y, saved = standardize_by(x, mean, var, 0.1, gamma, beta)
    slope = gamma / np.sqrt(per_channel(var, x) + 0.1)
    x_hat = (x - per_channel(mean, x)) * slope / gamma
    np.testing.assert_allclose(y, gamma * x_hat + beta, rtol=1e-12)
    dx, dgamma, dbeta = standardize_by_backward(dy, saved)
    np.testing.assert_allclose(dx, dy * slope, rtol=1e-12)
    np.testing.assert_allclose(
        dgamma, (dy * x_hat).sum(axis=(0, 2), keepdims=True), rtol=1e-12
    )
    np.testing.assert_allclose(dbeta, dy.sum(axis=(0, 2), keepdims=True), rtol=1e-12)


@over_axes
def test_gradient_is_orthogonal_to_shifts_and_scalings(shape, axes):
    """The output ignores both, if eps is small, so the loss does not change either."""
    x, dx_hat = draw(shape), np.random.default_rng(1).normal(size=shape)
    x_hat, saved, _ = alone(x, axes, eps=1e-12)
    dx, *_ = standardize_backward(dx_hat, saved)
    assert np.abs(dx).max() > 0.01
    np.testing.assert_allclose(dx.sum(axis=axes), 0, atol=1e-9)
    np.testing.assert_allclose((dx * x_hat).sum(axis=axes), 0, atol=1e-9)


@over_axes
def test_moments_are_those_of_standardize(shape, axes):
    x = draw(shape)
    mean, var = moments(x, axes)
    np.testing.assert_allclose(mean, x.mean(axis=axes, keepdims=True), rtol=1e-13)
    np.testing.assert_allclose(var, x.var(axis=axes, keepdims=True), rtol=1e-12)
    assert mean.dtype == var.dtype == np.float64


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((64, 3, 8, 8), (0, 2, 3)), ((4096, 3), (0,)), ((3, 40_000), (1,))],
)
def test_float32_keeps_its_digits_at_a_large_mean(shape, axes, offset):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=shape) + offset).astype(np.float32)
    x_hat, _, (mean, var) = alone(x, axes, eps=1e-5)
    expected, expected_mean, expected_var = in_float64(x, axes, eps=1e-5)
    assert x_hat.dtype == np.float32
    assert np.abs(x_hat - expected).max() < 2e-6
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(var, expected_var, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [7.1, 1 / 3, -12345.678, 1e-3])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((7, 3, 5, 5), (0, 2, 3)), ((3, 80_007), (1,)), ((10_007, 3), (0,))],
)
def test_equal_numbers_become_exactly_zero(shape, axes, value, dtype):
    x_hat, _, (mean, var) = alone(np.full(shape, value, dtype), axes, 1e-5)
    assert not x_hat.any()
    assert not var.any()
    np.testing.assert_array_equal(mean, dtype(value))


def test_squares_beyond_float32_are_summed_in_float64():
    x = np.array([[1e20, -3e20, 1e20], [1.0, 2.0, 6.0]], dtype=np.float32)
    x_hat, _, (_, var) = alone(x, (1,), eps=1e-5)
    np.testing.assert_allclose(x_hat, in_float64(x, (1,), 1e-5)[0], rtol=1e-6)
    np.testing.assert_allclose(var.ravel(), [32e40 / 9, 14 / 3], rtol=1e-6)


def test_nan_and_infinity_stay_in_their_row_and_do_not_warn():
    x = draw((3, 5))
    x[0, 1], x[1, 2] = np.nan, np.inf
    x_hat, *_ = alone(x, (1,), eps=0.1)
    assert np.isnan(x_hat[:2]).all()
    np.testing.assert_allclose(x_hat[2:], in_float64(x[2:], (1,), 0.1)[0], rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 3, 0), (0, 3)])
def test_nothing_has_mean_and_variance_zero(shape):
    axes = (0, *range(2, len(shape)))
    x_hat, saved, (mean, var) = alone(np.empty(shape), axes, eps=0.25)
    assert x_hat.shape == shape
    assert not mean.any() and not var.any()
    dx, dgamma, dbeta = standardize_backward(x_hat, saved)
    assert dx.shape == shape
    assert not dgamma.any() and not dbeta.any()


def test_memory_order_does_not_matter():
    x, dx_hat = draw((4, 5, 3)), draw((4, 5, 3), seed=1)
    x_view, dx_hat_view = x.transpose(0, 2, 1), dx_hat.transpose(0, 2, 1)
    x_hat, saved, _ = alone(x_view, (0, 2), eps=0.1)
    np.testing.assert_allclose(x_hat, in_float64(x_view, (0, 2), 0.1)[0], rtol=1e-12)
    np.testing.assert_allclose(
        standardize_backward(dx_hat_view, saved)[0],
        standardize_backward(dx_hat_view.copy(), saved)[0],
        rtol=1e-12,
    )


@given(
    shift=st.floats(-1e3, 1e3),
    scale=st.floats(0.01, 100).flatmap(lambda s: st.sampled_from([s, -s])),
    case=st.sampled_from(SHAPES_AND_AXES),
)
def test_shift_is_ignored_and_scale_leaves_its_sign(shift, scale, case):
    shape, axes = case
    x = draw(shape)
    x_hat, *_ = alone(x, axes, eps=1e-12)
    moved, *_ = alone(scale * x + shift, axes, eps=1e-12)
    np.testing.assert_allclose(moved, np.sign(scale) * x_hat, rtol=1e-6, atol=1e-6)


@given(case=st.sampled_from(SHAPES_AND_AXES), seed=st.integers(0, 2**32 - 1))
def test_standardizing_twice_changes_nothing(case, seed):
    shape, axes = case
    once, *_ = alone(draw(shape, seed), axes, eps=1e-15)
    twice, *_ = alone(once, axes, eps=1e-15)
    np.testing.assert_allclose(twice, once, rtol=1e-9, atol=1e-9)


def test_per_channel_lines_up_with_axis_1():
    x = draw((3, 3, 3, 3))
    expected = np.stack([x[:, 0] + 1, x[:, 1] - 2, x[:, 2] + 3], axis=1)
    np.testing.assert_array_equal(x + per_channel(np.array([1, -2, 3]), x), expected)


def forward_and_backward(name, x, dy):
    """All results of one norm, with gamma and beta that differ by channel."""
    C = x.shape[1]
    gamma, beta = np.resize([0.5, -2, 3], C), np.resize([1.0, 0, -1], C)
    forward, backward = getattr(normlib, name), getattr(normlib, f"{name}_backward")
    arguments = {
        "batch_norm": (x, gamma, beta),
        "instance_norm": (x, gamma, beta),
        "group_norm": (x, 2, gamma, beta),
        "layer_norm": (x, np.cos(x[0]), np.sin(x[0])),
        "rms_norm": (x, np.cos(x[0])),
        "adaptive_instance_norm": (x, dy),
        "switchable_norm": (x, np.cos(x[0, :3, 0]), np.sin(x[0, :3, 0]), gamma, beta),
    }
    y, cache, *_ = forward(*arguments[name])
    return y, *backward(dy, cache)


@pytest.mark.parametrize("block", [1, 50])
@pytest.mark.parametrize(
    "name",
    [
        "batch_norm",
        "instance_norm",
        "group_norm",
        "layer_norm",
        "rms_norm",
        "adaptive_instance_norm",
        "switchable_norm",
    ],
)
def test_every_norm_is_the_same_in_blocks(monkeypatch, name, block):
    def set_block(size):
        for constant in ("BLOCK", "PRODUCT", "PIECE", "COLUMN_PIECE"):
            monkeypatch.setattr(_blockwise, constant, size)
        for constant in ("ROWS", "COLUMN_PIECE"):
            monkeypatch.setattr(_rows, constant, size)

    x, dy = draw((5, 4, 6)), draw((5, 4, 6), seed=1)
    x[3] *= 1e5
    for scale in (1, np.float32(1e18)):  # whose squares overflow in one block alone
        scaled = scale * x.astype(np.result_type(scale, np.float32))
        set_block(10**6)
        expected = forward_and_backward(name, scaled, dy)
        set_block(block)
        results = forward_and_backward(name, scaled, dy)
        for one, other in zip(results, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-30)
