"""architectures.spot_the_bug: bounded logits whose exponentials overflow anyway."""

import numpy as np

from normlib.check.exercises.spotting import spotting
from normlib.check.running.observing import Unusable
from normlib.check.separation import apart, separates


def exposing_input():
    """Arrays (q, k, gamma_q, gamma_k) on which the two softmaxes differ."""
    q = np.ones((2, 128))
    q[1] = -1
    gamma = np.full(128, 3.0)
    return q, q, gamma, gamma


# The two functions, in float32 as in the notebook.


def _logits(q, k, gamma_q, gamma_k, eps=1e-6):
    q, k, gamma_q, gamma_k = (a.astype(np.float32) for a in (q, k, gamma_q, gamma_k))
    q = gamma_q * q / np.sqrt((q**2).mean(axis=-1, keepdims=True) + eps)
    k = gamma_k * k / np.sqrt((k**2).mean(axis=-1, keepdims=True) + eps)
    return q @ k.T / np.sqrt(np.float32(q.shape[1]))


def right(*arrays):
    logits = _logits(*arrays)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def wrong(*arrays):
    weights = np.exp(_logits(*arrays))
    return weights / weights.sum(axis=1, keepdims=True)


ASKED = 0.1  # of the largest weight
FEATURES, GAMMA = 128, 3  # at most
OVERFLOW = np.log(float(np.finfo(np.float32).max))  # 88.7


def usable(q, k, gamma_q, gamma_k):
    if q.ndim != 2 or k.ndim != 2 or q.shape[1] != k.shape[1]:
        raise Unusable(
            "q and k should be (T, d) with the same d, yours have shapes "
            f"{q.shape} and {k.shape}"
        )
    d = q.shape[1]
    if d > FEATURES:
        raise Unusable(f"the model has at most {FEATURES} features, yours has {d}")
    for name, gamma in (("gamma_q", gamma_q), ("gamma_k", gamma_k)):
        if gamma.shape != (d,):
            raise Unusable(f"{name} should have shape ({d},), yours has {gamma.shape}")
        if np.abs(gamma).max() > GAMMA:
            raise Unusable(f"{name} should hold numbers from -{GAMMA} to {GAMMA}")
    if max(np.abs(q).max(), np.abs(k).max()) > 1e6:
        raise Unusable("q and k should hold magnitudes up to a million")


# Inputs that do not tell the two apart: how each kind is recognized.


def _kind(outputs):
    """The key of the reason why both give the same, or nearly; None where not."""
    arrays = [array.astype(np.float64) for array in outputs.values()]
    if not all(array.size and np.isfinite(array).all() for array in arrays):
        return None
    usable(*arrays)  # else they are refused for another reason
    if apart(right, wrong, arrays) >= ASKED:
        return None
    q, k, gamma_q, gamma_k = arrays
    if not q.any() or not k.any():
        return "zeros"
    d = q.shape[1]
    units = [
        z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12) for z in (q, k)
    ]
    cosines = units[0] @ units[1].T
    if np.abs(cosines).max() < 0.9:
        return "large-vectors" if np.abs(q).max() > 100 else "unlike-each-other"
    if np.abs(gamma_q * gamma_k).mean() * np.sqrt(FEATURES) < OVERFLOW:
        return "small-gammas"
    if d * GAMMA**4 < OVERFLOW**2:
        return "too-few-features"
    return "far-below-zero" if cosines.max() < 0.9 else "gammas-that-cancel"


# Inputs that do.


def one_pair_of_many():
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 20, 120))
    k[7] = q[3]
    gamma = np.full(120, 2.95)
    return q, k, gamma, gamma


def one_feature_counts():
    """Vectors that are 0 but for one feature, and gammas that are 0 elsewhere."""
    q = np.zeros((1, 128))
    gamma = np.zeros(128)
    q[0, 5], gamma[5] = -0.5, -3
    return q, q, gamma, gamma


def whole_numbers():
    return [[1] * 98], [[2] * 98, [-2] * 98], [3] * 98, [3] * 98


def opposite_twice():
    q = np.linspace(1, 2, 128).reshape(1, 128)
    return q, -q, np.full(128, 3.0), np.full(128, -3.0)


def in_torch():
    import torch

    q, gamma = torch.full((3, 128), 0.1), torch.full((128,), 3.0)
    return q, q, gamma, gamma


EXERCISE = spotting(
    exposing_input,
    key="architectures.spot_the_bug",
    statement="Queries and keys for which a softmax of bounded logits overflows.",
    section="architectures-qk-norm",
    names=("q", "k", "gamma_q", "gamma_k"),
    case="the two functions differ on your input",
    measure=separates(right, wrong, asked=ASKED, usable=usable),
    kind=_kind,
    equivalents=(
        one_pair_of_many,
        one_feature_counts,
        whole_numbers,
        opposite_twice,
        in_torch,
    ),
)
