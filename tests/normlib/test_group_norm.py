"""Group norm: torch, finite differences and properties, then conventions and edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import (
    group_norm,
    group_norm_backward,
    instance_norm,
    instance_norm_backward,
    layer_norm,
)
from tests.normlib.agreement import assert_numerical, assert_rounded

SHAPES_AND_GROUPS = [
    ((2, 6), 2),
    ((4, 6, 5), 3),
    ((2, 6, 3, 5), 2),
    ((1, 6, 5, 2), 6),
    ((3, 4, 2, 3, 5), 1),
    ((3, 4, 1, 1), 2),
]
every_case = pytest.mark.parametrize(("shape", "num_groups"), SHAPES_AND_GROUPS)
FLOATS = [np.float16, np.float32, np.float64]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes_and_groups(draw):
    """With more than one number in each group, as there is noise in torch otherwise."""
    num_groups, size = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rest = draw(st.lists(st.integers(1, 5), max_size=3))
    if size * math.prod(rest) == 1:
        rest = [*rest, 2]
    return (draw(st.integers(1, 4)), num_groups * size, *rest), num_groups


def draw(shape, dtype=np.float64, seed=0):
    """x, gamma, beta and dy. Channels and samples differ; gamma changes sign."""
    rng = np.random.default_rng(seed)
    per_row = (*shape[:2], *[1] * (len(shape) - 2))
    x = rng.normal(size=shape) * 10 ** rng.uniform(-1, 1, per_row)
    x += rng.normal(0, 5, per_row)
    gamma = np.resize([0.5, -2.0, 3.0], shape[1])
    arrays = (x, gamma, rng.normal(size=shape[1]), rng.normal(size=shape))
    return [a.astype(dtype) for a in arrays]


def in_torch(x, num_groups, gamma, beta, dy, eps=1e-5):
    """y, dx, dgamma and dbeta of torch, in float64."""
    x, gamma, beta, dy = (
        torch.tensor(a, dtype=torch.float64) for a in (x, gamma, beta, dy)
    )
    for parameter in (x, gamma, beta):
        parameter.requires_grad_()
    y = torch.nn.functional.group_norm(x, num_groups, gamma, beta, eps)
    gradients = torch.autograd.grad(y, (x, gamma, beta), dy)
    return [result.detach().numpy() for result in (y, *gradients)]


def ours(x, num_groups, gamma, beta, dy, **options):
    """The same four from normlib."""
    y, cache = group_norm(x, num_groups, gamma, beta, **options)
    return [y, *group_norm_backward(dy, cache)]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", "dx", "dgamma", "dbeta"]
    for name, one, other in zip(names, results, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


# The three oracles


@every_case
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_agrees_with_torch(shape, num_groups, eps):
    x, *others = draw(shape)
    agree(
        ours(x, num_groups, *others, eps=eps), in_torch(x, num_groups, *others, eps=eps)
    )


@given(case=shapes_and_groups(), seed=seeds)
def test_agrees_with_torch_for_any_shape(case, seed):
    shape, num_groups = case
    x, *others = draw(shape, seed=seed)
    results = ours(x, num_groups, *others, eps=1e-3)
    agree(results, in_torch(x, num_groups, *others, eps=1e-3), 1e-8, 1e-8)


@every_case
def test_backward_is_the_numerical_gradient(shape, num_groups):
    x, gamma, beta, dy = draw(shape)

    def forward(x=x, gamma=gamma, beta=beta):
        return group_norm(x, num_groups, gamma, beta, eps=0.1)

    inputs = {"x": x, "gamma": gamma, "beta": beta}
    gradients = group_norm_backward(dy, forward()[1])
    assert_numerical(gradients, forward, inputs, dy)


@given(
    case=st.sampled_from(SHAPES_AND_GROUPS[:5]),
    shift=st.floats(-1e3, 1e3),
    scale=st.sampled_from([-100, -0.3, 0.01, 7]),
    seed=seeds,
)
def test_shift_and_scale_of_a_group_are_ignored(case, shift, scale, seed):
    shape, num_groups = case
    x, gamma, beta, dy = draw(shape, seed=seed)
    y, dx, *_ = ours(x, num_groups, gamma, beta, dy, eps=1e-12)
    first = slice(0, shape[1] // num_groups)
    moved = x.copy()
    moved[:, first] = scale * x[:, first] + shift
    gamma[first] *= np.sign(scale)
    y_moved, dx_moved, *_ = ours(moved, num_groups, gamma, beta, dy, eps=1e-12)
    np.testing.assert_allclose(y_moved, y, rtol=1e-3, atol=1e-3)
    dx_moved[:, first] *= scale
    size = np.abs(dx).max()
    np.testing.assert_allclose(dx_moved, dx, rtol=1e-3, atol=1e-3 * size)


@given(case=st.sampled_from(SHAPES_AND_GROUPS[:5]), seed=seeds)
def test_gradient_is_orthogonal_to_ones_and_to_x_hat_in_each_group(case, seed):
    shape, num_groups = case
    x, gamma, beta, dy = draw(shape, seed=seed)
    _, dx, *_ = ours(x, num_groups, gamma, beta, dy, eps=1e-12)
    x_hat, _ = group_norm(x, num_groups, np.ones_like(gamma), 0 * beta, eps=1e-12)
    by_group = (shape[0] * num_groups, -1)
    dx, x_hat = dx.reshape(by_group), x_hat.reshape(by_group)
    bound = 1e-6 * np.abs(dx).sum(axis=1)
    assert bound.all()
    assert (np.abs(dx.sum(axis=1)) <= bound).all()
    assert (np.abs((dx * x_hat).sum(axis=1)) <= bound).all()


# Limiting cases


@pytest.mark.parametrize("shape", [(2, 6, 5), (3, 4, 2, 5), (2, 3, 2, 3, 2)])
def test_one_channel_per_group_is_instance_norm(shape):
    x, gamma, beta, dy = draw(shape)
    y, cache, *_ = instance_norm(x, gamma, beta)
    expected = [y, *instance_norm_backward(dy, cache)]
    agree(ours(x, shape[1], gamma, beta, dy), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5), (3, 4, 2, 5)])
def test_one_group_is_layer_norm_apart_from_the_affine(shape):
    x, gamma, beta, _ = draw(shape)
    plain, _ = layer_norm(x, np.ones(shape[1:]), np.zeros(shape[1:]))
    per_channel = (-1, *[1] * (len(shape) - 2))
    expected = gamma.reshape(per_channel) * plain + beta.reshape(per_channel)
    np.testing.assert_allclose(group_norm(x, 1, gamma, beta)[0], expected, rtol=1e-9)


def test_by_hand():
    """Group means 2 and 30, variances 1 and 400; the groups are neighbors."""
    x = np.array([[1.0, 3.0, 10.0, 50.0]])
    gamma, beta = np.array([2.0, -1.0, 1.0, 0.5]), np.array([0.0, 5.0, 0.0, 0.0])
    y, _ = group_norm(x, 2, gamma, beta, eps=1e-12)
    np.testing.assert_allclose(y, [[-2, 4, -1, 0.5]])


def test_samples_do_not_meet():
    x, gamma, beta, dy = draw((4, 6, 5))
    y, dx, *_ = ours(x, 3, gamma, beta, dy)
    for i in range(4):
        alone = ours(x[[i]], 3, gamma, beta, dy[[i]])
        np.testing.assert_allclose(y[[i]], alone[0], rtol=1e-12)
        np.testing.assert_allclose(dx[[i]], alone[1], rtol=1e-9, atol=1e-12)


# Conventions


def test_groups_of_one_number_are_beta_where_torch_has_noise():
    x, gamma, beta, dy = draw((3, 4))
    y, dx, dgamma, _ = ours(x, 4, gamma, beta, dy)
    np.testing.assert_array_equal(y, np.broadcast_to(beta, y.shape))
    assert not dx.any() and not dgamma.any()
    with pytest.raises(ValueError, match="Expected more than 1 value"):
        in_torch(x[:1], 4, gamma, beta, dy[:1])
    for shape in [(1, 4), (1, 4, 1, 1)]:
        message = f"more than one value per group, got shape {shape} with num_groups=4"
        with pytest.raises(ValueError) as error:
            group_norm(np.ones(shape), 4, gamma, beta)
        assert message in str(error.value)


@pytest.mark.parametrize("shape", [(0, 4), (0, 4, 3, 3), (2, 4, 0)])
def test_an_empty_batch_is_fine(shape):
    gamma, beta = draw((2, 4))[1:3]
    y, dx, dgamma, dbeta = ours(np.zeros(shape), 2, gamma, beta, np.zeros(shape))
    assert y.shape == dx.shape == shape
    assert dgamma.shape == dbeta.shape == (4,)
    assert not dgamma.any() and not dbeta.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_group_alone(bad):
    x, gamma, beta, dy = draw((3, 6, 5))
    y, dx, *_ = ours(x, 3, gamma, beta, dy)
    x[1, 2, 3] = bad
    y_bad, dx_bad, *_ = ours(x, 3, gamma, beta, dy)
    poisoned = np.zeros(x.shape, bool)
    poisoned[1, 2:4] = True
    for result, clean in ((y_bad, y), (dx_bad, dx)):
        assert np.isnan(result[poisoned]).all()
        np.testing.assert_allclose(result[~poisoned], clean[~poisoned], rtol=1e-9)


def test_arguments_are_left_alone_and_the_cache_does_not_follow_them():
    x, gamma, beta, dy = draw((4, 6, 5))
    y, cache = group_norm(x, 3, gamma, beta)
    expected = group_norm_backward(dy, cache)
    for array, fresh in zip((x, gamma, beta, dy), draw((4, 6, 5)), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for array in (gamma, beta, y):
        array += 1
    for one, other in zip(group_norm_backward(dy, cache), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    x += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        group_norm_backward(dy, cache)


# Precision


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(dtype):
    inputs = draw((4, 6, 5, 7), dtype)
    results = ours(inputs[0], 2, *inputs[1:], eps=1e-3)
    expected = in_torch(inputs[0], 2, *inputs[1:], eps=1e-3)
    assert_rounded(results, expected, dtype)


def test_gradients_have_the_dtype_of_what_they_belong_to():
    x, gamma, beta, dy = draw((4, 6, 5))
    y, dx, dgamma, dbeta = ours(
        x.astype(np.float16), 3, gamma.astype(np.float32), beta, dy
    )
    assert y.dtype == dx.dtype == np.float16
    assert (dgamma.dtype, dbeta.dtype) == (np.float32, np.float64)


def test_float16_is_within_one_spacing_of_the_rounded_result():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 12, 12)).astype(np.float16)
    gamma, beta = draw((1, 6), np.float16)[1:3]
    y, _ = group_norm(x, 3, gamma, beta)
    exact, *_ = in_torch(x, 3, gamma, beta, x)
    rounded = exact.astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 1e-6)).all()


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_survives_an_offset(offset):
    rng = np.random.default_rng(0)
    x = (offset + rng.normal(size=(4, 6, 32, 32))).astype(np.float32)
    dy = rng.normal(size=x.shape).astype(np.float32)
    gamma, beta = np.ones(6, np.float32), np.zeros(6, np.float32)
    results = ours(x, 3, gamma, beta, dy)
    expected = in_torch(x, 3, gamma, beta, dy)
    assert np.abs(results[0] - expected[0]).max() < 2e-6
    assert np.abs(results[1] - expected[1]).max() < 5e-6


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_constant_group_becomes_exactly_beta(dtype):
    x = np.full((3, 4, 9, 7), 7.1, dtype)
    x[:, 2:] = -1e4 / 3
    gamma, beta = (a.astype(dtype) for a in (np.full(4, 300.0), np.linspace(0, 1, 4)))
    y, _ = group_norm(x, 2, gamma, beta)
    assert (y == beta.reshape(4, 1, 1)).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest, 1, 2], [0, 0, largest, largest]], dtype)
    one, zero = np.ones(4, dtype), np.zeros(4, dtype)
    results = ours(x, 2, one, zero, np.ones_like(x), eps=1e-40)
    for result in results:
        assert not np.isnan(result).any()
    np.testing.assert_allclose(results[0][0, :2], [1, -1], rtol=1e-3)


def test_a_difference_beyond_float32_is_held_in_float64():
    largest = np.finfo(np.float32).max
    x = np.array([[largest, -largest, -largest, -largest]], np.float32)
    one, zero = np.ones(4, np.float32), np.zeros(4, np.float32)
    dy = np.array([[1, 2, 3, -4]], np.float32)
    results, expected = ours(x, 1, one, zero, dy), in_torch(x, 1, one, zero, dy)
    for i in (0, 2, 3):
        np.testing.assert_allclose(results[i], expected[i], rtol=1e-6)
    assert np.isfinite(results[1]).all()


def test_any_memory_order_is_accepted():
    x, gamma, beta, dy = draw((4, 6, 5))
    expected = ours(x, 3, gamma, beta, dy)
    x_view = x.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    agree(ours(x_view, 3, gamma, beta, np.asfortranarray(dy)), expected, rtol=1e-12)


# Errors


@pytest.mark.parametrize("num_groups", [4, 12, 0, -1])
def test_num_groups_must_divide_the_channels(num_groups):
    x, gamma, beta, _ = draw((2, 6, 3))
    message = f"num_groups must divide the 6 channels of x, got {num_groups}"
    with pytest.raises(ValueError, match=message):
        group_norm(x, num_groups, gamma, beta)


def test_arguments_are_checked():
    x, gamma, beta, dy = draw((2, 6, 3))
    with pytest.raises(ValueError, match=r"x must have shape \(N, C, \*\), got \(6,\)"):
        group_norm(np.ones(6), 2, gamma, beta)
    with pytest.raises(ValueError, match=r"gamma must have shape \(6,\), got \(2,\)"):
        group_norm(x, 2, gamma[:2], beta)
    with pytest.raises(ValueError, match=r"beta must have shape \(6,\), got \(1, 6\)"):
        group_norm(x, 2, gamma, beta[None])
    with pytest.raises(ValueError, match=r"x must be of dtype .*, got int64"):
        group_norm(x.astype(int), 2, gamma, beta)
    for eps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive.*, got {eps}"):
            group_norm(x, 2, gamma, beta, eps)
    _, cache = group_norm(x, 2, gamma, beta)
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 6, 3\), got \(6,"):
        group_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        group_norm_backward(dy.astype(int), cache)
