"""Root mean square norm (Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467).

Layer norm without the mean: nothing is subtracted and nothing added, each sample is
only divided by its size. Conventions are those of ``torch.nn.functional.rms_norm``, but
for the default of ``eps``. Left out: the partial form, which looks at part of the
numbers.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    as_dtypes,
    as_float_array,
    check_eps,
    check_trailing,
    guard,
    verify,
)
from normlib._blockwise import (
    as_wide,
    average,
    sum_of_products,
    without_overflow,
)
from normlib._rows import standardize_rows_backward


def rms_norm(
    x: np.ndarray, gamma: np.ndarray, eps: float = 1e-6
) -> tuple[np.ndarray, tuple]:
    """Divide each sample by its root mean square, then scale each number.

    ``y = gamma * x / sqrt(mean(x**2) + eps)``, with the mean over the trailing axes
    that gamma has. For samples of mean 0 it is ``layer_norm`` with beta = 0.

    Parameters
    ----------
    x : ndarray of shape (..., *normalized_shape)
        float16, float32 or float64.
    gamma : ndarray of shape normalized_shape
        Scale, at least one axis. In most models (D,), the last axis alone.
    eps : float
        Added to the mean square, under the square root. Positive. torch's default is
        the spacing of floats at 1: 1.2e-7 in float32, and 2.2e-16 in float64.

    Returns
    -------
    y : ndarray, shaped like ``x``
        In the dtype of ``x``.
    cache : tuple
        The input of ``rms_norm_backward``. It holds ``x`` itself, not a copy.

    Raises
    ------
    ValueError
        If a shape, a dtype or ``eps`` is not as above.

    Notes
    -----
    A sample of zeros stays 0. NaN or infinity makes its sample NaN, and no other; in
    torch, the numbers beside an infinity become 0.

    Examples
    --------
    >>> y, cache = rms_norm(np.array([[3.0, 4.0], [0.0, -2.0]]), np.ones(2))
    >>> y.round(3)
    array([[ 0.849,  1.131],
           [ 0.   , -1.414]])
    """
    x, gamma = check_trailing(x, gamma)
    check_eps(eps)
    D = math.prod(gamma.shape)
    rows = as_wide(x).reshape(math.prod(x.shape[: x.ndim - gamma.ndim]), D)
    rows, mean_square = _mean_square(rows)
    inv_rms = 1 / np.sqrt(mean_square + eps)
    y = sum_of_products((rows, inv_rms, gamma.reshape(1, D)))
    cache = (guard(rows), inv_rms, gamma.copy(), x.shape, (x.dtype, gamma.dtype))
    return as_dtype(y.reshape(x.shape), x.dtype), cache


def rms_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x and gamma, given that for y.

    ``dx = (dx_hat - x_hat * mean(dx_hat * x_hat)) / rms``: what ``layer_norm_backward``
    computes, without the path through the mean.

    Parameters
    ----------
    dy : ndarray, shaped like ``x``
        Upstream gradient.
    cache : tuple
        From ``rms_norm``.

    Returns
    -------
    dx : ndarray, shaped like ``x``
    dgamma : ndarray, shaped like ``gamma``
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dy`` is not floating-point, or not shaped like ``x``, or if ``x`` was
        changed in place since the forward pass.
    """
    memory, inv_rms, gamma, shape, dtypes = cache
    x = verify(*memory)
    dy = as_wide(as_float_array("dy", dy, shape)).reshape(x.shape)
    row = gamma.reshape(1, gamma.size)
    dx, dgamma, _ = standardize_rows_backward(dy, x, None, inv_rms, row)
    return as_dtypes((dx.reshape(shape), dgamma.reshape(gamma.shape)), dtypes)


def _mean_square(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Also x, which is another one if its squares overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean_square = average(x, (1,), x)
    if np.isinf(mean_square).any():
        return _mean_square(without_overflow(x))
    return x, mean_square
