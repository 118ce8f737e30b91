"""instance_norm.adaptive: the mean and the spread of one image, put onto another."""

import math

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def adaptive_instance_norm(content, style, eps=1e-5):
    return normlib.adaptive_instance_norm(content, style, eps=eps)[0]


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


# What people get wrong.


def content_and_style_swapped(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_mean = style.mean((2, 3), keepdims=True)
    style_var = style.var((2, 3), keepdims=True)
    return np.sqrt(var + eps) * (style - style_mean) / np.sqrt(style_var + eps) + mean


def mean_only(content, style, eps=1e-5):
    mean = content.mean((2, 3), keepdims=True)
    return content - mean + style.mean((2, 3), keepdims=True)


def spread_only(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_var = style.var((2, 3), keepdims=True)
    return np.sqrt(style_var + eps) * (content - mean) / np.sqrt(var + eps) + mean


def content_not_standardized(content, style, eps=1e-5):
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    return style_std * content + style.mean((2, 3), keepdims=True)


def content_not_centered(content, style, eps=1e-5):
    std = np.sqrt(content.var((2, 3), keepdims=True) + eps)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    return style_std * content / std + style.mean((2, 3), keepdims=True)


def spread_of_content_kept(content, style, eps=1e-5):
    mean = content.mean((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    return style_std * (content - mean) + style.mean((2, 3), keepdims=True)


def standardized_only(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    return (content - mean) / np.sqrt(var + eps)


def mean_and_spread_swapped(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style.mean((2, 3), keepdims=True) * x_hat + style_std


def mean_scaled_too(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * (x_hat + style.mean((2, 3), keepdims=True))


def variance_of_the_style(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_var = style.var((2, 3), keepdims=True)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return (style_var + eps) * x_hat + style.mean((2, 3), keepdims=True)


def style_of_the_batch(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((0, 2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((0, 2, 3), keepdims=True)


def first_style_for_all(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style[:1].var((2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style[:1].mean((2, 3), keepdims=True)


def one_style_for_all_channels(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((1, 2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((1, 2, 3), keepdims=True)


def content_over_the_batch(content, style, eps=1e-5):
    mean = content.mean((0, 2, 3), keepdims=True)
    var = content.var((0, 2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((2, 3), keepdims=True)


def channels_last(content, style, eps=1e-5):
    mean, var = content.mean((1, 2), keepdims=True), content.var((1, 2), keepdims=True)
    style_std = np.sqrt(style.var((1, 2), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((1, 2), keepdims=True)


def pixel_by_pixel(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    return style_std * (content - mean) / np.sqrt(var + eps) + style


def unbiased(content, style, eps=1e-5):
    mean = content.mean((2, 3), keepdims=True)
    var = content.var((2, 3), ddof=1, keepdims=True)
    style_std = np.sqrt(style.var((2, 3), ddof=1, keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((2, 3), keepdims=True)


def style_without_eps(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style.std((2, 3), keepdims=True) * x_hat + style.mean((2, 3), keepdims=True)


def eps_outside(content, style, eps=1e-5):
    mean, std = content.mean((2, 3), keepdims=True), content.std((2, 3), keepdims=True)
    style_std = style.std((2, 3), keepdims=True) + eps
    x_hat = (content - mean) / (std + eps)
    return style_std * x_hat + style.mean((2, 3), keepdims=True)


def no_eps(content, style, eps=1e-5):
    mean, std = content.mean((2, 3), keepdims=True), content.std((2, 3), keepdims=True)
    x_hat = (content - mean) / std
    return style.std((2, 3), keepdims=True) * x_hat + style.mean((2, 3), keepdims=True)


def fixed_eps(content, style, eps=1e-5):
    mean, var = content.mean((2, 3), keepdims=True), content.var((2, 3), keepdims=True)
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + 1e-5)
    x_hat = (content - mean) / np.sqrt(var + 1e-5)
    return style_std * x_hat + style.mean((2, 3), keepdims=True)


def mean_of_squares(content, style, eps=1e-5):
    mean = content.mean((2, 3), keepdims=True)
    var = (content * content).mean((2, 3), keepdims=True) - mean * mean
    style_std = np.sqrt(style.var((2, 3), keepdims=True) + eps)
    x_hat = (content - mean) / np.sqrt(var + eps)
    return style_std * x_hat + style.mean((2, 3), keepdims=True)


def into_the_content(content, style, eps=1e-5):
    content -= content.mean((2, 3), keepdims=True)
    content /= np.sqrt((content * content).mean((2, 3), keepdims=True) + eps)
    content *= np.sqrt(style.var((2, 3), keepdims=True) + eps)
    content += style.mean((2, 3), keepdims=True)
    return content


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
    reference=adaptive_instance_norm,
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
    misconceptions=(
        Misconception(
            "content and style swapped",
            "The content says what is where, so the result has its shape. The style "
            "gives two numbers per channel and no more.",
            content_and_style_swapped,
        ),
        Misconception(
            "the style's mean without its spread",
            "The brightness of the style has arrived, its contrast has not.",
            mean_only,
        ),
        Misconception(
            "the style's spread around the content's own mean",
            "The contrast of the style has arrived, its brightness has not. Which mean "
            "should the result have?",
            spread_only,
        ),
        Misconception(
            "the style put onto content that was never standardized",
            "Scale and shift give the right spread and mean only to something that "
            "has spread 1 and mean 0.",
            content_not_standardized,
        ),
        Misconception(
            "the content's mean left in",
            "The style's mean is added to what is there already. What has to be taken "
            "out before?",
            content_not_centered,
        ),
        Misconception(
            "the content's own spread left in",
            "The style's spread multiplies what is there already. What has to be "
            "divided out before?",
            spread_of_content_kept,
        ),
        Misconception(
            "instance norm without the style",
            "You have taken the content's mean and spread out. Now put in those of the "
            "style: they take the places of beta and gamma.",
            standardized_only,
        ),
        Misconception(
            "the style's mean and spread in each other's place",
            "The spread scales, as gamma does. The mean shifts, as beta does.",
            mean_and_spread_swapped,
        ),
        Misconception(
            "the style's mean scaled along with the content",
            "The spread multiplies the standardized content alone. The mean is added "
            "afterwards, in its own unit.",
            mean_scaled_too,
        ),
        Misconception(
            "scaled by the style's variance",
            "The variance has the square of the unit. What is the spread in the unit "
            "of the picture?",
            variance_of_the_style,
        ),
        Misconception(
            "one style for the whole batch",
            "Each content has a style of its own, with the same place in the batch.",
            style_of_the_batch,
        ),
        Misconception(
            "the first style for all contents",
            "Each content has a style of its own, with the same place in the batch.",
            first_style_for_all,
        ),
        Misconception(
            "one mean and one spread for all channels of the style",
            "The colors of the style are in how its channels differ. Each channel "
            "brings its own mean and spread.",
            one_style_for_all_channels,
        ),
        Misconception(
            "the content standardized over the batch",
            "That is batch norm. A content's own mean and spread have to be gone "
            "before the style's can take their places.",
            content_over_the_batch,
        ),
        Misconception(
            "the channels taken for an axis of the picture",
            "The arrays are (N, C, H, W). Which two axes are the positions?",
            channels_last,
        ),
        Misconception(
            "the style added pixel by pixel",
            "Only the mean of each channel of the style is wanted. Style and content "
            "need not even have the same size.",
            pixel_by_pixel,
        ),
        Misconception(
            "the unbiased variances, divided by m − 1",
            "Both are divided by the number of pixels, as in exercise 1. With pictures "
            "of different size it does not cancel.",
            unbiased,
        ),
        Misconception(
            "eps under the content's root only",
            "The spread means the same in both pictures. A picture in its own style "
            "has to come back as it was.",
            style_without_eps,
        ),
        Misconception(
            "eps added to the standard deviations",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "A channel that is constant in the content, such as a clear sky, has "
            "variance zero. What is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="instance-norm-numerical-care",
        ),
        Misconception(
            "the result written into content",
            "The caller still needs the picture, perhaps for another style.",
            into_the_content,
        ),
    ),
    equivalents=(by_the_ratio, with_loops, with_einsum, in_torch, in_float32),
)
