"""What the inputs of cases are made of, where several exercises need the same.

A case shows a mistake only when the mistake changes its numbers. So the values that
are averaged are never nearly equal by chance, and what belongs to different samples and
channels lies clearly apart.
"""

from functools import cache
from typing import Any

import numpy as np

from normlib.check.exercise import Case
from normlib.check.running.protocol import Inputs
from normlib.check.running.protocols import called_again, from_any_memory, in_float16

FAR = 1e4  # where float32 has three digits left for values around 1
NO_EPS = 1e-300  # for a reference that is given an eps of 0: normlib wants more


@cache  # a case is drawn again for each answer
def evenly(space, start: float, stop: float, n: int) -> np.ndarray:
    """The numbers of ``np.linspace`` or ``np.geomspace``; not to be written into."""
    numbers = space(start, stop, n)
    numbers.flags.writeable = False
    return numbers


def steps(rng, lead: tuple[int, ...], m: int) -> np.ndarray:
    """``m`` values between about −1.5 and 1.5 for each index in ``lead``.

    They are evenly spaced, jittered and shuffled, so that no row is nearly constant. A
    single value stays near 0, where it cannot cancel an offset added to it.
    """
    even = evenly(np.linspace, -1.5, 1.5, m) if m > 1 else np.zeros(1)
    x = rng.permuted(np.tile(even, (*lead, 1)), axis=-1)
    return x + rng.uniform(-0.2, 0.2, x.shape)


def feature_maps(
    rng,
    n: int,
    c: int,
    positions: tuple[int, ...],
    contrast: float,
    channels_apart: float,
    samples_apart: float,
) -> np.ndarray:
    """``n`` samples of ``c`` channels, of shape (n, c, *positions).

    The largest standard deviation of a channel is ``contrast`` times the smallest.
    The channels' means differ by multiples of ``channels_apart``, in an order drawn at
    random, and each sample lies ``samples_apart`` above the one before it.
    """
    x = steps(rng, (n, c), int(np.prod(positions)))
    x *= rng.permutation(evenly(np.geomspace, 1, contrast, c))[:, None]
    x += channels_apart * rng.permutation(np.arange(c))[:, None]
    x += samples_apart * np.arange(n).reshape(n, 1, 1)
    return x.reshape(n, c, *positions)


def alternating(rng, c: int, low: float = 0.5, high: float = 3.0) -> np.ndarray:
    """A factor for each of ``c`` channels, some negative, no two of the same size."""
    sign = np.where(np.arange(c) % 3 == 1, -1, 1)
    return sign * rng.permutation(evenly(np.linspace, low, high, c))


def in_float32(inputs: Inputs) -> Inputs:
    """The same inputs with their arrays in float32."""
    return {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else value
        for name, value in inputs.items()
    }


def far_from_zero(inputs: Inputs, name: str = "x") -> Inputs:
    """The same inputs in float32, with the array ``name`` moved far from zero."""
    return in_float32(inputs | {name: inputs[name] + FAR})


def running_statistics(rng) -> dict[str, np.ndarray]:
    """Buffers for eval mode, of three channels; they fit no data of a case."""
    return {
        "running_mean": rng.uniform(-3, 2, 3).astype(np.float32),
        "running_var": rng.uniform(1, 9, 3).astype(np.float32),
        "num_batches_tracked": np.array(7),
    }


# Cases that many exercises have.


IN_MEMORY = "transposed, strided and read-only arrays"


def any_memory(share, inputs, *names, name=IN_MEMORY) -> Case:
    """The answer called with arrays that do not lie row after row in memory."""
    return Case(name, share, inputs, run=from_any_memory(*names))


def far_away(
    share, inputs, *, name="far from zero, in float32", **settings: Any
) -> Case:
    """Where float32 itself keeps three digits, and one-pass variances keep none."""
    usual: dict[str, Any] = {"tolerance": 0.02, "alone": "mean-of-squares"}
    return Case(name, share, inputs, **usual | settings)


def second_call(share, inputs, *names, name="called a second time") -> Case:
    """The answer called again after its arrays have changed."""
    return Case(name, share, inputs, run=called_again(*names))


def in_half(share, inputs, tolerance) -> Case:
    """A module in float16, which itself keeps three digits."""
    return Case("in float16", share, inputs, run=in_float16, tolerance=tolerance)
