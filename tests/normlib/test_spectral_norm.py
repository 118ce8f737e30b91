"""Spectral norm: torch, finite differences and properties, then edges and errors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib.gradcheck import numerical_gradient
from normlib.spectral_norm import power_iteration, spectral_norm, spectral_norm_backward

FLOATS = [np.float16, np.float32, np.float64]
every_float = pytest.mark.parametrize("dtype", FLOATS)

# Linear layers, a convolution over sequences and one over images, transposed ones,
# whose outputs are on axis 1, and a vector.
SHAPES_AND_DIMS = [
    ((3, 5), 0),
    ((5, 3), 0),
    ((5, 3), 1),
    ((4, 2, 3), 0),
    ((4, 2, 3), -2),
    ((3, 2, 3, 5), 0),
    ((3, 2, 3, 5), 1),
    ((3, 2, 3, 5), -1),
    ((1, 4), 0),
    ((4, 1), 0),
    ((5,), 0),
]
every_layer = pytest.mark.parametrize(("shape", "dim"), SHAPES_AND_DIMS)
drawn = given(
    shape_and_dim=st.sampled_from(SHAPES_AND_DIMS), seed=st.integers(0, 2**32 - 1)
)


def arrays_and_cache(results):
    w_sn, cache, u, v = results
    return (w_sn, u, v), cache


def draw(shape, dim=0, dtype=np.float64, seed=0):
    """w, u, v and the upstream gradient; u and v are no singular vectors yet."""
    rng = np.random.default_rng(seed)
    w, dw_sn = 3 * rng.normal(size=shape), rng.normal(size=shape)
    rows, columns = as_matrix(w, dim).shape
    u, v = rng.normal(size=rows), rng.normal(size=columns)
    arrays = (w, u / np.linalg.norm(u), v / np.linalg.norm(v), dw_sn)
    return [a.astype(dtype) for a in arrays]


def as_matrix(w, dim):
    """The matrix whose rows are the slices of ``w`` along ``dim``, one by one."""
    return np.stack([w.take(i, axis=dim).ravel() for i in range(w.shape[dim])])


def largest_singular_value(w, dim=0):
    return np.linalg.svd(as_matrix(w, dim), compute_uv=False)[0]


def torch_layer(w, u, v, dim=0, n_iterations=1, eps=1e-12):
    """A module whose ``weight`` torch has parametrized, with the state (u, v)."""
    layer = torch.nn.Module()
    layer.weight = torch.nn.Parameter(torch.tensor(w))
    torch.nn.utils.parametrizations.spectral_norm(
        layer, n_power_iterations=n_iterations, dim=dim, eps=eps
    )
    set_state(layer, u, v)
    return layer


def set_state(layer, u, v):
    state = layer.parametrizations.weight[0]
    if hasattr(state, "_u"):  # not for a vector
        state._u.copy_(torch.tensor(u))
        state._v.copy_(torch.tensor(v))


def agrees_with_state(u, v, layer):
    state = layer.parametrizations.weight[0]
    if hasattr(state, "_u"):
        np.testing.assert_allclose(u, state._u, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(v, state._v, rtol=1e-10, atol=1e-13)


# The three oracles


@every_layer
@pytest.mark.parametrize("n_iterations", [1, 3])
def test_agrees_with_torch_over_several_steps(shape, dim, n_iterations):
    """Five steps, in each of which the weight moves; then inference, twice."""
    w, u, v, dw_sn = draw(shape, dim)
    layer = torch_layer(w, u, v, dim, n_iterations)
    original = layer.parametrizations.weight.original
    for step in range(7):
        training = step < 5
        layer.train(training)
        if training:
            w = w + 0.1 * draw(shape, dim, seed=step)[3]
        with torch.no_grad():
            original.copy_(torch.tensor(w))
        weight = layer.weight
        (expected,) = torch.autograd.grad(weight, original, torch.tensor(dw_sn))
        before = u, v
        w_sn, cache, u, v = spectral_norm(
            w, u, v, n_iterations=n_iterations if training else 0, dim=dim
        )
        np.testing.assert_allclose(w_sn, weight.detach(), rtol=1e-10)
        agrees_with_state(u, v, layer)
        dw = spectral_norm_backward(dw_sn, cache)
        np.testing.assert_allclose(dw, expected, rtol=1e-9, atol=1e-12)
        if not training:
            for one, other in zip((u, v), before, strict=True):
                np.testing.assert_array_equal(one, other)


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    data=st.data(),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_torch_for_any_shape(shape, data, seed):
    dim = data.draw(st.integers(0, len(shape) - 1))
    w, u, v, dw_sn = draw(shape, dim, seed=seed)
    layer = torch_layer(w, u, v, dim)
    weight = layer.weight
    original = layer.parametrizations.weight.original
    (expected,) = torch.autograd.grad(weight, original, torch.tensor(dw_sn))
    w_sn, cache, u, v = spectral_norm(w, u, v, dim=dim)
    np.testing.assert_allclose(w_sn, weight.detach(), rtol=1e-9)
    agrees_with_state(u, v, layer)
    dw = spectral_norm_backward(dw_sn, cache)
    size = np.abs(dw_sn).max() / np.abs(w).max()
    np.testing.assert_allclose(dw, expected, rtol=1e-7, atol=1e-9 * size)


@pytest.mark.parametrize(
    ("layer", "dim"),
    [
        (torch.nn.Linear(5, 3), 0),
        (torch.nn.Conv1d(4, 3, 2), 0),
        (torch.nn.Conv2d(4, 3, (2, 5)), 0),
        (torch.nn.ConvTranspose2d(4, 3, (2, 5)), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_agrees_with_the_layers_of_torch(layer, dim):
    """torch chooses dim; u alone is enough while the weight stays."""
    layer = torch.nn.utils.parametrizations.spectral_norm(layer.double())
    w = layer.parametrizations.weight.original.detach().numpy()
    u = layer.parametrizations.weight[0]._u.numpy().copy()
    for _ in range(3):
        w_sn, _, u, v = spectral_norm(w, u, dim=dim)
        np.testing.assert_allclose(w_sn, layer.weight.detach(), rtol=1e-10)
        agrees_with_state(u, v, layer)


@every_layer
@pytest.mark.parametrize("n_iterations", [0, 1])
def test_backward_is_the_numerical_gradient_with_u_and_v_frozen(
    shape, dim, n_iterations
):
    w, u, v, dw_sn = draw(shape, dim)
    _, cache, u, v = spectral_norm(w, u, v, n_iterations=n_iterations, dim=dim)

    def frozen(w):
        return spectral_norm(w, u, v, n_iterations=0, dim=dim)[0]

    expected = numerical_gradient(frozen, w, dw_sn)
    dw = spectral_norm_backward(dw_sn, cache)
    np.testing.assert_allclose(
        dw, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max()
    )


@drawn
def test_enough_iterations_make_the_largest_singular_value_1(shape_and_dim, seed):
    shape, dim = shape_and_dim
    w, u, *_ = draw(shape, dim, seed=seed)
    w_sn, _, u, v = spectral_norm(w, u, n_iterations=2000, dim=dim)
    assert largest_singular_value(w_sn, dim) == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose([np.linalg.norm(u), np.linalg.norm(v)], 1, rtol=1e-12)


@drawn
def test_few_iterations_never_overestimate(shape_and_dim, seed):
    shape, dim = shape_and_dim
    w, u, v, _ = draw(shape, dim, seed=seed)
    last = 0
    for _ in range(5):
        w_sn, _, u, v = spectral_norm(w, u, v, dim=dim)
        sigma = w.ravel()[0] / w_sn.ravel()[0]
        assert last <= sigma * (1 + 1e-12)
        assert sigma <= largest_singular_value(w, dim) * (1 + 1e-12)
        last = sigma


@drawn
def test_the_size_of_w_changes_nothing_but_the_size_of_its_gradient(
    shape_and_dim, seed
):
    shape, dim = shape_and_dim
    w, u, v, dw_sn = draw(shape, dim, seed=seed)
    results, cache = arrays_and_cache(spectral_norm(w, u, v, dim=dim))
    large, cache_large = arrays_and_cache(spectral_norm(100 * w, u, v, dim=dim))
    for one, other in zip(large, results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)
    dw, dw_large = (spectral_norm_backward(dw_sn, c) for c in (cache, cache_large))
    np.testing.assert_allclose(100 * dw_large, dw, rtol=1e-9, atol=1e-12)
    assert abs(np.sum(dw * w)) <= 1e-11 * np.linalg.norm(dw_sn)


def test_by_hand():
    """sigma is 3, and dw_sn has 9 / 3 along w_sn, to be taken off at u v^T."""
    w = np.array([[3.0, 0.0], [0.0, 1.0]])
    u = v = np.array([1.0, 0.0])
    w_sn, cache, *_ = spectral_norm(w, u, v)
    np.testing.assert_allclose(w_sn, [[1, 0], [0, 1 / 3]])
    dw = spectral_norm_backward(np.array([[0.0, 6.0], [0.0, 9.0]]), cache)
    np.testing.assert_allclose(dw, [[-1, 2], [0, 3]])


# Power iteration


@given(
    rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 2**32 - 1)
)
def test_power_iteration_takes_the_steps_of_the_paper(rows, columns, seed):
    w, u, _, _ = draw((rows, columns), seed=seed)
    for n_iterations in (1, 2, 5):
        gram = np.linalg.matrix_power(w @ w.T, n_iterations)
        expected_u = gram @ u / np.linalg.norm(gram @ u)
        before = np.linalg.matrix_power(w @ w.T, n_iterations - 1) @ u
        expected_v = w.T @ before / np.linalg.norm(w.T @ before)
        sigma, new_u, v = power_iteration(w, u, n_iterations)
        np.testing.assert_allclose(new_u, expected_u, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(v, expected_v, rtol=1e-7, atol=1e-10)
        assert sigma == pytest.approx(expected_u @ w @ expected_v, rel=1e-9)
        assert isinstance(sigma, float)


def test_power_iteration_converges_to_the_singular_vectors():
    w, u, _, _ = draw((4, 6))
    left, values, right = np.linalg.svd(w)
    sigma, u, v = power_iteration(w, u, 200)
    assert sigma == pytest.approx(values[0], rel=1e-12)
    np.testing.assert_allclose(u * np.sign(u[0]), left[:, 0] * np.sign(left[0, 0]))
    np.testing.assert_allclose(v * np.sign(v[0]), right[0] * np.sign(right[0, 0]))


def test_power_iteration_gains_the_square_of_the_ratio_of_the_values():
    w = np.diag([4.0, 2.0])
    _, u, _ = power_iteration(w, np.array([1.0, 1.0]), 3)
    assert u[1] / u[0] == pytest.approx((2 / 4) ** 6)


def test_power_iteration_can_be_continued():
    w, u, _, _ = draw((4, 6))
    _, half, _ = power_iteration(w, u, 2)
    for one, other in zip(
        power_iteration(w, half, 3), power_iteration(w, u, 5), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_power_iteration_of_zero_is_zero():
    u = np.array([0.0, 1.0])
    for w in (np.zeros((2, 3)), np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])):
        sigma, new_u, v = power_iteration(w, u, 3)
        assert sigma == 0
        assert not new_u.any() and not v.any()


@pytest.mark.parametrize("size", [1e-5, 1e200, 1e300])
def test_large_and_small_weights_are_no_different(size):
    w, u, v, _ = draw((3, 5))
    sigma, *_ = power_iteration(size * w, u, 200)
    assert sigma == pytest.approx(size * largest_singular_value(w))
    w_sn, *_ = spectral_norm(size * w, u, v)
    np.testing.assert_allclose(w_sn, spectral_norm(w, u, v)[0], rtol=1e-12)


# Conventions


def test_eps_bounds_what_a_vector_is_divided_by():
    w, u, v, _ = draw((3, 5))
    layer = torch_layer(w, u, v, eps=100.0)
    w_sn, _, u, v = spectral_norm(w, u, v, eps=100.0)
    np.testing.assert_allclose(w_sn, layer.weight.detach(), rtol=1e-10)
    agrees_with_state(u, v, layer)
    assert np.linalg.norm(u) < 0.5
    once = power_iteration(w, u, 1, eps=100.0)
    np.testing.assert_allclose(once[2], w.T @ u / 100)


def test_a_vector_is_divided_by_its_length():
    w, _, _, _ = draw((5,))
    for u in np.eye(5):
        w_sn, *_ = spectral_norm(w, u)
        np.testing.assert_allclose(w_sn, w / np.linalg.norm(w), rtol=1e-14)


def test_without_v_the_one_that_belongs_to_u_is_taken():
    w, u, _, _ = draw((3, 5))
    v = w.T @ u / np.linalg.norm(w.T @ u)
    for n_iterations in (0, 1, 4):
        for one, other in zip(
            arrays_and_cache(spectral_norm(w, u, n_iterations=n_iterations))[0],
            arrays_and_cache(spectral_norm(w, u, v, n_iterations=n_iterations))[0],
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_arguments_are_left_alone_and_results_are_new_arrays():
    for n_iterations in (0, 1):
        inputs = draw((3, 2, 5))
        results, cache = arrays_and_cache(
            spectral_norm(*inputs[:3], n_iterations=n_iterations)
        )
        expected = spectral_norm_backward(inputs[3], cache)
        for array, fresh in zip(inputs, draw((3, 2, 5)), strict=True):
            np.testing.assert_array_equal(array, fresh)
        for array in (*inputs[:3], *results):
            array += 1
        dw = spectral_norm_backward(inputs[3], cache)
        np.testing.assert_array_equal(dw, expected)


@every_float
def test_results_are_the_rounded_float64_ones(dtype):
    w, u, v, dw_sn = draw((3, 2, 5), dtype=dtype)
    results, cache = arrays_and_cache(spectral_norm(w, u, v))
    wide = (a.astype(np.float64) for a in (w, u, v))
    exact, exact_cache = arrays_and_cache(spectral_norm(*wide))
    eps = np.finfo(dtype).eps
    for result, expected in zip(results, exact, strict=False):
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=4 * eps, atol=eps)
    dw = spectral_norm_backward(dw_sn, cache)
    expected = spectral_norm_backward(dw_sn.astype(np.float64), exact_cache)
    assert dw.dtype == dtype
    np.testing.assert_allclose(dw, expected, rtol=4 * eps, atol=4 * eps)


def test_u_and_v_keep_their_dtype():
    w, u, v, _ = draw((3, 5))
    w_sn, _, u, v = spectral_norm(w.astype(np.float16), u.astype(np.float32), v)
    assert (w_sn.dtype, u.dtype, v.dtype) == (np.float16, np.float32, np.float32)
    _, u, v = power_iteration(w, u, 1)
    assert (u.dtype, v.dtype) == (np.float32, np.float32)


@every_float
def test_inference_repeats_the_weight_of_the_last_training_step(dtype):
    """With sigma from u and v as they are stored, and not as they were computed."""
    w, u, v, _ = draw((3, 5), dtype=dtype)
    w_sn, _, u, v = spectral_norm(w, u, v)
    np.testing.assert_array_equal(spectral_norm(w, u, v, n_iterations=0)[0], w_sn)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_the_weight_makes_everything_nan(bad):
    w, u, v, dw_sn = draw((3, 5))
    w[1, 2] = bad
    for n_iterations in (0, 1):
        w_sn, cache, *_ = spectral_norm(w, u, v, n_iterations=n_iterations)
        assert np.isnan(w_sn[1, 2])
        assert np.isnan(spectral_norm_backward(dw_sn, cache)).any()
    assert np.isnan(power_iteration(w, u, 2)[0])


# Errors


def test_a_weight_of_zeros_is_refused():
    w, u, v, _ = draw((3, 5))
    assert torch_layer(0 * w, u, v).weight.isnan().all()
    message = r"w must have a non-zero product with u and v, .* for w of shape \(3, 5\)"
    for arguments in ((u,), (u, v)):
        with pytest.raises(ValueError, match=message):
            spectral_norm(0 * w, *arguments)
    with pytest.raises(ValueError, match=message):
        spectral_norm(w, u, 0 * v, n_iterations=0)
    with pytest.raises(ValueError, match="non-zero product"):
        spectral_norm(np.ones((3, 0)), u)


def test_shapes_are_checked():
    w, u, v, _ = draw((3, 2, 5))
    with pytest.raises(ValueError, match=r"u must have shape \(3,\), got \(2,\)"):
        spectral_norm(w, np.ones(2), v)
    with pytest.raises(ValueError, match=r"u must have shape \(2,\), got \(3,\)"):
        spectral_norm(w, u, dim=1)
    with pytest.raises(ValueError, match=r"v must have shape \(10,\), got \(5,\)"):
        spectral_norm(w, u, np.ones(5))
    with pytest.raises(ValueError, match=r"w must have at least one axis, got shape"):
        spectral_norm(np.array(1.0), u)
    with pytest.raises(ValueError, match=r"w must have shape \(out, in\), got \(3, 2"):
        power_iteration(w, u, 1)
    with pytest.raises(ValueError, match=r"u must have shape \(3,\), got \(3, 1\)"):
        power_iteration(w[:, 0], u[:, None], 1)
    _, cache, *_ = spectral_norm(w, u)
    with pytest.raises(ValueError, match=r"dw_sn must have shape \(3, 2, 5\), got"):
        spectral_norm_backward(np.ones((3, 10)), cache)


def test_dtypes_are_checked():
    w, u, _, _ = draw((3, 5))
    _, cache, *_ = spectral_norm(w, u)
    for dtype in (np.int64, bool, complex):
        name = np.dtype(dtype).name
        for call, argument in [
            (lambda wrong: spectral_norm(wrong.reshape(3, 5), u), "w"),
            (lambda wrong: spectral_norm(w, wrong[:3]), "u"),
            (lambda wrong: spectral_norm(w, u, wrong[:5]), "v"),
            (lambda wrong: spectral_norm_backward(wrong.reshape(3, 5), cache), "dw_sn"),
            (lambda wrong: power_iteration(wrong.reshape(3, 5), u, 1), "w"),
            (lambda wrong: power_iteration(w, wrong[:3], 1), "u"),
        ]:
            message = rf"^{argument} must be of dtype .*, got {name}"
            with pytest.raises(ValueError, match=message):
                call(np.ones(15, dtype))


@pytest.mark.parametrize("dim", [2, -3])
def test_dim_must_be_an_axis(dim):
    with pytest.raises(ValueError, match=f"from -2 to 1 for w with 2 axes, got {dim}"):
        spectral_norm(np.ones((3, 5)), np.ones(3), dim=dim)


def test_n_iterations_and_eps_are_checked():
    w, u, v, _ = draw((3, 5))
    with pytest.raises(ValueError, match=r"n_iterations must be at least 0, got -1"):
        spectral_norm(w, u, v, n_iterations=-1)
    with pytest.raises(ValueError, match=r"n_iterations must be at least 1, got 0"):
        power_iteration(w, u, 0)
    for eps in (0, -1e-12, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive .*, got {eps}"):
            spectral_norm(w, u, v, eps=eps)
        with pytest.raises(ValueError, match=f"eps must be positive .*, got {eps}"):
            power_iteration(w, u, 1, eps=eps)
