"""Adaptive instance norm (Huang and Belongie, 2017, https://arxiv.org/abs/1703.06868).

The style of an image, as far as it lies in the mean and the spread of each channel, is
put onto the content of another one.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    as_dtypes,
    as_float_array,
    check_eps,
    guard,
    verify,
)
from normlib._blockwise import as_wide, center, subtract_mean, sum_of_products
from normlib._core import standardize, standardize_backward


def adaptive_instance_norm(
    content: np.ndarray, style: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Give each channel of ``content`` the mean and standard deviation of ``style``.

    ``y = std(style) * (content - mean(content)) / std(content) + mean(style)``, over
    the numbers of each channel of each sample, with ``std = sqrt(var + eps)`` for both:
    content comes back as it is if it is also the style. It is ``instance_norm`` with a
    gamma and a beta for each sample that are not learned but measured.

    Parameters
    ----------
    content : ndarray of shape (N, C, *)
        float16, float32 or float64, with at least one axis after C.
    style : ndarray of shape (N, C, *)
        Trailing sizes may differ from those of content, but none may be 0.
    eps : float
        Added to both variances, which are the biased ones (divide by the number of
        values). The authors' code divides by one less. Positive.

    Returns
    -------
    y : ndarray, shaped like ``content``
        In the dtype of ``content``.
    cache : tuple
        The input of ``adaptive_instance_norm_backward``. It holds content and style
        themselves, not copies.

    Raises
    ------
    ValueError
        If a shape, a dtype or ``eps`` is not as above.

    Notes
    -----
    A channel that is constant in content becomes the mean of style. NaN or infinity, in
    content or style, makes its channel NaN in its sample.

    Examples
    --------
    >>> content, style = np.array([[[1.0, 3.0, 5.0]]]), np.array([[[10.0, 30.0]]])
    >>> y, cache = adaptive_instance_norm(content, style)
    >>> y.round(3)
    array([[[ 7.753, 20.   , 32.247]]])
    """
    content = as_float_array("content", content)
    style = as_float_array("style", style)
    if content.ndim < 3 or style.ndim < 3 or content.shape[:2] != style.shape[:2]:
        raise ValueError(
            "content and style must have shapes (N, C, *) with the same N and C, "
            f"got {content.shape} and {style.shape}"
        )
    if 0 in style.shape[2:]:
        raise ValueError(
            f"style must have at least one value per channel, got shape {style.shape}"
        )
    check_eps(eps)
    style_rows, _, mean, var = center(_as_rows(style), (2,))
    std = np.sqrt(var + eps)
    y, saved, _ = standardize(_as_rows(content), (2,), eps, gamma=std, beta=mean)
    shapes, dtypes = (content.shape, style.shape), (content.dtype, style.dtype)
    cache = (saved, guard(style_rows), mean, std, shapes, dtypes)
    return as_dtype(y.reshape(content.shape), content.dtype), cache


def adaptive_instance_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to content and style, given that for y.

    Parameters
    ----------
    dy : ndarray, shaped like ``content``
        Upstream gradient.
    cache : tuple
        From ``adaptive_instance_norm``.

    Returns
    -------
    dcontent : ndarray, shaped like ``content``
    dstyle : ndarray, shaped like ``style``
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dy`` is not floating-point, or not shaped like ``content``, or if content
        or style was changed in place since the forward pass.
    """
    saved, memory, mean, std, shapes, dtypes = cache
    dy = _as_rows(as_float_array("dy", dy, shapes[0]))
    dcontent, dstd, dmean = standardize_backward(dy, saved)
    dstyle = subtract_mean(verify(*memory), mean, 1 / std)
    L = dstyle.shape[2]
    sum_of_products((dstyle, dstd / (std * L)), constant=dmean / L, out=dstyle)
    gradients = (dcontent.reshape(shapes[0]), dstyle.reshape(shapes[1]))
    return as_dtypes(gradients, dtypes)


def _as_rows(x: np.ndarray) -> np.ndarray:
    return as_wide(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))
