"""switchable_norm.spot_the_bug: an input on which a published mistake shows."""

import numpy as np

from normlib.check.exercise import Case, Exercise
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call
from normlib.check.separation import recognized_by


def exposing_input():
    """Gradients of the shares, and logits, for which only the third result is wrong."""
    return np.array([0.0, 3.0, 0.0]), np.zeros(3)


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
            raise Unusable(f"{name} should be finite, yours holds NaN or infinity")
    dshares, logits = (value.astype(np.float64) for value in outputs.values())
    with np.errstate(over="ignore", invalid="ignore"):
        pair = right(dshares, logits), published(dshares, logits)
        apart = np.abs(pair[0] - pair[1]) / (np.abs(pair).max() or 1.0)
    if not np.isfinite([*pair, apart]).all():
        raise Unusable("the gradients overflow: smaller numbers are enough")
    return *pair, apart


def separation(outputs):
    """Whether the two functions differ, which is all that is compared."""
    want, got, apart = _compared(outputs)
    if apart.max() < ASKED:
        raise Unusable(
            f"the right gradients are {_shown(want)}, the published function gives "
            f"{_shown(got)}: that is no difference to be seen"
        )
    return {"separated": np.array(1.0)}


def third_alone(outputs):
    """Whether the third of the gradients is wrong, and no other."""
    want, got, apart = _compared(outputs)
    if apart[:2].max() > NONE or apart[2] < ASKED:
        raise Unusable(
            "the third alone should come out wrong; the right gradients are "
            f"{_shown(want)}, the published function gives {_shown(got)}"
        )
    return {"separated": np.array(1.0)}


def _shown(values):
    return f"[{', '.join(f'{value:.3g}' for value in values)}]".replace("-", "−")


def no_arguments(rng):
    return {}


# Inputs that do not tell the two apart, or not as asked: how each is recognized.


def _kind(outputs):
    """The key of the reason why an input is not what was asked for.

    None where it is no input at all.
    """
    try:
        *_, apart = _compared(outputs)
    except Unusable:
        return None
    if apart.max() >= ASKED:
        return "second-wrong-too"
    dshares, logits = outputs.values()
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    size = np.abs(dshares).max()
    if size == 0:
        return "no-gradient"
    if shares.max() > 0.99:
        return "one-weight-of-1"
    seen = np.abs(dshares[:2]) > NONE * size
    if not seen.any():
        return "gradient-of-the-last"
    if shares[:2][seen].max() < ASKED:
        return "weight-of-0"
    return "put-back"


KINDS = (
    "second-wrong-too",
    "no-gradient",
    "gradient-of-the-last",
    "one-weight-of-1",
    "weight-of-0",
    "put-back",
)


# Inputs that do.


def first_gate_shut():
    return np.array([5.0, -2.0, 1.0]), np.array([-100.0, 0.3, -0.2])


def first_put_back():
    return np.array([1.0, 3.0, -4.0]), np.zeros(3)


def nothing_from_the_first():
    rng = np.random.default_rng(0)
    dshares, logits = rng.normal(size=3), rng.normal(size=3)
    dshares[0] = 0
    return dshares, logits


def small_and_in_float32():
    dshares = np.array([0, 2e-3, -1e-3], dtype=np.float32)
    return dshares, np.ones(3, dtype=np.float32)


EXERCISE = Exercise(
    key="switchable_norm.spot_the_bug",
    points=2,
    statement="An input for which a published gradient is wrong, in one place.",
    section="switchable-norm-mistakes",
    reference=exposing_input,
    answer=exposing_input,
    run=call("dshares", "logits"),
    cases=(
        Case("right and published differ", 0.5, no_arguments, measure=separation),
        Case("they differ in the third alone", 0.5, no_arguments, measure=third_alone),
    ),
    recognize=recognized_by(_kind, KINDS),
    equivalents=(
        first_gate_shut,
        first_put_back,
        nothing_from_the_first,
        small_and_in_float32,
    ),
)
