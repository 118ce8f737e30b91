"""Layer norm: torch, finite differences and properties, then conventions and edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import layer_norm, layer_norm_backward, rms_norm
from tests.normlib.agreement import assert_numerical, assert_rounded

# A table, tokens, images over all but N and over two axes, one sample, and the whole.
SHAPES_AND_AXES = [
    ((4, 5), 1),
    ((2, 3, 7), 1),
    ((2, 3, 5, 7), 3),
    ((2, 3, 5, 7), 2),
    ((2, 3, 2, 3, 5), 4),
    ((1, 6), 1),
    ((3, 5), 2),
    ((5,), 1),
]
every_case = pytest.mark.parametrize(("shape", "axes"), SHAPES_AND_AXES)
FLOATS = [np.float16, np.float32, np.float64]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes_and_axes(draw):
    """A shape, and how many of its trailing axes to average over."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    return tuple(shape), draw(st.integers(1, len(shape)))


def draw(shape, axes=1, dtype=np.float64, seed=0):
    """x, gamma, beta and dy. Samples differ in mean and spread; gamma changes sign."""
    rng = np.random.default_rng(seed)
    normalized_shape = shape[len(shape) - axes :]
    per_sample = (*shape[: len(shape) - axes], *[1] * axes)
    x = rng.normal(size=shape) * 10 ** rng.uniform(-1, 1, per_sample)
    x += rng.normal(0, 5, per_sample)
    gamma = np.resize([0.5, -2.0, 3.0, 1.0], normalized_shape)
    arrays = (x, gamma, rng.normal(size=normalized_shape), rng.normal(size=shape))
    return [a.astype(dtype) for a in arrays]


def in_torch(x, gamma, beta, dy, eps=1e-5):
    """y, dx, dgamma and dbeta of torch, in float64."""
    x, gamma, beta, dy = (
        torch.tensor(a, dtype=torch.float64) for a in (x, gamma, beta, dy)
    )
    for parameter in (x, gamma, beta):
        parameter.requires_grad_()
    y = torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, eps)
    gradients = torch.autograd.grad(y, (x, gamma, beta), dy)
    return [result.detach().numpy() for result in (y, *gradients)]


def ours(x, gamma, beta, dy, **options):
    """The same four from normlib."""
    y, cache = layer_norm(x, gamma, beta, **options)
    return [y, *layer_norm_backward(dy, cache)]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", "dx", "dgamma", "dbeta"]
    for name, one, other in zip(names, results, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


# The three oracles


@every_case
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_agrees_with_torch(shape, axes, eps):
    inputs = draw(shape, axes)
    agree(ours(*inputs, eps=eps), in_torch(*inputs, eps=eps))


@given(case=shapes_and_axes(), seed=seeds)
def test_agrees_with_torch_for_any_shape(case, seed):
    inputs = draw(*case, seed=seed)
    # In torch, single numbers leave rounding errors, enlarged by 1 / sqrt(eps).
    agree(ours(*inputs, eps=1e-3), in_torch(*inputs, eps=1e-3), 1e-8, 1e-8)


@every_case
def test_backward_is_the_numerical_gradient(shape, axes):
    x, gamma, beta, dy = draw(shape, axes)

    def forward(x=x, gamma=gamma, beta=beta):
        return layer_norm(x, gamma, beta, eps=0.1)

    inputs = {"x": x, "gamma": gamma, "beta": beta}
    gradients = layer_norm_backward(dy, forward()[1])
    assert_numerical(gradients, forward, inputs, dy)


@given(
    case=st.sampled_from(SHAPES_AND_AXES),
    shift=st.floats(-1e3, 1e3),
    scale=st.sampled_from([0.01, 0.3, 7, 100]),
    seed=seeds,
)
def test_shift_and_scale_of_a_sample_are_ignored(case, shift, scale, seed):
    x, gamma, beta, dy = draw(*case, seed=seed)
    y, dx, *_ = ours(x, gamma, beta, dy, eps=1e-12)
    y_moved, dx_moved, *_ = ours(scale * x + shift, gamma, beta, dy, eps=1e-12)
    np.testing.assert_allclose(y_moved, y, rtol=1e-4, atol=1e-4)
    size = np.abs(dx).max()
    np.testing.assert_allclose(scale * dx_moved, dx, rtol=1e-4, atol=1e-4 * size)


@given(case=st.sampled_from(SHAPES_AND_AXES), seed=seeds)
def test_gradient_is_orthogonal_to_ones_and_to_x_hat_in_each_sample(case, seed):
    shape, axes = case
    x, gamma, beta, dy = draw(shape, axes, seed=seed)
    _, dx, *_ = ours(x, gamma, beta, dy, eps=1e-12)
    x_hat, _ = layer_norm(x, np.ones_like(gamma), 0 * beta, eps=1e-12)
    dx, x_hat = (a.reshape(-1, gamma.size) for a in (dx, x_hat))
    bound = 1e-6 * np.abs(dx).sum(axis=1)
    assert bound.all()
    assert (np.abs(dx.sum(axis=1)) <= bound).all()
    assert (np.abs((dx * x_hat).sum(axis=1)) <= bound).all()


def test_samples_do_not_meet():
    x, gamma, beta, dy = draw((2, 3, 7))
    y, dx, *_ = ours(x, gamma, beta, dy)
    for i, j in np.ndindex(2, 3):
        alone = ours(x[i, j], gamma, beta, dy[i, j])
        np.testing.assert_allclose(y[i, j], alone[0], rtol=1e-12)
        np.testing.assert_allclose(dx[i, j], alone[1], rtol=1e-9, atol=1e-12)


def test_by_hand():
    """Means 2 and 30, variances 1 and 100."""
    x = np.array([[1.0, 3.0], [40.0, 20.0]])
    y, cache = layer_norm(x, np.array([1.0, 2.0]), np.array([0.0, 5.0]), eps=1e-12)
    np.testing.assert_allclose(y, [[-1, 7], [1, 3]])
    _, dgamma, dbeta = layer_norm_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), cache)
    np.testing.assert_allclose(dgamma, [-1 + 3, 2 - 4])
    np.testing.assert_allclose(dbeta, [4, 6])


# Limiting cases


def test_a_transformer_and_one_step_of_a_recurrent_network_agree():
    x, gamma, beta, _ = draw((4, 3, 8))
    y, _ = layer_norm(x, gamma, beta)
    for t in range(3):
        step, _ = layer_norm(x[:, t], gamma, beta)
        np.testing.assert_allclose(step, y[:, t], rtol=1e-12)


def test_of_centered_samples_it_is_rms_norm():
    x, gamma, beta, _ = draw((4, 8))
    x -= x.mean(axis=1, keepdims=True)
    y, _ = layer_norm(x, gamma, 0 * beta, eps=0.1)
    np.testing.assert_allclose(y, rms_norm(x, gamma, eps=0.1)[0], rtol=1e-9)


# Conventions


@pytest.mark.parametrize("shape", [(4, 1), (3, 2, 1), (1,)])
def test_a_single_number_becomes_beta(shape):
    x, gamma, beta, dy = draw(shape)
    y, dx, dgamma, _ = ours(x, gamma, beta, dy)
    assert (y == beta).all()
    assert not dx.any() and not dgamma.any()
    np.testing.assert_allclose(y, in_torch(x, gamma, beta, dy)[0], atol=1e-12)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (3, 0)])
def test_an_empty_batch_is_fine(shape):
    gamma, beta = np.ones(shape[-1]), np.ones(shape[-1])
    y, dx, dgamma, dbeta = ours(np.zeros(shape), gamma, beta, np.zeros(shape))
    assert y.shape == dx.shape == shape
    assert dgamma.shape == dbeta.shape == shape[-1:]
    assert not dgamma.any() and not dbeta.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_sample_alone(bad):
    x, gamma, beta, dy = draw((2, 3, 7))
    y, dx, *_ = ours(x, gamma, beta, dy)
    x[1, 2, 3] = bad
    y_bad, dx_bad, *_ = ours(x, gamma, beta, dy)
    for result, clean in ((y_bad, y), (dx_bad, dx)):
        assert np.isnan(result[1, 2]).all()
        clean[1, 2] = np.nan
        np.testing.assert_allclose(result, clean, rtol=1e-9)


def test_arguments_are_left_alone_and_the_cache_does_not_follow_them():
    inputs = draw((4, 6, 5), 2)
    y, cache = layer_norm(*inputs[:3])
    expected = layer_norm_backward(inputs[3], cache)
    for array, fresh in zip(inputs, draw((4, 6, 5), 2), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for array in (*inputs[1:3], y):
        array += 1
    for one, other in zip(layer_norm_backward(inputs[3], cache), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    inputs[0] += 1
    with pytest.raises(ValueError, match="stay as it is until the backward pass"):
        layer_norm_backward(inputs[3], cache)


# Precision


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(dtype):
    inputs = draw((4, 6, 5, 7), 3, dtype)
    results, expected = ours(*inputs, eps=1e-3), in_torch(*inputs, eps=1e-3)
    assert_rounded(results, expected, dtype)


def test_gradients_have_the_dtype_of_what_they_belong_to():
    x, gamma, beta, dy = draw((4, 6))
    y, dx, dgamma, dbeta = ours(
        x.astype(np.float16), gamma.astype(np.float32), beta, dy
    )
    assert y.dtype == dx.dtype == np.float16
    assert (dgamma.dtype, dbeta.dtype) == (np.float32, np.float64)


def test_float16_is_within_one_spacing_of_the_rounded_result():
    x = np.random.default_rng(0).normal(size=(64, 300)).astype(np.float16)
    gamma, beta = draw((1, 300), dtype=np.float16)[1:3]
    y, _ = layer_norm(x, gamma, beta)
    exact, *_ = in_torch(x, gamma, beta, x)
    rounded = exact.astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 1e-6)).all()


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
def test_float32_survives_an_offset(offset):
    rng = np.random.default_rng(0)
    x = (offset + rng.normal(size=(64, 1024))).astype(np.float32)
    dy = rng.normal(size=x.shape).astype(np.float32)
    gamma, beta = np.ones(1024, np.float32), np.zeros(1024, np.float32)
    results = ours(x, gamma, beta, dy)
    expected = in_torch(x, gamma, beta, dy)
    assert np.abs(results[0] - expected[0]).max() < 2e-6
    for result, exact in zip(results[1:], expected[1:], strict=True):
        np.testing.assert_allclose(result, exact, atol=2e-5)


def test_many_samples_are_summed_without_loss():
    """The sum of 300 000 numbers one by one in float32 would keep three digits."""
    x = np.random.default_rng(0).normal(size=(300_000, 3)).astype(np.float32)
    gamma, beta = np.ones(3, np.float32), np.zeros(3, np.float32)
    _, cache = layer_norm(x, gamma, beta)
    dy = np.full_like(x, 1 / 3)
    np.testing.assert_allclose(layer_norm_backward(dy, cache)[2], 1e5, rtol=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_constant_sample_becomes_exactly_beta(dtype):
    x = np.full((3, 257), 7.1, dtype)
    x[1] = -1e4 / 3
    gamma, beta = (np.resize(a, 257).astype(dtype) for a in ([300, -1], [0.1, -0.7]))
    assert (layer_norm(x, gamma, beta)[0] == beta).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest], [0, 0], [largest, largest], [1, 2]], dtype)
    one, zero = np.ones(2, dtype), np.zeros(2, dtype)
    results = ours(x, one, zero, np.ones_like(x), eps=1e-40)
    for result in results:
        assert not np.isnan(result).any()
    np.testing.assert_allclose(results[0], [[1, -1], [0, 0], [0, 0], [-1, 1]], 1e-3)


def test_any_memory_order_is_accepted():
    x, gamma, beta, dy = draw((4, 6, 5), 2)
    expected = ours(x, gamma, beta, dy)
    x_view = x.transpose(2, 0, 1).copy().transpose(1, 2, 0)
    results = ours(x_view, np.asfortranarray(gamma), beta, np.asfortranarray(dy))
    agree(results, expected, rtol=1e-12)


# Errors


def test_gamma_has_the_trailing_shape_of_x():
    x, _, beta, _ = draw((2, 3, 5))
    for shape in [(3,), (1, 5), (2, 5), (7, 2, 3, 5), ()]:
        with pytest.raises(ValueError) as error:
            layer_norm(x, np.ones(shape), beta)
        assert str(error.value) == (
            "gamma must have the shape of the trailing axes of x, "
            f"got {shape} for x of shape (2, 3, 5)"
        )


def test_arguments_are_checked():
    x, gamma, beta, dy = draw((2, 6))
    with pytest.raises(ValueError, match=r"beta must have shape \(6,\), got \(1, 6\)"):
        layer_norm(x, gamma, beta[None])
    for i, name in enumerate(["x", "gamma", "beta"]):
        inputs = [x, gamma, beta]
        inputs[i] = inputs[i].astype(int)
        with pytest.raises(ValueError, match=f"{name} must be of dtype .*, got int64"):
            layer_norm(*inputs)
    for eps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive.*, got {eps}"):
            layer_norm(x, gamma, beta, eps)
    _, cache = layer_norm(x, gamma, beta)
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 6\), got \(6,\)"):
        layer_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        layer_norm_backward(dy.astype(int), cache)
