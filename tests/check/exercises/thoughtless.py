"""Inputs that are drawn or counted up, without a look at any bug."""

import numpy as np

WAYS = {
    "counted up": lambda shape: np.arange(np.prod(shape)).reshape(shape),
    "counted up from 1": lambda shape: 1.0 + np.arange(np.prod(shape)).reshape(shape),
    "evenly spaced": lambda shape: np.linspace(-1, 1, np.prod(shape)).reshape(shape),
    "normal": lambda shape: np.random.default_rng(0).normal(size=shape),
    "normal around 5": lambda shape: np.random.default_rng(0).normal(5, size=shape),
    "uniform": lambda shape: np.random.default_rng(0).random(shape),
    "digits": lambda shape: np.random.default_rng(0).integers(0, 10, shape),
    "pixels": lambda shape: np.random.default_rng(0).integers(0, 256, shape),
    "ones": np.ones,
    "tens": lambda shape: np.full(shape, 10),
    "zeros": np.zeros,
}
