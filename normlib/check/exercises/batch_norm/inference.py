"""batch_norm.inference: normalize with the running statistics, which are constants."""

import numpy as np

import normlib
from normlib.check.cases import any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import affine, negative, rows
from normlib.check.running.protocols import call


def reference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return normlib.batch_norm(
        x, gamma, beta, running_mean, running_var, training=False, eps=eps
    )[0]


def batch_norm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    """Normalize each column of x, of shape (N, D), with the running statistics."""
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta


# Cases. The new data have another mean and standard deviation than the running
# statistics, so that an answer that computes statistics of its own differs.


def by_hand(rng):
    return dict(
        x=np.array([[3.0, 8.0], [7.0, 2.0]]),
        running_mean=np.array([5.0, 2.0]),
        running_var=np.array([4.0, 9.0]),
        gamma=np.array([2.0, -1.0]),
        beta=np.array([0.0, 1.0]),
    )


def shifted_data(rng, n=4, d=3):
    return dict(
        x=rows(rng, n, d, low=0.5),
        running_mean=rng.uniform(-3, 2, d),
        running_var=rng.uniform(0.5, 2, d) * np.geomspace(1, 36, d),
        **affine(rng, d),
    )


def one_row(rng):
    inputs = shifted_data(rng, n=1)
    inputs["x"][:, 0] = inputs["gamma"][1] = 0
    return inputs


def a_large_eps(rng):
    inputs = shifted_data(rng)
    x = negative(inputs["x"])
    return inputs | dict(x=x, running_var=rng.uniform(0.1, 0.5, 3), eps=0.3)


def one_feature_without_eps(rng):
    return shifted_data(rng, d=1) | dict(running_var=np.array([0.25]), eps=0.0)


def a_variance_of_zero(rng):
    inputs = shifted_data(rng)
    x = inputs["running_mean"] + rng.uniform(0.005, 0.02, (4, 3))
    return inputs | dict(x=x, running_var=np.zeros(3))


def in_float32_and_wide(rng):
    return in_float32(shifted_data(rng, n=3, d=5))


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


def in_torch(x, running_mean, running_var, gamma, beta, eps=1e-5):
    import torch

    arrays = (x, running_mean, running_var, gamma, beta)
    x, mean, var, gamma, beta = (torch.tensor(a.copy()) for a in arrays)
    return torch.addcmul(beta, x - mean, gamma * torch.rsqrt(var + eps))


def narrow(x, running_mean, running_var, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=np.float32)
    y -= running_mean.astype(np.float32)
    y /= np.sqrt(running_var.astype(np.float32) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="batch_norm.inference",
    points=2,
    statement="Normalize with the running statistics, which are constants by now.",
    section="training-and-inference",
    reference=reference,
    answer=batch_norm_inference,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 2 / 16, by_hand),
        Case("four rows, shifted from the running mean", 5 / 16, shifted_data),
        Case("one row alone, with a 0 in x and in gamma", 2 / 16, one_row),
        Case("a single feature, and an eps of 0", 1 / 16, one_feature_without_eps),
        Case("a large eps counts as it should", 2 / 16, a_large_eps),
        Case("a running variance of zero", 1 / 16, a_variance_of_zero),
        any_memory(1 / 16, in_float32_and_wide, "y"),
        second_call(1 / 16, shifted_data, "y"),
        Case("x is left as it was", 1 / 16, shifted_data, intact=True),
    ),
    sections={"the-algorithm": ("by-variance", "eps-outside", "no-eps", "fixed-eps")},
    equivalents=(folded, with_loops, in_torch, narrow),
)
