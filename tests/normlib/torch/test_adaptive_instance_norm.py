"""Adaptive instance norm: what it puts onto the content, its gradients and edges."""

import pytest
import torch
from torch import nn

from normlib.torch import AdaptiveInstanceNorm2d

SHAPES = [
    ((2, 3, 5, 7), (2, 3, 5, 7)),
    ((2, 3, 5, 7), (2, 3, 4, 2)),
    ((1, 1, 3, 4), (1, 1, 6, 1)),
    ((3, 2, 1, 1), (3, 2, 2, 2)),
    ((3, 2, 2, 2), (3, 2, 1, 1)),
]
every_shape = pytest.mark.parametrize(("shape", "style_shape"), SHAPES)


def draw(shape, style_shape, seed=0):
    """content, style and dy; every channel has another mean and spread."""
    generator = torch.Generator().manual_seed(seed)

    def image(shape):
        level = 3 * torch.randn(*shape[:2], 1, 1, generator=generator).double()
        noise = torch.randn(shape, generator=generator).double()
        return level + level.exp().clamp(0.1, 10) * noise

    return image(shape), image(style_shape), image(shape)


def by_torch(content, style, eps):
    """Instance norm without parameters, then one scale and shift per sample."""
    N, C = content.shape[:2]
    y = nn.functional.batch_norm(
        content.reshape(1, N * C, -1).expand(2, -1, -1),
        None,
        None,
        training=True,
        eps=eps,
    )[0]
    var, mean = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
    return y.view(content.shape) * torch.sqrt(var + eps) + mean


@every_shape
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_agrees_with_torch(shape, style_shape, eps):
    content, style, dy = draw(shape, style_shape)
    results = []
    for function in (
        AdaptiveInstanceNorm2d(eps=eps),
        lambda content, style: by_torch(content, style, eps),
    ):
        inputs = content.clone().requires_grad_(), style.clone().requires_grad_()
        y = function(*inputs)
        results.append((y, *torch.autograd.grad(y, inputs, dy)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


@every_shape
def test_gradients_are_the_numerical_ones(shape, style_shape):
    content, style, _ = draw(shape, style_shape)
    inputs = (content.requires_grad_(), style.requires_grad_())
    assert torch.autograd.gradcheck(AdaptiveInstanceNorm2d(eps=0.1), inputs)


def test_content_gets_the_mean_and_deviation_of_the_style():
    content, style, _ = draw((2, 3, 5, 7), (2, 3, 4, 2))
    y = AdaptiveInstanceNorm2d(eps=1e-12)(content, style)
    torch.testing.assert_close(y.mean((2, 3)), style.mean((2, 3)))
    torch.testing.assert_close(
        y.std((2, 3), correction=0), style.std((2, 3), correction=0)
    )


def test_what_lies_in_mean_and_deviation_of_the_content_is_lost():
    content, style, _ = draw((2, 3, 5, 7), (2, 3, 4, 2))
    layer = AdaptiveInstanceNorm2d(eps=1e-12)
    torch.testing.assert_close(layer(5 * content - 9, style), layer(content, style))
    assert not torch.allclose(layer(content, 5 * style), layer(content, style))


def test_a_content_that_is_its_own_style_stays_as_it_is():
    content, _, _ = draw((2, 3, 5, 7), (2, 3, 5, 7))
    y = AdaptiveInstanceNorm2d(eps=0.1)(content, content)
    torch.testing.assert_close(y, content)


def test_samples_and_channels_do_not_mix():
    content, style, _ = draw((2, 3, 5, 7), (2, 3, 4, 2))
    layer = AdaptiveInstanceNorm2d()
    y = layer(content, style)
    for n in range(2):
        for c in range(3):
            alone = layer(content[n, c][None, None], style[n, c][None, None])
            torch.testing.assert_close(alone[0, 0], y[n, c])


def test_one_pixel_or_constant_content_becomes_the_mean_of_the_style():
    _, style, _ = draw((2, 3, 1, 1), (2, 3, 4, 2))
    mean = style.float().mean((2, 3), keepdim=True)
    for content in (torch.ones(2, 3, 1, 1), torch.full((2, 3, 5, 7), 7.1)):
        y = AdaptiveInstanceNorm2d()(content, style.float())
        torch.testing.assert_close(y, mean.expand_as(y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("offset", [1e2, 1e4])
def test_float32_survives_an_offset(offset):
    generator = torch.Generator().manual_seed(0)
    content = offset + torch.randn(2, 3, 16, 16, generator=generator)
    style = torch.randn(2, 3, 16, 16, generator=generator)
    y = AdaptiveInstanceNorm2d()(content, style)
    expected = by_torch(content.double(), style.double(), 1e-5)
    torch.testing.assert_close(y.double(), expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_the_rounded_result(dtype):
    generator = torch.Generator().manual_seed(0)
    content = (3000 + 200 * torch.randn(2, 3, 9, 9, generator=generator)).to(dtype)
    style = torch.randn(2, 3, 9, 9, generator=generator).to(dtype)
    y = AdaptiveInstanceNorm2d()(content, style)
    expected = by_torch(content.double(), style.double(), 1e-5)
    assert y.dtype == dtype
    torch.testing.assert_close(
        y.double(), expected, rtol=torch.finfo(dtype).eps, atol=1e-6
    )


@pytest.mark.parametrize("size", [1e-38, 1e20, 1e30])
def test_no_finite_float32_gives_nan(size):
    content, style, dy = draw((2, 3, 5, 7), (2, 3, 4, 2))
    inputs = [(size * a).float().requires_grad_() for a in (content, style)]
    y = AdaptiveInstanceNorm2d()(*inputs)
    for result in (y, *torch.autograd.grad(y, inputs, dy.float())):
        assert not result.isnan().any()


def test_has_no_parameters_and_says_its_eps():
    layer = AdaptiveInstanceNorm2d()
    assert not layer.state_dict() and not list(layer.parameters())
    assert repr(layer) == "AdaptiveInstanceNorm2d(eps=1e-05)"


@pytest.mark.parametrize(
    ("shape", "style_shape"),
    [
        ((2, 3, 5), (2, 3, 5)),
        ((2, 3, 5, 7), (2, 3, 5)),
        ((2, 3, 5, 7), (1, 3, 5, 7)),
        ((2, 3, 5, 7), (2, 1, 5, 7)),
        ((2, 3, 5, 7, 1), (2, 3, 5, 7, 1)),
    ],
)
def test_shapes_are_checked(shape, style_shape):
    with pytest.raises(ValueError) as error:
        AdaptiveInstanceNorm2d()(torch.ones(shape), torch.ones(style_shape))
    assert str(error.value) == (
        "expected content and style of shapes (N, C, H, W) and (N, C, *, *), "
        f"got {shape} and {style_shape}"
    )


def test_dtypes_and_eps_are_checked():
    for dtype, style_dtype in [
        (torch.float32, torch.float64),
        (torch.int64, torch.int64),
        (torch.complex64, torch.complex64),
    ]:
        content = torch.ones(2, 3, 5, 7, dtype=dtype)
        style = torch.ones(2, 3, 5, 7, dtype=style_dtype)
        with pytest.raises(ValueError, match=f"got {dtype} and {style_dtype}"):
            AdaptiveInstanceNorm2d()(content, style)
    with pytest.raises(ValueError, match="eps must be positive, got 0"):
        AdaptiveInstanceNorm2d(eps=0)
