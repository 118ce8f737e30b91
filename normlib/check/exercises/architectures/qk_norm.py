"""architectures.qk_norm: attention whose queries and keys are normalized."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, alternating, any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(q, k, v, gamma_q, gamma_k, eps=1e-6):
    q, _ = normlib.rms_norm(q, gamma_q, eps or NO_EPS)
    k, _ = normlib.rms_norm(k, gamma_k, eps or NO_EPS)
    logits = np.einsum("nhid,nhjd->nhij", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    return np.einsum("nhij,nhjd->nhid", weights, v)


def qk_norm_attention(q, k, v, gamma_q, gamma_k, eps=1e-6):
    """Attention with an RMS norm on queries and keys; q, k, v are (N, heads, T, d)."""
    q = gamma_q * q / np.sqrt((q**2).mean(axis=-1, keepdims=True) + eps)
    k = gamma_k * k / np.sqrt((k**2).mean(axis=-1, keepdims=True) + eps)
    logits = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v


# Cases. The queries and keys of different tokens, heads and samples have very different
# sizes, and neither mean is 0.


def by_hand(rng):
    q = np.array([[2.0, 2.0, 2.0, 2.0], [0.1, 0.1, -0.1, -0.1]])
    k = np.array([[5.0, 5.0, 5.0, 5.0], [3.0, 3.0, -3.0, -3.0]])
    v = np.array([[10.0, 0.0, 0.0, 1.0], [0.0, 10.0, 20.0, 1.0]])
    gammas = dict(gamma_q=np.ones(4), gamma_k=np.array([2.0, 1.0, 1.0, 0.0]))
    return dict(q=q[None, None], k=k[None, None], v=v[None, None], **gammas)


def heads(rng, shape=(2, 3, 4, 5), **others):
    *outer, d = shape

    def vectors():
        sizes = rng.permutation(np.geomspace(0.3, 30, int(np.prod(outer))))
        return (rng.normal(size=shape) + 0.4) * sizes.reshape(*outer, 1)

    return dict(
        q=vectors(),
        k=vectors(),
        v=rng.normal(size=shape) + 3 * rng.permuted(np.ones(shape).cumsum(2), axis=2),
        gamma_q=alternating(rng, d, 0.5, 2),
        gamma_k=rng.permutation(np.linspace(1, 2, d)),
        **others,
    )


def as_many_tokens_as_features(rng):
    return heads(rng, (3, 3, 3, 3))


def one_feature(rng):
    """The sign is all that a norm leaves of one feature, so the signs are not drawn."""
    inputs = heads(rng, (1, 2, 3, 1))
    for name, signs in (("q", [1, -1, 1]), ("k", [1, 1, -1])):
        inputs[name] = np.abs(inputs[name]) * np.reshape(signs, (3, 1))
    return inputs


def _of_size(inputs, size):
    """The same directions, each vector with a root mean square of ``size``."""
    for name in ("q", "k"):
        rms = np.sqrt((inputs[name] ** 2).mean(axis=-1, keepdims=True))
        inputs[name] = size * inputs[name] / rms
    return inputs


def small_vectors(rng):
    return _of_size(heads(rng), 1e-3)


def a_large_eps(rng):
    return _of_size(heads(rng), 1) | dict(eps=0.3)


def large_vectors(rng):
    return in_float32(_of_size(heads(rng), 1e4))


def large_gammas(rng):
    """So large that only differences of logits can be exponentiated."""
    inputs = _of_size(heads(rng), 100)
    inputs["q"][0, 0, 0] = inputs["k"][0, 0, :2] = 100  # logits above all others,
    inputs["k"][0, 0, 1, :2] += [8, -8]  # and close to each other
    inputs["q"][0, 1, 2] = 0  # and all logits of this query are 0
    inputs["k"][1, 0] = -inputs["q"][1, 0, 0]  # this query's are far below 0
    return inputs | dict(gamma_q=np.full(5, 20.0), gamma_k=np.full(5, 20.0))


def zeros(rng):
    inputs = _of_size(heads(rng), 1e-4)  # so small that another eps would count
    inputs["gamma_q"][1] = inputs["gamma_k"][3] = 0
    return inputs | dict(eps=0)


# Right answers in other styles.


def step_by_step(q, k, v, gamma_q, gamma_k, eps=1e-6):
    def normalized(z, gamma):
        rms = np.sqrt(np.square(z).sum(axis=3) / z.shape[3] + eps)
        return z / rms[..., np.newaxis] * gamma

    q, k = normalized(q, gamma_q), normalized(k, gamma_k)
    logits = np.matmul(q, np.transpose(k, (0, 1, 3, 2))) * q.shape[3] ** -0.5
    logits = logits - np.max(logits, axis=3, keepdims=True)
    exponentials = np.exp(logits)
    return exponentials @ v / exponentials.sum(axis=3, keepdims=True)


def one_gamma_for_both(q, k, v, gamma_q, gamma_k, eps=1e-6):
    """Only the product of the two gammas counts."""
    d = len(gamma_q)
    size_q = np.sqrt(np.einsum("...d,...d->...", q, q) / d + eps)
    size_k = np.sqrt(np.einsum("...d,...d->...", k, k) / d + eps)
    logits = np.einsum("nhid,nhjd,d->nhij", q, k, gamma_q * gamma_k)
    logits = logits / size_q[..., :, None] / size_k[..., None, :] / np.sqrt(d)
    weights = np.exp(logits - np.logaddexp.reduce(logits, axis=-1)[..., None])
    return np.einsum("nhij,nhjd->nhid", weights, v)


def in_torch(q, k, v, gamma_q, gamma_k, eps=1e-6):
    import torch

    q, k, v, gamma_q, gamma_k = (
        torch.tensor(np.array(a)) for a in (q, k, v, gamma_q, gamma_k)
    )
    q = q * torch.rsqrt(q.pow(2).mean(-1, keepdim=True) + eps) * gamma_q
    k = k * torch.rsqrt(k.pow(2).mean(-1, keepdim=True) + eps) * gamma_k
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v


def in_single_precision(q, k, v, gamma_q, gamma_k, eps=1e-6):
    q, k, gamma_q, gamma_k = (a.astype(np.float32) for a in (q, k, gamma_q, gamma_k))
    q = q / np.sqrt(np.mean(q * q, axis=-1, keepdims=True) + eps) * gamma_q
    k = k / np.sqrt(np.mean(k * k, axis=-1, keepdims=True) + eps) * gamma_k
    logits = np.einsum("abid,abjd->abij", q, k) / np.float32(q.shape[-1] ** 0.5)
    weights = np.exp(logits - logits.max(axis=-1)[..., np.newaxis])
    return weights / weights.sum(axis=-1)[..., np.newaxis] @ v.astype(np.float32)


EXERCISE = Exercise(
    key="architectures.qk_norm",
    points=3,
    statement="Attention with an RMS norm on its queries and on its keys.",
    section="architectures-qk-norm",
    reference=reference,
    answer=qk_norm_attention,
    run=call("y"),
    axes=("sample", "head", "token", "feature"),
    cases=(
        Case("two tokens of four features, by hand", 3 / 20, by_hand),
        Case("two samples of three heads, (2, 3, 4, 5)", 4 / 20, heads),
        Case("all sizes equal, (3, 3, 3, 3)", 2 / 20, as_many_tokens_as_features),
        Case("one head, (5, 1, 3, 6)", 1 / 20, partial(heads, shape=(5, 1, 3, 6))),
        Case("one feature, (1, 2, 3, 1)", 1 / 20, one_feature),
        Case("vectors so small that eps counts", 1 / 20, small_vectors),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("vectors of size 10,000, in float32", 1 / 20, large_vectors),
        Case("gammas of 20, and a query of zeros", 2 / 20, large_gammas),
        Case("zeros in the gammas, an eps of 0", 1 / 20, zeros),
        any_memory(1 / 20, heads, "y"),
        second_call(1 / 20, heads, "y"),
        Case("the arguments are left as they were", 1 / 20, heads, intact=True),
    ),
    equivalents=(step_by_step, one_gamma_for_both, in_torch, in_single_precision),
)
