"""Numerical gradients: what a backward function is compared with.

Central differences, in float64. One call costs two calls of the function for every
number in ``x``, so keep ``x`` small.
"""

from collections.abc import Callable

import numpy as np


def numerical_gradient(
    function: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    dy: np.ndarray,
    step: float = 1e-6,
) -> np.ndarray:
    """Gradient of ``sum(function(x) * dy)`` with respect to ``x``.

    ``dy`` is the upstream gradient. Draw it at random: with ones in its place the
    loss is ``y.sum()``, which batch norm keeps constant, and then every wrong
    backward function that returns zeros looks right.

    Parameters
    ----------
    function : callable
        Takes an array shaped like ``x`` and returns a float64 array shaped like ``dy``.
    x : ndarray
        Where to differentiate. Converted to float64, never changed.
    dy : ndarray
        Weights of the outputs in the sum.
    step : float
        How far each number moves to either side. The error is about
        ``step**2`` from the curvature plus ``1e-16 / step`` from rounding.

    Returns
    -------
    ndarray of float64, shaped like ``x``

    Raises
    ------
    ValueError
        If ``step`` is not positive and finite, or if ``function`` returns anything
        but float64 shaped like ``dy``.

    Examples
    --------
    >>> numerical_gradient(np.square, np.array([1.0, 3.0]), dy=np.array([1.0, -2.0]))
    array([  2., -12.])
    """
    if not 0 < step < np.inf:
        raise ValueError(f"step must be positive and finite, got {step}")
    x = np.array(x, dtype=np.float64)
    dy = np.asarray(dy, dtype=np.float64)

    def evaluate(point: np.ndarray) -> np.ndarray:
        y = np.asarray(function(point.copy()))  # a copy, in case it works in place
        if y.shape != dy.shape or y.dtype != np.float64:
            raise ValueError(
                f"function must return float64 of dy's shape {dy.shape}, "
                f"got {y.dtype} of shape {y.shape}"
            )
        return y

    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step
        below[index] -= step
        change = np.vdot(evaluate(above) - evaluate(below), dy)
        # Divide by the step really taken: x + step is rounded.
        gradient[index] = change / (above[index] - below[index])
    return gradient
