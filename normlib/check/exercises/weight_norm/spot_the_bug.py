"""weight_norm.spot_the_bug: a transposed convolution with its lengths on the inputs."""

import numpy as np

from normlib.check.exercise import Case, Exercise
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    """Arrays (v, g), of shapes (n, n, kh, kw) and (n,), that expose the mistake."""
    v = np.array([[3.0, 0.0], [4.0, 1.0]]).reshape(2, 2, 1, 1)
    g = np.array([5.0, 1.0])
    return v, g


def nothing(rng):
    return {}


ASKED = 0.01  # of the largest weight


# The function in the notebook, and what it should be. Its v is (in, out, kh, kw).


def lengths_of_inputs(v, g):
    return g[:, None, None, None] * v / lengths(v, 0)


def lengths_of_outputs(v, g):
    return g[:, None, None] * v / lengths(v, 1)


@np.errstate(over="ignore")
def lengths(v, axis):
    over = tuple(other for other in range(4) if other != axis)
    return np.sqrt((v.astype(float) ** 2).sum(axis=over, keepdims=True))


def usable(v, g):
    outputs = dict(v=v, g=g)
    if not_images(outputs):
        raise Unusable(f"v should have shape (in, out, kh, kw), yours has {v.shape}")
    if not_square(outputs):
        raise Unusable(
            f"v has {v.shape[0]} inputs and {v.shape[1]} outputs. There the function "
            "raises an error, which nobody can miss; find an input that it accepts"
        )
    if misfit(outputs):
        raise Unusable(f"g should have shape ({len(v)},), yours has {g.shape}")
    if without_direction(outputs):
        raise Unusable("an input or an output of v is all zeros: it has no direction")


# What is wrong with an input that does not tell right and wrong apart.


def not_images(outputs):
    return outputs["v"].ndim != 4


def not_square(outputs):
    return not not_images(outputs) and len(set(outputs["v"].shape[:2])) == 2


def misfit(outputs):
    v = outputs["v"]
    return not not_images(outputs) and outputs["g"].shape != v.shape[1:2]


def without_direction(outputs):
    v = outputs["v"]
    return not (lengths(v, 0).all() and lengths(v, 1).all())


def without_length(outputs):
    return not outputs["g"].any()


def one_channel(outputs):
    return outputs["v"].shape[:2] == (1, 1)


def to_itself(outputs):
    mixed = ~np.eye(len(outputs["v"]), dtype=bool)
    return not outputs["v"][mixed].any()


@np.errstate(all="ignore")
def at_the_start(outputs):
    v, g = outputs["v"], outputs["g"]
    both = lengths_of_outputs(v, g), lengths_of_inputs(v, g)
    return np.allclose(both, [v, v], rtol=0.01)


@np.errstate(all="ignore")
def all_alike(outputs):
    v, g = outputs["v"], outputs["g"]
    ratios = np.concatenate([g / lengths(v, axis).ravel() for axis in (0, 1)])
    return np.allclose(ratios, ratios[0], rtol=1e-9)


def nearly_alike(outputs):
    arrays = outputs["v"], outputs["g"]
    return 1e-9 < share(lengths_of_outputs, lengths_of_inputs, arrays) < ASKED


# Inputs that tell right and wrong apart.


def drawn():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 4, 3, 3)), rng.normal(size=4)


def two_lengths():
    return np.ones((2, 2, 1, 1)), np.array([1.0, 2.0])


def a_strong_input():
    v = [[[[9.0]], [[9.0]]], [[[1.0]], [[1.0]]]]
    return [v, [1.0, 1.0]]


def in_torch():
    import torch

    v = torch.arange(1.0, 37.0).reshape(3, 3, 2, 2)
    return v, torch.ones(3)


EXERCISE = Exercise(
    key="weight_norm.spot_the_bug",
    points=2,
    statement="An input that shows on which axis the lengths are.",
    section="weight-norm-mistakes",
    reference=exposing_input,
    answer=exposing_input,
    run=call("v", "g"),
    measure=separates(lengths_of_outputs, lengths_of_inputs, ASKED, usable),
    cases=(Case("right and wrong differ by at least 1 %", 1, nothing),),
    recognize={
        "not-images": not_images,
        "not-square": not_square,
        "misfit": misfit,
        "without-direction": without_direction,
        "without-length": without_length,
        "one-channel": one_channel,
        "to-itself": to_itself,
        "at-the-start": at_the_start,
        "all-alike": all_alike,
        "nearly-alike": nearly_alike,
    },
    equivalents=(drawn, two_lengths, a_strong_input, in_torch),
)
