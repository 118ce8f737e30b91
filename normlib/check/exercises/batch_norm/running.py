"""batch_norm.running: follow the batches with a moving average."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, far_away, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import negative, rows
from normlib.check.running.protocols import call


def reference(running_mean, running_var, x, momentum=0.1):
    one, zero = np.ones(x.shape[1]), np.zeros(x.shape[1])
    return normlib.batch_norm(
        x, one, zero, running_mean, running_var, momentum=momentum
    )[2:]


def update_running_statistics(running_mean, running_var, x, momentum=0.1):
    """Both statistics, of shape (D,), after one more batch x of shape (N, D)."""
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    return mean, var


# Cases. Few rows, so that N and N − 1 are far apart; a momentum that is not its own
# complement; running statistics that are neither 0 and 1 nor those of the batch.


def by_hand(rng):
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(running_mean=np.zeros(2), running_var=np.ones(2), x=x)


def a_batch(rng, n=4, d=3, momentum=0.3):
    return dict(
        running_mean=rng.uniform(-3, 2, d),
        running_var=rng.uniform(15, 25, d),
        x=rows(rng, n, d, low=0.5, high=4),
        momentum=momentum,
    )


def a_square_batch(rng):
    inputs = a_batch(rng, n=3)  # N = D hides a lost axis
    inputs["x"][:, 0] = 0
    return inputs


def all_new(rng):
    inputs = a_batch(rng, momentum=1.0)
    return inputs | dict(x=negative(inputs["x"]))


def far_from_zero(rng):
    inputs = a_batch(rng)
    x = 1e4 + inputs["x"] - inputs["x"].mean(axis=0)
    return in_float32(inputs | dict(x=x, running_var=np.ones(3)))


# Right answers in other styles.


def with_loops(running_mean, running_var, x, momentum=0.1):
    means, variances = [], []
    for d in range(x.shape[1]):
        column = [float(value) for value in x[:, d]]
        mean = sum(column) / len(column)
        var = sum((value - mean) ** 2 for value in column) / (len(column) - 1)
        means.append((1 - momentum) * running_mean[d] + momentum * mean)
        variances.append((1 - momentum) * running_var[d] + momentum * var)
    return [means, variances]


def in_torch(running_mean, running_var, x, momentum=0.1):
    import torch

    arrays = (running_mean, running_var, x)
    running_mean, running_var, x = (torch.tensor(a.copy()) for a in arrays)
    var, mean = torch.var_mean(x, dim=0)  # torch's default is the unbiased one
    return running_mean.lerp(mean, momentum), running_var.lerp(var, momentum)


def on_copies(running_mean, running_var, x, momentum=0.1):
    mean, var = running_mean.copy(), running_var.copy()
    mean -= momentum * (mean - x.mean(axis=0))
    var -= momentum * (var - np.var(x, axis=0, ddof=1))
    return mean, var


EXERCISE = Exercise(
    key="batch_norm.running",
    points=2,
    statement="Move the running mean and variance toward those of the new batch.",
    section="training-and-inference",
    reference=reference,
    answer=update_running_statistics,
    run=call("running_mean", "running_var"),
    cases=(
        Case("two rows, by hand", 2 / 16, by_hand),
        Case(
            "the running mean, four rows and momentum 0.3",
            3 / 16,
            a_batch,
            run=call("running_mean", "running_var", only=("running_mean",)),
        ),
        Case(
            "the running variance, four rows and momentum 0.3",
            2 / 16,
            a_batch,
            run=call("running_mean", "running_var", only=("running_var",)),
        ),
        Case("as many rows as features, one of zeros", 2 / 16, a_square_batch),
        Case("a single feature", 1 / 16, partial(a_batch, d=1)),
        Case("momentum 1 keeps the new batch alone", 2 / 16, all_new),
        second_call(
            1 / 16,
            partial(a_batch, momentum=0.0),
            "running_mean",
            "running_var",
            name="momentum 0 keeps the old values, in new arrays",
        ),
        far_away(1 / 16, far_from_zero, tolerance=1e-4),
        any_memory(1 / 16, partial(a_batch, d=5), "running_mean", "running_var"),
        Case("the arguments are left as they were", 1 / 16, a_batch, intact=True),
    ),
    sections={
        "the-algorithm": ("over-features", "over-everything"),
        "numerical-care": ("mean-of-squares",),
    },
    equivalents=(with_loops, in_torch, on_copies),
    symptoms={
        "running_mean": "Only the running mean is wrong. Compare what you do to it "
        "with what you do to the variance.",
        "running_var": "The running mean is right, so momentum is. Look at the "
        "variance of the batch: around what is it taken, and by what is it divided?",
    },
)
