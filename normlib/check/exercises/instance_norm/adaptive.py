"""instance_norm.adaptive: the mean and the spread of one image, put onto another."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    any_memory,
    far_away,
    far_from_zero,
    feature_maps,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(content, style, eps=1e-5):
    return normlib.adaptive_instance_norm(content, style, eps=eps or NO_EPS)[0]


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


def pictures(rng, n=2, c=3, size=(4, 5), contrast=1.0):
    x = feature_maps(rng, n, c, size, 9, channels_apart=4, samples_apart=20)
    return contrast * (x + rng.uniform(2, 5))


def two_pictures(rng, n=2, c=3, size=(4, 5), style_size=(2, 3), contrast=1.0):
    content = pictures(rng, n, c, size, contrast)
    return dict(content=content, style=pictures(rng, n, c, style_size, 3 * contrast))


def large_styles(rng):
    """Of single channels, larger than their contents, and with an eps of 0."""
    inputs = two_pictures(rng, c=1, size=(2, 3), style_size=(4, 5), contrast=0.1)
    return inputs | dict(eps=0.0)


def two_channels_as_they_are(rng):
    """The third has another style, so that returning the content is no answer."""
    content = pictures(rng, contrast=0.1)
    style = content.copy()
    style[:, 2] = 3 * style[:, 2] - 5
    return dict(content=content, style=style, eps=0.3)


def a_large_eps(rng):
    return two_pictures(rng, contrast=0.05) | dict(eps=0.3)


def constant_channels(rng):
    inputs = two_pictures(rng)
    inputs["content"][1, 1], inputs["content"][0, 2] = 7.25, 0
    return inputs


def one_pixel(rng):
    return two_pictures(rng, n=1, size=(1, 1), style_size=(1, 4))


def content_far_from_zero(rng):
    inputs = two_pictures(rng, n=1)
    inputs["style"] -= inputs["style"].mean(axis=(2, 3), keepdims=True)
    return far_from_zero(inputs, "content")


# Right answers in other styles.


def by_the_ratio(content, style, eps=1e-5):
    mean = content.mean(axis=(2, 3))[:, :, None, None]
    var = content.var(axis=(2, 3))[:, :, None, None]
    style_var = style.var(axis=(2, 3))[:, :, None, None]
    ratio = np.sqrt((style_var + eps) / (var + eps))
    return ratio * (content - mean) + style.mean(axis=(2, 3))[:, :, None, None]


def in_torch(content, style, eps=1e-5):
    import torch

    content, style = torch.tensor(content.copy()), torch.tensor(style.copy())
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
        Case("two contents, two styles of a smaller size", 2 / 12, two_pictures),
        Case("styles of a larger size, one channel, without eps", 1 / 12, large_styles),
        Case(
            "all sizes equal",
            1 / 12,
            partial(two_pictures, n=3, size=(3, 3), style_size=(3, 3)),
        ),
        Case(
            "a channel in its own style stays as it is",
            1 / 12,
            two_channels_as_they_are,
        ),
        Case("a large eps counts as it should", 1 / 12, a_large_eps),
        Case("a constant channel takes the style's mean", 0.5 / 12, constant_channels),
        Case("a single pixel takes the style's mean", 0.5 / 12, one_pixel),
        far_away(
            1 / 12, content_far_from_zero, name="content far from zero, in float32"
        ),
        any_memory(1 / 12, two_pictures, "y"),
        second_call(1 / 12, two_pictures, "y"),
        Case("both pictures are left as they were", 1 / 12, two_pictures, intact=True),
    ),
    sections={"instance-norm-numerical-care": ("mean-of-squares",)},
    equivalents=(by_the_ratio, in_torch, in_float32),
)
