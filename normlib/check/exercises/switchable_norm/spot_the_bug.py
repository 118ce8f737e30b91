"""switchable_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Refused, Unusable


def exposing_input():
    """Gradients of the shares, and logits: only the second result is wrong."""
    return np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, -100.0])


# The two functions: from the gradient of the shares to that of the logits.


def right(dshares, logits):
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return shares * (dshares - shares @ dshares)


def published(dshares, logits):
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    dlogits = shares
    for k in range(3):
        dlogits[k] = shares[k] * (dshares[k] - shares @ dshares)
    return dlogits


ASKED = 0.01  # of the largest gradient; less can be rounding
NONE = 0.001


def _compared(outputs):
    """Both functions' gradients, and how far apart they are at most."""
    for name, value in outputs.items():
        if value.shape != (3,):
            raise Unusable(f"{name} should have shape (3,), yours has {value.shape}")
        if not np.isfinite(value).all():
            raise Refused(f"{name} should be finite, yours holds NaN or infinity")
    dshares, logits = (value.astype(np.float64) for value in outputs.values())
    with np.errstate(over="ignore", invalid="ignore"):
        pair = right(dshares, logits), published(dshares, logits)
        apart = np.abs(pair[0] - pair[1]) / (np.abs(pair).max() or 1.0)
    if not np.isfinite([*pair, apart]).all():
        raise Refused("the gradients overflow: smaller numbers are enough")
    return *pair, apart


def second_alone(outputs):
    """Whether the second of the gradients is wrong, and no other."""
    want, got, apart = _compared(outputs)
    if apart[1] < ASKED or apart[[0, 2]].max() > NONE:
        raise Unusable(
            "the second alone should come out wrong; the right gradients are "
            f"{_shown(want)}, the published function gives {_shown(got)}"
        )
    return {"separated": np.array(1.0)}


def _shown(values):
    return f"[{', '.join(f'{value:.3g}' for value in values)}]".replace("-", "−")


# Inputs that do not tell the two apart, or not as asked: how each is recognized.


def _kind(outputs):
    """The key of the reason why an input is not what was asked for.

    None where it is no input at all.
    """
    try:
        *_, apart = _compared(outputs)
    except Unusable:
        return None
    if apart[2] > NONE:
        return "third-wrong-too" if apart[1] >= ASKED else "third-alone"
    dshares, logits = outputs.values()
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    size = np.abs(dshares).max()
    if size == 0:
        return "no-gradient"
    if shares.max() > 0.99:
        return "one-share-of-1"
    seen = np.abs(dshares[:2]) > NONE * size
    if not seen.any():
        return "gradient-of-the-last"
    if shares[:2][seen].max() < ASKED:
        return "share-of-0"
    return "put-back"


# Inputs that do.


def whole_numbers():
    return [3, 0, 0], [0, 0, -100]


def random_but_for_a_logit():
    rng = np.random.default_rng(0)
    dshares, logits = rng.normal(size=(2, 3))
    logits[2] -= 50
    return dshares, logits


def changes_that_cancel():
    return np.array([1, 3, 2]), np.zeros(3)


def in_torch():
    import torch

    return torch.tensor([5e-3, -2e-3, 1e-3]), torch.tensor([0.3, -0.2, -30.0])


EXERCISE = spotting(
    exposing_input,
    key="switchable_norm.spot_the_bug",
    statement="An input for which a published gradient is wrong, in one place.",
    section="switchable-norm-mistakes",
    names=("dshares", "logits"),
    case="the second gradient is wrong, and no other",
    measure=second_alone,
    kind=_kind,
    equivalents=(whole_numbers, random_but_for_a_logit, changes_that_cancel, in_torch),
)
