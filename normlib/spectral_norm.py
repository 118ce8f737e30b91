"""Spectral normalization (Miyato et al., 2018, https://arxiv.org/abs/1802.05957).

A weight is divided by its largest singular value, so that the layer stretches no input.
The value comes from power iteration: one step of it for each step of training is
enough, since the weight moves little in between. Conventions are those of
``torch.nn.utils.parametrizations.spectral_norm``. Left out: the norm of a convolution
as an operator on images, which its flattened weight does not have.
"""

import math

import numpy as np

from normlib._arguments import as_float_array


@np.errstate(invalid="ignore")  # NaN and infinity in w make sigma NaN
def power_iteration(
    w: np.ndarray, u: np.ndarray, n_iterations: int, eps: float = 1e-12
) -> tuple[float, np.ndarray, np.ndarray]:
    """Estimate the largest singular value of ``w`` and its two vectors.

    One iteration is ``v = unit(w.T @ u)``, then ``u = unit(w @ v)``. It shrinks what u
    has of another singular vector by the square of the ratio of their values. The
    estimate is ``sigma = u @ w @ v``, and never above the true value.

    Parameters
    ----------
    w : ndarray of shape (out, in)
        float16, float32 or float64. The work is done in float64.
    u : ndarray of shape (out,)
        Where to start: a random vector, or the u of an earlier call.
    n_iterations : int
        At least 1.
    eps : float
        A vector is divided by its length, or by this if its length is less.

    Returns
    -------
    sigma : float
    u : ndarray of shape (out,)
    v : ndarray of shape (in,)
        The left and the right singular vector, both in the dtype of ``u``.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``n_iterations`` or ``eps`` is not as above.

    Notes
    -----
    If w is zero, or u is orthogonal to every column of w, sigma and both vectors are 0.

    Examples
    --------
    >>> w = np.array([[3.0, 0.0], [0.0, 1.0]])
    >>> sigma, u, v = power_iteration(w, np.array([1.0, 1.0]), n_iterations=10)
    >>> round(sigma, 6), u.round(6), v.round(6)
    (3.0, array([1., 0.]), array([1., 0.]))
    """
    w = as_float_array("w", w)
    if w.ndim != 2:
        raise ValueError(f"w must have shape (out, in), got {w.shape}")
    u = as_float_array("u", u, w.shape[:1])
    if n_iterations < 1:
        raise ValueError(f"n_iterations must be at least 1, got {n_iterations}")
    _check_eps(eps)
    matrix, dtype = w.astype(np.float64), u.dtype
    u, v = _iterate(matrix, u.astype(np.float64), n_iterations, eps)
    return float(u @ matrix @ v), u.astype(dtype), v.astype(dtype)


@np.errstate(invalid="ignore")
def spectral_norm(
    w: np.ndarray,
    u: np.ndarray,
    v: np.ndarray | None = None,
    *,
    n_iterations: int = 1,
    dim: int = 0,
    eps: float = 1e-12,
) -> tuple[np.ndarray, tuple, np.ndarray, np.ndarray]:
    """Divide ``w`` by an estimate of its largest singular value.

    ``w_sn = w / sigma`` with ``sigma = u @ matrix @ v``, where the matrix is w with
    ``dim`` in front and the other axes flattened: (out, rest). u and v are carried from
    step to step and improved by ``n_iterations`` each time.

    Parameters
    ----------
    w : ndarray of shape (out, *)
        A vector counts as a matrix of one column.
    u : ndarray of shape (out,)
        The left singular vector so far; random at the very start.
    v : ndarray of shape (rest,), optional
        The right one. By default that which belongs to u, ``unit(matrix.T @ u)``.
    n_iterations : int
        0 at inference: then u and v stay, and the layer does not change from call to
        call. Each iteration is ``u = unit(matrix @ v)``, then
        ``v = unit(matrix.T @ u)``: as in torch, and half an iteration on from the
        paper's ``power_iteration``, which ends with u.
    dim : int
        The axis of the outputs: 0, or 1 for a transposed convolution in torch.
    eps : float
        A vector is divided by its length, or by this if its length is less.

    Returns
    -------
    w_sn : ndarray of shape (out, *)
        In the dtype of ``w``.
    cache : tuple
        The input of ``spectral_norm_backward``.
    u : ndarray of shape (out,)
    v : ndarray of shape (rest,)
        New arrays, in the dtype of ``u``.

    Raises
    ------
    ValueError
        If a shape, a dtype, ``n_iterations``, ``dim`` or ``eps`` is not as above, or if
        sigma is 0, as for a weight of zeros. torch answers NaN.

    Notes
    -----
    The first estimates from a random u are too low. torch does 15 iterations before the
    first use; so does ``spectral_norm(w, u, n_iterations=15)``.

    Examples
    --------
    >>> w = np.array([[6.0, 0.0], [0.0, 2.0]])
    >>> w_sn, cache, u, v = spectral_norm(w, np.array([1.0, 1.0]), n_iterations=15)
    >>> w_sn.round(6)
    array([[1.      , 0.      ],
           [0.      , 0.333333]])
    """
    w = as_float_array("w", w)
    if w.ndim == 0:
        raise ValueError("w must have at least one axis, got shape ()")
    if not -w.ndim <= dim < w.ndim:
        raise ValueError(
            f"dim must be from {-w.ndim} to {w.ndim - 1} for w with {w.ndim} axes, "
            f"got {dim}"
        )
    if n_iterations < 0:
        raise ValueError(f"n_iterations must be at least 0, got {n_iterations}")
    _check_eps(eps)
    matrix = _as_matrix(w.astype(np.float64), dim)
    u = as_float_array("u", u, matrix.shape[:1])
    dtype = u.dtype
    if v is None:
        v = _unit(matrix.T @ u.astype(np.float64), eps)
    else:
        v = as_float_array("v", v, matrix.shape[1:])
    if n_iterations:
        # From v to u and back to v: the paper's iteration on the transpose.
        v, u = _iterate(matrix.T, v.astype(np.float64), n_iterations, eps)
    u, v = np.array(u, dtype), np.array(v, dtype)
    sigma = float(u.astype(np.float64) @ matrix @ v)
    if sigma == 0:
        raise ValueError(
            "w must have a non-zero product with u and v, "
            f"got u @ w @ v = 0 for w of shape {w.shape}"
        )
    w_sn = w.astype(np.float64) / sigma
    cache = (w_sn, sigma, u.copy(), v.copy(), dim, w.dtype)
    return w_sn.astype(w.dtype), cache, u, v


def spectral_norm_backward(dw_sn: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient of the loss with respect to w, given that for w_sn.

    w reaches the loss directly and through sigma, whose gradient is the outer product
    of u and v: ``dw = (dw_sn - sum(dw_sn * w_sn) * outer(u, v)) / sigma``. u and v
    themselves are constants, as in the paper and in torch.

    Parameters
    ----------
    dw_sn : ndarray of shape (out, *)
        Upstream gradient.
    cache : tuple
        From ``spectral_norm``.

    Returns
    -------
    dw : ndarray of shape (out, *)
        In the dtype of ``w``.

    Raises
    ------
    ValueError
        If ``dw_sn`` is not floating-point, or not shaped like ``w``.
    """
    w_sn, sigma, u, v, dim, dtype = cache
    dw_sn = as_float_array("dw_sn", dw_sn, w_sn.shape).astype(np.float64)
    in_front = np.moveaxis(w_sn, dim, 0).shape
    dsigma_dw = np.moveaxis(np.outer(u, v).reshape(in_front), 0, dim)
    dw = (dw_sn - np.sum(dw_sn * w_sn) * dsigma_dw) / sigma
    return dw.astype(dtype)


def _iterate(
    matrix: np.ndarray, u: np.ndarray, n_iterations: int, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(n_iterations):
        v = _unit(matrix.T @ u, eps)
        u = _unit(matrix @ v, eps)
    return u, v


def _unit(vector: np.ndarray, eps: float) -> np.ndarray:
    # hypot: squares of large numbers would overflow.
    return vector / max(np.hypot.reduce(vector), eps)


def _as_matrix(w: np.ndarray, dim: int) -> np.ndarray:
    w = np.moveaxis(w, dim, 0)
    return w.reshape(len(w), math.prod(w.shape[1:]))


def _check_eps(eps: float) -> None:
    if not 0 < eps < math.inf:
        raise ValueError(f"eps must be positive and finite, got {eps}")
