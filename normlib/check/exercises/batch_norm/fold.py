"""batch_norm.fold: a convolution that does batch norm's work as well."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import alternating, any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(w, b, running_mean, running_var, gamma, beta, eps=1e-5):
    """Batch norm at inference, of the weights and of what an image of zeros gives."""

    def normalized(x, mean, shift):
        return normlib.batch_norm(
            x, gamma, shift, mean, running_var, training=False, eps=eps
        )[0]

    zero = np.zeros_like(beta)
    weights = normalized(np.moveaxis(w, 0, 1), zero, zero)
    return np.moveaxis(weights, 1, 0), normalized(b[None], running_mean, beta)[0]


def fold_batch_norm(w, b, running_mean, running_var, gamma, beta, eps=1e-5):
    """Weight and bias of one convolution that does what both layers do."""
    scale = gamma / np.sqrt(running_var + eps)
    folded_w = scale[:, None, None, None] * w
    folded_b = scale * (b - running_mean) + beta
    return folded_w, folded_b


# Cases. No factor is near 1, and no term of the bias is small.


def by_hand(rng):
    return dict(
        w=np.array([3.0, 1.0]).reshape(2, 1, 1, 1),
        b=np.array([1.0, 0.0]),
        running_mean=np.array([5.0, 2.0]),
        running_var=np.array([4.0, 9.0]),
        gamma=np.array([4.0, -3.0]),
        beta=np.array([0.0, 1.0]),
    )


def a_convolution(rng, shape=(4, 3, 3, 2)):
    out = shape[0]
    return dict(
        w=rng.normal(size=shape) + rng.choice([-1, 1], (out, 1, 1, 1)),
        b=rng.permutation(np.linspace(1, 4, out)),
        running_mean=rng.permutation(np.linspace(-2, -6, out)),
        running_var=rng.permutation(np.geomspace(4, 30, out)),
        gamma=alternating(rng, out, low=1.5),
        beta=rng.permutation(np.linspace(7, 9, out)),
    )


def all_sizes_equal(rng):
    return a_convolution(rng, (3, 3, 3, 3)) | dict(eps=0.0)


def small_variances(rng):
    inputs = a_convolution(rng)
    return inputs | dict(running_var=inputs["running_var"] * 1e-4)


def a_large_eps(rng):
    return a_convolution(rng) | dict(eps=3.0)


def zeros(rng):
    inputs = a_convolution(rng)
    inputs["gamma"][0] = inputs["beta"][1] = inputs["b"][2] = 0
    inputs["w"][3] = 0
    return inputs


def rounded(rng):
    return in_float32(a_convolution(rng, (1, 4, 2, 1)))


# Right answers in other styles.


def with_einsum(w, b, running_mean, running_var, gamma, beta, eps=1e-5):
    std = np.sqrt(running_var + eps)
    bias = gamma * b / std + (beta - gamma * running_mean / std)
    return np.einsum("oikl,o->oikl", w, gamma / std), bias


def output_by_output(w, b, running_mean, running_var, gamma, beta, eps=1e-5):
    weights, biases = [], []
    for i in range(len(w)):
        factor = gamma[i] / (running_var[i] + eps) ** 0.5
        weights.append(w[i] * factor)
        biases.append((b[i] - running_mean[i]) * factor + beta[i])
    return [weights, biases]


def in_torch(w, b, running_mean, running_var, gamma, beta, eps=1e-5):
    import torch

    arrays = (w, b, running_mean, running_var, gamma, beta)
    w, b, mean, var, gamma, beta = (torch.tensor(array.copy()) for array in arrays)
    scale = gamma * torch.rsqrt(var + eps)
    return w * scale.reshape(-1, 1, 1, 1), torch.addcmul(beta, b - mean, scale)


# A mistake in the bias need not cost the points of the weight, nor vice versa.
w_only = call("w", "b", only=("w",))
b_only = call("w", "b", only=("b",))

EXERCISE = Exercise(
    key="batch_norm.fold",
    points=3,
    statement="A convolution that alone gives what convolution and batch norm gave.",
    section="batch-norm-folding",
    reference=reference,
    answer=fold_batch_norm,
    run=call("w", "b"),
    axes=("output", "input", "row", "column"),
    cases=(
        Case("two outputs, by hand", 1 / 20, by_hand),
        Case("the weight of a convolution", 5 / 20, a_convolution, run=w_only),
        Case("the bias of a convolution", 5 / 20, a_convolution, run=b_only),
        Case("all four sizes equal, and an eps of 0", 2 / 20, all_sizes_equal),
        Case("small variances", 1 / 20, small_variances),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("zeros in w, b, gamma and beta", 1 / 20, zeros),
        Case("a single output, in float32", 1 / 20, rounded),
        any_memory(1 / 20, a_convolution, "w", "b"),
        second_call(1 / 20, partial(a_convolution, shape=(2, 5, 3, 3)), "w", "b"),
        Case("all arrays are left as they were", 1 / 20, a_convolution, intact=True),
    ),
    equivalents=(with_einsum, output_by_output, in_torch),
    symptoms={
        "w": "The bias is right and the weight is not. Ask what batch norm does to the "
        "difference of two outputs: that is what the weight decides.",
        "b": "The weight is right and the bias is not. Send an image of zeros through "
        "both layers: what comes out is the new bias.",
    },
)
