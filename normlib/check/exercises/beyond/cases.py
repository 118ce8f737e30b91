"""Rows for RMS norm: of very different size, none of mean 0.

The others are made of ``rows``, which draws the inputs of an exercise.
"""

import numpy as np


def uneven(rng, shape: tuple[int, ...], smallest: float, largest: float) -> np.ndarray:
    """Rows, the last axis of ``shape``, with sizes from ``smallest`` to ``largest``."""
    *outer, D = shape
    row = np.linspace(-1, 1, D) + rng.uniform(-0.1, 0.1, shape)
    row = rng.permuted(row, axis=-1) + 1
    size = rng.permutation(np.geomspace(smallest, largest, int(np.prod(outer))))
    return row * size.reshape(*outer, 1)


def small_numbers(rows, rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=2e-3 * inputs["x"] / sizes)


def a_large_eps(rows, rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=inputs["x"] / sizes, eps=0.3)


def zeros_and_no_eps(rows, rng, size=1e-4):
    inputs = rows(rng) | dict(eps=0)
    inputs["gamma"][1] = 0
    inputs["x"][:, 2] = 0
    return inputs | dict(x=size * inputs["x"])  # so small that another eps would count
