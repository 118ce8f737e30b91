"""What several norms do with their arguments: checks, dtypes, running statistics."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

DTYPES = {np.dtype(dtype) for dtype in (np.float16, np.float32, np.float64)}


def as_float_array(
    name: str, array: np.ndarray, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """``array`` as an ndarray; ``ValueError`` if its dtype or shape is another one."""
    array = np.asarray(array)
    if array.dtype not in DTYPES:
        raise ValueError(
            f"{name} must be of dtype float16, float32 or float64, got {array.dtype}"
        )
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def as_dtype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``array`` in ``dtype``; what is too large for it becomes infinity."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def as_dtypes(
    arrays: Iterable[np.ndarray], dtypes: Iterable[np.dtype]
) -> tuple[Any, ...]:
    """Each array in its dtype: gradients in that of what they belong to."""
    return tuple(map(as_dtype, arrays, dtypes))


def guard(x: np.ndarray) -> tuple[np.ndarray, bytes]:
    """``x`` itself for the backward pass, and some of its numbers, for ``verify``."""
    return x, _some_numbers(x).tobytes()


def verify(x: np.ndarray, numbers: bytes) -> np.ndarray:
    """What was remembered; ``ValueError`` if it was changed in place since then."""
    if _some_numbers(x).tobytes() != numbers:
        raise ValueError(
            "the input must stay as it is until the backward pass, "
            "got one that was changed in place"
        )
    return x


def _some_numbers(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1)[:: x.size // 64 + 1]


def check_channels(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``x`` of shape (N, C, *), ``gamma`` and ``beta`` of shape (C,)."""
    x = as_float_array("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C, *), got {x.shape}")
    channels = x.shape[1:2]
    gamma = as_float_array("gamma", gamma, channels)
    return x, gamma, as_float_array("beta", beta, channels)


def check_trailing(x: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``x``, and ``gamma`` of the shape of its trailing axes."""
    x, gamma = as_float_array("x", x), as_float_array("gamma", gamma)
    if gamma.ndim == 0 or x.shape[-gamma.ndim :] != gamma.shape:
        raise ValueError(
            "gamma must have the shape of the trailing axes of x, "
            f"got {gamma.shape} for x of shape {x.shape}"
        )
    return x, gamma


def check_eps(eps: float, training: bool = True) -> None:
    if 0 < eps < math.inf or (eps == 0 and not training):
        return
    raise ValueError(
        "eps must be positive and finite, or 0 at inference, "
        f"got {eps} with training={training}"
    )


def check_running(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    momentum: float,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Copies of the two running statistics of shape (C,), or None for both."""
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "running_mean and running_var must be given together, "
            f"got {running_mean} and {running_var}"
        )
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
    if running_mean is None or running_var is None:
        return None, None
    channels = x.shape[1:2]
    return (
        as_float_array("running_mean", running_mean, channels).copy(),
        as_float_array("running_var", running_var, channels).copy(),
    )


def require_running(
    running_mean: np.ndarray | None, running_var: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if running_mean is None or running_var is None:
        raise ValueError("running_mean and running_var must be given when not training")
    return running_mean, running_var


def require_batch(x: np.ndarray) -> None:
    """The m = N * (trailing sizes) numbers of a channel must not be one number."""
    if math.prod(x.shape[:1] + x.shape[2:]) == 1:
        raise ValueError(
            "x must have more than one value per channel in training, "
            f"got shape {x.shape}"
        )


def update_running(
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    mean: np.ndarray,
    var: np.ndarray,
    m: int,
    momentum: float,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Blend in mean and biased variance of m numbers; the variance as unbiased one."""
    if running_mean is None or running_var is None or m == 0:
        return running_mean, running_var
    return (
        _blend(running_mean, mean, momentum),
        _blend(running_var, var * (m / (m - 1)), momentum),
    )


def _blend(running: np.ndarray, batch: np.ndarray, momentum: float) -> np.ndarray:
    blended = (1 - momentum) * running + momentum * batch.ravel()
    return as_dtype(blended, running.dtype)
