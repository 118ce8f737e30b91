"""batch_norm.inference: normalize with the running statistics, which are constants."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def batch_norm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return normlib.batch_norm(
        x, gamma, beta, running_mean, running_var, training=False, eps=eps
    )[0]


# Cases. The new data have another mean and spread than the running statistics:
# whoever computes statistics here is seen.


def by_hand(rng):
    return dict(
        x=np.array([[3.0, 8.0], [7.0, 2.0]]),
        running_mean=np.array([5.0, 2.0]),
        running_var=np.array([4.0, 9.0]),
        gamma=np.array([2.0, -1.0]),
        beta=np.array([0.0, 1.0]),
    )


def shifted_data(rng):
    x = np.linspace(-1.5, 1.5, 4)[:, None] + rng.uniform(-0.2, 0.2, (4, 3))
    x = rng.permuted(x, axis=0) * np.array([0.5, 2.0, 9.0])
    return dict(
        x=x + rng.uniform(3, 9, 3),
        running_mean=rng.uniform(-3, 2, 3),
        running_var=rng.uniform(0.5, 2, 3) * np.array([1, 9, 36]),
        gamma=rng.uniform(0.5, 3, 3) * np.array([1, -1, 1]),
        beta=rng.uniform(0.5, 2, 3),
    )


def one_row(rng):
    inputs = shifted_data(rng)
    return inputs | dict(x=inputs["x"][:1])


def a_large_eps(rng):
    return shifted_data(rng) | dict(running_var=rng.uniform(0.1, 0.5, 3), eps=0.3)


def a_variance_of_zero(rng):
    inputs = shifted_data(rng)
    x = inputs["running_mean"] + rng.uniform(0.005, 0.02, (4, 3))
    return inputs | dict(x=x, running_var=np.zeros(3))


# What people get wrong.


def batch_statistics(x, running_mean, running_var, gamma, beta, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return gamma * x_hat + beta


def batch_mean(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(running_var + eps) + beta


def batch_variance(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(x.var(axis=0) + eps) + beta


def updated_first(x, running_mean, running_var, gamma, beta, eps=1e-5):
    running_mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    running_var = 0.9 * running_var + 0.1 * x.var(axis=0)
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def correction_undone(x, running_mean, running_var, gamma, beta, eps=1e-5):
    n = len(x)
    var = running_var * (n - 1) / n
    return gamma * (x - running_mean) / np.sqrt(var + eps) + beta


def by_variance(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - running_mean) / (running_var + eps) + beta


def eps_outside(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - running_mean) / (np.sqrt(running_var) + eps) + beta


def no_eps(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var) + beta


def fixed_eps(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var + 1e-5) + beta


def no_affine(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return (x - running_mean) / np.sqrt(running_var + eps)


def swapped_affine(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return beta * (x - running_mean) / np.sqrt(running_var + eps) + gamma


def shifted_first(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return gamma * ((x - running_mean) / np.sqrt(running_var + eps) + beta)


def into_the_input(x, running_mean, running_var, gamma, beta, eps=1e-5):
    x -= running_mean
    x *= gamma / np.sqrt(running_var + eps)
    x += beta
    return x


# Right answers in other styles.


def folded(x, running_mean, running_var, gamma, beta, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return x * scale + (beta - running_mean * scale)


def with_loops(x, running_mean, running_var, gamma, beta, eps=1e-5):
    rows = []
    for row in x:
        columns = zip(row, running_mean, running_var, gamma, beta, strict=True)
        rows.append([g * (v - m) / (s + eps) ** 0.5 + b for v, m, s, g, b in columns])
    return rows


def with_a_matrix(x, running_mean, running_var, gamma, beta, eps=1e-5):
    scale = np.diag(gamma * (running_var + eps) ** -0.5)
    return (x - running_mean) @ scale + beta


def in_torch(x, running_mean, running_var, gamma, beta, eps=1e-5):
    import torch

    x, mean, var, gamma, beta = map(
        torch.tensor, (x, running_mean, running_var, gamma, beta)
    )
    return torch.addcmul(beta, x - mean, gamma * torch.rsqrt(var + eps))


def in_float32(x, running_mean, running_var, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32)
    y -= running_mean.astype(np.float32)
    y /= np.sqrt(running_var.astype(np.float32) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.inference",
    points=2,
    statement="Normalize with the running statistics, which are constants by now.",
    section="training-and-inference",
    reference=batch_norm_inference,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case("four rows, shifted from the running mean", 0.375, shifted_data),
        Case("one row alone", 0.125, one_row),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case("a running variance of zero", 0.125, a_variance_of_zero),
        Case("x is left as it was", 0.125, shifted_data, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the statistics of the batch itself",
            "At inference the answer for one sample must not depend on the others. "
            "Which of the arguments stand in for the batch's mean and variance?",
            batch_statistics,
        ),
        Misconception(
            "the batch's own mean, with the running variance",
            "Both statistics are constants at inference. Yours still subtracts what "
            "the other rows have in common.",
            batch_mean,
        ),
        Misconception(
            "the batch's own variance, with the running mean",
            "Both statistics are constants at inference. Yours still divides by the "
            "spread of these rows.",
            batch_variance,
        ),
        Misconception(
            "the running statistics updated with the new data first",
            "Learning is over: at inference the running statistics are read and no "
            "longer moved.",
            updated_first,
        ),
        Misconception(
            "the correction for bias undone",
            "The running variance is used as it was stored. The number of rows plays "
            "no part at inference.",
            correction_undone,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
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
            "A feature that was constant in training has a running variance near "
            "zero. What is divided by what then?",
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
            "What was learned stays in place at inference: each feature is still "
            "scaled and shifted.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "beta scaled along with the input",
            "beta is added after the scaling, as in training.",
            shifted_first,
        ),
        Misconception(
            "the result written into x",
            "x belongs to the caller, who may still need it.",
            into_the_input,
        ),
    ),
    equivalents=(folded, with_loops, with_a_matrix, in_torch, in_float32),
)
