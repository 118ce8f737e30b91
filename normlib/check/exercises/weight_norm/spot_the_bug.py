"""weight_norm.spot_the_bug: a transposed convolution with its lengths on the inputs."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share


def exposing_input():
    v = np.array([[1.0, 1.0], [1.0, 2.0]])[:, :, None, None]
    return v, np.array([1.0, 3.0])


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


# Inputs that learners try.


def a_matrix():
    return np.array([[1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0])


def more_outputs():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 5, 2, 2)), rng.normal(size=5)


def one_g_too_few():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 3, 2, 2)), np.array([2.0])


def an_empty_kernel():
    v = np.ones((3, 3, 2, 2))
    v[1] = 0
    return v, np.array([1.0, 2.0, 3.0])


def g_of_zeros():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 3, 2, 2)), np.zeros(3)


def one_input_one_output():
    rng = np.random.default_rng(0)
    return rng.normal(size=(1, 1, 4, 4)), np.array([3.0])


def identity():
    v = np.eye(3)[:, :, None, None] * np.ones((2, 2))
    return v, np.array([1.0, 2.0, -3.0])


def symmetric_at_the_start():
    v = np.array([[1.0, 2.0], [2.0, 5.0]])[:, :, None, None]
    return v, np.sqrt((v**2).sum(axis=(0, 2, 3)))


def ones():
    return np.ones((3, 3, 2, 2)), np.ones(3)


def almost_ones():
    v = np.ones((3, 3, 2, 2))
    v[0] += 0.001
    return v, np.ones(3)


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
    run=call("v", "g"),
    measure=separates(lengths_of_outputs, lengths_of_inputs, ASKED, usable),
    cases=(Case("right and wrong differ by at least 1 %", 1, nothing),),
    misconceptions=(
        Misconception(
            "not the weight of a convolution",
            "The function takes v with four axes: inputs, outputs, and the height "
            "and width of the kernel. A kernel may be as small as 1 by 1.",
            a_matrix,
            recognize=not_images,
        ),
        Misconception(
            "another number of outputs than of inputs",
            "That would have come out on the first day. The mistake lives where both "
            "numbers are the same.",
            more_outputs,
            recognize=not_square,
        ),
        Misconception(
            "a g that does not have an entry for each output",
            "g has as many entries as there are outputs.",
            one_g_too_few,
            recognize=misfit,
        ),
        Misconception(
            "a kernel of zeros",
            "Zero divided by zero is NaN in both versions.",
            an_empty_kernel,
            recognize=without_direction,
        ),
        Misconception(
            "a g of zeros",
            "Whatever v is divided by, it is multiplied by 0 then.",
            g_of_zeros,
            recognize=without_length,
        ),
        Misconception(
            "one input and one output",
            "With one channel on each side it makes no difference which of them has "
            "the length.",
            one_input_one_output,
            recognize=one_channel,
        ),
        Misconception(
            "channels that do not mix",
            "Each output hears only the input of the same number. Then the weights "
            "of an output are also those of an input, and so is their length.",
            identity,
            recognize=to_itself,
        ),
        Misconception(
            "g at its start, and w is v",
            "Inputs and outputs have the same lengths here, and g has them too. Then "
            "both versions give back v. Move g away from there.",
            symmetric_at_the_start,
            recognize=at_the_start,
        ),
        Misconception(
            "all channels alike",
            "All lengths are the same and so are the entries of g, so every weight "
            "has the same factor in both versions. Let something differ between the "
            "channels.",
            ones,
            recognize=all_alike,
        ),
        Misconception(
            "a difference that is there, but small",
            "A tolerance would swallow it. Make what differs in your input differ "
            "more.",
            almost_ones,
            recognize=nearly_alike,
        ),
    ),
    equivalents=(drawn, two_lengths, a_strong_input, in_torch),
)
