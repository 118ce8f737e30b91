"""batch_norm.inference: normalize with the running statistics, which are constants."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    return normlib.batch_norm(
        x, gamma, beta, running_mean, running_var, training=False, eps=eps
    )[0]


def batch_norm_inference(x, running_mean, running_var, gamma, beta, eps=1e-5):
    """Normalize each column of x, of shape (N, D), with the running statistics."""
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta


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
    reference=reference,
    answer=batch_norm_inference,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case("four rows, shifted from the running mean", 0.375, shifted_data),
        Case("one row alone", 0.125, one_row),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case("a running variance of zero", 0.125, a_variance_of_zero),
        Case("x is left as it was", 0.125, shifted_data, intact=True),
    ),
    sections={"the-algorithm": ("by-variance", "eps-outside", "no-eps", "fixed-eps")},
    equivalents=(folded, with_loops, with_a_matrix, in_torch, in_float32),
)
