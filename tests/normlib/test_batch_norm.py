"""Batch norm: torch, finite differences and properties, then conventions and edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import batch_norm, batch_norm_backward
from tests.normlib.agreement import assert_numerical, assert_rounded

SHAPES = [
    (5, 3),
    (3, 3),
    (4, 3, 5),
    (2, 3, 5, 7),
    (1, 3, 5, 2),
    (2, 3, 2, 3, 5),
    (6, 1),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)
any_shape = st.tuples(
    st.integers(2, 5), st.integers(1, 5), st.lists(st.integers(1, 5), max_size=3)
).map(lambda sizes: (*sizes[:2], *sizes[2]))
every_mode = pytest.mark.parametrize("training", [True, False])
FLOATS = [np.float16, np.float32, np.float64]


def draw(shape, dtype=np.float64, seed=0):
    """x, gamma, beta, running_mean, running_var and dy.

    Channels differ in mean and spread, so do samples in mean; gamma changes sign.
    """
    rng = np.random.default_rng(seed)
    channels = shape[1]
    x = rng.normal(size=shape).swapaxes(1, -1)
    x = x * 10 ** rng.uniform(-1, 1, channels) + rng.normal(0, 5, channels)
    x = x.swapaxes(1, -1) + rng.normal(size=(shape[0], *[1] * (len(shape) - 1)))
    gamma = np.resize([0.5, -2.0, 3.0], channels)
    beta = rng.normal(size=channels)
    running_mean = rng.normal(size=channels)
    running_var = rng.uniform(0.5, 4.0, channels)
    dy = rng.normal(size=shape)
    return [a.astype(dtype) for a in (x, gamma, beta, running_mean, running_var, dy)]


def by_channel(x):
    """``x`` of shape (N, C, *) as (C, N * trailing sizes)."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def in_torch(x, gamma, beta, running_mean, running_var, dy, **options):
    """y, dx, dgamma, dbeta, running_mean and running_var of torch, in float64."""
    arrays = (x, gamma, beta, running_mean, running_var, dy)
    x, gamma, beta, running_mean, running_var, dy = (
        torch.tensor(a, dtype=torch.float64) for a in arrays
    )
    for parameter in (x, gamma, beta):
        parameter.requires_grad_()
    y = torch.nn.functional.batch_norm(
        x, running_mean, running_var, gamma, beta, **options
    )
    gradients = torch.autograd.grad(y, (x, gamma, beta), dy)
    results = (y.detach(), *gradients, running_mean, running_var)
    return [result.numpy() for result in results]


def ours(x, gamma, beta, running_mean, running_var, dy, **options):
    """The same six from normlib."""
    y, cache, *running = batch_norm(
        x, gamma, beta, running_mean, running_var, **options
    )
    return [y, *batch_norm_backward(dy, cache), *running]


# The three oracles


@every_shape
@every_mode
@pytest.mark.parametrize(
    "options", [{}, {"eps": 0.1, "momentum": 0.3}], ids=["default", "eps and momentum"]
)
def test_agrees_with_torch(shape, training, options):
    inputs = draw(shape)
    results = ours(*inputs, training=training, **options)
    expected = in_torch(*inputs, training=training, **options)
    names = ["y", "dx", "dgamma", "dbeta", "running_mean", "running_var"]
    for name, one, other in zip(names, results, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10, err_msg=name)


@given(
    shape=any_shape,
    training=st.booleans(),
    momentum=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_torch_for_any_shape(shape, training, momentum, seed):
    inputs, options = draw(shape, seed=seed), {"training": training, "eps": 1e-3}
    results = ours(*inputs, momentum=momentum, **options)
    expected = in_torch(*inputs, momentum=momentum, **options)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@every_shape
@every_mode
def test_backward_is_the_numerical_gradient(shape, training):
    x, gamma, beta, *running, dy = draw(shape)

    def forward(x=x, gamma=gamma, beta=beta):
        return batch_norm(x, gamma, beta, *running, training=training, eps=0.1)

    inputs = {"x": x, "gamma": gamma, "beta": beta}
    gradients = batch_norm_backward(dy, forward()[1])
    assert_numerical(gradients, forward, inputs, dy)


@every_shape
def test_training_output_has_mean_beta_and_deviation_gamma(shape):
    x, gamma, beta, *_ = draw(shape)
    y, *_ = batch_norm(x, gamma, beta, eps=1e-12)
    np.testing.assert_allclose(by_channel(y).mean(axis=1), beta, atol=1e-9)
    np.testing.assert_allclose(by_channel(y).std(axis=1), np.abs(gamma), rtol=1e-6)


@every_shape
def test_training_gradient_is_orthogonal_to_ones_and_to_x_hat(shape):
    """Shifting or stretching a channel changes no output, so it changes no loss."""
    x, gamma, beta, _, _, dy = draw(shape)
    _, cache, *_ = batch_norm(x, gamma, beta, eps=1e-12)
    x_hat, *_ = batch_norm(x, np.ones_like(gamma), np.zeros_like(beta), eps=1e-12)
    dx, *_ = batch_norm_backward(dy, cache)
    size = np.abs(by_channel(dx)).sum(axis=1)
    assert (size > 0.01).all()
    assert (np.abs(by_channel(dx).sum(axis=1)) < 1e-10 * size).all()
    assert (np.abs(by_channel(dx * x_hat).sum(axis=1)) < 1e-8 * size).all()


@given(
    shift=st.floats(-1e3, 1e3),
    scale=st.floats(0.01, 100),
    sign=st.sampled_from([-1, 1]),
    shape=st.sampled_from(SHAPES),
    seed=st.integers(0, 2**32 - 1),
)
def test_training_ignores_shift_and_scale_of_the_input(shift, scale, sign, shape, seed):
    x, gamma, beta, *_, dy = draw(shape, seed=seed)
    y, cache, *_ = batch_norm(x, gamma, beta, eps=1e-12)
    moved, moved_cache, *_ = batch_norm(
        sign * scale * x + shift, sign * gamma, beta, eps=1e-12
    )
    np.testing.assert_allclose(moved, y, rtol=1e-4, atol=1e-4)
    dx, moved_dx = (batch_norm_backward(dy, c)[0] for c in (cache, moved_cache))
    np.testing.assert_allclose(
        scale * sign * moved_dx, dx, rtol=1e-4, atol=1e-4 * np.abs(dx).max()
    )


@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**32 - 1))
def test_inference_on_the_statistics_of_the_batch_is_training(shape, seed):
    x, gamma, beta, *_ = draw(shape, seed=seed)
    mean, var = by_channel(x).mean(axis=1), by_channel(x).var(axis=1)
    training, *_ = batch_norm(x, gamma, beta)
    inference, *_ = batch_norm(x, gamma, beta, mean, var, training=False)
    np.testing.assert_allclose(inference, training, rtol=1e-9, atol=1e-9)


@given(
    shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**32 - 1), order=st.randoms()
)
def test_training_follows_a_reordering_of_the_batch(shape, seed, order):
    x, gamma, beta, *running, dy = draw(shape, seed=seed)
    rows = np.array(order.sample(range(len(x)), len(x)))
    y, dx, *rest = ours(x, gamma, beta, *running, dy)
    y_moved, dx_moved, *rest_moved = ours(x[rows], gamma, beta, *running, dy[rows])
    for one, other in zip((y_moved, dx_moved), (y[rows], dx[rows]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)
    for one, other in zip(rest_moved, rest, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@every_shape
def test_inference_is_one_affine_map_for_each_sample_alone(shape):
    x, gamma, beta, running_mean, running_var, _ = draw(shape)
    arguments = (gamma, beta, running_mean, running_var)
    y, *_ = batch_norm(x, *arguments, training=False, eps=0.1)
    alone = [batch_norm(row[None], *arguments, training=False, eps=0.1)[0] for row in x]
    np.testing.assert_allclose(y, np.concatenate(alone), rtol=1e-12)
    scale = gamma / np.sqrt(running_var + 0.1)
    expected = scale[:, None] * (by_channel(x) - running_mean[:, None]) + beta[:, None]
    np.testing.assert_allclose(by_channel(y), expected, rtol=1e-10)


def test_images_and_sequences_are_tables_of_pixels_and_steps():
    x, gamma, beta, *running, dy = draw((2, 3, 5, 7))
    as_table, dy_as_table = by_channel(x).T, by_channel(dy).T
    expected = ours(as_table, gamma, beta, *running, dy_as_table)
    results = ours(x, gamma, beta, *running, dy)
    for one, other in zip(results[:2], expected[:2], strict=True):
        np.testing.assert_allclose(by_channel(one).T, other, rtol=1e-9, atol=1e-12)
    for one, other in zip(results[2:], expected[2:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_by_hand():
    """Channel 0: mean 2, variance 1; channel 1: mean 10, variance 16."""
    x = np.array([[1.0, 6.0], [3.0, 14.0]])
    y, _, running_mean, running_var = batch_norm(
        x,
        gamma=np.array([2.0, -1.0]),
        beta=np.array([0.0, 5.0]),
        running_mean=np.array([4.0, 0.0]),
        running_var=np.array([1.0, 2.0]),
        momentum=0.25,
        eps=1e-12,
    )
    np.testing.assert_allclose(y, [[-2, 6], [2, 4]])
    np.testing.assert_allclose(running_mean, [0.75 * 4 + 0.25 * 2, 0.25 * 10])
    np.testing.assert_allclose(running_var, [0.75 + 0.25 * 2, 0.75 * 2 + 0.25 * 32])


# Running statistics


def test_running_variance_is_unbiased_and_the_normalizing_one_biased():
    x = np.array([[1.0], [3.0]])  # biased variance 1, unbiased 2
    one, zero = np.ones(1), np.zeros(1)
    y, _, _, running_var = batch_norm(x, one, zero, zero, zero, momentum=1, eps=1e-12)
    np.testing.assert_allclose(y, [[-1], [1]])
    np.testing.assert_allclose(running_var, [2])


def test_momentum_is_the_weight_of_the_new_batch():
    x, gamma, beta, running_mean, running_var, _ = draw((4, 3))
    arguments = (x, gamma, beta, running_mean, running_var)
    _, _, mean, var = batch_norm(*arguments, momentum=0)
    np.testing.assert_array_equal(mean, running_mean)
    np.testing.assert_array_equal(var, running_var)
    _, _, mean, var = batch_norm(*arguments, momentum=1)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(var, x.var(axis=0, ddof=1), rtol=1e-12)


def test_running_statistics_over_many_steps_and_inference_are_those_of_torch_modules():
    layer = torch.nn.BatchNorm2d(3, momentum=0.3).double()
    gamma, beta = np.ones(3), np.zeros(3)
    running = np.zeros(3), np.ones(3)
    for seed in range(4):
        x = draw((2, 3, 2, 2), seed=seed)[0]
        y, _, *running = batch_norm(x, gamma, beta, *running, momentum=0.3)
        expected = layer(torch.tensor(x)).detach()
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(running[0], layer.running_mean, rtol=1e-12)
    np.testing.assert_allclose(running[1], layer.running_var, rtol=1e-12)
    x = 3 * x + 1
    y, *_ = batch_norm(x, gamma, beta, *running, training=False)
    np.testing.assert_allclose(y, layer.eval()(torch.tensor(x)).detach(), rtol=1e-9)


def test_without_running_statistics_training_keeps_none():
    x, gamma, beta, *running, _ = draw((4, 3))
    y, _, running_mean, running_var = batch_norm(x, gamma, beta)
    assert running_mean is None and running_var is None
    np.testing.assert_array_equal(y, batch_norm(x, gamma, beta, *running)[0])


@every_mode
def test_running_statistics_are_new_arrays_and_arguments_are_left_alone(training):
    inputs = draw((4, 3, 5))
    y, cache, *running = batch_norm(*inputs[:5], training=training)
    batch_norm_backward(inputs[5], cache)
    for array, fresh in zip(inputs, draw((4, 3, 5)), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for result in (y, *running):
        assert not any(np.shares_memory(result, array) for array in inputs)
    if not training:
        for result, array in zip(running, inputs[3:5], strict=True):
            np.testing.assert_array_equal(result, array)


@every_mode
def test_the_cache_does_not_follow_changes_in_place(training):
    inputs = draw((4, 3, 5))
    y, cache, *_ = batch_norm(*inputs[:5], training=training)
    expected = batch_norm_backward(inputs[5], cache)
    for array in (*inputs[1:5], y):
        array += 1
    for one, other in zip(batch_norm_backward(inputs[5], cache), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    inputs[0] += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        batch_norm_backward(inputs[5], cache)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4, 4), (2, 3, 0)])
@every_mode
def test_an_empty_batch_changes_nothing(shape, training):
    inputs = draw((2, 3))
    x = dy = np.zeros(shape)
    y, dx, dgamma, dbeta, *running = ours(x, *inputs[1:5], dy, training=training)
    assert y.shape == dx.shape == shape
    assert not dgamma.any() and not dbeta.any()
    for result, expected in zip(running, inputs[3:5], strict=True):
        np.testing.assert_array_equal(result, expected)


def test_no_channels_is_fine_too():
    y, cache, *_ = batch_norm(np.zeros((4, 0)), np.zeros(0), np.zeros(0))
    assert y.shape == (4, 0)
    assert [a.shape for a in batch_norm_backward(y, cache)] == [(4, 0), (0,), (0,)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_channel_and_its_statistics_for_good(bad):
    inputs = draw((4, 3, 5))
    inputs[0][2, 1, 3] = bad
    with_bad = ours(*inputs)
    clean = ours(*draw((4, 3, 5)))
    for name, result, expected in zip("yx", with_bad[:2], clean[:2], strict=True):
        assert np.isnan(result[:, 1]).all(), name
        np.testing.assert_allclose(result[:, [0, 2]], expected[:, [0, 2]], rtol=1e-12)
    for result, expected in zip(with_bad[4:], clean[4:], strict=True):
        np.testing.assert_array_equal(np.isnan(result), [False, True, False])
        np.testing.assert_allclose(result[[0, 2]], expected[[0, 2]], rtol=1e-12)
    _, _, *later = batch_norm(*draw((4, 3, 5))[:3], *with_bad[4:])
    assert all(np.isnan(statistics[1]) for statistics in later)


# Precision


@every_mode
@pytest.mark.parametrize("dtype", FLOATS)
def test_results_have_the_dtype_of_what_they_belong_to(training, dtype):
    inputs = draw((4, 3, 5), dtype)
    for result in ours(*inputs, training=training):
        assert result.dtype == dtype


@every_mode
def test_half_input_with_wider_parameters_as_in_torch(training):
    x, *params, dy = draw((4, 3, 5), np.float32)
    y, dx, *others = ours(x.astype(np.float16), *params, dy, training=training)
    assert y.dtype == dx.dtype == np.float16
    assert {other.dtype for other in others} == {np.dtype(np.float32)}


@every_mode
@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(training, dtype):
    """With statistics and products in float64 or float32, only the last step rounds."""
    inputs = draw((4, 3, 5, 7), dtype)
    results = ours(*inputs, training=training, eps=1e-3)
    expected = in_torch(*inputs, training=training, eps=1e-3)
    assert_rounded(results, expected, dtype)


@pytest.mark.parametrize(("mean", "std"), [(0, 1), (3000, 200)])
@every_mode
def test_float16_is_within_one_spacing_of_the_rounded_result(training, mean, std):
    """Squares of 3000 overflow in float16, and a variance loses most of its digits."""
    rng = np.random.default_rng(0)
    x = rng.normal(mean, std, size=(16, 3, 12, 12)).astype(np.float16)
    gamma, beta = np.float16([0.7, -1.3, 1]), np.float16([0.3, 0.1, 0])
    statistics = np.float16([mean - 0.1, mean, mean]), np.float16([std**2, 1.1, 0.7])
    y, *_ = batch_norm(x, gamma, beta, *statistics, training=training)
    rows = by_channel(x).astype(np.float64)
    if training:
        mean, var = rows.mean(axis=1), rows.var(axis=1)
    else:
        mean, var = (array.astype(np.float64) for array in statistics)
    x_hat = (rows - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    rounded = (gamma[:, None] * x_hat + beta[:, None]).astype(np.float16)
    error = np.abs(by_channel(y).astype(np.float64) - rounded)
    # Near y = 0 a spacing is 6e-8, finer than the float32 in which y is computed.
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 1e-6)).all()


@pytest.mark.parametrize("shape", [(16, 3, 16, 16), (4096, 3)])
@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_survives_an_offset(shape, offset):
    rng = np.random.default_rng(0)
    x = (offset + rng.normal(size=shape)).astype(np.float32)
    dy = rng.normal(size=shape).astype(np.float32)
    gamma, beta = np.array([0.5, -2, 3], np.float32), np.array([1, 0, -1], np.float32)
    zero, one = np.zeros(3), np.ones(3)
    results = ours(x, gamma, beta, zero, one, dy, momentum=1)
    expected = in_torch(x, gamma, beta, zero, one, dy, training=True, momentum=1)
    y, dx, dgamma, dbeta, running_mean, running_var = zip(
        results, expected, strict=True
    )
    assert np.abs(by_channel(y[0] - y[1]) / gamma[:, None]).max() < 2e-6
    np.testing.assert_allclose(*dx, atol=5e-6)
    np.testing.assert_allclose(*dgamma, atol=1e-6 * x[:, 0].size)
    np.testing.assert_allclose(*dbeta, atol=1e-6 * x[:, 0].size)
    np.testing.assert_allclose(*running_mean, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(*running_var, rtol=1e-5)


def test_inference_survives_an_offset():
    x = (1e4 + np.random.default_rng(0).normal(size=(64, 3))).astype(np.float32)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    mean, var = x.astype(np.float64).mean(axis=0), x.astype(np.float64).var(axis=0)
    y, *_ = batch_norm(x, one, zero, mean, var, training=False)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), atol=2e-6)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "shape", [(5, 3), (2, 3, 300, 300), (40_001, 3), (3, 3, 40_001)]
)
def test_a_constant_channel_becomes_exactly_beta(shape, dtype):
    x = np.empty(shape, dtype)
    x.swapaxes(1, -1)[...] = [7.1, -1e4 / 3, 1e-3]
    gamma = np.array([0.5, -2, 300], dtype)
    beta = np.array([0.1, -0.7, 1 / 3], dtype)
    running = np.zeros(3), np.ones(3)
    y, _, *running = batch_norm(x, gamma, beta, *running, momentum=1)
    assert (by_channel(y) == beta[:, None]).all()
    np.testing.assert_array_equal(running, [by_channel(x)[:, 0], np.zeros(3)])


@every_mode
@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype, training):
    largest = np.finfo(dtype).max
    x = np.array([[largest, 0, largest, 1], [-largest, 0, largest, 2]], dtype)
    gamma, beta = np.array([1, 1, 0, 0], dtype), np.zeros(4, dtype)
    mean, var = (
        np.array([-largest, 0, 0, largest], dtype),
        np.array([0, 1, 0, 1], dtype),
    )
    results = ours(
        x, gamma, beta, mean, var, np.ones_like(x), training=training, eps=1e-40
    )
    for result in results:
        assert not np.isnan(result).any()
    if training:
        np.testing.assert_allclose(results[0][:, 0], [1, -1], rtol=1e-3)


def test_any_memory_order_is_accepted():
    """Sequences are often held as (N, L, C) and come in as a transposed view."""
    x, *params, dy = draw((4, 3, 5))
    expected = ours(x, *params, dy)
    x_view = x.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    dy_view = np.asfortranarray(dy)
    for one, other in zip(ours(x_view, *params, dy_view), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


# Errors


def refuses(message, x=None, gamma=None, beta=None, mean=None, var=None, **options):
    """batch_norm on a good (4, 3) batch, but for the arguments given."""
    good = draw((4, 3))[:5]
    given = (x, gamma, beta, mean, var)
    arguments = [b if a is None else a for a, b in zip(given, good, strict=True)]
    with pytest.raises(ValueError, match=message):
        batch_norm(*arguments, **options)


def test_one_value_per_channel_is_refused_in_training_alone():
    for shape in [(1, 3), (1, 3, 1), (1, 3, 1, 1)]:
        message = r"more than one value per channel in training, got shape \(1, 3"
        refuses(message, x=np.ones(shape))
        inputs = draw((2, 3))[1:5]
        y, *_ = batch_norm(np.ones(shape), *inputs, training=False)
        assert y.shape == shape


def test_shapes_are_checked():
    refuses(r"x must have shape \(N, C, \*\), got \(3,\)", x=np.ones(3))
    wrong = np.ones((1, 3))
    refuses(r"gamma must have shape \(3,\), got \(1, 3\)", gamma=wrong)
    refuses(r"beta must have shape \(3,\), got \(1, 3\)", beta=wrong)
    refuses(r"running_mean must have shape \(3,\), got \(1, 3\)", mean=wrong)
    refuses(r"running_var must have shape \(3,\), got \(4,\)", var=np.ones(4))


def test_dtypes_are_checked():
    for dtype in (np.int64, bool, complex):
        wrong = np.ones(3, dtype)
        name = np.dtype(dtype).name
        refuses(f"x must be of dtype .*, got {name}", x=np.ones((4, 3), dtype))
        refuses(f"gamma must be of dtype .*, got {name}", gamma=wrong)
        refuses(f"beta must be of dtype .*, got {name}", beta=wrong)
        refuses(f"running_mean must be of dtype .*, got {name}", mean=wrong)
        refuses(f"running_var must be of dtype .*, got {name}", var=wrong)


def test_running_statistics_come_together_and_inference_needs_them():
    x, gamma, beta, mean, var, _ = draw((4, 3))
    with pytest.raises(ValueError, match=r"given together, got None and \["):
        batch_norm(x, gamma, beta, None, var)
    with pytest.raises(ValueError, match=r"given together, got \[.* and None"):
        batch_norm(x, gamma, beta, mean, None, training=False)
    with pytest.raises(ValueError, match="must be given when not training"):
        batch_norm(x, gamma, beta, training=False)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, np.nan])
def test_momentum_is_a_weight(momentum):
    refuses(f"momentum must be from 0 to 1, got {momentum}", momentum=momentum)


@pytest.mark.parametrize("eps", [-1e-5, 0, np.nan, np.inf])
def test_eps_is_positive_in_training(eps):
    refuses(f"eps must be positive.*, got {eps} with training=True", eps=eps)


@pytest.mark.parametrize("eps", [-1e-5, np.nan, np.inf])
def test_eps_is_not_negative_at_inference(eps):
    refuses(f"got {eps} with training=False", eps=eps, training=False)


def test_eps_may_be_zero_at_inference():
    x, gamma, beta, mean, var, _ = draw((4, 3))
    y, *_ = batch_norm(x, gamma, beta, mean, var, training=False, eps=0)
    np.testing.assert_allclose(y, gamma * (x - mean) / np.sqrt(var) + beta, rtol=1e-12)


def test_dy_is_checked():
    *inputs, dy = draw((4, 3, 5))
    _, cache, *_ = batch_norm(*inputs)
    with pytest.raises(
        ValueError, match=r"dy must have shape \(4, 3, 5\), got \(4, 3\)"
    ):
        batch_norm_backward(dy[:, :, 0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        batch_norm_backward(np.ones((4, 3, 5), np.int64), cache)


def test_one_channel_is_still_a_channel():
    x, one = np.array([[1.0], [2.0], [6.0]]), np.ones(1)
    _, cache, *_ = batch_norm(x, one, one)
    dx, dgamma, dbeta = batch_norm_backward(x, cache)
    assert (dx.shape, dgamma.shape, dbeta.shape) == ((3, 1), (1,), (1,))
