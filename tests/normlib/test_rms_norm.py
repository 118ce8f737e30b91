"""RMS norm: torch, finite differences and properties, then conventions and edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import numerical_gradient, rms_norm, rms_norm_backward
from tests.normlib import test_layer_norm
from tests.normlib.agreement import assert_rounded

SHAPES_AND_AXES = [
    ((4, 5), 1),
    ((2, 3, 7), 1),
    ((2, 3, 5, 7), 3),
    ((2, 3, 2, 3, 5), 4),
    ((1, 6), 1),
    ((3, 5), 2),
    ((4, 1), 1),
    ((5,), 1),
]
every_case = pytest.mark.parametrize(("shape", "axes"), SHAPES_AND_AXES)
FLOATS = [np.float16, np.float32, np.float64]
seeds = st.integers(0, 2**32 - 1)


def draw(*args, **kwargs):
    """x, gamma and dy, as they are drawn for layer norm."""
    x, gamma, _, dy = test_layer_norm.draw(*args, **kwargs)
    return [x, gamma, dy]


def in_torch(x, gamma, dy, eps=1e-6):
    """y, dx and dgamma of torch, in float64."""
    x, gamma, dy = (torch.tensor(a, dtype=torch.float64) for a in (x, gamma, dy))
    for parameter in (x, gamma):
        parameter.requires_grad_()
    y = torch.nn.functional.rms_norm(x, gamma.shape, gamma, eps)
    gradients = torch.autograd.grad(y, (x, gamma), dy)
    return [result.detach().numpy() for result in (y, *gradients)]


def ours(x, gamma, dy, **options):
    """The same three from normlib."""
    y, cache = rms_norm(x, gamma, **options)
    return [y, *rms_norm_backward(dy, cache)]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", "dx", "dgamma"]
    for name, one, other in zip(names, results, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


# The three oracles


@every_case
@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_agrees_with_torch(shape, axes, eps):
    inputs = draw(shape, axes)
    agree(ours(*inputs, eps=eps), in_torch(*inputs, eps=eps))


@given(case=test_layer_norm.shapes_and_axes(), seed=seeds)
def test_agrees_with_torch_for_any_shape(case, seed):
    inputs = draw(*case, seed=seed)
    agree(ours(*inputs), in_torch(*inputs), 1e-8, 1e-8)


@every_case
def test_backward_is_the_numerical_gradient(shape, axes):
    x, gamma, dy = draw(shape, axes)
    gradients = rms_norm_backward(dy, rms_norm(x, gamma, eps=0.1)[1])
    expected = (
        numerical_gradient(lambda x: rms_norm(x, gamma, eps=0.1)[0], x, dy),
        numerical_gradient(lambda gamma: rms_norm(x, gamma, eps=0.1)[0], gamma, dy),
    )
    for gradient, numerical in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-7)


@given(
    case=st.sampled_from(SHAPES_AND_AXES[:5]),
    scale=st.sampled_from([-100, -0.3, 0.01, 7]),
    seed=seeds,
)
def test_the_size_of_a_sample_is_ignored_and_its_sign_kept(case, scale, seed):
    x, gamma, dy = draw(*case, seed=seed)
    y, dx, _ = ours(x, gamma, dy, eps=1e-14)
    y_scaled, dx_scaled, _ = ours(scale * x, gamma, dy, eps=1e-14)
    np.testing.assert_allclose(y_scaled, np.sign(scale) * y, rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(scale) * dx_scaled, dx, rtol=1e-4, atol=1e-6 * np.abs(dx).max()
    )


@given(case=st.sampled_from(SHAPES_AND_AXES[:5]), seed=seeds)
def test_gradient_is_orthogonal_to_x(case, seed):
    shape, axes = case
    x, gamma, dy = draw(shape, axes, seed=seed)
    _, dx, _ = ours(x, gamma, dy, eps=1e-12)
    dx, x = (a.reshape(-1, gamma.size) for a in (dx, x))
    size = np.abs(dx * x).sum(axis=1)
    assert size.all()
    assert (np.abs((dx * x).sum(axis=1)) <= 1e-6 * size).all()


def test_by_hand():
    """Mean squares 25 and 4, so sizes 5 and 2; the mean is not subtracted."""
    x = np.array([[1.0, 7.0], [2.0, -2.0]])
    y, cache = rms_norm(x, np.array([5.0, 10.0]), eps=1e-12)
    np.testing.assert_allclose(y, [[1, 14], [5, -10]])
    _, dgamma = rms_norm_backward(np.array([[1.0, 5.0], [3.0, 4.0]]), cache)
    np.testing.assert_allclose(dgamma, [0.2 + 3, 7 - 4])


# Conventions


def test_eps_is_added_under_the_square_root():
    y, _ = rms_norm(np.array([1e-4, -1e-4]), np.ones(2), eps=1e-6)
    np.testing.assert_allclose(y, np.array([1, -1]) * 1e-4 / np.sqrt(1e-8 + 1e-6))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_default_of_torch_is_the_spacing_at_one(dtype):
    x = 1e-4 * np.random.default_rng(0).normal(size=(3, 5)).astype(dtype)
    y, _ = rms_norm(x, np.ones(5, dtype), eps=float(np.finfo(dtype).eps))
    expected = torch.nn.functional.rms_norm(torch.tensor(x), (5,))
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (3, 0)])
def test_an_empty_batch_is_fine(shape):
    y, dx, dgamma = ours(np.zeros(shape), np.ones(shape[-1]), np.zeros(shape))
    assert y.shape == dx.shape == shape
    assert dgamma.shape == shape[-1:] and not dgamma.any()


def test_zeros_stay_zero():
    x, gamma, dy = draw((2, 5))
    y, dx, dgamma = ours(0 * x, gamma, dy)
    assert not y.any() and not dgamma.any()
    np.testing.assert_allclose(dx, gamma * dy / np.sqrt(1e-6))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_sample_alone(bad):
    x, gamma, dy = draw((3, 5))
    y, dx, _ = ours(x, gamma, dy)
    x[1, 2] = bad
    y_bad, dx_bad, _ = ours(x, gamma, dy)
    for result, clean in ((y_bad, y), (dx_bad, dx)):
        clean[1] = np.nan
        np.testing.assert_allclose(result, clean, rtol=1e-12)


def test_arguments_are_left_alone_and_the_cache_does_not_follow_them():
    inputs = draw((4, 6, 5), 2)
    y, cache = rms_norm(*inputs[:2])
    expected = rms_norm_backward(inputs[2], cache)
    for array, fresh in zip(inputs, draw((4, 6, 5), 2), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for array in (*inputs[1:2], y):
        array += 1
    for one, other in zip(rms_norm_backward(inputs[2], cache), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    inputs[0] += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        rms_norm_backward(inputs[2], cache)


# Precision


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(dtype):
    inputs = draw((4, 6, 35), 1, dtype)
    assert_rounded(ours(*inputs), in_torch(*inputs), dtype)


def test_gradients_have_the_dtype_of_what_they_belong_to():
    x, gamma, dy = draw((4, 6))
    y, dx, dgamma = ours(x.astype(np.float16), gamma.astype(np.float32), dy)
    assert (y.dtype, dx.dtype, dgamma.dtype) == (np.float16, np.float16, np.float32)


@pytest.mark.parametrize("std", [1, 3000])
def test_float16_is_within_one_spacing_of_the_rounded_result(std):
    """Squares of 3000 overflow in float16."""
    x = np.random.default_rng(0).normal(0, std, size=(64, 300)).astype(np.float16)
    gamma = draw((1, 300), dtype=np.float16)[1]
    y, _ = rms_norm(x, gamma)
    rounded = in_torch(x, gamma, x)[0].astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.spacing(np.abs(rounded))).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest], [0, 0], [3, 4]], dtype)
    results = ours(x, np.ones(2, dtype), np.ones_like(x), eps=1e-40)
    for result in results:
        assert not np.isnan(result).any()
    expected = np.array([[1, -1], [0, 0], [3 / np.sqrt(12.5), 4 / np.sqrt(12.5)]])
    np.testing.assert_allclose(results[0], expected, rtol=1e-3)


def test_any_memory_order_is_accepted():
    x, gamma, dy = draw((4, 6, 5), 2)
    expected = ours(x, gamma, dy)
    x_view = x.transpose(2, 0, 1).copy().transpose(1, 2, 0)
    results = ours(x_view, np.asfortranarray(gamma), np.asfortranarray(dy))
    agree(results, expected, rtol=1e-12)


# Errors


def test_arguments_are_checked():
    x, gamma, dy = draw((2, 6))
    for shape in [(2,), (1, 6), ()]:
        message = "gamma must have the shape of the trailing axes of x, got"
        with pytest.raises(ValueError, match=message):
            rms_norm(x, np.ones(shape))
    with pytest.raises(ValueError, match=r"x must be of dtype .*, got int64"):
        rms_norm(x.astype(int), gamma)
    with pytest.raises(ValueError, match=r"gamma must be of dtype .*, got int64"):
        rms_norm(x, gamma.astype(int))
    for eps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive.*, got {eps}"):
            rms_norm(x, gamma, eps)
    _, cache = rms_norm(x, gamma)
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 6\), got \(6,\)"):
        rms_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        rms_norm_backward(dy.astype(int), cache)
