"""beyond.spot_the_bug: an input that shows where another RMS norm has its eps."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import apart, separates


def exposing_input():
    """An (x, gamma) on which the two RMS norms differ."""
    row = np.array([1.0, -2.0, 0.5, 1.5])
    x = np.array([[1.0], [1e-2], [1e-3], [1e-4]]) * row
    return x, np.ones(4)


# The two functions. In both, eps is 1e-6.


def inside(x, gamma, eps=1e-6):
    x = x.astype(np.float64)
    return gamma * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


def outside(x, gamma, eps=1e-6):
    x = x.astype(np.float64)
    return gamma * x / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + eps)


ASKED = 0.1  # of the largest number


def rows(x, gamma):
    if x.ndim != 2:
        raise Unusable(f"x should be (N, D), yours has shape {x.shape}")
    if gamma.shape != x.shape[1:]:
        raise Unusable(
            f"gamma should have shape {x.shape[1:]} to go with x, yours has "
            f"{gamma.shape}"
        )
    if np.abs(x).max() > 1e15:
        raise Refused("x should hold magnitudes up to 1e15")


# Inputs that do not tell the two apart: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why both give the same, or nearly; None where not."""
    x, gamma = (outputs[name].astype(np.float64) for name in ("x", "gamma"))
    if not np.isfinite(x).all() or not np.isfinite(gamma).all():
        return None
    rows(x, gamma)  # else they are refused for another reason
    if apart(inside, outside, [x, gamma]) >= ASKED:
        return None
    if not x.any():
        return "zeros"
    if not gamma.any():
        return "a-gamma-of-zeros"
    rms = np.sqrt((x**2).mean(axis=1))
    if rms.min() < 1e-3 < 0.1 < rms.max():
        return "a-row-that-vanishes"
    if rms.min() < 0.1:
        return "not-small-enough"
    if (x.std(axis=1) < 0.01 * rms).all():
        return "a-small-spread"
    if (np.median(np.abs(x), axis=1) < 0.01 * rms).all():
        return "one-ordinary-number-a-row"
    if np.abs(gamma).max() < 0.01:
        return "a-small-gamma"
    return "large-numbers" if rms.min() > 100 else "ordinary-numbers"


# Inputs that do.


def drawn_small():
    rng = np.random.default_rng(1)
    return 1e-4 * rng.normal(size=(3, 4)), rng.uniform(0.5, 2, 4)


def far_smaller_still():
    return np.full((1, 2), 1e-12), np.array([1.0, -1.0])


def one_small_row():
    x = np.random.default_rng(2).normal(size=(4, 5)).astype(np.float32)
    x[2] = 7e-4
    return x, np.ones(5, np.float32)


def with_a_gamma_of_whole_numbers():
    return np.full((2, 3), 1e-3), [1, 1, 1]


def in_torch():
    import torch

    return 5e-4 * torch.ones(2, 3), torch.ones(3)


EXERCISE = spotting(
    exposing_input,
    key="beyond.spot_the_bug",
    statement="An input on which two RMS norms with the same eps give different "
    "results.",
    section="beyond-mistakes",
    names=("x", "gamma"),
    case="the two norms differ on your input",
    measure=separates(inside, outside, asked=ASKED, usable=rows),
    kind=_kind,
    equivalents=(
        drawn_small,
        far_smaller_still,
        one_small_row,
        with_a_gamma_of_whole_numbers,
        in_torch,
    ),
)
