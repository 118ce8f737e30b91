"""layer_norm.spot_the_bug: an input on which two published mistakes show."""

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import separates, share

WIDTH = 512  # of the model; wide enough to hide the unbiased variance


def exposing_input():
    x = np.random.default_rng(0).normal(size=(3, 512))
    return x * 1e-3, np.ones(512), np.zeros(512)


# The two functions. Subtracting a sample's first number changes nothing, except that
# the mean of equal numbers is then exact.


def right(x, gamma, beta, eps=1e-6):
    x = x.astype(np.float64) - x[:, :1]
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def published(x, gamma, beta, eps=1e-6):
    x = x.astype(np.float64) - x[:, :1]
    mean, std = x.mean(axis=-1, keepdims=True), x.std(axis=-1, ddof=1, keepdims=True)
    return gamma * (x - mean) / (std + eps) + beta


ASKED = 0.01  # of the largest number; the unbiased variance alone makes 0.001


def of_the_model(x, gamma, beta):
    if x.ndim != 2 or x.shape[1] != WIDTH:
        raise Unusable(f"x should be (N, {WIDTH}), yours has shape {x.shape}")
    for name, array in (("gamma", gamma), ("beta", beta)):
        if array.shape != (WIDTH,):
            raise Unusable(f"{name} should be ({WIDTH},), yours is {array.shape}")
    if max(np.abs(array).max() for array in (x, gamma, beta)) > 1e100:
        raise Unusable("x, gamma and beta should hold magnitudes up to 1e100")


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart.


def ordinary_numbers():
    x = np.random.default_rng(0).normal(size=(8, 512))
    return x, np.ones(512), np.zeros(512)


def large_numbers():
    x = 1e6 * np.random.default_rng(0).normal(size=(8, 512))
    return x, np.ones(512), np.zeros(512)


def far_from_zero():
    x = 1e4 + np.random.default_rng(0).normal(size=(8, 512))
    return x, np.ones(512), np.zeros(512)


def small_but_not_enough():
    x = 0.01 * np.random.default_rng(0).normal(size=(8, 512))
    return x, np.ones(512), np.zeros(512)


def equal_numbers():
    return np.full((2, 512), 0.1), np.ones(512), np.zeros(512)


def unusual_parameters():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 512)), 100 * rng.normal(size=512), np.zeros(512)


def under_a_large_beta():
    x = 1e-3 * np.random.default_rng(0).normal(size=(8, 512))
    return x, np.ones(512), np.full(512, 1000.0)


def no_gain():
    x = 1e-3 * np.random.default_rng(0).normal(size=(8, 512))
    return x, np.zeros(512), np.ones(512)


def narrower():
    return np.array([[1.0, 0.0, 0.0, 0.0]]), np.ones(4), np.zeros(4)


# What they have in common with others of their kind.


def _kind(outputs):
    """The reason why this input does not tell the two apart; None where it does."""
    x, gamma, beta = outputs.values()
    if x.ndim == 2 and 0 < x.shape[1] < WIDTH:
        return narrower
    if share(right, published, [x, gamma, beta]) >= ASKED:
        return None
    if not np.ptp(x, axis=1).any():
        return equal_numbers
    if not gamma.any():
        return no_gain
    if share(right, published, [x, gamma, np.zeros(WIDTH)]) >= ASKED:
        return under_a_large_beta
    spread = x.std(axis=1)
    smallest = spread[np.ptp(x, axis=1) > 0].min()
    if smallest < 0.1:
        return small_but_not_enough
    if not np.allclose(np.abs(gamma), np.abs(gamma[0])):
        return unusual_parameters
    if np.abs(x.mean(axis=1)).min() > 10 * spread.max():
        return far_from_zero
    return large_numbers if smallest > 10 else ordinary_numbers


def _is(kind):
    return lambda outputs: _kind(outputs) is kind


# Inputs that do.


def a_ramp_in_float32():
    x = np.linspace(0, 0.001, 512, dtype=np.float32)[None]
    gamma = np.where(np.arange(512) % 2, -1, 2).astype(np.float32)
    return x, gamma, np.full(512, 0.5, np.float32)


def one_quiet_row():
    x = np.random.default_rng(1).normal(size=(4, 512))
    x[2] = 7 + x[2] / 5000
    return [x, np.ones(512), np.zeros(512)]


def one_number_that_differs():
    x = np.zeros((1, 512))
    x[0, 3] = 0.01
    return x, np.ones(512), np.zeros(512)


def nearly_equal():
    x = np.full((2, 512), 1.0)
    x[:, ::2] += 1e-9
    return x, np.ones(512), np.zeros(512)


def in_torch():
    import torch

    x = 1e-4 * torch.sin(torch.arange(512.0)).repeat(2, 1)
    return x, torch.ones(512), torch.zeros(512)


EXERCISE = Exercise(
    key="layer_norm.spot_the_bug",
    points=2,
    statement="An input on which a published layer norm gives something else than a "
    "right one.",
    section="layer-norm-mistakes",
    reference=exposing_input,
    run=call("x", "gamma", "beta"),
    measure=separates(right, published, ASKED, of_the_model),
    cases=(Case("right and wrong differ on your input", 1.0, no_arguments),),
    misconceptions=(
        Misconception(
            "numbers as they usually are",
            "With a spread near 1, a millionth more in the divisor is nothing, and "
            "with 512 features it hardly matters whether one of them is counted. So "
            "the mistakes went unseen. Where would a millionth be much?",
            ordinary_numbers,
            recognize=_is(ordinary_numbers),
        ),
        Misconception(
            "large numbers",
            "The larger the spread, the less eps matters, wherever it stands. Go the "
            "other way.",
            large_numbers,
            recognize=_is(large_numbers),
        ),
        Misconception(
            "numbers far from zero",
            "The mean is subtracted in both, before anything goes wrong. What they "
            "disagree about is the divisor.",
            far_from_zero,
            recognize=_is(far_from_zero),
        ),
        Misconception(
            "a small spread, and not yet small enough",
            "The direction is right. Under the root eps stands beside the variance: "
            "how small is a standard deviation whose square is like eps?",
            small_but_not_enough,
            recognize=_is(small_but_not_enough),
        ),
        Misconception(
            "rows of equal numbers",
            "Then the numerator is zero, and zero divided by anything is zero. The "
            "numbers must differ, if only by little.",
            equal_numbers,
            recognize=_is(equal_numbers),
        ),
        Misconception(
            "a particular gamma, and numbers as they usually are",
            "Both multiply by the same gamma. They disagree before that, about the "
            "divisor, which comes from x.",
            unusual_parameters,
            recognize=_is(unusual_parameters),
        ),
        Misconception(
            "a difference buried under beta",
            "This x does tell them apart, but beta is so large that the difference "
            "is a trifle beside it.",
            under_a_large_beta,
            recognize=_is(under_a_large_beta),
        ),
        Misconception(
            "a gamma of zeros",
            "Nothing of x gets past it: the result is beta, right or wrong.",
            no_gain,
            recognize=_is(no_gain),
        ),
        Misconception(
            "a narrower model",
            "With few features the unbiased variance shows at once: at four it is a "
            "third larger. This model has 512, and there are two mistakes in the "
            "function.",
            narrower,
            recognize=_is(narrower),
        ),
    ),
    equivalents=(
        a_ramp_in_float32,
        one_quiet_row,
        one_number_that_differs,
        nearly_equal,
        in_torch,
    ),
)
