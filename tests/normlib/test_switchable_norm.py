"""Switchable norm: torch, finite differences, its members, conventions and edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import (
    batch_norm,
    batch_norm_backward,
    group_norm,
    group_norm_backward,
    instance_norm,
    instance_norm_backward,
    switchable_moments,
    switchable_norm,
    switchable_norm_backward,
)
from normlib.torch import SwitchNorm1d, SwitchNorm2d
from tests.normlib.agreement import assert_numerical, assert_rounded

SHAPES = [
    (5, 3),
    (4, 3, 5),
    (2, 3, 5, 7),
    (1, 3, 5, 2),
    (2, 3, 2, 3, 5),
    (6, 1, 4),
    (4, 3, 1, 1),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_mode = pytest.mark.parametrize("training", [True, False])
FLOATS = [np.float16, np.float32, np.float64]
NAMES = ["x", "mean_weight", "var_weight", "gamma", "beta"]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes(draw):
    """(N, C, *), with more than one number in each channel."""
    shape = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    if math.prod(shape) == shape[1]:
        shape[0] = 2
    return tuple(shape)


def draw(shape, dtype=np.float64, seed=0):
    """x, both logits, gamma, beta, running_mean, running_var and dy.

    Channels and samples differ in mean and spread; gamma changes sign.
    """
    rng = np.random.default_rng(seed)
    channels = shape[1]
    per_row = (*shape[:2], *[1] * (len(shape) - 2))
    x = rng.normal(size=shape) * 10 ** rng.uniform(-1, 1, per_row)
    x += rng.normal(0, 5, per_row)
    logits = rng.normal(size=(2, 3))
    gamma = np.resize([0.5, -2.0, 3.0], channels)
    beta, running_mean = rng.normal(size=(2, channels))
    running_var = rng.uniform(0.5, 4.0, channels)
    dy = rng.normal(size=shape)
    arrays = (x, *logits, gamma, beta, running_mean, running_var, dy)
    return [a.astype(dtype) for a in arrays]


def in_torch(x, *others, training=True, eps=1e-5, momentum=0.1):
    """y, the five gradients and the running statistics by autograd, in float64.

    Three statistics of the data and two softmaxes: the definition, as it stands.
    """
    *parameters, running_mean, running_var, dy = (
        torch.tensor(a, dtype=torch.float64) for a in (x, *others)
    )
    for parameter in parameters:
        parameter.requires_grad_()
    x, mean_weight, var_weight, gamma, beta = parameters
    shape, rows = x.shape, x.reshape(*x.shape[:2], -1)
    over = {"instance": (2,), "layer": (1, 2), "batch": (0, 2)}
    var, mean = zip(
        *(
            torch.var_mean(rows, dim, correction=0, keepdim=True)
            for dim in over.values()
        ),
        strict=True,
    )
    if training:
        with torch.no_grad():
            m = rows.shape[0] * rows.shape[2]
            old, new = 1 - momentum, momentum
            running_mean = old * running_mean + new * mean[2].ravel()
            running_var = old * running_var + new * var[2].ravel() * m / (m - 1)
    else:
        mean = (*mean[:2], running_mean.reshape(1, -1, 1))
        var = (*var[:2], running_var.reshape(1, -1, 1))
    if x.ndim == 2:  # no instance norm
        mean_share, var_share = (
            torch.cat((torch.zeros(1), logits[1:].softmax(0)))
            for logits in (mean_weight, var_weight)
        )
    else:
        mean_share, var_share = mean_weight.softmax(0), var_weight.softmax(0)
    mixed_mean = sum(share * a for share, a in zip(mean_share, mean, strict=True))
    mixed_var = sum(share * a for share, a in zip(var_share, var, strict=True))
    x_hat = (rows - mixed_mean) / torch.sqrt(mixed_var + eps)
    y = (gamma.reshape(-1, 1) * x_hat + beta.reshape(-1, 1)).reshape(shape)
    gradients = torch.autograd.grad(y, parameters, dy)
    return [a.detach().numpy() for a in (y, *gradients, running_mean, running_var)]


def ours(x, mean_weight, var_weight, gamma, beta, mean, var, dy, **options):
    """The same eight from normlib."""
    y, cache, *running = switchable_norm(
        x, mean_weight, var_weight, gamma, beta, mean, var, **options
    )
    return [y, *switchable_norm_backward(dy, cache), *running]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", *(f"d{name}" for name in NAMES), "running_mean", "running_var"]
    for name, one, other in zip(names, results, expected, strict=True):
        assert one.shape == other.shape
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


@given(shape=shapes(), seed=seeds, training=st.booleans())
def test_agrees_with_torch_for_any_shape(shape, seed, training):
    inputs = draw(shape, seed=seed)
    options = {"training": training, "eps": 1e-2}
    agree(ours(*inputs, **options), in_torch(*inputs, **options), 1e-8, 1e-8)


@every_shape
@every_mode
def test_backward_is_the_numerical_gradient(shape, training):
    *arrays, mean, var, dy = draw(shape)
    inputs = dict(zip(NAMES, arrays, strict=True))

    def forward(**changed):
        arguments = (inputs | changed).values()
        return switchable_norm(*arguments, mean, var, training=training, eps=0.1)

    gradients = switchable_norm_backward(dy, forward()[1])
    assert_numerical(gradients, forward, inputs, dy)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 5), (2, 3, 4, 4)])
def test_it_is_the_torch_layer_of_normlib(shape, training):
    layer = {2: SwitchNorm1d, 3: SwitchNorm1d, 4: SwitchNorm2d}[len(shape)](
        3, eps=0.1, momentum=0.3, dtype=torch.float64
    ).train(training)
    x, *parameters, mean, var, dy = draw(shape)
    with torch.no_grad():
        for held, value in zip(
            (layer.mean_weight, layer.var_weight, layer.weight, layer.bias),
            parameters,
            strict=True,
        ):
            held.copy_(torch.tensor(value))
        layer.running_mean.copy_(torch.tensor(mean))
        layer.running_var.copy_(torch.tensor(var))
    tensor = torch.tensor(x, requires_grad=True)
    y = layer(tensor)
    y.backward(torch.tensor(dy))
    gradients = (tensor, layer.mean_weight, layer.var_weight, layer.weight, layer.bias)
    expected = [y.detach(), *(p.grad for p in gradients)]
    expected += [layer.running_mean, layer.running_var]
    results = ours(
        x, *parameters, mean, var, dy, training=training, eps=0.1, momentum=0.3
    )
    agree(results, [a.numpy() for a in expected])


# Moments


@given(shape=shapes(), seed=seeds)
def test_moments_are_those_of_the_data(shape, seed):
    x = draw(shape, seed=seed)[0]
    pixels = tuple(range(2, len(shape)))
    over = [pixels, (1, *pixels), (0, *pixels)]
    means, variances = switchable_moments(x)
    for axes, mean, var in zip(over, means, variances, strict=True):
        expected = x.mean(axis=axes, keepdims=True)
        assert mean.shape == var.shape == expected.shape
        np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-9)
        expected = x.var(axis=axes, keepdims=True)
        np.testing.assert_allclose(var, expected, rtol=1e-9, atol=1e-12)


def test_moments_by_hand():
    """The two channels differ in mean: that is the part that is easily forgotten."""
    x = np.array([[[1.0, 3.0], [7.0, 9.0]], [[2.0, 2.0], [0.0, 4.0]]])
    means, variances = switchable_moments(x)
    for mean, expected in zip(means, ([2, 8, 2, 2], [5, 2], [2, 5]), strict=True):
        np.testing.assert_allclose(mean.ravel(), expected)
    for var, expected in zip(
        variances, ([1, 1, 0, 4], [10, 2], [0.5, 11.5]), strict=True
    ):
        np.testing.assert_allclose(var.ravel(), expected)


def test_moments_keep_their_digits_at_a_large_mean():
    x = (1e4 + np.random.default_rng(0).normal(size=(4, 3, 64, 64))).astype(np.float32)
    _, variances = switchable_moments(x)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(variances[1].ravel(), wide.var(axis=(1, 2, 3)), 1e-6)
    np.testing.assert_allclose(variances[2].ravel(), wide.var(axis=(0, 2, 3)), 1e-6)


# Limiting cases


def only(member):
    logits = np.zeros(3)
    logits[member] = 1000
    return logits


@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 3, 5, 7), (2, 3, 2, 3, 5)])
def test_one_hot_it_is_its_member(shape):
    x, _, _, gamma, beta, mean, var, dy = draw(shape)
    y, cache, *_ = instance_norm(x, gamma, beta)
    instance = [y, *instance_norm_backward(dy, cache)]
    y, cache = group_norm(x, 1, gamma, beta)
    layer = [y, *group_norm_backward(dy, cache)]
    y, cache, *running = batch_norm(x, gamma, beta, mean, var)
    batch = [y, *batch_norm_backward(dy, cache)]
    for member, expected in enumerate([instance, layer, batch]):
        one_hot = only(member)
        results = ours(x, one_hot, one_hot, gamma, beta, mean, var, dy)
        for i, j in enumerate((0, 1, 4, 5)):
            np.testing.assert_allclose(results[j], expected[i], rtol=1e-9, atol=1e-10)
        for result, other in zip(results[6:], running, strict=True):
            np.testing.assert_allclose(result, other, rtol=1e-12)


def test_of_tables_the_two_members_are_layer_and_batch_norm():
    x, _, _, gamma, beta, mean, var, dy = draw((5, 3))
    for member, forward in (
        (1, lambda: group_norm(x, 1, gamma, beta)[0]),
        (2, lambda: batch_norm(x, gamma, beta)[0]),
    ):
        y, *_ = switchable_norm(x, only(member), only(member), gamma, beta)
        np.testing.assert_allclose(y, forward(), rtol=1e-9)
    results = ours(x, only(0), only(0), gamma, beta, mean, var, dy)
    half = ours(x, np.zeros(3), np.zeros(3), gamma, beta, mean, var, dy)
    agree(results, half)
    assert half[2][0] == half[3][0] == 0


@given(shape=shapes(), seed=seeds, training=st.booleans())
def test_gradients_of_the_logits_sum_to_zero(shape, seed, training):
    _, _, dmean_weight, dvar_weight, *_ = ours(
        *draw(shape, seed=seed), training=training, eps=0.1
    )
    for gradient in (dmean_weight, dvar_weight):
        assert abs(gradient.sum()) <= 1e-12 * (1 + np.abs(gradient).sum())


@given(shift=st.floats(-600, 600), seed=seeds)
def test_a_shift_of_the_logits_is_ignored(shift, seed):
    inputs = draw((2, 3, 5, 7), seed=seed)
    expected = ours(*inputs)
    inputs[1] = inputs[1] + shift
    inputs[2] = inputs[2] - shift
    agree(ours(*inputs), expected)


@given(
    shape=st.sampled_from(SHAPES[:6]),
    shift=st.floats(-1e3, 1e3),
    scale=st.sampled_from([0.01, 0.3, 7, 100]),
    seed=seeds,
)
def test_shift_and_scale_of_the_whole_batch_are_ignored(shape, shift, scale, seed):
    x, *others = draw(shape, seed=seed)
    y, dx, *_ = ours(x, *others, eps=1e-12)
    moved = ours(scale * x + shift, *others, eps=1e-12)
    np.testing.assert_allclose(moved[0], y, rtol=1e-5, atol=1e-5)
    size = np.abs(dx).max()
    np.testing.assert_allclose(scale * moved[1], dx, rtol=1e-4, atol=1e-4 * size)


# Running statistics


def test_over_many_steps_both_ways_to_infer_are_those_of_the_torch_layer():
    """The moving average, and the average over batches: momentum 1 / k for the k-th."""
    for momentum in (0.3, None):
        layer = SwitchNorm2d(3, momentum=momentum, dtype=torch.float64)
        gamma, beta, logits = np.ones(3), np.zeros(3), np.ones(3)
        running = np.zeros(3), np.ones(3)
        batches = [draw((2, 3, 2, 2), seed=seed)[0] for seed in range(4)]
        for k, x in enumerate(batches, start=1):
            layer(torch.tensor(x))
            _, _, *running = switchable_norm(
                x, logits, logits, gamma, beta, *running, momentum=momentum or 1 / k
            )
        np.testing.assert_allclose(running[0], layer.running_mean, rtol=1e-9)
        np.testing.assert_allclose(running[1], layer.running_var, rtol=1e-9)
        if momentum is None:
            means = [x.mean(axis=(0, 2, 3)) for x in batches]
            np.testing.assert_allclose(running[0], np.mean(means, axis=0), rtol=1e-9)
        x = 3 * x + 1
        y, *_ = switchable_norm(
            x, logits, logits, gamma, beta, *running, training=False
        )
        expected = layer.eval()(torch.tensor(x)).detach()
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)


def test_without_running_statistics_training_keeps_none():
    inputs = draw((4, 3, 5))
    y, _, running_mean, running_var = switchable_norm(*inputs[:5])
    assert running_mean is None and running_var is None
    np.testing.assert_array_equal(y, switchable_norm(*inputs[:7])[0])


def test_at_inference_samples_do_not_meet():
    inputs = draw((4, 3, 5))
    y, *_ = switchable_norm(*inputs[:7], training=False)
    for i in range(4):
        alone, *_ = switchable_norm(inputs[0][[i]], *inputs[1:7], training=False)
        np.testing.assert_allclose(alone, y[[i]], rtol=1e-12)


@every_mode
def test_arguments_are_left_alone_and_the_cache_does_not_follow_them(training):
    inputs = draw((4, 3, 5))
    y, cache, *running = switchable_norm(*inputs[:7], training=training)
    expected = switchable_norm_backward(inputs[7], cache)
    for array, fresh in zip(inputs, draw((4, 3, 5)), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for result in (y, *running):
        assert not any(np.shares_memory(result, array) for array in inputs)
    for array in (*inputs[1:7], y, *running):
        array += 1
    for one, other in zip(
        switchable_norm_backward(inputs[7], cache), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    inputs[0] += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        switchable_norm_backward(inputs[7], cache)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4, 4), (2, 3, 0)])
@every_mode
def test_an_empty_batch_changes_nothing(shape, training):
    inputs = draw((2, 3))
    inputs[0] = inputs[7] = np.zeros(shape)
    y, dx, *gradients, mean, var = ours(*inputs, training=training)
    assert y.shape == dx.shape == shape
    for gradient in gradients:
        assert not gradient.any()
    np.testing.assert_array_equal(mean, inputs[5])
    np.testing.assert_array_equal(var, inputs[6])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_sample_and_its_channel(bad):
    inputs = draw((4, 3, 5))
    clean = ours(*inputs)
    inputs[0][2, 1, 3] = bad
    with_bad = ours(*inputs)
    poisoned = np.zeros((4, 3, 5), bool)
    poisoned[2] = poisoned[:, 1] = True
    np.testing.assert_array_equal(np.isnan(with_bad[0]), poisoned)
    np.testing.assert_allclose(with_bad[0][~poisoned], clean[0][~poisoned], rtol=1e-9)
    for statistics in with_bad[6:]:
        np.testing.assert_array_equal(np.isnan(statistics), [False, True, False])


# Precision


@every_mode
@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(training, dtype):
    inputs = draw((4, 3, 5, 7), dtype)
    results = ours(*inputs, training=training, eps=1e-3)
    expected = in_torch(*inputs, training=training, eps=1e-3)
    assert_rounded(results, expected, dtype)


def test_gradients_have_the_dtype_of_what_they_belong_to():
    inputs = draw((4, 3, 5))
    for i, dtype in enumerate([np.float16, np.float32, np.float64, np.float32]):
        inputs[i] = inputs[i].astype(dtype)
    y, *gradients, _, _ = ours(*inputs)
    assert y.dtype == np.float16
    for gradient, array in zip(gradients, inputs, strict=False):
        assert gradient.dtype == array.dtype


@every_mode
def test_float16_is_within_one_spacing_of_the_rounded_result(training):
    x = np.random.default_rng(0).normal(size=(4, 3, 12, 12)).astype(np.float16)
    inputs = [x, *draw((4, 3, 12, 12), np.float16)[1:]]
    y = ours(*inputs, training=training)[0]
    rounded = in_torch(*inputs, training=training)[0].astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 2e-6)).all()


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_survives_an_offset(offset):
    rng = np.random.default_rng(0)
    x = (offset + rng.normal(size=(4, 3, 32, 32))).astype(np.float32)
    _, *others, dy = draw(x.shape, np.float32)
    others[2], others[3] = np.ones(3, np.float32), np.zeros(3, np.float32)
    results, expected = ours(x, *others, dy), in_torch(x, *others, dy)
    assert np.abs(results[0] - expected[0]).max() < 2e-6
    assert np.abs(results[1] - expected[1]).max() < 5e-6


@pytest.mark.parametrize("dtype", FLOATS)
@every_mode
def test_finite_input_never_gives_nan(dtype, training):
    largest = np.finfo(dtype).max
    x = np.array([[[largest, -largest], [0, 0]], [[largest, 1], [2, 2]]], dtype)
    one, zero = np.ones(2, dtype), np.zeros(2, dtype)
    logits = np.zeros(3, dtype)
    results = ours(
        x, logits, logits, one, zero, zero, one, np.ones_like(x), training=training
    )
    for result in results:
        assert not np.isnan(result).any()


def test_a_constant_batch_becomes_exactly_beta():
    beta = np.array([0.1, -0.7, 1 / 3], np.float32)
    x = np.full((4, 3, 50, 7), 7.1, np.float32)
    logits, gamma = draw(x.shape, np.float32)[2:4]
    y, *_ = switchable_norm(x, logits, logits, gamma, beta)
    assert (y == beta.reshape(3, 1, 1)).all()


def test_any_memory_order_is_accepted():
    x, *others, dy = draw((4, 3, 5))
    expected = ours(x, *others, dy)
    x_view = x.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    agree(ours(x_view, *others, np.asfortranarray(dy)), expected, rtol=1e-9)


# Errors


def test_one_value_per_channel_is_refused_in_training_alone():
    inputs = draw((2, 3))
    for shape in [(1, 3), (1, 3, 1, 1)]:
        message = r"more than one value per channel in training, got shape \(1, 3"
        with pytest.raises(ValueError, match=message):
            switchable_norm(np.ones(shape), *inputs[1:7])
        y, *_ = switchable_norm(np.ones(shape), *inputs[1:7], training=False)
        assert y.shape == shape


def test_arguments_are_checked():
    *inputs, dy = draw((4, 3, 5))

    def refuses(message, **changed):
        names = [*NAMES, "running_mean", "running_var"]
        arguments = dict(zip(names, inputs, strict=True)) | changed
        with pytest.raises(ValueError, match=message):
            switchable_norm(**arguments)

    refuses(r"x must have shape \(N, C, \*\), got \(3,\)", x=np.ones(3))
    for name, size in [("mean_weight", 3), ("var_weight", 3), ("gamma", 3)]:
        message = rf"{name} must have shape \({size},\), got \(2,\)"
        refuses(message, **{name: np.ones(2)})
        refuses(f"{name} must be of dtype .*, got int64", **{name: np.ones(3, int)})
    refuses(r"beta must have shape \(3,\), got \(1, 3\)", beta=np.ones((1, 3)))
    refuses("given together, got None and", running_mean=None)
    refuses("from 0 to 1, got 1.1", momentum=1.1)
    refuses(
        "must be given when not", running_mean=None, running_var=None, training=False
    )
    for eps in (0, -1, np.nan, np.inf):
        refuses(f"eps must be positive.*, got {eps}", eps=eps)
    with pytest.raises(ValueError, match=r"x must have shape \(N, C, \*\), got \(3,\)"):
        switchable_moments(np.ones(3))
    with pytest.raises(ValueError, match=r"x must be of dtype .*, got int64"):
        switchable_moments(np.ones((3, 2), int))
    _, cache, *_ = switchable_norm(*inputs)
    with pytest.raises(ValueError, match=r"dy must have shape \(4, 3, 5\), got \(3,"):
        switchable_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        switchable_norm_backward(dy.astype(int), cache)
