"""The one operation behind batch, layer, instance, group and switchable norm.

All standardize the same way, then scale and shift; they differ in the axes they average
over. How the averages and the maps are computed fast, and without losing digits, is the
business of ``_blockwise``. What the backward pass needs is x itself and a few tables.
Where gamma varies along a row, as in layer norm, ``_rows`` does it.
"""

import math
from functools import reduce

import numpy as np

from normlib._arguments import as_dtypes, as_float_array, guard, verify
from normlib._blockwise import (
    as_wide,
    block_of,
    blocks,
    center,
    subtract_mean,
    sum_of_products,
    total,
    without_overflow,
)
from normlib._rows import standardize_rows_backward

Moments = tuple[np.ndarray, np.ndarray]


def moments(x: np.ndarray, axes: tuple[int, ...]) -> Moments:
    """Mean and biased variance of ``x`` over ``axes``, float64, broadcast to ``x``."""
    return center(x, axes)[2:]


def standardize(
    x: np.ndarray,
    axes: tuple[int, ...],
    eps: float,
    gamma: np.ndarray,
    beta: np.ndarray,
) -> tuple[np.ndarray, tuple, Moments]:
    """``gamma * (x - mean) / sqrt(var + eps) + beta``, with the moments over ``axes``.

    The variance is the biased one (divide by m, not m - 1). gamma and beta broadcast
    to x; only for a table averaged over its rows may they vary along the last axis.
    Returns y, which is float32 where x is float16; what ``standardize_backward`` needs;
    and ``(mean, var)``, which broadcast to x and are float64.

    Examples
    --------
    For a small x in float64, the textbook's lines compute the same:

    >>> rng, axes, eps = np.random.default_rng(0), (0, 2), 1e-5
    >>> x, dy = rng.normal(3, 2, (2, 4, 3, 5))
    >>> gamma, beta = rng.normal(size=(2, 1, 3, 1))
    >>> centered = x - x.mean(axis=axes, keepdims=True)
    >>> inv_std = 1 / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + eps)
    >>> x_hat = inv_std * centered
    >>> y, saved, _ = standardize(x, axes, eps, gamma, beta)
    >>> np.allclose(y, gamma * x_hat + beta)
    True

    So do those of the backward pass:

    >>> dx_hat = gamma * dy
    >>> through_mean = dx_hat.mean(axis=axes, keepdims=True)
    >>> through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    >>> dx, dgamma, dbeta = standardize_backward(dy, saved)
    >>> np.allclose(dx, inv_std * (dx_hat - through_mean - through_var))
    True
    >>> np.allclose(dgamma, (dy * x_hat).sum(axis=axes, keepdims=True))
    True
    >>> np.allclose(dbeta, dy.sum(axis=axes, keepdims=True))
    True
    """
    x = as_wide(x)
    y, tables = np.empty_like(x), []
    for block in blocks(x, axes):
        rows = x[block]
        used, centered, mean, var = center(rows, axes, out=y[block])
        if used is not rows:  # a square overflowed
            return standardize(without_overflow(x), axes, eps, gamma, beta)
        inv_std = 1 / np.sqrt(var + eps)
        factors = _factors(block_of(gamma, block), inv_std, axes)
        sum_of_products(
            (centered, *factors), constant=block_of(beta, block), out=centered
        )
        tables.append((inv_std, mean, var))
    inv_std, mean, var = map(np.concatenate, zip(*tables, strict=True))
    # A copy of gamma: an optimizer may update it in place before the backward pass.
    saved = (guard(x), gamma.copy(), mean, inv_std, axes)
    return y, saved, (mean, var)


def standardize_backward(
    dy: np.ndarray, saved: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to x, gamma and beta, given that for y.

    Besides the direct path, x reaches the loss through the mean and through the
    variance: ``dx = inv_std * (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat))``
    where ``x_hat = inv_std * (x - mean)`` and ``dx_hat = gamma * dy``.
    """
    memory, gamma, mean, inv_std, axes = saved
    x = verify(*memory)
    if _varies_along(axes, gamma):
        return standardize_rows_backward(dy, x, mean, inv_std, gamma)
    m = max(1, math.prod(x.shape[axis] for axis in axes))
    dx, tables = np.empty_like(x), []
    # In blocks only where what is added up over them is small: a number for a channel.
    for block in blocks(x, (0,) if len(gamma) > 1 else axes):
        gamma_, inv_std_ = block_of(gamma, block), block_of(inv_std, block)
        centered = subtract_mean(
            x[block], block_of(mean, block), inv_std_, out=dx[block]
        )
        dgamma_, dbeta_, *paths = _gradient_sums(
            dy[block], centered, gamma_, inv_std_, axes
        )
        through_mean, through_var = (path / m for path in paths)
        sum_of_products(
            (centered, -(inv_std_**2) * through_var),
            (dy[block], gamma_ * inv_std_),
            constant=-inv_std_ * through_mean,
            out=centered,
        )
        tables.append((dgamma_, dbeta_))
    dgamma, dbeta = (reduce(np.add, parts) for parts in zip(*tables, strict=True))
    return dx, dgamma, dbeta


def standardize_by(
    x: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float,
    gamma: np.ndarray,
    beta: np.ndarray,
) -> tuple[np.ndarray, tuple]:
    """``standardize`` by a mean and a variance of each channel that are constants."""
    x = as_wide(x)
    mean, var = (per_channel(table.astype(np.float64), x) for table in (mean, var))
    inv_std = 1 / np.sqrt(var + eps)
    centered = subtract_mean(x, mean, inv_std)
    y = sum_of_products((centered, gamma * inv_std), constant=beta, out=centered)
    return y, (guard(x), gamma.copy(), mean, inv_std)


def standardize_by_backward(
    dy: np.ndarray, saved: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``standardize_backward`` without the paths through mean and variance."""
    memory, gamma, mean, inv_std = saved
    x = verify(*memory)
    shared = _shared_axes(gamma)
    dx = subtract_mean(x, mean, inv_std)
    dgamma, dbeta = total(dy, shared, dx) * inv_std, total(dy, shared)
    return sum_of_products((dy, gamma * inv_std), out=dx), dgamma, dbeta


def channel_norm_backward(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The backward pass of batch and of instance norm.

    ``cache`` is what their forward pass returns. It says whether the statistics were
    taken from x; running statistics are constants.
    """
    saved, from_x, shape, dtypes = cache
    dy = as_wide(as_float_array("dy", dy, shape))
    backward = standardize_backward if from_x else standardize_by_backward
    dx, dgamma, dbeta = backward(dy, saved)
    return as_dtypes((dx, dgamma.ravel(), dbeta.ravel()), dtypes)


def per_channel(param: np.ndarray, x: np.ndarray) -> np.ndarray:
    """View ``param`` of shape (C,) so that it broadcasts along axis 1 of ``x``."""
    return param.reshape(1, -1, *[1] * (x.ndim - 2))


def _factors(
    gamma: np.ndarray, inv_std: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """``gamma * inv_std``, in two factors where one would be as large as x."""
    if _varies_along(axes, gamma):
        return inv_std, gamma
    return (gamma * inv_std,)


def _gradient_sums(
    dy: np.ndarray,
    centered: np.ndarray,
    gamma: np.ndarray,
    inv_std: np.ndarray,
    axes: tuple[int, ...],
) -> tuple[np.ndarray, ...]:
    """dgamma and dbeta, then the sums of ``dx_hat`` and ``dx_hat * x_hat``."""
    # gamma is the same along a row, so it is applied to the sums, which give all four.
    shared = _shared_axes(gamma)
    row = tuple(axis for axis in axes if axis in shared)
    rest = tuple(axis for axis in axes if axis not in shared)
    dbeta = total(dy, row)
    dgamma = total(dy, row, centered) * inv_std
    return (
        dgamma.sum(axis=shared, keepdims=True),
        dbeta.sum(axis=shared, keepdims=True),
        (gamma * dbeta).sum(axis=rest, keepdims=True),
        (gamma * dgamma).sum(axis=rest, keepdims=True),
    )


def _varies_along(axes: tuple[int, ...], gamma: np.ndarray) -> bool:
    return gamma.shape[axes[-1]] > 1


def _shared_axes(gamma: np.ndarray) -> tuple[int, ...]:
    return tuple(axis for axis in range(gamma.ndim) if gamma.shape[axis] == 1)
