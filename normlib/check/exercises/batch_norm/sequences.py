"""batch_norm.sequences: one mean per feature, over the batch and all time steps."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def batch_norm_1d(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x.swapaxes(1, 2), gamma, beta, eps=eps)[0].swapaxes(1, 2)


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; sequences and time steps differ in their mean, features in offset and spread.


def by_hand(rng):
    x = np.array([[[0.0, 10.0], [0.0, 30.0]], [[2.0, 10.0], [2.0, 30.0]]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def sequences(rng, n=2, length=5):
    sequence = rng.permutation(np.linspace(-1.5, 1.5, n)).reshape(n, 1, 1)
    step = rng.permutation(np.linspace(-1.5, 1.5, length)).reshape(1, length, 1)
    x = sequence + step + rng.uniform(-0.2, 0.2, (n, length, 3))
    x = np.array([1.0, 3.0, 9.0]) * x + rng.normal(0, 9, 3)
    gamma = rng.uniform(0.5, 3, 3) * np.array([1, -1, 1])
    return dict(x=x, gamma=gamma, beta=rng.uniform(0.5, 2, 3))


def equal_sizes(rng):
    return sequences(rng, n=3, length=3)


def one_sequence(rng):
    return sequences(rng, n=1)


def one_step(rng):
    return sequences(rng, n=5, length=1)


def a_large_eps(rng):
    inputs = sequences(rng)
    return inputs | dict(x=inputs["x"] * np.array([0.5, 0.1, 0.03]), eps=0.3)


def a_constant_feature(rng):
    inputs = sequences(rng)
    inputs["x"][..., 1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = sequences(rng, length=3)
    inputs["x"] += 1e4 - inputs["x"].mean(axis=(0, 1))
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def each_sequence(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def each_step(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


def over_features(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def channels_second(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=(0, 2), keepdims=True), x.var(axis=(0, 2), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None] * x_hat + beta[:, None]


def over_batch_and_features(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=(0, 2), keepdims=True), x.var(axis=(0, 2), keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def reshaped_only(x, gamma, beta, eps=1e-5):
    n, length, c = x.shape
    swapped = x.reshape(n, c, length)
    mean = swapped.mean(axis=(0, 2), keepdims=True)
    var = swapped.var(axis=(0, 2), keepdims=True)
    y = gamma[:, None] * (swapped - mean) / np.sqrt(var + eps) + beta[:, None]
    return y.reshape(n, length, c)


def left_transposed(x, gamma, beta, eps=1e-5):
    x = x.transpose(0, 2, 1)
    mean, var = x.mean(axis=(0, 2), keepdims=True), x.var(axis=(0, 2), keepdims=True)
    return gamma[:, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None]


def over_everything(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


def mean_of_variances(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=(0, 1)), x.var(axis=1).mean(axis=0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def unbiased(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=(0, 1)), x.var(axis=(0, 1), ddof=1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def eps_outside(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=(0, 1))) / (x.std(axis=(0, 1)) + eps) + beta


def no_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1)) + beta


def fixed_eps(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=(0, 1)), x.var(axis=(0, 1))
    return gamma * (x - mean) / np.sqrt(var + 1e-5) + beta


def no_affine(x, gamma, beta, eps=1e-5):
    return (x - x.mean(axis=(0, 1))) / np.sqrt(x.var(axis=(0, 1)) + eps)


def mean_of_squares(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=(0, 1))
    var = (x * x).mean(axis=(0, 1)) - mean * mean
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def into_the_input(x, gamma, beta, eps=1e-5):
    x -= x.mean(axis=(0, 1))
    x /= np.sqrt((x * x).mean(axis=(0, 1)) + eps)
    return gamma * x + beta


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    x_hat = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps)
    return (gamma * x_hat + beta).reshape(x.shape)


def with_loops(x, gamma, beta, eps=1e-5):
    n, length, c = x.shape
    y = np.empty((n, length, c))
    for k in range(c):
        values = [float(x[i, t, k]) for i in range(n) for t in range(length)]
        mean = sum(values) / len(values)
        var = sum((value - mean) ** 2 for value in values) / len(values)
        for i in range(n):
            for t in range(length):
                y[i, t, k] = gamma[k] * (x[i, t, k] - mean) / (var + eps) ** 0.5
                y[i, t, k] += beta[k]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    m = x.shape[0] * x.shape[1]
    centered = x - np.einsum("nlc->c", x) / m
    var = np.einsum("nlc,nlc->c", centered, centered) / m
    return np.einsum("nlc,c->nlc", centered, gamma * (var + eps) ** -0.5) + beta


def transposed_in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
    x = x.transpose(1, 2)
    var, mean = torch.var_mean(x, dim=(0, 2), correction=0, keepdim=True)
    y = gamma[:, None] * (x - mean) * torch.rsqrt(var + eps) + beta[:, None]
    return y.transpose(1, 2)


def in_float32(x, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32)
    y -= y.mean(axis=(0, 1), keepdims=True)
    y /= np.sqrt(np.square(y).mean(axis=(0, 1), keepdims=True) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.sequences",
    points=3,
    statement="Batch norm of sequences whose features stand on the last axis.",
    section="images-and-sequences",
    reference=batch_norm_1d,
    run=call("y"),
    cases=(
        Case("two sequences of two steps, by hand", 1 / 12, by_hand),
        Case("two sequences of five steps", 3 / 12, sequences),
        Case("all three sizes equal", 2 / 12, equal_sizes),
        Case("a single sequence", 1 / 12, one_sequence),
        Case("sequences of one step", 1 / 12, one_step),
        Case("a large eps counts as it should", 1 / 12, a_large_eps),
        Case("a constant feature becomes beta", 1 / 12, a_constant_feature),
        Case(
            "far from zero, in float32",
            1 / 12,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 12, sequences, intact=True),
    ),
    misconceptions=(
        Misconception(
            "statistics of each sequence by itself",
            "That is instance norm. Batch norm looks at a feature in all the "
            "sequences at once.",
            each_sequence,
        ),
        Misconception(
            "statistics of each time step, over the batch alone",
            "Then a later step would need statistics of its own. In batch norm all "
            "the steps of a feature share one mean.",
            each_step,
        ),
        Misconception(
            "statistics of each step, over its features",
            "That is layer norm. Batch norm never mixes features: the mean has one "
            "entry for each of them.",
            over_features,
        ),
        Misconception(
            "the time steps taken for the channels",
            "torch would expect (N, C, L), but here the sequences are (N, L, C). The "
            "features stand on the last axis.",
            channels_second,
        ),
        Misconception(
            "one mean per time step, over batch and features",
            "The axes to average over are those that are not the features. Which "
            "axis has to survive the mean?",
            over_batch_and_features,
        ),
        Misconception(
            "reshaped to (N, C, L) instead of transposed",
            "A reshape gives the array another shape and leaves the numbers in their "
            "order, so the rows you got mix features. Axes have to be exchanged.",
            reshaped_only,
        ),
        Misconception(
            "the result left as (N, C, L)",
            "The caller passed (N, L, C) and expects the same back.",
            left_transposed,
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Features have different scales, so each needs statistics of its own: "
            "the mean has one entry per feature.",
            over_everything,
        ),
        Misconception(
            "the mean of the sequences' variances",
            "Within a sequence the variance is taken around that sequence's mean. How "
            "far the sequences' means lie apart is lost.",
            mean_of_variances,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "Batch norm divides by the number of values, m = N · L, when it "
            "normalizes. The unbiased variance appears only in the running "
            "statistics.",
            unbiased,
            section="the-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
            section="the-algorithm",
        ),
        Misconception(
            "no eps",
            "A feature that is constant over the batch has variance zero. "
            "What is divided by what then?",
            no_eps,
            section="the-algorithm",
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
            section="the-algorithm",
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each feature is scaled and shifted, so that the "
            "network can restore any mean and spread.",
            no_affine,
            section="the-algorithm",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="numerical-care",
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x, not least for the backward pass.",
            into_the_input,
        ),
    ),
    equivalents=(as_rows, with_loops, with_einsum, transposed_in_torch, in_float32),
)
