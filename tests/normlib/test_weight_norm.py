"""Weight norm: torch, finite differences and properties, then conventions and edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib.batch_norm import batch_norm
from normlib.gradcheck import numerical_gradient
from normlib.weight_norm import data_dependent_init, weight_norm, weight_norm_backward

FLOATS = [np.float16, np.float32, np.float64]
every_float = pytest.mark.parametrize("dtype", FLOATS)

# A linear layer, convolutions, one output, one input and a vector.
SHAPES_AND_DIMS = [
    (shape, dim)
    for shape in [(3, 5), (4, 2, 3), (3, 2, 3, 5), (1, 4), (4, 1), (5,)]
    for dim in (None, *range(-len(shape), len(shape)))
]
every_dim = pytest.mark.parametrize(("shape", "dim"), SHAPES_AND_DIMS)


@st.composite
def shapes_and_dims(draw):
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    return shape, draw(st.none() | st.integers(-len(shape), len(shape) - 1))


seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-3, 0.5, 7, 1e3])


def draw(shape, dim=0, dtype=np.float64, seed=0):
    """v, g and dw. Slices differ in length, and g is another length, of either sign."""
    rng = np.random.default_rng(seed)
    v = rng.normal(size=shape).T * 10 ** rng.uniform(-1, 1, shape[0])
    g = np.resize([0.5, -2.0, 3.0], shape[dim] if slices(dim) else 1)
    g = g if slices(dim) else g[0]
    return [np.asarray(a, dtype) for a in (v.T, g, rng.normal(size=shape))]


def slices(dim):
    """Whether there is a norm for each slice, and not one for the whole tensor."""
    return dim not in (None, -1)


def over(shape, dim):
    """The axes that a norm is taken over."""
    if not slices(dim):
        return tuple(range(len(shape)))
    return tuple(axis for axis in range(len(shape)) if axis != dim % len(shape))


def in_torch(v, g, dw, dim=0):
    """w, dv and dg of a layer whose weight torch has parametrized, in float64."""
    v, g, dw = (torch.tensor(a, dtype=torch.float64) for a in (v, g, dw))
    layer = torch.nn.Module()
    layer.weight = torch.nn.Parameter(v)
    torch.nn.utils.parametrizations.weight_norm(layer, dim=dim)
    parameters = layer.parametrizations.weight
    with torch.no_grad():
        parameters.original0.copy_(g.view_as(parameters.original0))
    w = layer.weight
    dv, dg = torch.autograd.grad(w, (parameters.original1, parameters.original0), dw)
    return [a.numpy() for a in (w.detach(), dv, dg.view_as(g))]


def ours(v, g, dw, dim=0):
    w, cache = weight_norm(v, g, dim)
    return [w, *weight_norm_backward(dw, cache)]


# The three oracles


def agrees_with_torch(shape, dim, seed):
    inputs = draw(shape, dim, seed=seed)
    expected = in_torch(*inputs, dim)
    for name, one, other in zip("wvg", ours(*inputs, dim), expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=name)


@every_dim
def test_agrees_with_torch(shape, dim):
    agrees_with_torch(shape, dim, seed=0)


@given(shape_and_dim=shapes_and_dims(), seed=seeds)
def test_agrees_with_torch_for_any_shape(shape_and_dim, seed):
    agrees_with_torch(*shape_and_dim, seed)


@every_dim
def test_backward_is_the_numerical_gradient(shape, dim):
    v, g, dw = draw(shape, dim)
    _, dv, dg = ours(v, g, dw, dim)
    expected = numerical_gradient(lambda v: weight_norm(v, g, dim)[0], v, dw)
    np.testing.assert_allclose(dv, expected, rtol=1e-6, atol=1e-7)
    expected = numerical_gradient(lambda g: weight_norm(v, g, dim)[0], g, dw)
    np.testing.assert_allclose(dg, expected, rtol=1e-6, atol=1e-7)


@given(shape_and_dim=shapes_and_dims(), seed=seeds)
def test_lengths_are_those_of_g_and_directions_those_of_v(shape_and_dim, seed):
    shape, dim = shape_and_dim
    v, g, _ = draw(shape, dim, seed=seed)
    w, _ = weight_norm(v, g, dim)
    norms = np.sqrt(np.square(w).sum(axis=over(shape, dim)))
    np.testing.assert_allclose(norms, np.abs(g), rtol=1e-12)
    along = np.sum(w * v, axis=over(shape, dim))
    v_norms = np.sqrt(np.square(v).sum(axis=over(shape, dim)))
    np.testing.assert_allclose(along, g * v_norms, rtol=1e-12)


@given(shape_and_dim=shapes_and_dims(), seed=seeds)
def test_gradient_is_orthogonal_to_v(shape_and_dim, seed):
    shape, dim = shape_and_dim
    v, g, dw = draw(shape, dim, seed=seed)
    _, dv, _ = ours(v, g, dw, dim)
    along = np.sum(dv * v, axis=over(shape, dim))
    size = np.abs(g) * np.sqrt(np.square(dw).sum(axis=over(shape, dim)))
    assert (np.abs(along) <= 1e-13 * size).all()


@given(shape_and_dim=shapes_and_dims(), seed=seeds, scale=scales)
def test_the_length_of_v_changes_nothing_but_the_size_of_its_gradient(
    shape_and_dim, seed, scale
):
    shape, dim = shape_and_dim
    v, g, dw = draw(shape, dim, seed=seed)
    w, dv, dg = ours(v, g, dw, dim)
    w_long, dv_long, dg_long = ours(scale * v, g, dw, dim)
    np.testing.assert_allclose(w_long, w, rtol=1e-12)
    np.testing.assert_allclose(dg_long, dg, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scale * dv_long, dv, rtol=1e-9, atol=1e-11)


@given(shape_and_dim=shapes_and_dims(), seed=seeds, scale=scales)
def test_w_and_dv_grow_with_g(shape_and_dim, seed, scale):
    shape, dim = shape_and_dim
    v, g, dw = draw(shape, dim, seed=seed)
    w, dv, dg = ours(v, g, dw, dim)
    w_large, dv_large, dg_same = ours(v, -scale * g, dw, dim)
    np.testing.assert_allclose(w_large, -scale * w, rtol=1e-12)
    np.testing.assert_allclose(dv_large, -scale * dv, rtol=1e-12)
    np.testing.assert_allclose(dg_same, dg, rtol=1e-12)


def test_by_hand():
    """Rows of length 5 and 2; dw = [0, 5] is 4 along the first row, and 3 across it."""
    v = np.array([[3.0, 4.0], [0.0, 2.0]])
    g = np.array([10.0, -1.0])
    w, dv, dg = ours(v, g, np.array([[0.0, 5.0], [1.0, 0.0]]))
    np.testing.assert_allclose(w, [[6, 8], [0, -1]])
    np.testing.assert_allclose(dg, [4, 0])
    np.testing.assert_allclose(dv, [[2 * -2.4, 2 * 1.8], [-0.5, 0]])


# Conventions


@pytest.mark.parametrize("shape", [(3, 5), (3, 2, 3, 5), (1, 4), (4, 1)])
def test_g_equal_to_the_norm_of_v_gives_v_back(shape):
    v, _, _ = draw(shape)
    w, _ = weight_norm(v, np.sqrt(np.square(v).sum(axis=over(shape, 0))))
    np.testing.assert_allclose(w, v, rtol=1e-14)


def test_g_may_have_the_shape_that_torch_holds_it_in():
    for layer, dim in [
        (torch.nn.Linear(5, 3), 0),
        (torch.nn.Conv2d(4, 6, 3), 0),
        (torch.nn.ConvTranspose2d(4, 6, 3), 0),  # axis 0 holds the 4 inputs
        (torch.nn.Linear(5, 3), 1),
        (torch.nn.Linear(5, 3), None),
    ]:
        torch.nn.utils.parametrizations.weight_norm(layer, dim=dim)
        parameters = layer.parametrizations.weight
        g, v = (
            a.detach().numpy() for a in (parameters.original0, parameters.original1)
        )
        w, cache = weight_norm(v, 2 * g, dim)
        np.testing.assert_allclose(w, 2 * layer.weight.detach(), rtol=1e-6)
        dv, dg = weight_norm_backward(w, cache)
        assert dv.shape == v.shape and dg.shape == g.shape
        flat = weight_norm(v, 2 * g.ravel() if g.ndim else 2 * g, dim)
        np.testing.assert_array_equal(weight_norm_backward(w, flat[1])[1], dg.ravel())


def test_minus_one_is_the_whole_tensor_as_in_torch():
    v, g, _ = draw((3, 5), None)
    w, _ = weight_norm(v, g, dim=-1)
    np.testing.assert_array_equal(w, weight_norm(v, g, dim=None)[0])
    np.testing.assert_allclose(np.square(w).sum(), g**2)


def test_arguments_are_left_alone_and_the_cache_does_not_follow_them():
    inputs = draw((3, 2, 4))
    w, cache = weight_norm(*inputs[:2])
    expected = weight_norm_backward(inputs[2], cache)
    for array, fresh in zip(inputs, draw((3, 2, 4)), strict=True):
        np.testing.assert_array_equal(array, fresh)
    for array in (*inputs[:2], w):
        array += 1
    for one, other in zip(
        weight_norm_backward(inputs[2], cache), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)


@every_float
def test_results_are_the_rounded_float64_ones(dtype):
    inputs = draw((3, 2, 5), dtype=dtype)
    for result, exact in zip(ours(*inputs), in_torch(*inputs), strict=True):
        assert result.dtype == dtype
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(result, exact, rtol=4 * eps, atol=4 * eps)


def test_gradients_have_the_dtype_of_what_they_belong_to():
    v, g, dw = draw((3, 5))
    w, dv, dg = ours(v.astype(np.float16), g.astype(np.float32), dw)
    assert (w.dtype, dv.dtype, dg.dtype) == (np.float16, np.float16, np.float32)


@every_float
@pytest.mark.parametrize("end", ["tiny", "smallest_subnormal", "max"])
def test_the_shortest_and_the_longest_v_have_a_direction(dtype, end):
    """Their squares are 0 and infinity, in float64 too."""
    size = getattr(np.finfo(dtype), end)
    v = np.array([[1, -1, 0, 1, 1], [1, 0, 0, 0, 0]], dtype) * size
    w, _ = weight_norm(v, np.ones(2, dtype))
    expected = np.array([[0.5, -0.5, 0, 0.5, 0.5], [1, 0, 0, 0, 0]])
    np.testing.assert_allclose(w, expected, rtol=np.finfo(dtype).eps)


def test_a_tiny_v_has_a_finite_gradient():
    v, g, dw = draw((3, 5))
    _, dv, dg = ours(v, g, dw)
    _, dv_tiny, dg_tiny = ours(1e-200 * v, g, dw)
    np.testing.assert_allclose(1e-200 * dv_tiny, dv, rtol=1e-12)
    np.testing.assert_allclose(dg_tiny, dg, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_slice_alone(bad):
    v, g, dw = draw((3, 5))
    expected = ours(v, g, dw)
    v[1, 2] = bad
    for result, clean in zip(ours(v, g, dw), expected, strict=True):
        assert np.isnan(result[1]).all()
        np.testing.assert_array_equal(result[[0, 2]], clean[[0, 2]])


# Errors


def test_a_slice_of_zeros_has_no_direction():
    v, g, dw = draw((3, 4, 5))
    v[1] = 0
    assert np.isnan(in_torch(v, g, dw)[0][1]).all()
    message = r"v must have no slice of zeros, got one at index 1 of axis 0"
    with pytest.raises(ValueError, match=message):
        weight_norm(v, g)
    v = draw((3, 4, 5))[0]
    v[:, 2] = -0.0
    with pytest.raises(ValueError, match="got one at index 2 of axis 1"):
        weight_norm(v, np.ones(4), dim=-2)
    with pytest.raises(ValueError, match=r"slice of zeros, got one$"):
        weight_norm(0 * v, np.array(1.0), dim=None)
    weight_norm(v, g)  # a zero elsewhere does no harm


def test_no_slices_are_fine_but_empty_ones_have_no_direction():
    for shape in [(0, 5), (0, 2, 3)]:
        w, cache = weight_norm(np.zeros(shape), np.zeros(0))
        assert w.shape == shape
        assert [a.shape for a in weight_norm_backward(w, cache)] == [shape, (0,)]
    with pytest.raises(ValueError, match="got one at index 0 of axis 0"):
        weight_norm(np.zeros((3, 0)), np.ones(3))


@pytest.mark.parametrize("dim", [2, -3, 5])
def test_dim_must_be_an_axis(dim):
    with pytest.raises(ValueError, match=f"None or from -2 to 1 .* 2 axes, got {dim}"):
        weight_norm(np.ones((3, 5)), np.ones(3), dim=dim)


@pytest.mark.parametrize(
    ("dim", "shape", "wrong"),
    [
        (0, (3,), (5,)),
        (0, (3,), (1, 3)),
        (0, (3,), (3, 1, 1)),
        (0, (3,), ()),
        (1, (5,), (3,)),
        (None, (), (1,)),
        (None, (), (1, 1)),
    ],
)
def test_the_shape_of_g_is_checked(dim, shape, wrong):
    with pytest.raises(ValueError) as error:
        weight_norm(np.ones((3, 5)), np.ones(wrong), dim=dim)
    assert str(error.value) == f"g must have shape {shape}, got {wrong}"


def test_v_and_dw_are_checked():
    with pytest.raises(ValueError, match=r"v must have at least one axis, got shape"):
        weight_norm(np.array(1.0), np.array(1.0))
    _, cache = weight_norm(np.ones((3, 5)), np.ones(3))
    with pytest.raises(ValueError, match=r"dw must have shape \(3, 5\), got \(3,\)"):
        weight_norm_backward(np.ones(3), cache)
    for dtype in (np.int64, bool, complex):
        name = np.dtype(dtype).name
        wrong, good = np.ones((3, 5), dtype), np.ones((3, 5))
        with pytest.raises(ValueError, match=f"v must be of dtype .*, got {name}"):
            weight_norm(wrong, np.ones(3))
        with pytest.raises(ValueError, match=f"g must be of dtype .*, got {name}"):
            weight_norm(good, np.ones(3, dtype))
        with pytest.raises(ValueError, match=f"dw must be of dtype .*, got {name}"):
            weight_norm_backward(wrong, cache)


# Data-dependent initialization


def draw_layer(N=7, D=5, out=3, dtype=np.float64, seed=0):
    """x and v. Columns of x differ in mean and spread, rows of v in length."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 5, D) + rng.normal(size=(N, D)) * 10 ** rng.uniform(-1, 1, D)
    return x.astype(dtype), draw((out, D), seed=seed)[0].astype(dtype)


def outputs(x, v):
    g, b = data_dependent_init(x, v)
    return x @ weight_norm(v, g)[0].T + b


@given(
    N=st.integers(2, 9),
    D=st.integers(1, 6),
    out=st.integers(1, 5),
    seed=seeds,
)
def test_initial_outputs_have_mean_0_and_variance_1(N, D, out, seed):
    y = outputs(*draw_layer(N, D, out, seed=seed))
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-9)


def test_initial_outputs_are_those_of_batch_norm():
    x, v = draw_layer()
    expected, *_ = batch_norm(x @ v.T, np.ones(3), np.zeros(3), eps=1e-15)
    np.testing.assert_allclose(outputs(x, v), expected, rtol=1e-9)


def test_initialization_by_hand():
    """t is 1 and 5 for the first row, so has mean 3 and standard deviation 2."""
    x = np.array([[1.0, 0.0], [5.0, 2.0]])
    g, b = data_dependent_init(x, np.array([[7.0, 0.0], [0.0, -0.5]]))
    np.testing.assert_allclose(g, [0.5, 1])
    np.testing.assert_allclose(b, [-1.5, 1])


def test_initialization_ignores_the_length_of_v():
    x, v = draw_layer()
    for one, other in zip(
        data_dependent_init(x, 100 * v), data_dependent_init(x, v), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("N", [1, 2, 40, 1000])
def test_a_constant_output_is_shifted_but_not_scaled(N):
    """Constant, though every number but the last column's is off by rounding."""
    x, v = draw_layer(N, D=4)
    constant = np.array([0.1 + 0.2, 1e4 / 3, -7.7, 1e-3])
    x = constant * (1 + np.finfo(float).eps * np.arange(-1, 2)[np.arange(N) % 3, None])
    g, b = data_dependent_init(x, v)
    np.testing.assert_array_equal(g, 1)
    np.testing.assert_allclose(x @ weight_norm(v, g)[0].T + b, 0, atol=1e-11)


def test_an_output_that_misses_what_varies_is_constant():
    x = np.array([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]])
    g, b = data_dependent_init(x, np.array([[0.0, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(g, [1, 1 / x[:, 0].std()])
    np.testing.assert_allclose(b, [-7, -x[:, 0].mean() / x[:, 0].std()])


def test_a_small_spread_on_a_large_mean_is_not_constant():
    x, v = draw_layer(100)
    y = outputs(1e6 + 1e-3 * x, v)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-4)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e200, 1e300])
def test_initialization_takes_input_of_any_size(size):
    """The squares of the last two are infinite, those of the first are 0."""
    x, v = draw_layer()
    g, b = data_dependent_init(size * x, v)
    expected_g, expected_b = data_dependent_init(x, v)
    np.testing.assert_allclose(size * g, expected_g, rtol=1e-9)
    np.testing.assert_allclose(b, expected_b, rtol=1e-9)


@every_float
def test_initialization_keeps_the_dtype_of_v(dtype):
    x, v = draw_layer(dtype=dtype)
    exact = data_dependent_init(x.astype(np.float64), v.astype(np.float64))
    for result, expected in zip(data_dependent_init(x, v), exact, strict=True):
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected.astype(dtype))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_the_batch_makes_g_and_b_nan(bad):
    x, v = draw_layer()
    x[3, 1] = bad
    v[0, 1] = 0
    for result in data_dependent_init(x, v):
        assert np.isnan(result).all()


def test_initialization_checks_its_arguments():
    x, v = draw_layer()
    for wrong in (x[0], x[:0], x[None]):
        message = f"x must have shape (N, D), with at least one row, got {wrong.shape}"
        with pytest.raises(ValueError) as error:
            data_dependent_init(wrong, v)
        assert str(error.value) == message
    for wrong in (v[:, :4], v[0], v[None]):
        with pytest.raises(ValueError, match=r"v must have shape \(out, 5\), got"):
            data_dependent_init(x, wrong)
    v[2] = 0
    with pytest.raises(ValueError, match="got one at index 2 of axis 0"):
        data_dependent_init(x, v)
    with pytest.raises(ValueError, match=r"x must be of dtype .*, got int64"):
        data_dependent_init(x.astype(int), v)
    with pytest.raises(ValueError, match=r"v must be of dtype .*, got int64"):
        data_dependent_init(x, v.astype(int))
