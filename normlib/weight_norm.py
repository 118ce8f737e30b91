"""Weight normalization (Salimans and Kingma, 2016, https://arxiv.org/abs/1602.07868).

Each row of a weight is written as a length times a direction, and both are learned.
No data is averaged over, so it works at any batch size and is the same in training and
at inference. Conventions are those of ``torch.nn.utils.parametrizations.weight_norm``.
Left out: mean-only batch norm, which the paper combines it with.
"""

import numpy as np

from normlib._arguments import as_float_array
from normlib._core import moments


def weight_norm(
    v: np.ndarray, g: np.ndarray, dim: int | None = 0
) -> tuple[np.ndarray, tuple]:
    """Give each slice of ``v`` along ``dim`` the length ``g``.

    ``w = g * v / norm(v)``, with the Euclidean norm over all axes but ``dim``. The
    layer that uses w computes what it did before if g starts as ``norm(v)``.

    Parameters
    ----------
    v : ndarray of shape (out, *)
        The directions. float16, float32 or float64; norms are summed in float64.
    g : ndarray of shape (out,)
        The lengths, which may be negative. Also accepted in the shape in which torch
        holds them, with length 1 on all axes but ``dim``.
    dim : int or None
        The axis with a length for each index. A transposed convolution in torch has
        its inputs on axis 0. None is one norm for the whole of v, and g has shape ();
        so is -1, as in torch, where other negative numbers count from the last axis.

    Returns
    -------
    w : ndarray of shape (out, *)
        In the dtype of ``v``.
    cache : tuple
        The input of ``weight_norm_backward``.

    Raises
    ------
    ValueError
        If a shape, a dtype or ``dim`` is not as above, or if a slice is all zeros. It
        has no direction; torch answers NaN.

    Notes
    -----
    w does not depend on the length of v. So the gradient for v is orthogonal to v, and
    a step along it can only make v longer. NaN or infinity makes its slice NaN.

    Examples
    --------
    >>> v, g = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([10.0, 1.0])
    >>> w, cache = weight_norm(v, g)
    >>> w
    array([[6., 8.],
           [0., 1.]])
    """
    v = as_float_array("v", v)
    if v.ndim == 0:
        raise ValueError("v must have at least one axis, got shape ()")
    axis = _axis(dim, v.ndim)
    direction, norm = _polar(v, axis)
    g = as_float_array("g", g)
    shape = () if axis is None else (v.shape[axis],)
    if g.shape != shape and (axis is None or g.shape != norm.shape):
        raise ValueError(f"g must have shape {shape}, got {g.shape}")
    w = g.reshape(norm.shape) * direction
    cache = (direction, norm, g.copy(), v.dtype)
    return w.astype(v.dtype, copy=False), cache


def weight_norm_backward(dw: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to v and g, given that for w.

    ``dg`` is the part of dw along v; ``dv`` is the rest, times ``g / norm(v)``.

    Parameters
    ----------
    dw : ndarray of shape (out, *)
        Upstream gradient.
    cache : tuple
        From ``weight_norm``.

    Returns
    -------
    dv : ndarray of shape (out, *)
    dg : ndarray, shaped like ``g``
        Each in the dtype of what it is the gradient for.

    Raises
    ------
    ValueError
        If ``dw`` is not floating-point, or not shaped like ``v``.
    """
    direction, norm, g, dtype = cache
    dw = as_float_array("dw", dw, direction.shape).astype(np.float64)
    over = tuple(axis for axis in range(dw.ndim) if norm.shape[axis] == 1)
    dg = np.sum(dw * direction, axis=over, keepdims=True)
    dv = g.reshape(norm.shape) * (dw - dg * direction) / norm
    return dv.astype(dtype, copy=False), dg.reshape(g.shape).astype(g.dtype)


@np.errstate(invalid="ignore")  # NaN and infinity in x make g and b NaN
def data_dependent_init(x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose g and b so that a layer's outputs on ``x`` have mean 0 and variance 1.

    With these g and b, ``x @ weight_norm(v, g)[0].T + b`` is what batch norm would make
    of ``x @ v.T``: on this batch, once, and from then on g and b are learned.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of the layer's inputs.
    v : ndarray of shape (out, D)
        The directions.

    Returns
    -------
    g, b : ndarray of shape (out,)
        In the dtype of ``v``.

    Raises
    ------
    ValueError
        If a shape or a dtype is not as above, if x has no row, or if a row of v is all
        zeros.

    Notes
    -----
    The variance is the biased one (divide by N). An output that is constant on x, up
    to rounding, as all are for N = 1, has no variance to bring to 1. It is shifted to
    0 and keeps its scale: g = 1.

    Examples
    --------
    >>> x, v = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[4.0, 0.0], [0.0, 1.0]])
    >>> g, b = data_dependent_init(x, v)
    >>> x @ weight_norm(v, g)[0].T + b
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    x, v = as_float_array("x", x), as_float_array("v", v)
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(
            f"x must have shape (N, D), with at least one row, got {x.shape}"
        )
    if v.ndim != 2 or v.shape[1] != x.shape[1]:
        raise ValueError(f"v must have shape (out, {x.shape[1]}), got {v.shape}")
    direction, _ = _polar(v, axis=0)
    x = x.astype(np.float64)
    size = np.abs(x).max() or 1.0  # squares of x itself could overflow
    mean, var = moments(x / size @ direction.T, (0,))
    mean, std = size * mean.ravel(), size * np.sqrt(var.ravel())
    # What rounding in the products with x and in their sums can amount to.
    rounding = np.hypot.reduce(x, axis=1).max() * max(x.shape) * np.finfo(x.dtype).eps
    scale = np.where(std <= rounding, 1.0, std)
    return (1 / scale).astype(v.dtype), (-mean / scale).astype(v.dtype)


def _polar(v: np.ndarray, axis: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Direction and length of the slices along ``axis``, in float64."""
    over = tuple(other for other in range(v.ndim) if other != axis)
    v = v.astype(np.float64)
    largest = np.abs(v).max(axis=over, keepdims=True, initial=0)
    if not largest.all():
        where = "" if axis is None else f" at index {np.argmin(largest)} of axis {axis}"
        raise ValueError(f"v must have no slice of zeros, got one{where}")
    with np.errstate(over="ignore", invalid="ignore"):
        direction = v / largest  # whose squares neither overflow nor vanish
        norm = np.sqrt(np.square(direction).sum(axis=over, keepdims=True))
        direction /= norm
        return direction, largest * norm


def _axis(dim: int | None, ndim: int) -> int | None:
    if dim is None or dim == -1:
        return None
    if not -ndim <= dim < ndim:
        raise ValueError(
            f"dim must be None or from {-ndim} to {ndim - 1} for v with {ndim} axes, "
            f"got {dim}"
        )
    return dim % ndim
