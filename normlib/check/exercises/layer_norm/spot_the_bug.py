"""layer_norm.spot_the_bug: an input on which two published mistakes show."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable
from normlib.check.separation import apart, separates

WIDTH = 512  # of the model; wide enough to hide the unbiased variance


def exposing_input():
    """An input (x, gamma, beta) that tells the published function from a right one."""
    x = np.random.default_rng(0).normal(size=(2, 512))
    return 1e-3 * x, np.ones(512), np.zeros(512)


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
        raise Refused("x, gamma and beta should hold magnitudes up to 1e100")


# Inputs that do not tell the two apart: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why they give nearly the same; None where they do not."""
    x, gamma, beta = outputs.values()
    if not all(np.isfinite(array).all() for array in (x, gamma, beta)):
        return None
    width = x.shape[-1]
    if x.ndim == 2 and gamma.shape == beta.shape == (width,) and 0 < width < WIDTH:
        return "narrower"
    of_the_model(x, gamma, beta)  # raises where it is no input for this model
    if apart(right, published, [x, gamma, beta]) >= ASKED:
        return None
    if not np.ptp(x, axis=1).any():
        return "equal-numbers"
    if not gamma.any():
        return "no-gain"
    if apart(right, published, [x, gamma, np.zeros(WIDTH)]) >= ASKED:
        return "under-a-large-beta"
    std = x.std(axis=1)
    smallest = std[np.ptp(x, axis=1) > 0].min()
    if smallest < 0.1:
        return "small-but-not-enough"
    if not np.allclose(np.abs(gamma), np.abs(gamma[0])):
        return "unusual-parameters"
    if np.abs(x.mean(axis=1)).min() > 10 * std.max():
        return "far-from-zero"
    return "large-numbers" if smallest > 10 else "ordinary-numbers"


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
    return x, [1] * 512, [0] * 512


def nearly_equal():
    x = np.full((2, 512), 1.0)
    x[:, ::2] += 1e-9
    return x, np.ones(512), np.zeros(512)


def in_torch():
    import torch

    x = 1e-4 * torch.sin(torch.arange(512.0)).repeat(2, 1)
    return x, torch.ones(512), torch.zeros(512)


EXERCISE = spotting(
    exposing_input,
    key="layer_norm.spot_the_bug",
    statement="An input on which a published layer norm gives something else than a "
    "right one.",
    section="layer-norm-mistakes",
    names=("x", "gamma", "beta"),
    case="right and wrong differ on your input",
    measure=separates(right, published, ASKED, of_the_model),
    kind=_kind,
    equivalents=(
        a_ramp_in_float32,
        one_quiet_row,
        one_number_that_differs,
        nearly_equal,
        in_torch,
    ),
)
