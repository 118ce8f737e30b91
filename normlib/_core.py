"""The one operation behind batch, layer, instance, group and switchable norm.

All standardize the same way and differ only in the axes they average over. The formula
is the textbook's; what is added here keeps its digits in float32, and its speed: few
passes over the data, and no array of their size but the results.
"""

import math

import numpy as np

# Rows are summed in pieces of this length: short enough for a sum in float32, and for
# the sum of equal numbers to be exact.
PIECE = 2**14

# Columns are summed one number after the other, which rounds more often.
COLUMN_PIECE = 2**6

# Where squares overflow in float64 too, numbers are cut off here.
LARGEST = 1e150

# Numbers in a block: so few that what is computed from them is still in the cache when
# the next step needs it, and enough for the steps to be worth a call.
BLOCK = 2**20

# Numbers in a product that is held until it is added to another.
PRODUCT = 2**16


def standardize(
    x: np.ndarray, axes: tuple[int, ...], eps: float
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Shift and scale ``x`` to zero mean and unit variance over ``axes``.

    The variance is the biased one (divide by m, not m - 1).
    Returns ``x_hat``, shaped like ``x``, then ``inv_std = 1 / sqrt(var + eps)`` and
    ``(mean, var)``, which broadcast to it and are float64. ``x_hat`` is float32 where
    ``x`` is float16.
    """
    x = as_wide(x)
    x_hat, tables = np.empty_like(x), []
    for block in _blocks(x, axes):
        part, mean, var = center(x[block], axes, out=x_hat[block])
        if part.dtype != x.dtype:  # a square overflowed
            return standardize(x.astype(part.dtype), axes, eps)
        inv_std = 1 / np.sqrt(var + eps)
        part *= expand(inv_std, part)
        tables.append((inv_std, mean, var))
    inv_std, mean, var = map(np.concatenate, zip(*tables, strict=True))
    return x_hat, inv_std, (mean, var)


def standardize_backward(
    dy: np.ndarray,
    x_hat: np.ndarray,
    inv_std: np.ndarray,
    axes: tuple[int, ...],
    gamma: np.ndarray | None = None,
) -> np.ndarray:
    """Gradient of the loss with respect to ``x``, given that for ``gamma * x_hat``.

    Besides the direct path, x reaches the loss through the mean and through the
    variance: ``inv_std * (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat))``,
    where ``dx_hat = gamma * dy``. Without gamma it is ``dy``.
    """
    dx = np.empty_like(dy)
    for block in _blocks(dy, axes):
        dx_hat = dy[block]
        if gamma is not None:
            dx_hat = combine((_part(gamma, block), dx_hat), out=dx[block])
        inv_std_part, x_hat_part = _part(inv_std, block), x_hat[block]
        through_mean = average(dx_hat, axes)
        through_var = average(dx_hat, axes, x_hat_part)
        combine(
            (inv_std_part, dx_hat),
            (-inv_std_part * through_var, x_hat_part),
            constant=-inv_std_part * through_mean,
            out=dx[block],
        )
    return dx


def standardize_affine(
    x: np.ndarray,
    axes: tuple[int, ...],
    eps: float,
    gamma: np.ndarray,
    beta: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """``y = gamma * standardize(x) + beta``, for gamma and beta constant on rows.

    Rows are the axes in ``axes`` along which gamma has length 1. ``x_hat`` is never
    held: ``inv_std`` and gamma make one factor. Samples that are averaged by themselves
    are taken a block at a time. Returns y, ``centered`` (x - mean), ``inv_std`` and
    ``(mean, var)``.
    """
    x = as_wide(x)
    centered, y, tables = np.empty_like(x), np.empty_like(x), []
    beta = expand(beta, x)
    for block in _blocks(x, axes):
        part, mean, var = center(x[block], axes, out=centered[block])
        if part.dtype != x.dtype:  # a square overflowed
            return standardize_affine(x.astype(part.dtype), axes, eps, gamma, beta)
        inv_std = 1 / np.sqrt(var + eps)
        scale = _part(gamma, block) * inv_std
        combine((scale, part), constant=_part(beta, block), out=y[block])
        tables.append((inv_std, mean, var))
    inv_std, mean, var = map(np.concatenate, zip(*tables, strict=True))
    return y, centered, inv_std, (mean, var)


def standardize_affine_backward(
    dy: np.ndarray,
    gamma: np.ndarray,
    centered: np.ndarray,
    inv_std: np.ndarray,
    axes: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients for x, gamma and beta, given that for y of ``standardize_affine``.

    That for x is ``standardize_backward`` with ``dx_hat = gamma * dy``. As gamma is
    constant on rows, it is applied to their sums, which give all three gradients. The
    last two keep the axes that gamma does not have, with length 1.
    """
    shared = tuple(axis for axis in range(dy.ndim) if gamma.shape[axis] == 1)
    row = tuple(axis for axis in axes if axis in shared)
    rest = tuple(axis for axis in axes if axis not in shared)
    m = max(1, math.prod(dy.shape[axis] for axis in axes))
    dx, tables = np.empty_like(dy), []
    for block in _blocks(dy, axes):
        gamma_part, inv_std_part = _part(gamma, block), _part(inv_std, block)
        dbeta = total(dy[block], row)
        dgamma = total(dy[block], row, centered[block]) * inv_std_part
        through_mean = (gamma_part * dbeta).sum(axis=rest, keepdims=True) / m
        through_var = (gamma_part * dgamma).sum(axis=rest, keepdims=True) / m
        combine(
            (gamma_part * inv_std_part, dy[block]),
            (-(inv_std_part**2) * through_var, centered[block]),
            constant=-inv_std_part * through_mean,
            out=dx[block],
        )
        tables.append((dgamma, dbeta))
    dgamma, dbeta = map(np.concatenate, zip(*tables, strict=True))
    return dx, dgamma.sum(shared, keepdims=True), dbeta.sum(shared, keepdims=True)


def affine(
    x_hat: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """``gamma * x_hat + beta``, with gamma and beta that broadcast to ``x_hat``."""
    return combine((gamma, x_hat), constant=beta, out=out)


def affine_by(
    x: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float,
    gamma: np.ndarray,
    beta: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``standardize_affine`` for a given mean and variance of each channel."""
    inv_std = 1 / np.sqrt(per_channel(var.astype(np.float64), x) + eps)
    x = as_wide(x)
    mean = per_channel(mean.astype(np.float64), x)
    rounded_mean = mean.astype(x.dtype)
    centered = x - expand(rounded_mean, x)
    centered -= expand(mean - rounded_mean, x)
    return affine(centered, gamma * inv_std, beta), centered, inv_std


def affine_by_backward(
    dy: np.ndarray, gamma: np.ndarray, centered: np.ndarray, inv_std: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Like ``standardize_affine_backward``, with mean and variance as constants."""
    shared = tuple(axis for axis in range(dy.ndim) if gamma.shape[axis] == 1)
    dx = combine((gamma * inv_std, dy))
    return dx, total(dy, shared, centered) * inv_std, total(dy, shared)


def scale_to_unit(
    x: np.ndarray, axes: tuple[int, ...], eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """``x / rms`` and ``1 / rms``, where rms is ``sqrt(mean(x**2) + eps)``."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean_square = average(x, axes, x)
    if np.isinf(mean_square).any():
        return scale_to_unit(_without_overflow(x), axes, eps)
    inv_rms = 1 / np.sqrt(mean_square + eps)
    return combine((inv_rms, x)), inv_rms


def moments(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of ``x`` over ``axes``, float64, broadcast to ``x``."""
    return center(x, axes)[1:]


def center(
    x: np.ndarray, axes: tuple[int, ...], out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subtract the mean over ``axes``. Returns ``x - mean``, the mean and the variance.

    A mean rounded to float32 is off by up to 5e-4 at 1e4, far too much for numbers
    that differ by 1. So subtract a rounded mean first, which costs no digits; what is
    left is small, and its mean is the correction (Chan, Golub and LeVeque, 1983).

    The difference is written to ``out``, unless squares overflow in float32: then it is
    a new array of float64.
    """
    x = as_wide(x)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded_mean = average(x, axes).astype(x.dtype)
        centered = np.subtract(x, expand(rounded_mean, x), out=out)
        correction = average(centered, axes)
        var = np.maximum(average(centered, axes, centered) - correction**2, 0)
        # Near a small mean the correction is below the rounding of what it corrects.
        if (np.abs(correction) > np.finfo(x.dtype).eps / 4 * np.sqrt(var)).any():
            centered -= expand(correction, x)
    smaller = x if np.isfinite(var).all() else _without_overflow(x)
    if smaller is x:
        return centered, rounded_mean + correction, var
    return center(smaller, axes, out=out if smaller.dtype == x.dtype else None)


def _without_overflow(x):
    """``x``, changed if needed, so that the sum of its squares is finite or NaN."""
    if x.dtype == np.float32:
        return x.astype(np.float64)
    if (np.abs(x) > LARGEST).any():
        return np.where(np.isinf(x), np.nan, np.clip(x, -LARGEST, LARGEST))
    return x


def combine(
    *terms: tuple[np.ndarray, np.ndarray],
    constant: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """``coefficient * array``, summed over ``terms``, plus ``constant``.

    Coefficients and constant broadcast to the arrays. ``out`` may be the first array.
    """
    (coefficient, first), *others = [(expand(c, array), array) for c, array in terms]
    out = np.empty_like(first) if out is None else out
    if constant is not None:
        constant = expand(constant, first)
    for block in _blocks(out, size=PRODUCT):
        result = np.multiply(_part(coefficient, block), first[block], out=out[block])
        for other, array in others:
            result += _part(other, block) * array[block]
        if constant is not None:
            result += _part(constant, block)
    return out


def _blocks(
    x: np.ndarray, axes: tuple[int, ...] = (), size: int | None = None
) -> list[slice]:
    """Slices of axis 0; a single one if it is among the ``axes`` to average over."""
    if 0 in axes or len(x) == 0:
        return [slice(0, len(x))]
    step = max(1, (size or BLOCK) // max(1, math.prod(x.shape[1:])))
    return [slice(start, start + step) for start in range(0, len(x), step)]


def _part(param: np.ndarray, block: slice) -> np.ndarray:
    return param if len(param) == 1 else param[block]


def average(
    a: np.ndarray, axes: tuple[int, ...], b: np.ndarray | None = None
) -> np.ndarray:
    """Mean of ``a``, or of ``a * b``, over ``axes``; 0 where there is nothing."""
    return total(a, axes, b) / max(1, math.prod(a.shape[axis] for axis in axes))


def total(
    a: np.ndarray, axes: tuple[int, ...], b: np.ndarray | None = None
) -> np.ndarray:
    """Sum of ``a``, or of ``a * b``, over ``axes``, kept with length 1, in float64.

    The trailing axes among ``axes`` are summed as rows by ``vecdot``: it runs at the
    speed of memory and never holds ``a * b``. Leading ones are summed as columns.
    """
    lead = a.ndim  # the axes before this one do not belong to the rows
    while lead and lead - 1 in axes:
        lead -= 1
    length = math.prod(a.shape[lead:])
    if length == 1:
        return _column_total(a, axes, b)
    rows = a.reshape(*a.shape[:lead], length)
    other = np.ones(length, a.dtype) if b is None else b.reshape(rows.shape)
    sums = np.zeros(a.shape[:lead])
    for start in range(0, length, PIECE):
        piece = np.s_[..., start : start + PIECE]
        sums += np.vecdot(rows[piece], other[piece])
    over_rows = tuple(axis for axis in axes if axis < lead)
    sums = sums.sum(axis=over_rows, keepdims=True)
    return sums.reshape(*sums.shape, *[1] * (a.ndim - lead))


def _column_total(a, axes, b):
    summed = tuple(axis for axis in axes if a.shape[axis] != 1)
    if summed != tuple(range(len(summed))) or not summed:
        product = a if b is None else a * b
        return product.sum(axis=axes, dtype=np.float64, keepdims=True)
    length = math.prod(a.shape[: len(summed)])
    columns = a.reshape(length, math.prod(a.shape[len(summed) :]))
    other = None if b is None else b.reshape(columns.shape)
    sums = np.zeros(columns.shape[1])
    for start in range(0, length, COLUMN_PIECE):
        piece = slice(start, start + COLUMN_PIECE)
        if other is None:
            sums += columns[piece].sum(axis=0)
        else:
            sums += np.einsum("ij,ij->j", columns[piece], other[piece])
    return sums.reshape(*[1] * len(summed), *a.shape[len(summed) :])


def per_channel(param: np.ndarray, x: np.ndarray) -> np.ndarray:
    """View ``param`` of shape (C,) so that it broadcasts along axis 1 of ``x``."""
    return param.reshape(1, -1, *[1] * (x.ndim - 2))


def expand(param: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``param``, which broadcasts to ``x``, in its dtype and the size of one sample.

    NumPy would broadcast it just as well, but with a new loop for each channel. Written
    out, a sample is one loop, and the same work takes half the time.
    """
    wide = param
    with np.errstate(over="ignore"):
        param = wide.astype(x.dtype, copy=False)
    if param is not wide and np.isinf(param).any():
        # A finite number stays finite: 0 times infinity would be NaN.
        largest = np.finfo(x.dtype).max
        param = np.where(np.isinf(wide), param, np.clip(param, -largest, largest))
    if len(param) == len(x) or param.shape[1:] == x.shape[1:]:
        return param  # its own numbers for each sample: nothing to write out
    return np.broadcast_to(param, (1, *x.shape[1:])).copy()


def as_wide(x: np.ndarray) -> np.ndarray:
    """``x`` in C order, with float16 widened: sums in float16 overflow at 65504."""
    return np.ascontiguousarray(x, dtype=np.result_type(x, np.float32))


def as_float_array(
    name: str, array: np.ndarray, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """``array`` as an ndarray; ``ValueError`` if its dtype or shape is another one."""
    array = np.asarray(array)
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise ValueError(
            f"{name} must be of dtype float16, float32 or float64, got {array.dtype}"
        )
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def as_dtype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``array`` in ``dtype``; what is too large for it becomes infinity."""
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def as_dtypes(arrays: tuple, dtypes: tuple) -> tuple:
    """Each array in its dtype: gradients in that of what they belong to."""
    return tuple(map(as_dtype, arrays, dtypes))
