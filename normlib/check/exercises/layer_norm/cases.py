"""What the inputs of layer norm's exercises are made of."""

import numpy as np

from normlib.check.cases import alternating, steps


def to_normalize(rng, shape: tuple[int, ...], axes: int = 1, contrast: float = 9):
    """An array to be normalized over its last ``axes`` axes, for layer norm to show.

    Samples differ in mean and in standard deviation, the largest of which is
    ``contrast`` times the smallest.
    """
    m = int(np.prod(shape[-axes:]))
    n = int(np.prod(shape)) // m
    x = steps(rng, (n,), m) + rng.uniform(2, 5, (n, 1))
    return (rng.permutation(np.geomspace(1, contrast, n))[:, None] * x).reshape(shape)


def factors(rng, shape: tuple[int, ...]):
    """A gamma of that ``shape``, some of it negative, no two of the same size."""
    return alternating(rng, int(np.prod(shape))).reshape(shape)


def standardized(x):
    """Each row with mean 0 and standard deviation 1."""
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
