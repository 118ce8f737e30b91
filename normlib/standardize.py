"""The one operation that the activation normalizers share."""

import numpy as np

from normlib import _core
from normlib._arguments import as_dtype, as_float_array, check_eps


def standardize(
    x: np.ndarray, axes: int | tuple[int, ...], eps: float = 1e-5
) -> np.ndarray:
    """Give the numbers of ``x`` along ``axes`` mean 0 and variance 1.

    ``(x - mean) / sqrt(var + eps)``, where mean and biased variance are taken over
    ``axes``. Batch, layer, instance and group norm differ in nothing but the axes:

    ============= ============= ==================================
    normalizer    x             axes
    ============= ============= ==================================
    batch norm    (N, C, H, W)  ``(0, 2, 3)``
    layer norm    (N, T, D)     ``-1``
    instance norm (N, C, H, W)  ``(2, 3)``
    group norm    (N, G, C/G,   ``(2, 3, 4)``
                  H, W)
    ============= ============= ==================================

    Parameters
    ----------
    x : ndarray
        float16, float32 or float64. Statistics are summed in float64.
    axes : int or tuple of int
        The values along these axes share one mean and one variance.
    eps : float
        Added to the variance, under the square root. Positive.

    Returns
    -------
    x_hat : ndarray of the shape of ``x``
        In the dtype of ``x``.

    Raises
    ------
    ValueError
        If the dtype, an axis or ``eps`` is not as above.

    Examples
    --------
    >>> x = np.array([[1.0, 3.0], [2.0, 6.0]])
    >>> standardize(x, axes=1).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    >>> standardize(x, axes=0).round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    x = as_float_array("x", x)
    check_eps(eps)
    given = axes if isinstance(axes, tuple) else (axes,)
    over = tuple(sorted({axis % x.ndim for axis in given if -x.ndim <= axis < x.ndim}))
    if not given or len(over) != len(given):
        raise ValueError(
            f"axes must be different axes of x, which has {x.ndim}, got {axes}"
        )
    one = np.ones((1,) * x.ndim)
    return as_dtype(_core.standardize(x, over, eps, one, 0 * one)[0], x.dtype)
