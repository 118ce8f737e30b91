"""batch_norm.statistics_gradients: what reaches the mean and the variance."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, any_memory, far_away, far_from_zero, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import negative, rows
from normlib.check.running.protocols import call


def reference(dx_hat, x, eps=1e-5):
    """At inference beta shifts x_hat, and gamma scales it, as the statistics do."""
    mean, var = x.mean(axis=0, dtype=np.float64), x.var(axis=0, dtype=np.float64)
    inv_std = 1 / np.sqrt(var + (eps or NO_EPS))
    x_hat = (x - mean) * inv_std
    one, zero = np.ones_like(mean), np.zeros_like(mean)
    _, cache, _, _ = normlib.batch_norm(
        x_hat, one, zero, zero, one, training=False, eps=0
    )
    _, dgamma, dbeta = normlib.batch_norm_backward(dx_hat, cache)
    # A mean that grows by t shifts x_hat by -t / std. A variance that grows by t
    # scales it by 1 - t / (2 (var + eps)).
    return -dbeta * inv_std, -dgamma * inv_std**2 / 2


def statistics_gradients(dx_hat, x, eps=1e-5):
    """Gradients for the mean and the variance; dx_hat and x have shape (N, D)."""
    centered = x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dmean = -inv_std * dx_hat.sum(axis=0)
    dvar = -0.5 * inv_std**3 * (dx_hat * centered).sum(axis=0)
    return dmean, dvar


# Cases. The standard deviations are far from 1, where powers of it are all alike.


def by_hand(rng):
    return dict(
        dx_hat=np.array([[2.0], [0.0], [0.0], [-4.0]]),
        x=np.array([[1.0], [1.0], [5.0], [5.0]]),
    )


def a_batch(rng, n=5, d=3):
    """With gradients whose sums, and whose products with x, are far from 0."""
    x = rows(rng, n, d, low=2, high=6)
    along = (x - x.mean(axis=0)) / (x.std(axis=0) + 0.1)
    lead = rng.uniform(1, 2, d) * np.resize([1, -1, 1], d)
    dx_hat = lead * (1 + 0.7 * along) + rng.uniform(-0.3, 0.3, (n, d))
    return dict(dx_hat=dx_hat, x=x)


def a_square_batch(rng):
    inputs = a_batch(rng, d=5)  # N = D hides a lost axis
    return inputs | dict(x=negative(inputs["x"]), eps=0.0)


def a_small_variance(rng):
    inputs = a_batch(rng)
    return inputs | dict(x=inputs["x"] * 0.01)


def a_large_eps(rng, n=5):
    return a_batch(rng, n) | dict(eps=3.0)


def equal_rows(rng):
    inputs = a_batch(rng)
    inputs["x"][:] = [7.25, 0, 0.5]
    return inputs


def distant(rng):
    inputs = a_batch(rng)
    return far_from_zero(inputs | dict(x=0.5 * inputs["x"]))


# Right answers in other styles.


def feature_by_feature(dx_hat, x, eps=1e-5):
    dmean, dvar = [], []
    for upstream, column in zip(dx_hat.T, x.T, strict=True):
        n = len(column)
        mean = sum(column.astype(float)) / n
        centered = column - mean
        variance = centered @ centered / n + eps
        dmean.append(-upstream.sum() / variance**0.5)
        dvar.append(-(upstream @ centered) / 2 / variance**1.5)
    return dmean, dvar


def the_variance_moves_too(dx_hat, x, eps=1e-5):
    """The mean's own effect on the variance is 0, so it may be written down."""
    n = len(x)
    centered = x - x.mean(axis=0, dtype=np.float64)
    variance = (centered**2).mean(axis=0) + eps
    dvar = -0.5 * np.einsum("nd,nd->d", dx_hat, centered) * variance**-1.5
    dmean = -dx_hat.sum(axis=0) * variance**-0.5
    return dmean + dvar * -2 * centered.sum(axis=0) / n, dvar


def in_torch(dx_hat, x, eps=1e-5):
    import torch

    dx_hat, x = torch.tensor(dx_hat.copy()), torch.tensor(x.copy())
    var, mean = (t.detach() for t in torch.var_mean(x, dim=0, correction=0))
    mean.requires_grad_(), var.requires_grad_()
    x_hat = (x - mean) * torch.rsqrt(var + eps)
    return torch.autograd.grad(x_hat, (mean, var), dx_hat)


# A mistake in one of them need not cost the points of the other.
dmean_only = call("dmean", "dvar", only=("dmean",))
dvar_only = call("dmean", "dvar", only=("dvar",))

EXERCISE = Exercise(
    key="batch_norm.statistics_gradients",
    points=3,
    statement="The gradients of the loss with respect to the mean and the variance.",
    section="the-backward-pass",
    reference=reference,
    answer=statistics_gradients,
    run=call("dmean", "dvar"),
    cases=(
        Case("four samples, by hand", 2 / 20, by_hand),
        Case("dmean of five samples", 3 / 20, a_batch, run=dmean_only),
        Case("dvar of five samples", 4 / 20, a_batch, run=dvar_only),
        Case("as many samples as features, and an eps of 0", 2 / 20, a_square_batch),
        Case("features of small variance", 1 / 20, a_small_variance),
        Case("a large eps counts as it should", 2 / 20, a_large_eps),
        Case("a single sample", 1 / 20, partial(a_batch, n=1, d=4), run=dmean_only),
        Case("two samples of one feature", 1 / 20, partial(a_batch, n=2, d=1)),
        Case("a batch of equal rows", 1 / 20, equal_rows),
        far_away(1 / 20, distant, alone=""),
        any_memory(1 / 40, a_batch, "dmean", "dvar"),
        second_call(1 / 40, a_batch, "dmean", "dvar"),
        Case("dx_hat and x are left as they were", 1 / 20, a_batch, intact=True),
    ),
    sections={"numerical-care": ("mean-of-squares",)},
    equivalents=(feature_by_feature, the_variance_moves_too, in_torch),
    symptoms={
        "dmean": "Only dmean is wrong. Ask how every x_hat changes when the mean grows "
        "by a little and the variance stays.",
        "dvar": "Only dvar is wrong. Write x_hat as (x − mean) times a power of the "
        "variance plus eps, and differentiate that power.",
    },
)
