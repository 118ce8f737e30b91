"""Min-max, z-score and decimal scaling: the columns of a table, brought to one size.

Each has two forms: a function for one table, and a scaler as in scikit-learn, which
learns from the training rows and is then applied to others. Both take arrays of shape
(n_samples, n_features), of floats, integers or booleans, and never change them.

- The result has the dtype of x; for integers and booleans it is float64.
- Infinity, an empty table and anything but a table of numbers: ``ValueError``.
- NaN is skipped in ``fit`` (by fmin, fmax and nansum) and stays NaN. A column of
  nothing else becomes NaN.
- A constant column, also one that is constant only up to rounding, is shifted but not
  scaled, so that there is no division by zero. Columns of tiny numbers are scaled.

Left out: sparse tables, sample weights, fitting in several parts.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np

_EPS = np.finfo(np.float64).eps
_FIRST_POWER, _LAST_POWER = -323, 308  # of ten, among the positive float64 numbers
_POWERS_OF_TEN = np.array(
    [float(f"1e{k}") for k in range(_FIRST_POWER, _LAST_POWER + 1)]
)


def min_max_scale(x: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Map each column of ``x`` onto [low, high]; see ``MinMaxScaler``.

    ``x`` has shape (n_samples, n_features), and so has the result.

    >>> min_max_scale(np.array([[1, 5], [2, 5], [5, 5]]))
    array([[0.  , 0.  ],
           [0.25, 0.  ],
           [1.  , 0.  ]])
    """
    return MinMaxScaler(low, high).fit_transform(x)


def z_score_scale(x: np.ndarray) -> np.ndarray:
    """Give each column of ``x`` zero mean and unit variance; see ``StandardScaler``.

    ``x`` has shape (n_samples, n_features), and so has the result.

    >>> z_score_scale(np.array([[1, 5], [3, 5]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    return StandardScaler().fit_transform(x)


def decimal_scale(x: np.ndarray) -> np.ndarray:
    """Shift the decimal point of each column of ``x``; see ``DecimalScaler``.

    ``x`` has shape (n_samples, n_features), and so has the result.

    >>> decimal_scale(np.array([[-1000, 0.05], [999, 0.01]]))
    array([[-0.1   ,  0.5   ],
           [ 0.0999,  0.1   ]])
    """
    return DecimalScaler().fit_transform(x)


class _Scaler(ABC):
    """The checks that all scalers share. In between, numbers are float64.

    ``y`` is ignored, and parameters can be read and set by name, as scikit-learn's
    pipelines, searches and ``clone`` do.
    """

    n_features_in_: int
    _parameters: tuple[str, ...] = ()

    @abstractmethod
    def _learn(self, x: np.ndarray, dtype: np.dtype) -> None: ...

    @abstractmethod
    def _scale(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _unscale(self, z: np.ndarray) -> np.ndarray: ...

    def get_params(self, deep: bool = True) -> dict[str, float]:
        """The constructor's arguments by name; ``deep`` makes no difference here."""
        return {name: getattr(self, name) for name in self._parameters}

    def set_params(self, **parameters: float) -> Self:
        """Set constructor's arguments by name; ``ValueError`` for another name."""
        for name, value in parameters.items():
            if name not in self._parameters:
                raise ValueError(
                    f"{type(self).__name__} has the parameters "
                    f"{list(self._parameters)}, got {name!r}"
                )
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> object:
        """What a pipeline of scikit-learn asks of its last step: the usual."""
        from sklearn.base import BaseEstimator

        return BaseEstimator.__sklearn_tags__(self)

    def __repr__(self) -> str:
        given = ", ".join(f"{n}={value!r}" for n, value in self.get_params().items())
        return f"{type(self).__name__}({given})"

    def fit(self, x: np.ndarray, y: object = None) -> Self:
        """Learn from the rows of ``x``, and forget what was learned before."""
        values = _as_float64(x)
        with np.errstate(over="ignore", invalid="ignore"):
            self._learn(values, _dtype_of_result(x))
        self.n_features_in_ = values.shape[1]
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Scale ``x`` by what ``fit`` has learned; ``ValueError`` before ``fit``."""
        return self._apply(self._scale, "transform", x)

    def inverse_transform(self, z: np.ndarray) -> np.ndarray:
        """Undo ``transform``; ``ValueError`` before ``fit``."""
        return self._apply(self._unscale, "inverse_transform", z)

    def fit_transform(self, x: np.ndarray, y: object = None) -> np.ndarray:
        """Learn from ``x`` and scale it."""
        return self.fit(x).transform(x)

    def _apply(
        self, function: Callable[[np.ndarray], np.ndarray], name: str, x: np.ndarray
    ) -> np.ndarray:
        if not hasattr(self, "n_features_in_"):
            raise ValueError(f"call fit before {name}, this scaler has learned nothing")
        values = _as_float64(x)
        if values.shape[1] != self.n_features_in_:
            raise ValueError(
                f"x must have the {self.n_features_in_} features seen in fit, "
                f"got {values.shape[1]}"
            )
        return function(values).astype(_dtype_of_result(x), copy=False)


class MinMaxScaler(_Scaler):
    """Map each column onto [low, high]: its minimum to low, its maximum to high.

    ``z = low + (high - low) * (x - min) / (max - min)``, with both ends exact. Rows
    not seen in ``fit`` may fall outside. A constant column becomes ``low``.

    Parameters
    ----------
    low, high : float
        ``fit`` raises ``ValueError`` unless low < high.

    Attributes
    ----------
    data_min_, data_max_ : ndarray of shape (n_features,)
    scale_ : ndarray of shape (n_features,)
        By how much a unit of x is stretched: (high - low) / (max - min).
    n_features_in_ : int

    Notes
    -----
    Constant up to rounding: max - min is at most 10 float64 spacings of the larger of
    the two. scikit-learn compares with 10 spacings of 1, whatever the size of x.

    Examples
    --------
    >>> scaler = MinMaxScaler(-1.0, 1.0).fit(np.array([[10.0], [30.0]]))
    >>> scaler.transform(np.array([[15.0], [40.0]]))
    array([[-0.5],
           [ 2. ]])
    """

    _parameters = ("low", "high")

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low = low
        self.high = high

    def _learn(self, x: np.ndarray, dtype: np.dtype) -> None:
        if not (self.low < self.high and np.isfinite(self.high - self.low)):
            raise ValueError(
                "low must be less than high, and both finite, "
                f"got low={self.low} and high={self.high}"
            )
        least, largest = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        span = _finite(largest - least)
        size = np.maximum(np.abs(least), np.abs(largest))
        self.data_min_, self.data_max_ = least, largest
        self._span = np.where(span <= 10 * _EPS * size, 1.0, span)
        self.scale_ = (self.high - self.low) / self._span

    def _scale(self, x: np.ndarray) -> np.ndarray:
        fraction = (x - self.data_min_) / self._span
        return _between(self.low, self.high, self.high - self.low, fraction)

    def _unscale(self, z: np.ndarray) -> np.ndarray:
        fraction = (z - self.low) / (self.high - self.low)
        top = self.data_min_ + self._span
        return _between(self.data_min_, top, self._span, fraction)


class StandardScaler(_Scaler):
    """Give each column zero mean and unit variance: ``z = (x - mean) / std``.

    The variance is the biased one (divide by N, not N - 1). The shape of the
    distribution stays what it was. A constant column becomes 0.

    Attributes
    ----------
    mean_, var_ : ndarray of shape (n_features,)
    scale_ : ndarray of shape (n_features,)
        The standard deviation, and 1 for a constant column.
    n_features_in_ : int

    Notes
    -----
    Constant up to rounding, as in scikit-learn: the standard deviation is at most
    ``N * abs(mean)`` float64 spacings, the error bound of a computed one (Chan, Golub
    and LeVeque, 1983). Unlike there, columns as small as 1e-200 are scaled too.

    Examples
    --------
    >>> scaler = StandardScaler().fit(np.array([[1.0], [3.0], [8.0]]))
    >>> scaler.mean_, scaler.var_
    (array([4.]), array([8.66666667]))
    >>> scaler.inverse_transform(np.array([[0.0]]))
    array([[4.]])
    """

    def _learn(self, x: np.ndarray, dtype: np.dtype) -> None:
        n = np.sum(~np.isnan(x), axis=0)
        # The second line repairs the rounding of the first, and the sum of 0 numbers
        # keeps a column of NaN what it is.
        mean = np.nansum(x / n, axis=0) + np.where(n, 0.0, np.nan)
        mean += np.nansum((x - mean) / n, axis=0)
        largest = _finite(np.fmax.reduce(np.abs(x - mean), axis=0))
        # Squares of numbers from 0 to 1 neither overflow nor vanish.
        unit = np.where(largest > 0, largest, 1.0)
        std = unit * np.sqrt(np.nansum(np.square((x - mean) / unit), axis=0) / n)
        self.mean_ = mean
        self.var_ = np.square(std)
        self.scale_ = np.where(std <= n * _EPS * np.abs(mean), 1.0, std)

    def _scale(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean_) / self.scale_

    def _unscale(self, z: np.ndarray) -> np.ndarray:
        return z * self.scale_ + self.mean_


class DecimalScaler(_Scaler):
    """Shift the decimal point of each column until all its numbers are below 1.

    ``z = x / 10**j``, where j is the smallest integer that gives
    ``max(abs(x)) / 10**j < 1``. So 1000 has j = 4, 999 has j = 3, and 0.05 has
    j = -1: small numbers are enlarged. A column of zeros, or of NaN, has j = 0.

    Attributes
    ----------
    exponent_ : ndarray of int, of shape (n_features,)
        The j of each column.
    n_features_in_ : int

    Notes
    -----
    A logarithm is rounded, and misses j next to a power of ten. So j is found by
    comparing with the powers themselves, each rounded to the dtype of x: 1e-6 and 1e23
    count as powers of ten, though their float64 lies just below the true one.

    Examples
    --------
    >>> scaler = DecimalScaler().fit(np.array([[1000.0, 0.05], [-20.0, 0.0]]))
    >>> scaler.exponent_
    array([ 4, -1])
    """

    def _learn(self, x: np.ndarray, dtype: np.dtype) -> None:
        largest = np.fmax.reduce(np.abs(x), axis=0)
        powers = _POWERS_OF_TEN.astype(dtype)
        # The number of powers up to m is the place of the first one above it.
        exponent = np.searchsorted(powers, largest, side="right") + _FIRST_POWER
        self.exponent_ = np.where(largest > 0, exponent, 0)

    def _scale(self, x: np.ndarray) -> np.ndarray:
        first, rest = self._powers()
        return x / first / rest

    def _unscale(self, z: np.ndarray) -> np.ndarray:
        first, rest = self._powers()
        return z * rest * first

    def _powers(self) -> tuple[np.ndarray, np.ndarray]:
        # In two factors, because j may be 309, and float64 has no 10**309.
        first = np.minimum(self.exponent_, _LAST_POWER)
        return _POWERS_OF_TEN[first - _FIRST_POWER], 10.0 ** (self.exponent_ - first)


def _as_float64(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        raise ValueError(
            "x must hold float16, float32 or float64, integers or booleans, "
            f"got dtype {x.dtype}"
        )
    if x.ndim != 2 or x.size == 0:
        raise ValueError(
            "x must have shape (n_samples, n_features), with at least one of each, "
            f"got {x.shape}"
        )
    infinite = np.argwhere(np.isinf(x))
    if len(infinite):
        row, column = infinite[0]
        raise ValueError(
            f"x must be finite or NaN, got {x[row, column]} at row {row}, "
            f"column {column}"
        )
    # Before any arithmetic: the absolute value of the int8 -128 is -128.
    return x.astype(np.float64, copy=False)


def _dtype_of_result(x: np.ndarray) -> np.dtype:
    dtype = np.asarray(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def _finite(spread: np.ndarray) -> np.ndarray:
    if np.isinf(spread).any():
        raise ValueError(
            "x must have columns whose largest difference is a float64, "
            f"got {spread.tolist()}"
        )
    return spread


def _between(
    low: np.ndarray | float,
    high: np.ndarray | float,
    span: np.ndarray | float,
    fraction: np.ndarray,
) -> np.ndarray:
    """From ``low`` at fraction 0 to ``high`` at 1. Both are hit, and not overshot."""
    return np.where(fraction < 0.5, low + span * fraction, high - span * (1 - fraction))
