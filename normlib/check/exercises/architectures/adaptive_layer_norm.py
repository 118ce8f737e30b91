"""architectures.adaptive_layer_norm: shift, scale and gate that a condition decides."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    any_memory,
    far_from_zero,
    feature_maps,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, condition, w, b, eps=1e-6):
    x_hat = normlib.standardize(x, -1, eps or NO_EPS)
    N, D = len(x), x.shape[-1]
    shift, scale, gate = (condition @ w + b).reshape(N, 3, D).swapaxes(0, 1)
    return x_hat + np.einsum("ntd,nd->ntd", x_hat, scale) + shift[:, None], gate


def adaptive_layer_norm(x, condition, w, b, eps=1e-6):
    """Layer norm of x, (N, T, D), with shift and scale from a condition, (N, E)."""
    shift, scale, gate = np.split(condition @ w + b, 3, axis=-1)
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    y = x_hat * (1 + scale[:, np.newaxis]) + shift[:, np.newaxis]
    return y, gate


# Cases. Tokens and samples lie clearly apart, and so do the three parts of what is
# computed from the condition.


def by_hand(rng):
    return dict(
        x=np.array([[[1.0, 3.0]], [[40.0, 20.0]]]),
        condition=np.array([[1.0], [2.0]]),
        w=np.array([[0.0, 1.0, 1.0, 2.0, 0.0, 0.0]]),
        b=np.array([5.0, 0.0, 0.0, 0.0, 0.5, -1.0]),
    )


def tokens(rng, n=2, t=3, d=5, e=4, **others):
    parts = np.repeat([-2.0, 1.0, 3.0], d)
    return dict(
        x=feature_maps(rng, n, t, (d,), 9, channels_apart=4, samples_apart=20),
        condition=rng.permuted(np.arange(n * e) % 3 - 1.0).reshape(n, e)
        + rng.uniform(-0.4, 0.4, (n, e)),
        w=rng.uniform(0.2, 1, (e, 3 * d)) * rng.choice([-1, 1], (e, 3 * d)),
        b=parts + rng.uniform(-0.5, 0.5, 3 * d),
        **others,
    )


def one_feature(rng):
    inputs = tokens(rng, n=5, t=2, d=1, e=3)
    return inputs | dict(x=inputs["x"] - inputs["x"].max() - 1)  # below 0, all of it


def a_small_variance(rng):
    inputs = tokens(rng)
    spread = inputs["x"].std(axis=-1, keepdims=True)
    return inputs | dict(x=1e-3 * inputs["x"] / spread)


def a_large_eps(rng):
    inputs = tokens(rng)
    spread = inputs["x"].std(axis=-1, keepdims=True)
    return inputs | dict(x=inputs["x"] / spread, eps=0.3)


def a_constant_token(rng):
    inputs = tokens(rng)
    inputs["x"][0, 1], inputs["x"][1, 2] = 0, 4
    return inputs


def no_eps(rng):
    return a_small_variance(rng) | dict(eps=0)


def at_the_start(rng):
    """All of w and b is 0, as in a diffusion transformer before training."""
    inputs = tokens(rng)
    return inputs | dict(w=0 * inputs["w"], b=0 * inputs["b"])


# Right answers in other styles.


def with_einsum(x, condition, w, b, eps=1e-6):
    N, _, D = x.shape
    weights, biases = w.reshape(-1, 3, D), b.reshape(3, D)
    shift, scale, gate = np.einsum("ne,ekd->knd", condition, weights) + biases[:, None]
    mean = np.einsum("ntd->nt", x)[..., None] / D
    var = np.einsum("ntd,ntd->nt", x - mean, x - mean)[..., None] / D
    x_hat = (x - mean) * (var + eps) ** -0.5
    y = np.einsum("ntd,nd->ntd", x_hat, 1 + scale) + shift.reshape(N, 1, D)
    return [y, gate]


def tokens_first(x, condition, w, b, eps=1e-6):
    """With the axis of the tokens in front, shift and scale line up by themselves."""
    parts = np.array_split(b + condition @ w, 3, axis=1)
    z = np.moveaxis(x, 1, 0)
    z = (z - z.mean(-1)[..., None]) / np.sqrt(z.var(-1)[..., None] + eps)
    return np.moveaxis(parts[0] + z * (parts[1] + 1), 0, 1), parts[2].copy()


def in_torch(x, condition, w, b, eps=1e-6):
    import torch

    x, condition, w, b = (torch.tensor(np.array(a)) for a in (x, condition, w, b))
    shift, scale, gate = (condition @ w + b).chunk(3, dim=-1)
    var, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    x_hat = (x - mean) * torch.rsqrt(var + eps)
    return x_hat * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1), gate


EXERCISE = Exercise(
    key="architectures.adaptive_layer_norm",
    points=3,
    statement="A layer norm with shift, scale and gate that a condition decides.",
    section="architectures-diffusion",
    reference=reference,
    answer=adaptive_layer_norm,
    run=call("y", "gate"),
    axes=("sample", "token", "feature"),
    cases=(
        Case("two samples of one token, by hand", 3 / 20, by_hand),
        Case("two samples of three tokens", 4 / 20, tokens),
        Case(
            "as many samples as tokens and features",
            2 / 20,
            partial(tokens, n=4, t=4, d=4, e=4),
        ),
        Case("one token alone", 1 / 20, partial(tokens, n=1, t=1, d=6, e=2)),
        Case("one feature", 1 / 20, one_feature),
        Case("variances so small that eps counts", 1 / 20, a_small_variance),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("a token of zeros, and a constant one", 1 / 20, a_constant_token),
        Case("an eps of 0", 1 / 20, no_eps),
        Case("w and b all zero, as before training", 1 / 20, at_the_start),
        Case(
            "float32 values far from zero",
            1 / 20,
            lambda rng: far_from_zero(tokens(rng)),
            tolerance=1e-3,
        ),
        any_memory(1 / 20, tokens, "y", "gate"),
        second_call(1 / 20, tokens, "y", "gate"),
        Case("the arguments are left as they were", 1 / 20, tokens, intact=True),
    ),
    equivalents=(with_einsum, tokens_first, in_torch),
)
