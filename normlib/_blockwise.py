"""Sums and sweeps over large arrays: few passes, in blocks that stay in the cache.

Sums are exact enough for float32 data at any offset: short pieces are summed in the
dtype of the data, by BLAS, and added up in float64. No array of the size of the data is
made but those that a function returns.
"""

import functools
import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

# Rows are summed in pieces of this length: short enough for a sum in float32, and for
# the sum of equal numbers to be exact.
PIECE = 2**12

# Columns are summed one number after the other, which rounds more often.
COLUMN_PIECE = 2**6

# Numbers in a block: so few that what is computed from them is still in the cache when
# the next step needs it, and enough for the steps to be worth a call.
BLOCK = 2**21

# Numbers in a product that is held until it is added to another.
PRODUCT = 2**18

# Rows at least this long are not copied to NumPy's buffer; see ``small_buffer``.
BUFFER = 2**9

LARGEST_FLOAT32 = np.finfo(np.float32).max

# Where squares overflow in float64 too, numbers are cut off here.
LARGEST = 1e150


def small_buffer(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Let ``function`` combine a row and a number in place.

    NumPy copies rows shorter than its buffer, of 8192 numbers, to it and back, which
    takes twice as long as what is done to them.
    """

    @functools.wraps(function)
    def with_small_buffer(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        size = np.setbufsize(BUFFER)
        try:
            return function(*args, **kwargs)
        finally:
            np.setbufsize(size)

    return with_small_buffer


def blocks(x: np.ndarray, axes: tuple[int, ...] = ()) -> list[slice]:
    """Slices of axis 0; a single one if it is among the ``axes`` to average over."""
    return [slice(0, len(x))] if 0 in axes else slices(x, BLOCK)


def slices(x: np.ndarray, size: int) -> list[slice]:
    """Slices of axis 0, at least one, with at most ``size`` numbers if possible."""
    step = max(1, size // max(1, math.prod(x.shape[1:])))
    starts = range(0, max(1, len(x)), step)
    return [slice(start, start + step) for start in starts]


def block_of(param: np.ndarray, block: slice) -> np.ndarray:
    """What ``param``, which broadcasts to the data, has for a block of them."""
    return param if len(param) == 1 else param[block]


@small_buffer
def center(
    x: np.ndarray, axes: tuple[int, ...], out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Subtract the mean over ``axes``. Returns x, ``x - mean``, the mean, the variance.

    A mean rounded to float32 is off by up to 5e-4 at 1e4, far too much for numbers
    that differ by 1. So subtract a rounded mean first, which costs no digits; what is
    left is small, and its mean is the correction (Chan, Golub and LeVeque, 1983).

    The difference is written to ``out``. Where squares overflow, x is replaced, and
    what is returned belongs to the new x: float64 for float32, and then a new array.
    """
    x = as_wide(x)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = average(x, axes)
        rounded_mean = mean.astype(x.dtype)
        centered = np.subtract(x, expand(rounded_mean, x), out=out)
        square = average(centered, axes, centered)
        # Within half a deviation of 0, the mean is exact enough.
        if (4 * mean * mean <= square).all() and square.max(initial=0) < np.inf:
            return x, centered, mean, square
        # A mean below the deviation has lost nothing that matters.
        exact = (mean**2 <= square).all()
        correction = mean - rounded_mean if exact else average(centered, axes)
        var = np.maximum(square - correction**2, 0)
        # Near a small mean the correction is below the rounding of what it corrects.
        if (np.abs(correction) > np.finfo(x.dtype).eps / 4 * np.sqrt(var)).any():
            centered -= expand(correction, x)
    smaller = x if np.isfinite(var).all() else without_overflow(x)
    if smaller is x:
        return x, centered, rounded_mean + correction, var
    return center(smaller, axes, out=out if smaller.dtype == x.dtype else None)


@small_buffer
def subtract_mean(
    x: np.ndarray, mean: np.ndarray, inv_std: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """``x - mean``, as exact as from ``center``; it is to be divided by a deviation.

    ``mean`` and ``inv_std`` are float64 and broadcast to x.
    """
    centered = x
    with np.errstate(over="ignore", invalid="ignore"):
        for part_of_mean in split_mean(mean, inv_std, x.dtype):
            centered = out = np.subtract(centered, expand(part_of_mean, x), out=out)
    return centered


def split_mean(
    mean: np.ndarray, inv_std: np.ndarray, dtype: np.dtype
) -> list[np.ndarray]:
    """``mean``, which is float64, rounded to ``dtype``, and the rest if it matters."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded_mean = mean.astype(dtype)
        rest = mean - rounded_mean
        # Near a small mean the rest is below the rounding of what it is taken from.
        matters = (np.abs(rest) * inv_std > np.finfo(dtype).eps / 4).any()
    return [rounded_mean, rest.astype(dtype)] if matters else [rounded_mean]


def without_overflow(x: np.ndarray) -> np.ndarray:
    """``x``, changed if needed, so that the sum of its squares is finite or NaN."""
    if x.dtype == np.float32:
        return x.astype(np.float64)
    if (np.abs(x) > LARGEST).any():
        return np.where(np.isinf(x), np.nan, np.clip(x, -LARGEST, LARGEST))
    return x


@small_buffer
def sum_of_products(
    *terms: tuple[np.ndarray, ...],
    constant: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Sum of ``terms``, each an array times its coefficients, and of ``constant``.

    Coefficients and constant broadcast to the arrays. ``out`` may be the first array.
    """
    out = np.empty_like(terms[0][0]) if out is None else out
    (first, *factors), *others = (
        (a, *(expand(factor, a) for factor in factors)) for a, *factors in terms
    )
    if constant is not None:
        constant = expand(constant, out)
    for block in slices(out, PRODUCT if others else BLOCK):
        result = _multiply(block, first, *factors, out=out[block])
        for term in others:
            result += _multiply(block, *term)
        if constant is not None:
            result += block_of(constant, block)
    return out


def _multiply(
    block: slice,
    array: np.ndarray,
    *factors: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    product = array[block]
    for factor in factors:
        out = product = np.multiply(product, block_of(factor, block), out=out)
    return product


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
    sums = _row_total(rows, None if b is None else b.reshape(rows.shape))
    if len(axes) > a.ndim - lead:
        over_rows = tuple(axis for axis in axes if axis < lead)
        sums = sums.sum(axis=over_rows, keepdims=True)
    return sums.reshape(*sums.shape, *[1] * (a.ndim - lead))


def _row_total(a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    length = a.shape[-1]
    if length <= PIECE:
        others = _ones(length, a.dtype) if b is None else b
        return np.vecdot(a, others).astype(np.float64)
    whole = length - length % PIECE
    pieces = (*a.shape[:-1], whole // PIECE, PIECE)
    others = _ones(PIECE, a.dtype) if b is None else b[..., :whole].reshape(pieces)
    sums = np.vecdot(a[..., :whole].reshape(pieces), others)
    sums = sums.sum(axis=-1, dtype=np.float64)
    if whole < length:
        sums += _row_total(a[..., whole:], None if b is None else b[..., whole:])
    return sums


@functools.lru_cache(maxsize=8)
def _ones(number: int, dtype: np.dtype) -> np.ndarray:
    return np.ones(number, dtype)


def _column_total(
    a: np.ndarray, axes: tuple[int, ...], b: np.ndarray | None
) -> np.ndarray:
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


def expand(param: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``param``, which broadcasts to ``x``, in its dtype and the size of one sample.

    NumPy would broadcast it just as well, but with a new loop for each channel. Written
    out, a sample is one loop, and the same work takes half the time.
    """
    param = cast_saturating(param, x.dtype)
    if len(param) == len(x) or param.shape[1:] == x.shape[1:] or _long_rows(param, x):
        return param
    return np.broadcast_to(param, (1, *x.shape[1:])).copy()


def cast_saturating(param: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``param`` in ``dtype``, where a finite number stays finite: 0 * inf is NaN."""
    if param.dtype == dtype:
        return param
    if dtype == np.float32 and (np.abs(param) > LARGEST_FLOAT32).any():
        clipped = np.clip(param, -LARGEST_FLOAT32, LARGEST_FLOAT32)
        param = np.where(np.isinf(param), param, clipped)
    return param.astype(dtype)


def _long_rows(param: np.ndarray, x: np.ndarray) -> bool:
    lead = x.ndim
    while lead and param.shape[lead - 1] == 1:
        lead -= 1
    return math.prod(x.shape[lead:]) >= BUFFER


def as_wide(x: np.ndarray) -> np.ndarray:
    """``x`` in C order, with float16 widened: sums in float16 overflow at 65504."""
    return np.ascontiguousarray(x, np.float32 if x.dtype == np.float16 else x.dtype)
