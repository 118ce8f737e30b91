"""weight_norm.spot_the_bug: a transposed convolution with its lengths on the inputs."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Unusable
from normlib.check.separation import apart, leaves_as_it_is, separates


def exposing_input():
    """Arrays (v, g), of shapes (n, n, kh, kw) and (n,), that expose the mistake."""
    v = np.array([[3.0, 0.0], [4.0, 1.0]]).reshape(2, 2, 1, 1)
    g = np.array([5.0, 1.0])
    return v, g


# What the function in the notebook should be, and what it is. v is (in, out, kh, kw).


def right(v, g):
    return g[:, None, None] * v / lengths(v, 1)


def wrong(v, g):
    return g[:, None, None, None] * v / lengths(v, 0)


@np.errstate(over="ignore")
def lengths(v, axis):
    over = tuple(other for other in range(4) if other != axis)
    return np.sqrt((v.astype(float) ** 2).sum(axis=over, keepdims=True))


ASKED = 0.01  # of the largest weight


def usable(v, g):
    if v.ndim != 4:
        raise Unusable(f"v should have shape (in, out, kh, kw), yours has {v.shape}")
    if v.shape[0] != v.shape[1]:
        raise Unusable(
            f"v has {v.shape[0]} inputs and {v.shape[1]} outputs. There the function "
            "raises an error, which nobody can miss; find an input that it accepts"
        )
    if g.shape != v.shape[:1]:
        raise Unusable(f"g should have shape ({len(v)},), yours has {g.shape}")
    if without_direction(v):
        raise Unusable("an input or an output of v is all zeros: it has no direction")


def without_direction(v):
    return not (lengths(v, 0).all() and lengths(v, 1).all())


# What is wrong with an input that does not do: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why the input will not do; None where it does."""
    v, g = outputs["v"], outputs["g"]
    if not (v.size and np.isfinite(v).all() and np.isfinite(g).all()):
        return None
    if v.ndim != 4:
        return "not-images"
    if v.shape[0] != v.shape[1]:
        return "not-square"
    if g.shape != v.shape[:1]:
        return "misfit"
    if without_direction(v):
        return "without-direction"
    if not g.any():
        return "without-length"
    found = apart(right, wrong, (v, g))
    if found >= ASKED:
        if leaves_as_it_is(right, (v, g)):
            return None
        return "start-of-inputs" if leaves_as_it_is(wrong, (v, g)) else "no-start"
    if len(v) == 1:
        return "one-channel"
    if not v[~np.eye(len(v), dtype=bool)].any():
        return "to-itself"
    if leaves_as_it_is(right, (v, g)):
        return "at-the-start"
    return "nearly-alike" if found > 1e-9 else "all-alike"


# Inputs that do.


def drawn():
    v = np.random.default_rng(0).normal(size=(4, 4, 3, 3))
    return v, np.sqrt((v**2).sum(axis=(0, 2, 3)))


def a_strong_output():
    v = np.ones((2, 2, 1, 1))
    v[:, 0] = 3
    return v, np.sqrt(2) * np.array([3.0, 1.0])


def in_whole_numbers():
    v = [[[[1]], [[12]]], [[[0]], [[5]]]]
    return [v, [1, 13]]


def in_torch():
    import torch

    v = torch.arange(1.0, 37.0).reshape(3, 3, 2, 2)
    return v, v.square().sum((0, 2, 3)).sqrt()


EXERCISE = spotting(
    exposing_input,
    key="weight_norm.spot_the_bug",
    statement="An input that shows on which axis the lengths are.",
    section="weight-norm-mistakes",
    names=("v", "g"),
    case="right returns v as it is, wrong does not",
    measure=separates(right, wrong, ASKED, usable, unchanged=True),
    kind=_kind,
    equivalents=(drawn, a_strong_output, in_whole_numbers, in_torch),
)
