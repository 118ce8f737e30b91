"""Group normalization (Wu and He, 2018, https://arxiv.org/abs/1803.08494).

No data is averaged over the batch, so it works at any batch size and is the same in
training and at inference. Conventions are those of ``torch.nn.functional.group_norm``.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    as_dtypes,
    as_float_array,
    check_channels,
    check_eps,
)
from normlib._blockwise import as_wide
from normlib._core import standardize, standardize_backward


def group_norm(
    x: np.ndarray,
    num_groups: int,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple]:
    """Standardize each group of channels, then scale and shift each channel.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``, with mean and variance of the m
    numbers of a group in one sample, divided by ``m = (C / num_groups) * (trailing
    sizes)``. ``num_groups=C`` is instance norm; ``num_groups=1`` is layer norm over all
    but N, except for the affine map, which layer norm has for each number and not each
    channel.

    Parameters
    ----------
    x : ndarray of shape (N, C, *)
        float16, float32 or float64.
    num_groups : int
        Must divide C. A group is C / num_groups consecutive channels.
    gamma, beta : ndarray of shape (C,)
        Scale and shift. For none, pass ones and zeros.
    eps : float
        Added to the variance, under the square root. Positive.

    Returns
    -------
    y : ndarray of shape (N, C, *)
        In the dtype of ``x``.
    cache : tuple
        The input of ``group_norm_backward``. It holds ``x`` itself, not a copy.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``num_groups`` or ``eps`` is not as above, or if N = m = 1,
        where every output would be ``beta``.

    Notes
    -----
    A group of equal numbers comes out as ``beta``, exactly. So does one of a single
    number (m = 1) in a batch of more than one sample: torch accepts it too, and returns
    rounding errors, enlarged by ``1 / sqrt(eps)``. NaN or infinity makes its group NaN.

    Examples
    --------
    >>> x = np.array([[1.0, 3.0, 10.0, 50.0]])
    >>> y, cache = group_norm(x, 2, np.ones(4), np.zeros(4))
    >>> y.round(3)
    array([[-1.,  1., -1.,  1.]])
    """
    x, gamma, beta = check_channels(x, gamma, beta)
    check_eps(eps)
    N, C = x.shape[:2]
    if num_groups < 1 or C % num_groups:
        raise ValueError(
            f"num_groups must divide the {C} channels of x, got {num_groups}"
        )
    groups = (num_groups, C // num_groups)
    if math.prod((N, groups[1], *x.shape[2:])) == 1:
        raise ValueError(
            "x must have more than one value per group, "
            f"got shape {x.shape} with num_groups={num_groups}"
        )
    grouped = as_wide(x).reshape(N, *groups, math.prod(x.shape[2:]))
    gamma_of_groups, beta_of_groups = (a.reshape(1, *groups, 1) for a in (gamma, beta))
    y, saved, _ = standardize(grouped, (2, 3), eps, gamma_of_groups, beta_of_groups)
    cache = (saved, y.shape, x.shape, (x.dtype, gamma.dtype, beta.dtype))
    return as_dtype(y.reshape(x.shape), x.dtype), cache


def group_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x, gamma and beta, given that for y.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *)
        Upstream gradient.
    cache : tuple
        From ``group_norm``.

    Returns
    -------
    dx : ndarray of shape (N, C, *)
    dgamma, dbeta : ndarray of shape (C,)
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dy`` is not floating-point, or not shaped like ``x``, or if ``x`` was
        changed in place since the forward pass.
    """
    saved, grouped_shape, shape, dtypes = cache
    dy = as_wide(as_float_array("dy", dy, shape)).reshape(grouped_shape)
    dx, dgamma, dbeta = standardize_backward(dy, saved)
    return as_dtypes((dx.reshape(shape), dgamma.ravel(), dbeta.ravel()), dtypes)
