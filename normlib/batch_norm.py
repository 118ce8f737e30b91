"""Batch normalization (Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167).

Conventions are those of ``torch.nn.functional.batch_norm``, with three differences:
gamma and beta come before the running statistics, ``training`` is True by default, and
running statistics come back as new arrays instead of being changed in place. Left out:
the cumulative average (torch's ``momentum=None``), statistics shared between devices.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    check_channels,
    check_eps,
    check_running,
    require_batch,
    require_running,
    update_running,
)
from normlib._core import (
    channel_norm_backward,
    per_channel,
    standardize,
    standardize_by,
)


def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple, np.ndarray | None, np.ndarray | None]:
    """Standardize each channel over the batch, then scale and shift it.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``. In training, mean and
    variance are those of the m = N * (trailing sizes) numbers of the channel, divided
    by m. At inference they are ``running_mean`` and ``running_var``: constants, so
    that a sample's output does not depend on the others in the batch.

    Parameters
    ----------
    x : ndarray of shape (N, C, *)
        float16, float32 or float64. Statistics are summed in float64, so that a
        large mean does not spoil them.
    gamma, beta : ndarray of shape (C,)
        Scale and shift. For none, pass ones and zeros.
    running_mean, running_var : ndarray of shape (C,), optional
        Averages over past batches; both or neither. They start at 0 and 1.
        Inference needs them.
    training : bool
    momentum : float
        Weight of the new batch in the running statistics, from 0 to 1.
    eps : float
        Added to the variance, under the square root. Positive; at inference also 0.

    Returns
    -------
    y : ndarray of shape (N, C, *)
        In the dtype of ``x``.
    cache : tuple
        The input of ``batch_norm_backward``. It holds ``x`` itself, not a copy.
    running_mean, running_var : ndarray of shape (C,), or None
        New arrays. In training ``(1 - momentum) * old + momentum * new``, where the
        new variance is the unbiased one (divided by m - 1); at inference, and after
        an empty batch, equal to what was passed.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``momentum`` or ``eps`` is not as above, if running
        statistics are missing at inference, or if m = 1 in training, where every
        output would be ``beta``.

    Notes
    -----
    A channel that is constant in the batch comes out as ``beta``, exactly. NaN or
    infinity makes its whole channel NaN in training, and the channel's running
    statistics for good.

    Examples
    --------
    >>> x = np.array([[1.0, 10.0], [3.0, 10.0]])
    >>> gamma, beta = np.array([2.0, 2.0]), np.array([0.0, 1.0])
    >>> y, cache, running_mean, running_var = batch_norm(
    ...     x, gamma, beta, np.zeros(2), np.ones(2)
    ... )
    >>> y.round(3)
    array([[-2.,  1.],
           [ 2.,  1.]])
    >>> running_mean, running_var
    (array([0.2, 1. ]), array([1.1, 0.9]))
    """
    x, gamma, beta = check_channels(x, gamma, beta)
    running_mean, running_var = check_running(x, running_mean, running_var, momentum)
    check_eps(eps, training)
    gamma_of_x, beta_of_x = per_channel(gamma, x), per_channel(beta, x)
    if training:
        require_batch(x)
        over_batch = (0, *range(2, x.ndim))
        y, saved, (mean, var) = standardize(x, over_batch, eps, gamma_of_x, beta_of_x)
        m = math.prod(x.shape[axis] for axis in over_batch)
        running_mean, running_var = update_running(
            running_mean, running_var, mean, var, m, momentum
        )
    else:
        given = require_running(running_mean, running_var)
        y, saved = standardize_by(x, *given, eps, gamma_of_x, beta_of_x)
    cache = (saved, training, x.shape, (x.dtype, gamma.dtype, beta.dtype))
    return as_dtype(y, x.dtype), cache, running_mean, running_var


def batch_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x, gamma and beta, given that for y.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *)
        Upstream gradient.
    cache : tuple
        From ``batch_norm``, in training or at inference.

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
    return channel_norm_backward(dy, cache)
