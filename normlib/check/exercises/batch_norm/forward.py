"""batch_norm.forward: standardize each feature over the batch, scale and shift."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def batch_norm(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x, gamma, beta, eps=eps)[0]


# Cases. Few rows, features of very different offset and spread, gamma of both
# signs: what an average mistake leaves unchanged, these do not.


def by_hand(rng):
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def a_batch(rng):
    # Evenly spread, jittered and shuffled: no feature is nearly constant by chance.
    x = np.linspace(-1.5, 1.5, 5)[:, None] + rng.uniform(-0.2, 0.2, (5, 3))
    x = rng.permuted(x, axis=0) * np.array([0.3, 2.0, 30.0]) + rng.normal(0, 3, 3)
    sign = np.array([1, -1, 1])
    return dict(x=x, gamma=sign * rng.uniform(0.5, 3, 3), beta=rng.normal(size=3))


def a_square_batch(rng):
    inputs = a_batch(rng)
    return inputs | dict(x=inputs["x"][:3] * [10, 1, 1])  # N = D hides a lost axis


def a_large_eps(rng):
    inputs = a_batch(rng)
    x = inputs["x"] * np.array([1.0, 0.2, 0.02])
    return inputs | dict(x=x, eps=0.3)


def a_constant_feature(rng):
    inputs = a_batch(rng)
    inputs["x"][:, 1] = 7.25
    return inputs


def far_from_zero(rng):
    x = (1e4 + rng.normal(size=(6, 3))).astype(np.float32)
    return dict(
        x=x,
        gamma=np.array([0.5, -2.0, 3.0], np.float32),
        beta=rng.normal(size=3).astype(np.float32),
    )


# What people get wrong.


def over_features(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def over_everything(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


def unbiased(x, gamma, beta, eps=1e-5):
    var = x.var(axis=0, ddof=1)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(var + eps) + beta


def eps_outside(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / (np.sqrt(x.var(axis=0)) + eps) + beta


def no_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0)) + beta


def fixed_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5) + beta


def by_variance(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / (x.var(axis=0) + eps) + beta


def no_affine(x, gamma, beta, eps=1e-5):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def swapped_affine(x, gamma, beta, eps=1e-5):
    return beta * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + gamma


def shifted_first(x, gamma, beta, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return gamma * (x_hat + beta)


def mean_of_squares(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    var = (x * x).mean(axis=0) - mean * mean
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def into_the_input(x, gamma, beta, eps=1e-5):
    x -= x.mean(axis=0)
    x /= np.sqrt((x * x).mean(axis=0) + eps)
    return gamma * x + beta


# Right answers in other styles.


def step_by_step(x, gamma, beta, eps=1e-5):
    n = x.shape[0]
    mean = x.sum(axis=0) / n
    centered = x - mean
    var = (centered**2).sum(axis=0) / n
    return centered / np.sqrt(var + eps) * gamma + beta


def with_loops(x, gamma, beta, eps=1e-5):
    y = np.empty(x.shape)
    for d in range(x.shape[1]):
        column = [float(value) for value in x[:, d]]
        mean = sum(column) / len(column)
        var = sum((value - mean) ** 2 for value in column) / len(column)
        for n, value in enumerate(column):
            y[n, d] = gamma[d] * (value - mean) / (var + eps) ** 0.5 + beta[d]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    n = len(x)
    centered = x - np.einsum("nd->d", x)[None] / n
    inv_std = (np.einsum("nd,nd->d", centered, centered) / n + eps) ** -0.5
    return np.einsum("nd,d,d->nd", centered, inv_std, gamma) + beta


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.from_numpy, (x, gamma, beta))
    var, mean = torch.var_mean(x, dim=0, correction=0)
    return gamma * (x - mean) * torch.rsqrt(var + eps) + beta


def in_float32(x, gamma, beta, eps=1e-5):
    x = np.array(x, dtype=np.float32)
    x -= x.mean(axis=0)
    x /= np.sqrt(np.square(x).mean(axis=0) + np.float32(eps))
    return x * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.forward",
    points=4,
    statement="Standardize each feature over the batch, then scale and shift it.",
    section="the-algorithm",
    reference=batch_norm,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case("a batch of five", 0.25, a_batch),
        Case("as many rows as features", 0.125, a_square_batch),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case("a constant feature becomes beta", 0.125, a_constant_feature),
        Case(
            "far from zero, in float32",
            0.125,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 0.125, a_batch, intact=True),
    ),
    misconceptions=(
        Misconception(
            "statistics of each row, over its features",
            "That is layer norm. Batch norm compares a feature with the same "
            "feature of the other samples: which axis counts the samples?",
            over_features,
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Features have different scales, so each needs statistics of its own: "
            "the mean has one entry per feature.",
            over_everything,
        ),
        Misconception(
            "the unbiased variance, divided by N − 1",
            "Batch norm divides by N when it normalizes. The unbiased variance "
            "appears only in the running statistics.",
            unbiased,
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "A feature that is constant over the batch has variance zero. "
            "What is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each feature is scaled and shifted, so that the "
            "network can restore any mean and spread.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "beta scaled along with the input",
            "beta is the mean of the result: it is added after the scaling.",
            shifted_first,
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
    equivalents=(step_by_step, with_loops, with_einsum, in_torch, in_float32),
)
