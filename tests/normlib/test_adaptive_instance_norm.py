"""Adaptive instance norm: torch's autograd, finite differences, properties, edges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlib import (
    adaptive_instance_norm,
    adaptive_instance_norm_backward,
    instance_norm,
    numerical_gradient,
)
from tests.normlib.agreement import assert_rounded

SHAPES = [
    ((2, 3, 5, 7), (2, 3, 4, 3)),
    ((4, 3, 5), (4, 3, 6)),
    ((1, 3, 2, 3, 4), (1, 3, 2, 2, 2)),
    ((2, 1, 6), (2, 1, 3, 2)),
]
every_shape = pytest.mark.parametrize(("shape", "style_shape"), SHAPES)
FLOATS = [np.float16, np.float32, np.float64]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes(draw):
    channels = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    trailing = st.lists(st.integers(1, 5), min_size=1, max_size=3)
    return (*channels, *draw(trailing)), (*channels, *draw(trailing))


def draw(shape, style_shape, dtype=np.float64, seed=0):
    """content, style and dy. Channels and samples differ in mean and spread."""
    rng = np.random.default_rng(seed)

    def image(shape):
        per_row = (*shape[:2], *[1] * (len(shape) - 2))
        x = rng.normal(size=shape) * 10 ** rng.uniform(-1, 1, per_row)
        return x + rng.normal(0, 5, per_row)

    arrays = (image(shape), image(style_shape), rng.normal(size=shape))
    return [a.astype(dtype) for a in arrays]


def in_torch(content, style, dy, eps=1e-5):
    """y, dcontent and dstyle of the formula in torch, in float64."""
    content, style, dy = (
        torch.tensor(a, dtype=torch.float64) for a in (content, style, dy)
    )
    content.requires_grad_()
    style.requires_grad_()
    rows, style_rows = content.flatten(2), style.flatten(2)
    var, mean = torch.var_mean(style_rows, 2, correction=0, keepdim=True)
    x_hat = torch.nn.functional.layer_norm(rows, rows.shape[2:], eps=eps)
    y = (x_hat * torch.sqrt(var + eps) + mean).reshape(content.shape)
    gradients = torch.autograd.grad(y, (content, style), dy)
    return [result.detach().numpy() for result in (y, *gradients)]


def ours(content, style, dy, **options):
    """The same three from normlib."""
    y, cache = adaptive_instance_norm(content, style, **options)
    return [y, *adaptive_instance_norm_backward(dy, cache)]


def agree(results, expected, rtol=1e-9, atol=1e-9):
    names = ["y", "dcontent", "dstyle"]
    for name, one, other in zip(names, results, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


# The three oracles


@every_shape
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_agrees_with_torch(shape, style_shape, eps):
    inputs = draw(shape, style_shape)
    agree(ours(*inputs, eps=eps), in_torch(*inputs, eps=eps))


@given(case=shapes(), seed=seeds)
def test_agrees_with_torch_for_any_shape(case, seed):
    inputs = draw(*case, seed=seed)
    agree(ours(*inputs, eps=1e-3), in_torch(*inputs, eps=1e-3), 1e-8, 1e-8)


@every_shape
def test_backward_is_the_numerical_gradient(shape, style_shape):
    content, style, dy = draw(shape, style_shape)
    _, cache = adaptive_instance_norm(content, style, eps=0.1)
    gradients = adaptive_instance_norm_backward(dy, cache)
    expected = (
        numerical_gradient(
            lambda content: adaptive_instance_norm(content, style, eps=0.1)[0],
            content,
            dy,
        ),
        numerical_gradient(
            lambda style: adaptive_instance_norm(content, style, eps=0.1)[0], style, dy
        ),
    )
    for gradient, numerical in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-7)


@given(case=st.sampled_from(SHAPES), seed=seeds)
def test_output_has_the_moments_of_the_style(case, seed):
    shape, style_shape = case
    content, style, _ = draw(shape, style_shape, seed=seed)
    y, _ = adaptive_instance_norm(content, style, eps=1e-12)
    y, style = (a.reshape(*shape[:2], -1) for a in (y, style))
    np.testing.assert_allclose(y.mean(axis=2), style.mean(axis=2), atol=1e-9)
    np.testing.assert_allclose(y.std(axis=2), style.std(axis=2), rtol=1e-6)


@every_shape
def test_content_in_its_own_style_is_unchanged(shape, style_shape):
    content, *_ = draw(shape, style_shape)
    y, _ = adaptive_instance_norm(content, content, eps=0.1)
    np.testing.assert_allclose(y, content, rtol=1e-12, atol=1e-12)


def test_in_a_style_of_mean_0_and_variance_1_it_is_instance_norm():
    content, *_ = draw((2, 3, 5, 7), (2, 3, 1))
    style = np.broadcast_to([1.0, -1.0], (2, 3, 2))
    y, _ = adaptive_instance_norm(content, style, eps=1e-12)
    expected, *_ = instance_norm(content, np.ones(3), np.zeros(3), eps=1e-12)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)


def test_only_the_moments_of_the_style_matter():
    content, style, _ = draw((2, 3, 5, 7), (2, 3, 4, 6))
    y, _ = adaptive_instance_norm(content, style)
    shuffled = np.random.default_rng(0).permuted(style.reshape(2, 3, 24), axis=2)
    np.testing.assert_allclose(adaptive_instance_norm(content, shuffled)[0], y)


def test_by_hand():
    """Content: mean 2, deviation 1. Style: mean 20, deviation 10."""
    content, style = np.array([[[1.0, 3.0]]]), np.array([[[10.0, 30.0, 10.0, 30.0]]])
    y, _ = adaptive_instance_norm(content, style, eps=1e-12)
    np.testing.assert_allclose(y, [[[10, 30]]])


# Conventions and precision


def test_a_constant_channel_becomes_the_mean_of_the_style():
    content, style, _ = draw((2, 3, 5, 7), (2, 3, 4, 6))
    for constant in (np.full_like(content, 7.1), content[:, :, :1, :1]):
        y, _ = adaptive_instance_norm(constant, style)
        mean = style.mean(axis=(2, 3), keepdims=True)
        np.testing.assert_allclose(y, np.broadcast_to(mean, y.shape), rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0)])
def test_an_empty_content_is_fine(shape):
    style = np.ones((shape[0], 3, 2, 2))
    y, dcontent, dstyle = ours(np.zeros(shape), style, np.zeros(shape))
    assert y.shape == dcontent.shape == shape
    assert dstyle.shape == style.shape and not dstyle.any()


@pytest.mark.parametrize("which", ["content", "style"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_poisons_its_channel_of_its_sample_alone(which, bad):
    inputs = draw((2, 3, 5, 7), (2, 3, 4, 6))
    clean = ours(*inputs)
    inputs[which == "style"][1, 2, 0, 3] = bad
    for result, expected in zip(ours(*inputs), clean, strict=True):
        assert np.isnan(result[1, 2]).any()
        result[1, 2] = expected[1, 2]
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)


def test_arguments_are_left_alone_and_the_cache_does_not_follow_them():
    inputs = draw(*SHAPES[0])
    y, cache = adaptive_instance_norm(*inputs[:2])
    expected = adaptive_instance_norm_backward(inputs[2], cache)
    for array, fresh in zip(inputs, draw(*SHAPES[0]), strict=True):
        np.testing.assert_array_equal(array, fresh)
    y += 1
    for one, other in zip(
        adaptive_instance_norm_backward(inputs[2], cache), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    for array in inputs[:2]:
        before = array.copy()
        array += 1
        with pytest.raises(ValueError, match="stay as it is until the backward pass"):
            adaptive_instance_norm_backward(inputs[2], cache)
        array[...] = before


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_are_the_rounded_float64_ones(dtype):
    inputs = draw((4, 3, 5, 7), (4, 3, 6, 6), dtype)
    expected = in_torch(*inputs, eps=1e-3)
    assert_rounded(ours(*inputs, eps=1e-3), expected, dtype)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
def test_float32_survives_an_offset_of_the_content(offset):
    rng = np.random.default_rng(0)
    content = (offset + rng.normal(size=(2, 3, 32, 32))).astype(np.float32)
    style, dy = (rng.normal(size=content.shape).astype(np.float32) for _ in "sd")
    results, expected = ours(content, style, dy), in_torch(content, style, dy)
    assert np.abs(results[0] - expected[0]).max() < 2e-6
    assert np.abs(results[1] - expected[1]).max() < 5e-6


@pytest.mark.parametrize("dtype", FLOATS)
def test_finite_input_never_gives_nan(dtype):
    largest = np.finfo(dtype).max
    content = np.array([[[largest, -largest], [0, 0], [1, 2]]], dtype)
    style = np.array([[[1, 2], [largest, largest], [largest, -largest]]], dtype)
    results = ours(content, style, np.ones_like(content), eps=1e-40)
    for result in results:
        assert not np.isnan(result).any()
    np.testing.assert_allclose(results[0][0, 0], [2, 1], rtol=1e-3)


def test_any_memory_order_is_accepted():
    content, style, dy = draw((2, 3, 4, 5), (2, 3, 5, 4))
    expected = ours(content, style, dy)
    views = (np.asfortranarray(a) for a in (content, style, dy))
    agree(ours(*views), expected, rtol=1e-12)


def test_float16_is_within_one_spacing_of_the_rounded_result():
    rng = np.random.default_rng(0)
    content, style = rng.normal(size=(2, 2, 3, 12, 12)).astype(np.float16)
    y, _ = adaptive_instance_norm(content, style)
    rounded = in_torch(content, style, content)[0].astype(np.float16)
    error = np.abs(y.astype(np.float64) - rounded)
    assert (error <= np.maximum(np.spacing(np.abs(rounded)), 1e-6)).all()


# Errors


@pytest.mark.parametrize(
    ("shape", "style_shape"),
    [
        ((2, 3), (2, 3, 4)),
        ((2, 3, 4), (2, 3)),
        ((2, 3, 4), (1, 3, 4)),
        ((2, 3, 4), (2, 4, 4)),
    ],
)
def test_shapes_are_checked(shape, style_shape):
    with pytest.raises(ValueError) as error:
        adaptive_instance_norm(np.ones(shape), np.ones(style_shape))
    assert str(error.value) == (
        "content and style must have shapes (N, C, *) with the same N and C, "
        f"got {shape} and {style_shape}"
    )


def test_arguments_are_checked():
    content, style, dy = draw(*SHAPES[0])
    message = r"style must have at least one value per channel, got shape \(2, 3, 0\)"
    with pytest.raises(ValueError, match=message):
        adaptive_instance_norm(content, np.ones((2, 3, 0)))
    with pytest.raises(ValueError, match=r"content must be of dtype .*, got int64"):
        adaptive_instance_norm(content.astype(int), style)
    with pytest.raises(ValueError, match=r"style must be of dtype .*, got int64"):
        adaptive_instance_norm(content, style.astype(int))
    for eps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"eps must be positive.*, got {eps}"):
            adaptive_instance_norm(content, style, eps)
    _, cache = adaptive_instance_norm(content, style)
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 3, 5, 7\), got"):
        adaptive_instance_norm_backward(dy[0], cache)
    with pytest.raises(ValueError, match=r"dy must be of dtype .*, got int64"):
        adaptive_instance_norm_backward(dy.astype(int), cache)
