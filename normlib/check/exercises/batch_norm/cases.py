"""What the cases of batch norm's functions have in common."""

import numpy as np

from normlib.check.cases import alternating, evenly, steps

# Of images and sequences: sections of the chapter, and the mistakes they explain.
SECTIONS = {
    "the-algorithm": ("unbiased", "eps-outside", "no-eps", "fixed-eps", "no-affine"),
    "numerical-care": ("mean-of-squares",),
}


def rows(rng, n: int, d: int, low: float = 1, high: float = 9) -> np.ndarray:
    """``n`` samples of ``d`` features, whose means differ: an array (n, d).

    The standard deviations of the features are proportional to numbers from ``low`` to
    ``high``.
    """
    x = steps(rng, (d,), n).T * evenly(np.geomspace, low, high, d)
    return x + rng.uniform(2, 9, d)


def affine(rng, d: int) -> dict[str, np.ndarray]:
    """``gamma`` of both signs, and ``beta`` far from 0, for ``d`` features."""
    return dict(gamma=alternating(rng, d), beta=rng.uniform(0.5, 2, d))


def negative(x: np.ndarray) -> np.ndarray:
    """The same numbers, moved so that all of them are negative."""
    return x - x.max() - 1
