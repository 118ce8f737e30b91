"""choosing.spot_the_bug: an input on which a mistake of several libraries shows."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable


def exposing_input():
    """The rows on two devices, for which the published function goes wrong."""
    first = np.array([[4.0], [5.0], [6.0], [4.0], [5.0], [6.0]])
    second = np.array([[-15.0], [25.0]])
    return first, second


# The two functions: batch norm of a batch that lies on two devices.


def right(first, second, eps=1e-5):
    batch = np.concatenate([first, second])
    return (batch - batch.mean(axis=0)) / np.sqrt(batch.var(axis=0) + eps)


def published(first, second, eps=1e-5):
    means = np.stack([first.mean(axis=0), second.mean(axis=0)])
    variances = np.stack([first.var(axis=0), second.var(axis=0)])
    mean = means.mean(axis=0)
    var = (variances + (means - mean) ** 2).mean(axis=0)
    return (np.concatenate([first, second]) - mean) / np.sqrt(var + eps)


ASKED = 0.1  # a tenth of a standard deviation


def _same_mean(first, second):
    """Whether the means agree to a millionth of the standard deviation, or nearly."""
    apart = np.abs(first.mean(axis=0) - second.mean(axis=0))
    batch = np.concatenate([first, second])
    rounding = 1e-6 * np.abs(batch).max(axis=0)  # of float32
    return bool((apart <= 1e-6 * batch.std(axis=0) + rounding).all())


def separation(outputs):
    """Whether the two functions differ on the batch, which is all that is compared."""
    first, second = (outputs[n].astype(np.float64) for n in ("first", "second"))
    for name, rows in (("first", first), ("second", second)):
        if rows.ndim != 2 or not rows.size:
            raise Unusable(f"{name} should be (rows, D), yours has shape {rows.shape}")
        if rows.size > 100_000:
            raise Refused(f"{name} holds {rows.size} numbers; far fewer are enough")
        if not np.isfinite(rows).all() or np.abs(rows).max() > 1e6:
            raise Refused(f"{name} should hold finite numbers, none beyond a million")
    if first.shape[1] != second.shape[1]:
        raise Unusable(
            "both should have the same number of features, yours have "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    apart = np.abs(right(first, second) - published(first, second)).max()
    if apart < ASKED:
        raise Unusable(
            "right and wrong give nearly the same on it: they differ by at most "
            f"{apart:.2g}, and {ASKED:g} is asked for"
        )
    if not _same_mean(first, second):
        raise Unusable(
            "right and wrong differ on it, but the two devices should have the same "
            "mean in each feature"
        )
    return {"separated": np.array(1.0)}


# Inputs that do not tell the two apart: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why these shares are refused; None for others."""
    first, second = (outputs[n].astype(np.float64) for n in ("first", "second"))
    if first.ndim == 1 or second.ndim == 1:
        return "without-features"
    if not first.size or not second.size:
        return "an-empty-share"
    if len(first) == len(second):
        return "as-many-rows"
    batch = np.concatenate([first, second])
    if not np.ptp(batch, axis=0).any():
        return "all-equal"
    if np.abs(right(first, second) - published(first, second)).max() >= ASKED:
        return None if _same_mean(first, second) else "other-means"
    with np.errstate(all="ignore"):  # a feature that is constant, without eps
        if np.abs(right(first, second, 0) - published(first, second, 0)).max() > ASKED:
            return "below-eps"
        moments = np.stack([[s.mean(axis=0), s.std(axis=0)] for s in (first, second)])
        differences = (np.ptp(moments, axis=0) / batch.std(axis=0)).max()
    if differences < 1e-9:
        return "the-same-rows"
    return "one-distribution" if differences < 0.5 else "nearly-as-many-rows"


# Inputs that do.


def one_row_on_the_second():
    return np.arange(6).reshape(3, 2), [[2, 3]]


def other_deviations():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (40, 3)), rng.normal(0, 30, (10, 3))
    return first - first.mean(axis=0), second - second.mean(axis=0)


def twice_as_far():
    second = np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
    return [np.concatenate([2 * second, 2 * second, 2 * second]), second]


def in_torch():
    import torch

    return torch.tensor([[-1.0], [1.0]]), torch.zeros(9, 1)


EXERCISE = spotting(
    exposing_input,
    key="choosing.spot_the_bug",
    statement="A batch on two devices that have the same mean, on which the mistake of "
    "several libraries makes a difference.",
    section="choosing-mistakes",
    names=("first", "second"),
    case="right and wrong differ on your input, though the means agree",
    measure=separation,
    kind=_kind,
    equivalents=(one_row_on_the_second, other_deviations, twice_as_far, in_torch),
)
