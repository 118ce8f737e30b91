"""Right numbers in a wrong place: in another shape, or in another order.

To say so helps more than any idea of what may have gone wrong on the way.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

ENOUGH = 8  # different numbers: fewer agree in another order by chance


def _reshaped(got, want):
    if got.size == want.size:
        yield got.reshape(want.shape)


def _transposed(got, want):
    if got.ndim == want.ndim > 1:
        for axes in itertools.permutations(range(got.ndim)):
            moved = got.transpose(axes)
            if moved.shape == want.shape:
                yield moved


def _in_order(got, want):
    if got.size == want.size and len(np.unique(want)) >= ENOUGH:
        placed = np.empty(want.size, got.dtype)
        placed[np.argsort(want, axis=None)] = np.sort(got, axis=None)
        yield placed.reshape(want.shape)


# What is said, and what an array may have to be put right by. Each can do more than
# the one before it.
WAYS: dict[str, Callable[[np.ndarray, np.ndarray], Iterator[np.ndarray]]] = {
    "The numbers are right, the shape is not.": _reshaped,
    "The numbers are right, the order of the axes is not.": _transposed,
    "The numbers are right, their order is not. Is something reshaped where it should "
    "be transposed?": _in_order,
}
