"""instance_norm.adaptive: the mean and the spread of one image, put onto another."""

import math

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(content, style, eps=1e-5):
    return normlib.adaptive_instance_norm(content, style, eps=eps)[0]


def adaptive_instance_norm(content, style, eps=1e-5):
    """Content (N, C, H, W) with the mean and standard deviation of style's channels."""
    mean = content.mean(axis=(2, 3), keepdims=True)
    var = content.var(axis=(2, 3), keepdims=True)
    style_mean = style.mean(axis=(2, 3), keepdims=True)
    style_var = style.var(axis=(2, 3), keepdims=True)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return np.sqrt(style_var + eps) * x_hat + style_mean


# Cases. Content and style differ in size, unless a mix-up is to go through without an
# error; samples and channels differ in offset and in spread, in both arrays.


def by_hand(rng):
    content = np.array([[[[1.0, 1.0, 3.0, 3.0]], [[5.0, 5.0, 5.0, 5.0]]]])
    style = np.array([[[[10.0, 30.0]], [[100.0, 102.0]]]])
    return dict(content=content, style=style)


def maps(rng, n, space, low, high):
    x = np.tile(np.linspace(-1.5, 1.5, math.prod(space)), (n, 3, 1))
    x = rng.permuted(x, axis=2) + rng.uniform(-0.1, 0.1, x.shape)
    contrast = rng.permutation(np.geomspace(low, high, 3 * n)).reshape(n, 3, 1)
    brightness = rng.permutation(np.linspace(2, 5, 3 * n)).reshape(n, 3, 1)
    return (contrast * (x + brightness)).reshape(n, 3, *space)


def two_pictures(rng, n=2, size=(4, 5), style_size=(2, 3)):
    content = maps(rng, n, size, 1, 9)
    return dict(content=content, style=maps(rng, n, style_size, 20, 180))


def equal_sizes(rng):
    return two_pictures(rng, n=3, size=(3, 3), style_size=(3, 3))


def two_channels_as_they_are(rng):
    """The third has another style, so that returning the content is no answer."""
    content = maps(rng, 2, (4, 5), 0.1, 0.9)
    style = content.copy()
    style[:, 2] = 3 * style[:, 2] - 5
    return dict(content=content, style=style, eps=0.3)


def a_large_eps(rng):
    content, style = maps(rng, 2, (4, 5), 0.1, 0.9), maps(rng, 2, (2, 3), 0.2, 0.7)
    return dict(content=content, style=style, eps=0.3)


def a_constant_channel(rng):
    inputs = two_pictures(rng)
    inputs["content"][1, 1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = two_pictures(rng)
    content, style = inputs["content"], inputs["style"]
    content += 1e4 - content.mean(axis=(2, 3), keepdims=True)
    style -= style.mean(axis=(2, 3), keepdims=True)
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# Right answers in other styles.


def by_the_ratio(content, style, eps=1e-5):
    mean = content.mean(axis=(2, 3))[:, :, None, None]
    var = content.var(axis=(2, 3))[:, :, None, None]
    style_var = style.var(axis=(2, 3))[:, :, None, None]
    ratio = np.sqrt((style_var + eps) / (var + eps))
    return ratio * (content - mean) + style.mean(axis=(2, 3))[:, :, None, None]


def with_loops(content, style, eps=1e-5):
    y = np.empty(content.shape)
    for n in range(content.shape[0]):
        for c in range(content.shape[1]):
            means, stds = [], []
            for picture in (content, style):
                values = [float(value) for value in picture[n, c].flat]
                mean = sum(values) / len(values)
                squares = sum((value - mean) ** 2 for value in values)
                means.append(mean)
                stds.append((squares / len(values) + eps) ** 0.5)
            y[n, c] = stds[1] * (content[n, c] - means[0]) / stds[0] + means[1]
    return y


def with_einsum(content, style, eps=1e-5):
    h, w = content.shape[2:]
    centered = content - np.einsum("nchw->nc", content)[..., None, None] / (h * w)
    var = np.einsum("nchw,nchw->nc", centered, centered) / (h * w)
    std = np.sqrt(style.reshape(*style.shape[:2], -1).var(axis=-1) + eps)
    shift = np.einsum("nchw->nc", style) / style[0, 0].size
    y = np.einsum("nchw,nc,nc->nchw", centered, std, (var + eps) ** -0.5)
    return y + shift[:, :, None, None]


def in_torch(content, style, eps=1e-5):
    import torch

    content, style = torch.tensor(content), torch.tensor(style)
    var, mean = torch.var_mean(content, dim=(2, 3), correction=0, keepdim=True)
    gamma, beta = torch.var_mean(style, dim=(2, 3), correction=0, keepdim=True)
    gamma = torch.sqrt(gamma + eps)
    return torch.addcmul(beta, (content - mean) * torch.rsqrt(var + eps), gamma)


def in_float32(content, style, eps=1e-5):
    y = np.array(content, dtype=np.float32)
    style = style.astype(np.float32)
    y -= y.mean(axis=(2, 3), keepdims=True)
    y /= np.sqrt(np.square(y).mean(axis=(2, 3), keepdims=True) + np.float32(eps))
    y *= np.sqrt(style.var(axis=(2, 3), keepdims=True) + np.float32(eps))
    y += style.mean(axis=(2, 3), keepdims=True)
    return y


EXERCISE = Exercise(
    key="instance_norm.adaptive",
    points=3,
    statement="Give each channel of content the mean and spread that style has there.",
    section="instance-norm-adaptive",
    reference=reference,
    answer=adaptive_instance_norm,
    run=call("y"),
    cases=(
        Case("four pixels and two, by hand", 1 / 12, by_hand),
        Case("two contents, two styles of another size", 3 / 12, two_pictures),
        Case("all sizes equal", 2 / 12, equal_sizes),
        Case(
            "a channel in its own style stays as it is",
            1 / 12,
            two_channels_as_they_are,
        ),
        Case("a large eps counts as it should", 1 / 12, a_large_eps),
        Case("a constant channel takes the style's mean", 1 / 12, a_constant_channel),
        Case(
            "content far from zero, in float32",
            2 / 12,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("both pictures are left as they were", 1 / 12, two_pictures, intact=True),
    ),
    sections={"instance-norm-numerical-care": ("mean-of-squares",)},
    equivalents=(by_the_ratio, with_loops, with_einsum, in_torch, in_float32),
)
