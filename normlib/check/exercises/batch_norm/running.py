"""batch_norm.running: follow the batches with a moving average."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def update_running_statistics(running_mean, running_var, x, momentum=0.1):
    one, zero = np.ones(x.shape[1]), np.zeros(x.shape[1])
    return normlib.batch_norm(
        x, one, zero, running_mean, running_var, momentum=momentum
    )[2:]


# Cases. Few rows, so that N and N − 1 are far apart; a momentum that is not its own
# complement; running statistics that are neither 0 and 1 nor those of the batch.


def by_hand(rng):
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(running_mean=np.zeros(2), running_var=np.ones(2), x=x)


def a_batch(rng, n=4):
    spread = np.array([0.5, 2.0, 4.0])
    x = np.linspace(-1.5, 1.5, n)[:, None] + rng.uniform(-0.2, 0.2, (n, 3))
    x = rng.permuted(x, axis=0) * spread + rng.uniform(3, 9, 3)
    return dict(
        running_mean=rng.uniform(-3, 2, 3),
        running_var=rng.uniform(15, 25, 3),
        x=x,
        momentum=0.3,
    )


def a_square_batch(rng):
    return a_batch(rng, n=3)  # N = D hides a lost axis


def all_new(rng):
    return a_batch(rng) | dict(momentum=1.0)


def far_from_zero(rng):
    inputs = a_batch(rng)
    x = 1e4 + inputs["x"] - inputs["x"].mean(axis=0)
    inputs |= dict(x=x / [1, 2, 4], running_var=np.ones(3))
    return {k: np.asarray(v, np.float32) for k, v in inputs.items()} | dict(
        momentum=0.3
    )


# What people get wrong.


def biased(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.var(axis=0)
    return mean, var


def reversed_momentum(running_mean, running_var, x, momentum=0.1):
    mean = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
    var = momentum * running_var + (1 - momentum) * x.var(axis=0, ddof=1)
    return mean, var


def biased_and_reversed(running_mean, running_var, x, momentum=0.1):
    mean = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
    var = momentum * running_var + (1 - momentum) * x.var(axis=0)
    return mean, var


def corrected_afterwards(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.var(axis=0)
    return mean, var * n / (n - 1)


def upside_down_correction(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.var(axis=0) * (n - 1) / n
    return mean, var


def last_batch_only(running_mean, running_var, x, momentum=0.1):
    return x.mean(axis=0), x.var(axis=0, ddof=1)


def without_decay(running_mean, running_var, x, momentum=0.1):
    mean = running_mean + momentum * x.mean(axis=0)
    var = running_var + momentum * x.var(axis=0, ddof=1)
    return mean, var


def fixed_momentum(running_mean, running_var, x, momentum=0.1):
    mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    var = 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)
    return mean, var


def standard_deviation(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.std(axis=0, ddof=1)
    return mean, var


def around_the_running_mean(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    batch_var = ((x - running_mean) ** 2).sum(axis=0) / (len(x) - 1)
    return mean, (1 - momentum) * running_var + momentum * batch_var


def over_features(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=1)
    var = (1 - momentum) * running_var + momentum * x.var(axis=1, ddof=1)
    return mean, var


def over_everything(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean()
    var = (1 - momentum) * running_var + momentum * x.var(ddof=1)
    return mean, var


def swapped(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    return var, mean


def mean_of_squares(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    batch_mean = x.mean(axis=0)
    batch_var = ((x * x).mean(axis=0) - batch_mean * batch_mean) * n / (n - 1)
    mean = (1 - momentum) * running_mean + momentum * batch_mean
    var = (1 - momentum) * running_var + momentum * batch_var
    return mean, var


def into_the_arguments(running_mean, running_var, x, momentum=0.1):
    running_mean *= 1 - momentum
    running_mean += momentum * x.mean(axis=0)
    running_var *= 1 - momentum
    running_var += momentum * x.var(axis=0, ddof=1)
    return running_mean, running_var


# Right answers in other styles.


def toward_the_batch(running_mean, running_var, x, momentum=0.1):
    n = x.shape[0]
    batch_mean = x.sum(axis=0) / n
    batch_var = np.square(x - batch_mean).sum(axis=0) / (n - 1)
    return (
        running_mean + momentum * (batch_mean - running_mean),
        running_var + momentum * (batch_var - running_var),
    )


def with_loops(running_mean, running_var, x, momentum=0.1):
    means, variances = [], []
    for d in range(x.shape[1]):
        column = [float(value) for value in x[:, d]]
        mean = sum(column) / len(column)
        var = sum((value - mean) ** 2 for value in column) / (len(column) - 1)
        means.append((1 - momentum) * running_mean[d] + momentum * mean)
        variances.append((1 - momentum) * running_var[d] + momentum * var)
    return [means, variances]


def with_einsum(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    batch_mean = np.einsum("nd->d", x) / n
    centered = x - batch_mean
    batch_var = np.einsum("nd,nd->d", centered, centered) / (n - 1)
    weights = np.array([1 - momentum, momentum])
    mean = weights @ np.stack([running_mean, batch_mean])
    var = weights @ np.stack([running_var, batch_var])
    return mean, var


def in_torch(running_mean, running_var, x, momentum=0.1):
    import torch

    running_mean, running_var, x = map(torch.tensor, (running_mean, running_var, x))
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
    reference=update_running_statistics,
    run=call("running_mean", "running_var"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case(
            "the running mean, four rows and momentum 0.3",
            0.25,
            a_batch,
            run=call("running_mean", "running_var", only=("running_mean",)),
        ),
        Case(
            "the running variance, four rows and momentum 0.3",
            0.125,
            a_batch,
            run=call("running_mean", "running_var", only=("running_var",)),
        ),
        Case("as many rows as features", 0.125, a_square_batch),
        Case("momentum 1 keeps the new batch alone", 0.125, all_new),
        Case("far from zero, in float32", 0.125, far_from_zero),
        Case("the arguments are left as they were", 0.125, a_batch, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the biased variance in the running average",
            "What is stored estimates the variance of all data, and a batch spreads a "
            "little less around its own mean than around the true one. The unbiased "
            "variance makes up for that.",
            biased,
        ),
        Misconception(
            "momentum the wrong way round",
            "Here, as in torch, momentum is the weight of the new batch. With 0.1 the "
            "old value keeps nine tenths. Other libraries mean the reverse.",
            reversed_momentum,
        ),
        Misconception(
            "momentum the wrong way round, and the biased variance",
            "momentum is the weight of the new batch. And the variance that is stored "
            "is the unbiased one.",
            biased_and_reversed,
        ),
        Misconception(
            "the old running variance corrected along with the new one",
            "Only the new batch's variance is still biased. What is stored was "
            "corrected when it came in; correcting it at every step inflates it.",
            corrected_afterwards,
        ),
        Misconception(
            "the correction for bias turned upside down",
            "The variance around a batch's own mean is too small. Does your "
            "correction make it larger?",
            upside_down_correction,
        ),
        Misconception(
            "the statistics of the last batch alone",
            "One batch is a noisy witness. A running statistic remembers the batches "
            "before, and each new one moves it only a little.",
            last_batch_only,
        ),
        Misconception(
            "the new batch added while the old value keeps its full weight",
            "The two weights of an average sum to 1. With yours, the statistics grow "
            "with every batch.",
            without_decay,
        ),
        Misconception(
            "a momentum of its own instead of the argument",
            "The caller chooses momentum; 0.1 is only its default.",
            fixed_momentum,
        ),
        Misconception(
            "the standard deviation averaged instead of the variance",
            "What is stored is a variance. The root is taken later, at inference, "
            "after eps is added.",
            standard_deviation,
        ),
        Misconception(
            "the batch's variance taken around the running mean",
            "A batch's variance is its spread around its own mean. The running mean "
            "only follows.",
            around_the_running_mean,
        ),
        Misconception(
            "statistics of each row, over its features",
            "Each feature has its own running mean, taken over the samples of the "
            "batch. Which axis counts the samples?",
            over_features,
            section="the-algorithm",
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Features have different scales, so each needs statistics of its own: "
            "the mean has one entry per feature.",
            over_everything,
            section="the-algorithm",
        ),
        Misconception(
            "mean and variance returned in the wrong order",
            "The result is the pair of running mean and running variance, in this "
            "order.",
            swapped,
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
            "the new statistics written into the arguments",
            "The caller passed the old statistics and may still need them. Return "
            "new arrays.",
            into_the_arguments,
        ),
    ),
    equivalents=(toward_the_batch, with_loops, with_einsum, in_torch, on_copies),
    symptoms=(
        (
            frozenset({"running_mean"}),
            "Only the running mean is wrong. Compare what you do to it with what you "
            "do to the variance.",
        ),
        (
            frozenset({"running_var"}),
            "The running mean is right, so momentum is. Look at the variance of the "
            "batch: around what is it taken, and by what is it divided?",
        ),
    ),
)
