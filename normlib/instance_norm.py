"""Instance normalization (Ulyanov et al., 2016, https://arxiv.org/abs/1607.08022).

Conventions are those of ``torch.nn.InstanceNorm2d`` with affine parameters. Its
adaptive form is in ``adaptive_instance_norm``.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    check_channels,
    check_eps,
    check_running,
    require_running,
    update_running,
)
from normlib._blockwise import average
from normlib._core import (
    channel_norm_backward,
    per_channel,
    standardize,
    standardize_by,
)


def instance_norm(
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
    """Standardize each channel of each sample, then scale and shift it.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``, with mean and variance of the m
    numbers of the channel in the sample, divided by m. So it is without running
    statistics, in training and at inference alike. With them, inference uses them
    instead, and the output then depends on the brightness and contrast of the sample.

    Parameters
    ----------
    x : ndarray of shape (N, C, *)
        float16, float32 or float64, with at least one axis after C.
    gamma, beta : ndarray of shape (C,)
        Scale and shift. For none, which is the default in torch, pass ones and zeros.
    running_mean, running_var : ndarray of shape (C,), optional
        Averages over past batches; both or neither. They start at 0 and 1.
    training : bool
    momentum : float
        Weight of the new batch in the running statistics, from 0 to 1.
    eps : float
        Added to the variance, under the square root. Positive; with running statistics
        at inference also 0.

    Returns
    -------
    y : ndarray of shape (N, C, *)
        In the dtype of ``x``.
    cache : tuple
        The input of ``instance_norm_backward``. It holds ``x`` itself, not a copy.
    running_mean, running_var : ndarray of shape (C,), or None
        New arrays. In training ``(1 - momentum) * old + momentum * new``, where new is
        the average over the batch of the samples' means, and of their unbiased
        variances (divided by m - 1); at inference, and after an empty batch, equal to
        what was passed.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``momentum`` or ``eps`` is not as above, or if m = 1 where
        the statistics are the sample's own, and every output would be ``beta``.

    Notes
    -----
    A channel that is constant in a sample comes out as ``beta``, exactly. NaN or
    infinity makes its channel NaN in its sample, and the channel's running statistics
    for good.

    Examples
    --------
    >>> x = np.array([[[1.0, 3.0], [10.0, 10.0]]])
    >>> gamma, beta = np.array([2.0, 2.0]), np.array([0.0, 1.0])
    >>> y, cache, running_mean, running_var = instance_norm(
    ...     x, gamma, beta, np.zeros(2), np.ones(2)
    ... )
    >>> y.round(3)
    array([[[-2.,  2.],
            [ 1.,  1.]]])
    >>> running_mean, running_var
    (array([0.2, 1. ]), array([1.1, 0.9]))
    """
    x, gamma, beta = check_channels(x, gamma, beta)
    running_mean, running_var = check_running(x, running_mean, running_var, momentum)
    own = training or running_mean is None
    check_eps(eps, own)
    gamma_of_x, beta_of_x = per_channel(gamma, x), per_channel(beta, x)
    if own:
        m = math.prod(x.shape[2:])
        if m == 1:
            raise ValueError(
                "x must have more than one value per channel and sample, "
                f"got shape {x.shape}"
            )
        over_pixels = tuple(range(2, x.ndim))
        y, saved, (mean, var) = standardize(x, over_pixels, eps, gamma_of_x, beta_of_x)
        if training and x.size > 0:
            mean, var = average(mean, (0,)), average(var, (0,))
            running_mean, running_var = update_running(
                running_mean, running_var, mean, var, m, momentum
            )
    else:
        given = require_running(running_mean, running_var)
        y, saved = standardize_by(x, *given, eps, gamma_of_x, beta_of_x)
    cache = (saved, own, x.shape, (x.dtype, gamma.dtype, beta.dtype))
    return as_dtype(y, x.dtype), cache, running_mean, running_var


def instance_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x, gamma and beta, given that for y.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *)
        Upstream gradient.
    cache : tuple
        From ``instance_norm``, in training or at inference.

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
