"""Layer normalization (Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450).

No data is averaged over the batch, so it works at any batch size, is the same in
training and at inference, and can be applied to one time step of a recurrent network.
Conventions are those of ``torch.nn.functional.layer_norm``.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    as_dtypes,
    as_float_array,
    check_eps,
    check_trailing,
)
from normlib._blockwise import as_wide
from normlib._core import standardize, standardize_backward


def layer_norm(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Standardize each sample over its trailing axes, then scale and shift each number.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``, with mean and variance of the D
    numbers that gamma has, divided by D. In a transformer x is (N, T, D) and gamma
    (D,): each token by itself. In a recurrent network x is one time step (N, D), and
    gamma and beta are the same at all steps.

    Parameters
    ----------
    x : ndarray of shape (..., *normalized_shape)
        float16, float32 or float64.
    gamma, beta : ndarray of shape normalized_shape
        Scale and shift, at least one axis. For none, pass ones and zeros.
    eps : float
        Added to the variance, under the square root. Positive.

    Returns
    -------
    y : ndarray, shaped like ``x``
        In the dtype of ``x``.
    cache : tuple
        The input of ``layer_norm_backward``. It holds ``x`` itself, not a copy.

    Raises
    ------
    ValueError
        If a shape, a dtype or ``eps`` is not as above.

    Notes
    -----
    A sample of equal numbers, as each one is for D = 1, comes out as ``beta``, exactly.
    NaN or infinity makes its sample NaN, and no other.

    Examples
    --------
    >>> x = np.array([[1.0, 3.0], [40.0, 20.0]])
    >>> y, cache = layer_norm(x, gamma=np.array([1.0, 2.0]), beta=np.zeros(2))
    >>> y.round(3)
    array([[-1.,  2.],
           [ 1., -2.]])
    """
    x, gamma = check_trailing(x, gamma)
    beta = as_float_array("beta", beta, gamma.shape)
    check_eps(eps)
    D = math.prod(gamma.shape)
    rows = as_wide(x).reshape(math.prod(x.shape[: x.ndim - gamma.ndim]), D)
    y, saved, _ = standardize(rows, (1,), eps, gamma.reshape(1, D), beta.reshape(1, D))
    shapes = (rows.shape, x.shape, gamma.shape)
    cache = (saved, shapes, (x.dtype, gamma.dtype, beta.dtype))
    return as_dtype(y.reshape(x.shape), x.dtype), cache


def layer_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x, gamma and beta, given that for y.

    Parameters
    ----------
    dy : ndarray, shaped like ``x``
        Upstream gradient.
    cache : tuple
        From ``layer_norm``.

    Returns
    -------
    dx : ndarray, shaped like ``x``
    dgamma, dbeta : ndarray, shaped like ``gamma``
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dy`` is not floating-point, or not shaped like ``x``, or if ``x`` was
        changed in place since the forward pass.
    """
    saved, (of_rows, of_x, of_gamma), dtypes = cache
    dy = as_wide(as_float_array("dy", dy, of_x)).reshape(of_rows)
    dx, dgamma, dbeta = standardize_backward(dy, saved)
    gradients = (dx.reshape(of_x), dgamma.reshape(of_gamma), dbeta.reshape(of_gamma))
    return as_dtypes(gradients, dtypes)
