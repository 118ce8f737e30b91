"""Switchable normalization (Luo et al., 2019, https://arxiv.org/abs/1806.10779).

Each layer learns how much of instance, layer and batch norm it is: their means are
mixed by one softmax, their variances by another. Conventions are those of
``normlib.torch.SwitchNorm2d``, where it is said how the authors' code differs.
"""

import math

import numpy as np

from normlib._arguments import (
    as_dtype,
    as_dtypes,
    as_float_array,
    check_channels,
    check_eps,
    check_running,
    guard,
    require_batch,
    require_running,
    update_running,
    verify,
)
from normlib._blockwise import (
    as_wide,
    average,
    center,
    subtract_mean,
    sum_of_products,
    total,
)
from normlib._core import moments, per_channel

Three = tuple[np.ndarray, np.ndarray, np.ndarray]


def switchable_moments(x: np.ndarray) -> tuple[Three, Three]:
    """Means and variances of ``x`` for instance, layer and batch norm, in this order.

    Only instance norm's are averages over the data. The others follow from them: the
    mean is a mean of means, and by the law of total variance the variance is the mean
    of the variances plus the variance of the means.

    Parameters
    ----------
    x : ndarray of shape (N, C, *)
        float16, float32 or float64.

    Returns
    -------
    means, variances : tuple of three ndarrays of float64
        Of shapes (N, C, 1, ...), (N, 1, 1, ...) and (1, C, 1, ...), which broadcast to
        x. The variances are the biased ones (divide by the number of values).

    Raises
    ------
    ValueError
        If ``x`` is not floating-point, or has fewer than two axes.

    Examples
    --------
    >>> x = np.array([[[1.0, 3.0], [7.0, 9.0]]])
    >>> means, variances = switchable_moments(x)
    >>> [mean.ravel().tolist() for mean in means]
    [[2.0, 8.0], [5.0], [2.0, 8.0]]
    >>> [var.ravel().tolist() for var in variances]
    [[1.0, 1.0], [10.0], [1.0, 1.0]]
    """
    x = as_float_array("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C, *), got {x.shape}")
    return _from_instance(*moments(x, tuple(range(2, x.ndim))))


def switchable_norm(
    x: np.ndarray,
    mean_weight: np.ndarray,
    var_weight: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, tuple, np.ndarray | None, np.ndarray | None]:
    """Standardize by a learned mixture of three statistics, then scale and shift.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``, where mean is
    ``softmax(mean_weight)`` times the means of ``switchable_moments``, and var is
    ``softmax(var_weight)`` times its variances. At inference, the running statistics
    stand for those of the batch.

    Parameters
    ----------
    x : ndarray of shape (N, C, *)
        float16, float32 or float64. For (N, C) there is no instance norm: layer and
        batch norm are mixed by the softmax of their two logits, as in the paper.
    mean_weight, var_weight : ndarray of shape (3,)
        The logits: for instance, layer and batch norm.
    gamma, beta : ndarray of shape (C,)
        Scale and shift. For none, pass ones and zeros.
    running_mean, running_var : ndarray of shape (C,), optional
        Averages of the batch's mean and variance over past batches; both or neither.
        They start at 0 and 1. Inference needs them.
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
        The input of ``switchable_norm_backward``. It holds ``x`` itself, not a copy.
    running_mean, running_var : ndarray of shape (C,), or None
        New arrays, as from ``batch_norm``: the variance is the unbiased one.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``momentum`` or ``eps`` is not as above, if running
        statistics are missing at inference, or if a channel has only one value in
        training.

    Notes
    -----
    The paper's other way to infer, by the average over batches of the trained network:
    pass some batches in training with ``momentum = 1 / k`` for the k-th, which gives
    their plain average, and use these running statistics at inference.

    A number enters the statistics of its sample and those of its channel: NaN or
    infinity makes both NaN, and the channel's running statistics for good.

    Examples
    --------
    >>> x = np.array([[[1.0, 3.0], [7.0, 9.0]]])
    >>> instance_norm_alone = np.array([100.0, 0.0, 0.0])
    >>> y, *_ = switchable_norm(
    ...     x, instance_norm_alone, instance_norm_alone, np.ones(2), np.zeros(2)
    ... )
    >>> y.round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    x, gamma, beta = check_channels(x, gamma, beta)
    mean_weight = as_float_array("mean_weight", mean_weight, (3,))
    var_weight = as_float_array("var_weight", var_weight, (3,))
    running_mean, running_var = check_running(x, running_mean, running_var, momentum)
    check_eps(eps, training)
    used, centered, *in_moments = center(x, tuple(range(2, x.ndim)))
    means, variances = map(list, _from_instance(*in_moments))
    if training:
        require_batch(x)
        m = math.prod(x.shape[:1] + x.shape[2:])
        running_mean, running_var = update_running(
            running_mean, running_var, means[2], variances[2], m, momentum
        )
    else:
        given = require_running(running_mean, running_var)
        means[2], variances[2] = (per_channel(a.astype(np.float64), x) for a in given)
    mean_mixing, var_mixing = (_softmax(w, x.ndim) for w in (mean_weight, var_weight))
    inv_std = 1 / np.sqrt(_mix(var_mixing, variances) + eps)
    # From the mixed mean to that of each row, of which ``centered`` is already free.
    distances = [means[0] - mean for mean in means]
    shift = _mix(mean_mixing, distances)
    scale = per_channel(gamma, x) * inv_std
    offset = scale * shift + per_channel(beta, x)
    y = sum_of_products((centered, scale), constant=offset, out=centered)
    tables = (
        in_moments[0],
        inv_std,
        distances,
        variances,
        per_channel(gamma, x).copy(),
    )
    dtypes = (x.dtype, mean_weight.dtype, var_weight.dtype, gamma.dtype, beta.dtype)
    cache = (guard(used), tables, mean_mixing, var_mixing, training, dtypes)
    return as_dtype(y, x.dtype), cache, running_mean, running_var


def switchable_norm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Gradients with respect to x, the logits, gamma and beta, given that for y.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *)
        Upstream gradient.
    cache : tuple
        From ``switchable_norm``, in training or at inference.

    Returns
    -------
    dx : ndarray of shape (N, C, *)
    dmean_weight, dvar_weight : ndarray of shape (3,)
        Each sums to 0: a number added to all three logits changes nothing.
    dgamma, dbeta : ndarray of shape (C,)
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dy`` is not floating-point, or not shaped like ``x``, or if ``x`` was
        changed in place since the forward pass.
    """
    memory, tables, mean_mixing, var_mixing, training, dtypes = cache
    mean_in, inv_std, distances, variances, gamma = tables
    x = verify(*memory)
    dy = as_wide(as_float_array("dy", dy, x.shape))
    centered = subtract_mean(x, mean_in, inv_std)
    over_pixels = tuple(range(2, dy.ndim))
    scale = gamma * inv_std
    # Sums over each row give the gradients for the mixed mean and variance there,
    dbeta = total(dy, over_pixels)
    dgamma = total(dy, over_pixels, centered) + _mix(mean_mixing, distances) * dbeta
    dgamma *= inv_std
    dmean, dvar = -scale * dbeta, -0.5 * scale * inv_std * dgamma
    # these for the mixing weights (up to what is the same for all three),
    dmean_mixing = np.array([-np.sum(dmean * distance) for distance in distances])
    dvar_mixing = np.array([np.sum(dvar * var) for var in variances])
    # and, through the three normalizers, those for the row's own mean and variance.
    dmean_in, dvar_in = mean_mixing[0] * dmean, var_mixing[0] * dvar
    for i, axis in ((1, 1), (2, 0)):
        if i == 2 and not training:
            break  # the running statistics are constants
        through_var = var_mixing[i] * average(dvar, (axis,))
        dvar_in = dvar_in + through_var
        dmean_in = dmean_in + mean_mixing[i] * average(dmean, (axis,))
        dmean_in = dmean_in + 2 * through_var * distances[i]
    m = max(1, math.prod(dy.shape[2:]))
    dx = sum_of_products(
        (centered, 2 * dvar_in / m), (dy, scale), constant=dmean_in / m, out=centered
    )
    gradients = (
        dx,
        mean_mixing * (dmean_mixing - mean_mixing @ dmean_mixing),
        var_mixing * (dvar_mixing - var_mixing @ dvar_mixing),
        dgamma.sum(axis=0).ravel(),
        dbeta.sum(axis=0).ravel(),
    )
    return as_dtypes(gradients, dtypes)


def _from_instance(mean: np.ndarray, var: np.ndarray) -> tuple[Three, Three]:
    def over(axis: int) -> tuple[np.ndarray, np.ndarray]:
        total_mean = average(mean, (axis,))
        return total_mean, average(var + (mean - total_mean) ** 2, (axis,))

    (mean_ln, var_ln), (mean_bn, var_bn) = over(1), over(0)
    return (mean, mean_ln, mean_bn), (var, var_ln, var_bn)


def _softmax(logits: np.ndarray, ndim: int) -> np.ndarray:
    logits = logits.astype(np.float64)
    if ndim == 2:
        logits[0] = -np.inf
    mixing = np.exp(logits - logits.max())
    return mixing / mixing.sum()


def _mix(mixing: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
    return sum(part * table for part, table in zip(mixing, tables, strict=True))
