"""What the inputs of this chapter's cases are made of.

Images and channels have different means, and channels different standard deviations,
so that the statistics of the three norms are far apart. The weights of the means differ
from those of the variances, and none of them is small.
"""

import numpy as np

from normlib.check.cases import far_from_zero, steps

SIGNS = np.array([1, -1, 1])


def pixels(rng, n: int, c: int, m: int, apart: float = 2.0) -> np.ndarray:
    """Values of order 1, (n, c, m); the images' means lie within ±``apart``."""
    image = rng.permutation(np.linspace(-apart, apart, n)).reshape(n, 1, 1)
    return image + steps(rng, (n, c), m)


def channels(rng, z: np.ndarray, factors, offsets) -> np.ndarray:
    """``z`` with a factor and an offset for each of its channels, the first ones."""
    c = z.shape[1]
    apart = np.array(offsets[:c]) + rng.uniform(-0.2, 0.2, c)
    return np.array(factors[:c])[:, None] * (z + apart[:, None])


def logits(rng) -> dict[str, np.ndarray]:
    return dict(
        mean_weight=np.array([0.3, 1.1, -0.4]) + rng.uniform(-0.1, 0.1, 3),
        var_weight=np.array([0.9, -0.5, 0.2]) + rng.uniform(-0.1, 0.1, 3),
    )


def upstream(rng, z: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """A gradient for the output: noise around a part that goes with z and its square.

    So every path counts in the gradients, and none of them is small by chance.
    """
    return np.sign(gamma)[:, None] * (1 + z + z**2 / 2) + rng.normal(size=z.shape)


# The same with other numbers; ``maps`` draws the inputs of an exercise.


def one_negative_image(maps, rng):
    inputs = maps(rng, n=1)
    return inputs | dict(x=inputs["x"] - inputs["x"].max() - 1)


def large_logits(maps, rng):
    inputs = maps(rng)
    inputs["mean_weight"] += 1000
    inputs["var_weight"] -= 1000
    return inputs


def one_scale_far_from_zero(maps, rng):
    return far_from_zero(maps(rng, factors=(1, 1, 1)))
