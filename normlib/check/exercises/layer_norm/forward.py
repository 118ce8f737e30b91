"""layer_norm.forward: standardize each sample over its features, scale and shift."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, far_from_zero, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.layer_norm.cases import (
    factors,
    standardized,
    to_normalize,
)
from normlib.check.running.protocols import call


def reference(x, gamma, beta, eps=1e-5):
    return normlib.layer_norm(x, gamma, beta, eps=eps or NO_EPS)[0]


def layer_norm(x, gamma, beta, eps=1e-5):
    """Normalize each sample of x over its last axes, which have gamma's shape."""
    axes = tuple(range(-gamma.ndim, 0))
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta


# Cases. Samples differ in mean and standard deviation, and features in gamma and beta,
# so that an average over the wrong axis, or over one too many, gives other numbers.


def by_hand(rng):
    x = np.array([[1.0, 3.0], [40.0, 20.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]), eps=0.0)


def arrays(rng, shape=(3, 5), axes=1):
    normalized = shape[-axes:]
    return dict(
        x=to_normalize(rng, shape, axes, contrast=30),
        gamma=factors(rng, normalized),
        beta=rng.uniform(0.5, 2, normalized),
    )


def with_zeros(rng):
    """As many rows as features, a feature of zeros, and one whose gamma is 0."""
    inputs = arrays(rng, (4, 4))
    inputs["x"][:, 1] = inputs["gamma"][2] = 0
    return inputs


def one_negative_sample(rng):
    inputs = arrays(rng, (1, 6))
    return inputs | dict(x=-inputs["x"])


def a_large_eps(rng):
    inputs = arrays(rng)
    x = 2 + standardized(inputs["x"]) * np.array([[1.0], [0.3], [0.1]])
    return inputs | dict(x=x, eps=0.3)


def a_constant_sample(rng):
    inputs = arrays(rng)
    inputs["x"][1] = 7.25
    return inputs


def rows_far_from_zero(rng):
    inputs = arrays(rng)
    return far_from_zero(inputs | dict(x=standardized(inputs["x"])))


# Right answers in other styles.


def with_einsum(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, gamma.size)
    centered = rows - np.einsum("nd->n", rows)[:, None] / gamma.size
    var = np.einsum("nd,nd->n", centered, centered) / gamma.size
    y = np.einsum("nd,n,d->nd", centered, (var + eps) ** -0.5, gamma.ravel())
    return y.reshape(x.shape) + beta


def batch_norm_of_the_transpose(x, gamma, beta, eps=1e-5):
    columns = np.ascontiguousarray(x.reshape(-1, gamma.size).T)
    x_hat = (columns - columns.mean(axis=0)) / np.sqrt(columns.var(axis=0) + eps)
    return gamma * x_hat.T.reshape(x.shape) + beta


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = (torch.tensor(array.copy()) for array in (x, gamma, beta))
    axes = tuple(range(-gamma.ndim, 0))
    var, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
    return gamma * (x - mean) * torch.rsqrt(var + eps) + beta


def in_float32(x, gamma, beta, eps=1e-5):
    axes = tuple(range(-gamma.ndim, 0))
    y = np.array(x, dtype=np.float32)
    y -= y.mean(axis=axes, keepdims=True)
    y /= np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="layer_norm.forward",
    points=4,
    statement="Standardize each sample over its features, then scale and shift it.",
    section="layer-norm-algorithm",
    reference=reference,
    answer=layer_norm,
    run=call("y"),
    axes=(),  # any number of them
    cases=(
        Case("two rows, by hand", 1 / 16, by_hand),
        Case("three rows of five features", 2 / 16, arrays),
        Case("as many rows as features, and some zeros", 2 / 16, with_zeros),
        Case("a single feature", 1 / 16, partial(arrays, shape=(3, 1))),
        Case(
            "sequences of tokens, each token by itself",
            2 / 16,
            partial(arrays, shape=(2, 3, 5)),
        ),
        Case(
            "images, over all three trailing axes",
            2 / 16,
            partial(arrays, shape=(2, 3, 2, 4), axes=3),
        ),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("a constant sample becomes beta", 1 / 16, a_constant_sample),
        far_away(1 / 16, rows_far_from_zero),
        any_memory(1 / 16, partial(arrays, shape=(7, 4)), "y"),
        second_call(1 / 16, one_negative_sample, "y", name="one sample, in two calls"),
        Case("x is left as it was", 1 / 16, arrays, intact=True),
    ),
    sections={
        "layer-norm-idea": ("over-the-batch", "over-everything"),
        "layer-norm-numerical-care": ("mean-of-squares",),
    },
    equivalents=(with_einsum, batch_norm_of_the_transpose, in_torch, in_float32),
)
