"""Instance norm: torch, finite differences, properties, then conventions and edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import (
    batch_norm,
    batch_norm_backward,
    instance_norm,
    instance_norm_backward,
)
from tests.normlib.agreement import assert_numerical, assert_rounded

SHAPES = [
    (4, 3, 5),
    (3, 3, 3),
    (2, 3, 5, 7),
    (1, 3, 5, 2),
    (2, 3, 2, 3, 5),
    (6, 1, 4),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_mode = pytest.mark.parametrize("training", [True, False])
FLOATS = [np.float16, np.float32, np.float64]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes(draw):
    """(N, C, *), with more than one number in each channel of each sample."""
    rest = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    rest[draw(st.integers(0, len(rest) - 1))] += 1
    return (draw(st.integers(1, 4)), draw(st.integers(1, 4)), *rest)


def draw(shape, dtype=np.float64, seed=0):
    """x, gamma, beta, running_mean, running_var and dy.

    Channels and samples differ in mean and spread; gamma changes sign.
    """
    rng = np.random.default_rng(seed)
    channels = shape[1]
    per_row = (*shape[:2], *[1] * (len(shape) - 2))
    x = rng.normal(size=shape) * 10 ** rng.uniform(-1, 1, per_row)
    x += rng.normal(0, 5, per_row)
    gamma = np.resize([0.5, -2.0, 3.0], channels)
    beta = rng.normal(size=channels)
    running_mean = rng.normal(size=channels)
    running_var = rng.uniform(0.5, 4.0, channels)
    dy = rng.normal(size=shape)
    return [a.astype(dtype) for a in (x, gamma, beta, running_mean, running_var, dy)]


def in_torch(x, gamma, beta, running_mean, running_var, dy, training=True, **options):
    """y, dx, dgamma, dbeta, running_mean and running_var of torch, in float64."""
    arrays = (x, gamma, beta, running_mean, running_var, dy)
    x, gamma, beta, running_mean, running_var, dy = (
        None if a is None else torch.tensor(a, dtype=torch.float64) for a in arrays
    )
    for parameter in (x, gamma, beta):
        parameter.requires_grad_()
    y = torch.nn.functional.instance_norm(
        x,
        running_mean,
        running_var,
        gamma,
        beta,
        use_input_stats=training or running_mean is None,
        **options,
    )
    gradients = torch.autograd.grad(y, (x, gamma, beta), dy)
    results = (y.detach(), *gradients, running_mean, running_var)
    return [None if result is None else result.numpy() for result in results]


def ours(x, gamma, beta, running_mean, running_var, dy, **options):
    """The same six from normlib."""
    y, cache, *running = instance_norm(
        x, gamma, beta, running_mean, running_var, **options
    )
    return [y, *instance_norm_backward(dy, cache), *running]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", "dx", "dgamma", "dbeta", "running_mean", "running_var"]
    for name, one, other in zip(names, results, expected, strict=True):
        if other is None:
            assert one is None
        else:
            np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


# The three oracles


@every_shape
@every_mode
@pytest.mark.parametrize(
    "options", [{}, {"eps": 0.1, "momentum": 0.3}], ids=["default", "eps and momentum"]
)
def test_agrees_with_torch(shape, training, options):
    inputs = draw(shape)
    agree(
        ours(*inputs, training=training, **options),
        in_torch(*inputs, training=training, **options),
    )


@given(shape=shapes(), seed=seeds, training=st.booleans(), tracking=st.booleans())
def test_agrees_with_torch_for_any_shape(shape, seed, training, tracking):
    inputs = draw(shape, seed=seed)
    if not tracking:
        inputs[3:5] = None, None
    options = {"training": training, "eps": 1e-3}
    agree(ours(*inputs, **options), in_torch(*inputs, **options), 1e-8, 1e-8)


@every_shape
@every_mode
def test_backward_is_the_numerical_gradient(shape, training):
    x, gamma, beta, *running, dy = draw(shape)

    def forward(x=x, gamma=gamma, beta=beta):
        return instance_norm(x, gamma, beta, *running, training=training, eps=0.1)

    inputs = {"x": x, "gamma": gamma, "beta": beta}
    gradients = instance_norm_backward(dy, forward()[1])
    assert_numerical(gradients, forward, inputs, dy)


@given(shape=st.sampled_from(SHAPES), seed=seeds)
def test_brightness_and_contrast_of_each_image_are_ignored(shape, seed):
    x, gamma, beta, *_, dy = draw(shape, seed=seed)
    rng = np.random.default_rng(seed)
    per_row = (*shape[:2], *[1] * (len(shape) - 2))
    scale, shift = 10 ** rng.uniform(-1, 1, per_row), rng.normal(0, 100, per_row)
    y, dx, *_ = ours(x, gamma, beta, None, None, dy, eps=1e-12)
    moved = ours(scale * x + shift, gamma, beta, None, None, dy, eps=1e-12)
    np.testing.assert_allclose(moved[0], y, rtol=1e-4, atol=1e-4)
    size = np.abs(dx).max()
    np.testing.assert_allclose(scale * moved[1], dx, rtol=1e-4, atol=1e-4 * size)


@given(shape=st.sampled_from(SHAPES), seed=seeds)
def test_gradient_is_orthogonal_to_ones_and_to_x_hat(shape, seed):
    x, gamma, beta, *_, dy = draw(shape, seed=seed)
    _, dx, *_ = ours(x, gamma, beta, None, None, dy, eps=1e-12)
    x_hat, *_ = instance_norm(x, np.ones_like(gamma), 0 * beta, eps=1e-12)
    dx, x_hat = (a.reshape(*shape[:2], -1) for a in (dx, x_hat))
    bound = 1e-6 * np.abs(dx).sum(axis=2)
    assert bound.all()
    assert (np.abs(dx.sum(axis=2)) <= bound).all()
    assert (np.abs((dx * x_hat).sum(axis=2)) <= bound).all()


# Limiting cases


@every_shape
def test_of_a_single_sample_it_is_batch_norm(shape):
    x, gamma, beta, *running, dy = draw((1, *shape[1:]))
    y, cache, *after = batch_norm(x, gamma, beta, *running)
    expected = [y, *batch_norm_backward(dy, cache), *after]
    agree(ours(x, gamma, beta, *running, dy), expected, rtol=1e-12)


def test_samples_do_not_meet():
    x, gamma, beta, *_, dy = draw((4, 3, 5))
    y, dx, *_ = ours(x, gamma, beta, None, None, dy)
    for i in range(4):
        alone = ours(x[[i]], gamma, beta, None, None, dy[[i]])
        np.testing.assert_allclose(y[[i]], alone[0], rtol=1e-12)
        np.testing.assert_allclose(dx[[i]], alone[1], rtol=1e-9, atol=1e-12)


def test_by_hand():
    """Means 2, 10, 6, 0; biased variances 1, 16, 4, 25 and unbiased twice that."""
    x = np.array([[[1.0, 3.0], [6.0, 14.0]], [[4.0, 8.0], [5.0, -5.0]]])
    y, _, running_mean, running_var = instance_norm(
        x,
        gamma=np.array([2.0, -1.0]),
        beta=np.array([0.0, 5.0]),
        running_mean=np.array([4.0, 0.0]),
        running_var=np.array([1.0, 2.0]),
        momentum=0.25,
        eps=1e-12,
    )
    np.testing.assert_allclose(y, [[[-2, 2], [6, 4]], [[-2, 2], [4, 6]]])
    np.testing.assert_allclose(running_mean, [0.75 * 4 + 0.25 * 4, 0.25 * 5])
    np.testing.assert_allclose(running_var, [0.75 + 0.25 * 5, 0.75 * 2 + 0.25 * 41])


# Running statistics


def test_over_many_steps_and_at_inference_it_is_the_torch_module():
    layer = torch.nn.InstanceNorm2d(
        3, momentum=0.3, affine=True, track_running_stats=True
    ).double()
    gamma, beta = np.ones(3), np.zeros(3)
    running = np.zeros(3), np.ones(3)
    for seed in range(4):
        x = draw((2, 3, 2, 2), seed=seed)[0]
        y, _, *running = instance_norm(x, gamma, beta, *running, momentum=0.3)
        expected = layer(torch.tensor(x)).detach()
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(running[0], layer.running_mean, rtol=1e-12)
    np.testing.assert_allclose(running[1], layer.running_var, rtol=1e-12)
    x = 3 * x + 1
    y, *_ = instance_norm(x, gamma, beta, *running, training=False)
    np.testing.assert_allclose(y, layer.eval()(torch.tensor(x)).detach(), rtol=1e-9)


def test_without_running_statistics_inference_is_training():
    """As in the default module of torch, which has nothing to track."""
    x, gamma, beta, *_, dy = draw((4, 3, 5))
    training = ours(x, gamma, beta, None, None, dy)
    inference = ours(x, gamma, beta, None, None, dy, training=False)
    assert inference[4:] == training[4:] == [None, None]
    for one, other in zip(inference[:4], training[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    layer = torch.nn.InstanceNorm1d(3).double().eval()
    y, *_ = instance_norm(x, np.ones(3), np.zeros(3), training=False)
    np.testing.assert_allclose(y, layer(torch.tensor(x)), rtol=1e-9, atol=1e-9)


@every_mode
def test_arguments_are_left_alone_and_the_cache_does_not_follow_them(training):
    inputs = draw((4, 3, 5))
    y, cache, *running = instance_norm(*inputs[:5], training=training)
    expected = instance_norm_backward(inputs[5], cache)
    for array, fresh in zip(inputs, draw((4, 3, 5)), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for result in (y, *running):
        assert not any(np.shares_memory(result, array) for array in inputs)
    for array in (*inputs[1:5], y):
        array += 1
    for one, other in zip(
        instance_norm_backward(inputs[5], cache), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    inputs[0] += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        instance_norm_backward(inputs[5], cache)


@pytest.mark.parametrize("shape", [(0, 3, 4), (0, 3, 4, 4), (2, 3, 0)])
@every_mode
def test_an_empty_batch_changes_nothing(shape, training):
    inputs = draw((2, 3, 4))
    x = dy = np.zeros(shape)
    y, dx, dgamma, dbeta, *running = ours(x, *inputs[1:5], dy, training=training)
    assert y.shape == dx.shape == shape
    assert not dgamma.any() and not dbeta.any()
    for result, expected in zip(running, inputs[3:5], strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_channel_of_its_sample_and_the_statistics_for_good(bad):
    inputs = draw((4, 3, 5))
    clean = ours(*inputs)
    inputs[0][2, 1, 3] = bad
    with_bad = ours(*inputs)
    for result, expected in zip(with_bad[:2], clean[:2], strict=True):
        assert np.isnan(result[2, 1]).all()
        expected[2, 1] = np.nan
        np.testing.assert_allclose(result, expected, rtol=1e-9)
    for result in with_bad[4:]:
        np.testing.assert_array_equal(np.isnan(result), [False, True, False])


# Precision


@every_mode
@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(training, dtype):
    inputs = draw((4, 3, 5, 7), dtype)
    results = ours(*inputs, training=training, eps=1e-3)
    expected = in_torch(*inputs, training=training, eps=1e-3)
    assert_rounded(results, expected, dtype)


@every_mode
def test_half_input_with_wider_parameters(training):
    x, *params, dy = draw((4, 3, 5), np.float32)
    y, dx, *others = ours(x.astype(np.float16), *params, dy, training=training)
    assert y.dtype == dx.dtype == np.float16
    assert {other.dtype for other in others} == {np.dtype(np.float32)}


@every_mode
def test_float16_is_within_one_spacing_of_the_rounded_result(training):
    x = np.random.default_rng(0).normal(size=(4, 3, 12, 12)).astype(np.float16)
    inputs = [x, *draw((1, 3), np.float16)[1:5]]
    y, *_ = instance_norm(*inputs, training=training)
    rounded = in_torch(*inputs, x, training=training)[0].astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 1e-6)).all()


@every_mode
@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_survives_an_offset(training, offset):
    rng = np.random.default_rng(0)
    x = (offset + rng.normal(size=(4, 3, 32, 32))).astype(np.float32)
    dy = rng.normal(size=x.shape).astype(np.float32)
    gamma, beta = np.ones(3, np.float32), np.zeros(3, np.float32)
    inputs = (x, gamma, beta, np.full(3, offset + 0.1), np.ones(3), dy)
    results = ours(*inputs, training=training)
    expected = in_torch(*inputs, training=training)
    assert np.abs(results[0] - expected[0]).max() < 2e-6
    assert np.abs(results[1] - expected[1]).max() < 5e-6
    for result, exact in zip(results[2:4], expected[2:4], strict=True):
        np.testing.assert_allclose(result, exact, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_constant_channel_becomes_exactly_beta(dtype):
    x = np.empty((4, 3, 300, 7), dtype)
    x.swapaxes(1, -1)[...] = [7.1, -1e4 / 3, 1e-3]
    gamma, beta = np.array([0.5, -2, 300], dtype), np.array([0.1, -0.7, 1 / 3], dtype)
    y, *_ = instance_norm(x, gamma, beta)
    assert (y == beta.reshape(3, 1, 1)).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[[largest, -largest], [0, 0], [largest, largest]]], dtype)
    results = ours(
        x, np.ones(3, dtype), np.zeros(3, dtype), None, None, np.ones_like(x), eps=1e-40
    )
    for result in results[:4]:
        assert not np.isnan(result).any()
    np.testing.assert_allclose(results[0], [[[1, -1], [0, 0], [0, 0]]], rtol=1e-3)


def test_any_memory_order_is_accepted():
    x, *params, dy = draw((4, 3, 5))
    expected = ours(x, *params, dy)
    x_view = x.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    agree(ours(x_view, *params, np.asfortranarray(dy)), expected, rtol=1e-12)


# Errors


def test_one_value_is_refused_wherever_torch_refuses_it():
    gamma, beta, *running, _ = draw((2, 3))[1:]
    for shape in [(4, 3), (4, 3, 1), (4, 3, 1, 1)]:
        x = np.ones(shape)
        message = "more than one value per channel and sample, got shape " + (
            repr(shape).replace("(", r"\(").replace(")", r"\)")
        )
        with pytest.raises(ValueError, match=message):
            instance_norm(x, gamma, beta, *running)
        with pytest.raises(ValueError, match=message):
            instance_norm(x, gamma, beta, training=False)
        y, *_ = instance_norm(x, gamma, beta, *running, training=False)
        assert y.shape == shape
    with pytest.raises(ValueError, match="Expected more than 1 spatial element"):
        torch.nn.InstanceNorm2d(3).eval()(torch.ones(4, 3, 1, 1))


def test_arguments_are_checked():
    x, gamma, beta, mean, var, dy = draw((4, 3, 5))
    with pytest.raises(ValueError, match=r"x must have shape \(N, C, \*\), got \(3,\)"):
        instance_norm(np.ones(3), gamma, beta)
    with pytest.raises(ValueError, match=r"gamma must have shape \(3,\), got \(4,\)"):
        instance_norm(x, np.ones(4), beta)
    with pytest.raises(ValueError, match=r"beta must have shape \(3,\), got \(1, 3\)"):
        instance_norm(x, gamma, beta[None])
    with pytest.raises(ValueError, match=r"running_var must have shape \(3,\), got"):
        instance_norm(x, gamma, beta, mean, var[:2])
    with pytest.raises(ValueError, match=r"given together, got None and \["):
        instance_norm(x, gamma, beta, None, var)
    with pytest.raises(ValueError, match=r"x must be of dtype .*, got int64"):
        instance_norm(x.astype(int), gamma, beta)
    for momentum in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=f"from 0 to 1, got {momentum}"):
            instance_norm(x, gamma, beta, mean, var, momentum=momentum)
    for eps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive.*, got {eps}"):
            instance_norm(x, gamma, beta, eps=eps)
    with pytest.raises(ValueError, match="eps must be positive"):
        instance_norm(x, gamma, beta, training=False, eps=0)
    instance_norm(x, gamma, beta, mean, var, training=False, eps=0)
    _, cache, *_ = instance_norm(x, gamma, beta)
    with pytest.raises(ValueError, match=r"dy must have shape \(4, 3, 5\), got \(3,"):
        instance_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        instance_norm_backward(dy.astype(int), cache)
