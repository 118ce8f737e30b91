"""``standardize_backward`` where each column has a scale: in layer and RMS norm.

Sums run along the rows, for x, and along the columns, for the scale. A few rows at a
time stay in the cache until all that needs them is done.
"""

import numpy as np

from normlib._blockwise import (
    COLUMN_PIECE,
    cast_saturating,
    slices,
    small_buffer,
    split_mean,
)

# Numbers in those rows, for each of the four arrays that take part.
ROWS = 2**19


@small_buffer
def standardize_rows_backward(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray | None,
    inv_std: np.ndarray,
    gamma: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``standardize_backward`` for x of shape (N, D) and gamma of shape (1, D).

    Where ``mean`` is None, as in RMS norm, none was subtracted: x does not reach the
    loss through a mean, and there is no beta, so its gradient is 0.
    """
    means = [] if mean is None else split_mean(mean, inv_std, x.dtype)
    scale, gamma = cast_saturating(inv_std, x.dtype), cast_saturating(gamma, x.dtype)
    ones = np.ones(scale.shape, x.dtype)
    # Times the sum of a row, it is minus the row's mean, divided by the deviation.
    minus_mean = inv_std / -max(1, x.shape[1])
    dx, held = np.empty_like(x), None
    dgamma, dbeta = ColumnSums(), ColumnSums()
    for rows in slices(x, ROWS):
        centered, dy_, out = x[rows], dy[rows], dx[rows]
        for part_of_mean in means:
            centered = np.subtract(centered, part_of_mean[rows], out=out)
        held = np.empty_like(out) if held is None else held[: len(out)]
        product = np.multiply(dy_, centered, out=held)
        dgamma.add(product, scale[rows])
        # Three terms of dx: through the variance, through the mean, and directly.
        through_var = minus_mean[rows] * (product @ gamma.T) * inv_std[rows] ** 2
        np.multiply(centered, cast_saturating(through_var, x.dtype), out=out)
        if means:
            dbeta.add(dy_, ones[rows])
            out += cast_saturating(minus_mean[rows] * (dy_ @ gamma.T), x.dtype)
        direct = np.multiply(dy_, gamma, out=held)
        direct *= scale[rows]
        out += direct
    return dx, dgamma.total(), dbeta.total() if means else np.zeros_like(gamma)


class ColumnSums:
    """Weighted sums of the columns of a table that comes some rows at a time."""

    def __init__(self) -> None:
        self._sums: list[np.ndarray] = []
        self._room = 0  # rows that can still be added to the last of them

    def add(self, rows: np.ndarray, weights: np.ndarray) -> None:
        """``weights`` are a column: a number for each row.

        Up to ``COLUMN_PIECE`` rows are added up in their dtype, such sums in float64.
        """
        whole = len(rows) - len(rows) % COLUMN_PIECE
        rest = len(rows) - whole
        if whole:
            number = whole // COLUMN_PIECE
            sums = np.matmul(
                weights[:whole].reshape(number, 1, COLUMN_PIECE),
                rows[:whole].reshape(number, COLUMN_PIECE, rows.shape[1]),
            )
            self._sums.insert(0, sums.sum(axis=0, dtype=np.float64))
        if rest or not whole:
            # Not matmul, which is slow for a single row.
            sums = np.dot(weights[whole:].T, rows[whole:])
            if rest < self._room:
                self._sums[-1] += sums
            else:
                self._sums.append(sums)
                self._room = COLUMN_PIECE
            self._room -= rest

    def total(self) -> np.ndarray:
        first, *others = self._sums
        return sum(others, start=first.astype(np.float64)) if others else first
