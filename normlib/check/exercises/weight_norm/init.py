"""weight_norm.init: lengths and biases that standardize the outputs on one batch."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def data_dependent_init(x, v):
    return normlib.data_dependent_init(x, v)


# Cases. The outputs differ much in mean and spread, and so do the lengths of v.


def by_hand(rng):
    x = np.array([[5.0, 0.0], [5.0, 10.0]])
    return dict(x=x, v=np.array([[3.0, 4.0], [0.0, -2.0]]))


def a_batch(rng, n=5, d=3, out=4):
    # Evenly spread, jittered and shuffled: no output is nearly constant by chance.
    x = np.linspace(-1.5, 1.5, n)[:, None] + rng.uniform(-0.2, 0.2, (n, d))
    x = rng.permuted(x, axis=0) + np.linspace(2, 6, d)
    v = np.resize([[3.0, 1.0, -0.5], [0.5, 4.0, 1.0]], (out, d))
    v = v + rng.uniform(-0.3, 0.3, (out, d))
    return dict(x=x, v=v * rng.permutation(np.geomspace(0.2, 20, out))[:, None])


def as_many_of_all(rng):
    return a_batch(rng, 3, 3, 3)  # N = D = out hides a lost axis


def a_small_spread(rng):
    inputs = a_batch(rng)
    return inputs | dict(x=1e-3 * inputs["x"])


def a_constant_output(rng):
    inputs = a_batch(rng)
    inputs["x"][:, 1] = 3
    inputs["v"][2] = [0, 2, 0]  # looks at nothing else
    return inputs


def one_sample(rng):
    # Small whole numbers: one sample equals its own mean to the last digit.
    return dict(x=np.array([[2.0, 6.0]]), v=np.array([[0.0, 4.0], [-5.0, 0.0]]))


def far_from_zero(rng):
    inputs = a_batch(rng)
    v = np.abs(inputs["v"])  # no output comes near zero again
    return dict(x=(inputs["x"] + 1e4).astype(np.float32), v=v.astype(np.float32))


# What people get wrong.


def from_the_raw_product(x, v):
    t = x @ v.T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=0) / std


def bias_not_divided(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    return 1 / np.where(std > 0, std, 1), -t.mean(axis=0)


def bias_sign(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, t.mean(axis=0) / std


def no_bias(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, np.zeros(len(v))


def std_for_g(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return std, -t.mean(axis=0) / std


def by_variance(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    var = t.var(axis=0)
    var = np.where(var > 0, var, 1)
    return 1 / var, -t.mean(axis=0) / var


def unbiased(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0, ddof=1) if len(x) > 1 else np.zeros(len(v))
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=0) / std


def root_mean_square(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    rms = np.sqrt((t**2).mean(axis=0))
    return 1 / rms, -t.mean(axis=0) / rms


def of_each_sample(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=1)
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=1) / std


def of_all_outputs(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = np.full(len(v), t.std())
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean() / std


def keeps_the_weight(x, v):
    g = np.linalg.norm(v, axis=1)
    return g, -(x @ v.T).mean(axis=0)


def g_of_one(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    return np.ones(len(v)), -t.mean(axis=0)


def from_one_norm(x, v):
    t = x @ (v / np.linalg.norm(v)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=0) / std


def inputs_standardized(x, v):
    std = x.std(axis=0)
    x_hat = (x - x.mean(axis=0)) / np.where(std > 0, std, 1)
    t = x_hat @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=0) / std


def with_eps(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = np.sqrt(t.var(axis=0) + 1e-5)
    return 1 / std, -t.mean(axis=0) / std


def no_constant(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    return 1 / std, -t.mean(axis=0) / std


def constant_left_alone(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    varies = std > 0
    std = np.where(varies, std, 1)
    return 1 / std, -t.mean(axis=0) / std * varies


def constant_becomes_zero(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    g = (std > 0) / np.where(std > 0, std, 1)
    return g, -t.mean(axis=0) * g


def mean_of_squares(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    mean = t.mean(axis=0)
    var = np.abs((t * t).mean(axis=0) - mean * mean)
    std = np.sqrt(np.where(var > 0, var, 1))
    return 1 / std, -mean / std


def swapped(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return -t.mean(axis=0) / std, 1 / std


def as_a_column(x, v):
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std[:, None], -t.mean(axis=0) / std


def into_v(x, v):
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    t = x @ v.T
    std = t.std(axis=0)
    std = np.where(std > 0, std, 1)
    return 1 / std, -t.mean(axis=0) / std


# Right answers in other styles.


def undone_afterwards(x, v):
    t = x @ v.T
    mean, std = t.mean(axis=0), t.std(axis=0)
    length = np.sqrt((v**2).sum(axis=1))
    varies = std > 0
    g = np.ones(len(v))
    g[varies] = length[varies] / std[varies]
    return g, -mean / length * g


def output_by_output(x, v):
    g, b = [], []
    for row in v:
        length = sum(float(value) ** 2 for value in row) ** 0.5
        t = [float(sample @ (row / length)) for sample in x.astype(float)]
        mean = sum(t) / len(t)
        std = (sum((value - mean) ** 2 for value in t) / len(t)) ** 0.5
        g.append(1 / std if std else 1.0)
        b.append(-mean * g[-1])
    return g, b


def centered_inputs(x, v):
    direction = v / np.linalg.norm(v, axis=1, keepdims=True)
    mean = x.mean(axis=0, dtype=np.float64)
    spread = np.sqrt((((x - mean) @ direction.T) ** 2).mean(axis=0))
    g = np.divide(1, spread, out=np.ones(len(v)), where=spread > 1e-12)
    return g, -g * (direction @ mean)


def in_torch(x, v):
    import torch

    x, v = torch.from_numpy(x), torch.from_numpy(v)
    t = torch.nn.functional.linear(x, v / v.norm(dim=1, keepdim=True))
    std = t.std(dim=0, correction=0)
    g = torch.where(std > 0, 1 / std, 1)
    return g, -g * t.mean(dim=0)


def in_float32(x, v):
    x, v = x.astype(np.float32), v.astype(np.float32)
    t = x @ v.T / np.sqrt(np.square(v).sum(axis=1))
    t = t.T
    mean = t.mean(axis=1)
    std = np.sqrt(np.square(t - mean[:, None]).mean(axis=1))
    std[std < 1e-7] = 1
    return 1 / std, -mean / std


# A mistake in g need not cost the points of b, nor the other way round.
g_only = call("g", "b", only=("g",))
b_only = call("g", "b", only=("b",))

EXERCISE = Exercise(
    key="weight_norm.init",
    points=3,
    statement="Choose g and b so that the outputs on a batch are standardized.",
    section="weight-norm-initialization",
    reference=data_dependent_init,
    run=call("g", "b"),
    cases=(
        Case("two samples, by hand", 0.2, by_hand),
        Case("g on a batch of five", 0.15, a_batch, run=g_only),
        Case("b on a batch of five", 0.15, a_batch, run=b_only),
        Case("as many samples as inputs and outputs", 0.1, as_many_of_all),
        Case("outputs of small spread", 0.1, a_small_spread),
        Case("an output that is constant on the batch", 0.1, a_constant_output),
        Case("a single sample", 0.05, one_sample),
        Case(
            "far from zero, in float32",
            0.1,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x and v are left as they were", 0.05, a_batch, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the spread of x @ v.T, as if v were the weight",
            "Weight norm divides by the length of v before g comes into play, so g "
            "is to be measured with rows of length 1.",
            from_the_raw_product,
        ),
        Misconception(
            "the bias not divided by the standard deviation",
            "By the time b is added, the output has been multiplied by g, and so has "
            "its mean.",
            bias_not_divided,
        ),
        Misconception(
            "the bias with the wrong sign",
            "b is added, and is to bring the mean to 0.",
            bias_sign,
        ),
        Misconception(
            "no bias",
            "g takes care of the spread. Something has to take care of the mean.",
            no_bias,
        ),
        Misconception(
            "the standard deviation for g",
            "An output that spreads twice as much needs half of the length.",
            std_for_g,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of the output's unit. What has its unit?",
            by_variance,
        ),
        Misconception(
            "the unbiased variance, divided by N − 1",
            "These N outputs are to have variance 1 themselves. Nothing larger is "
            "estimated, so divide by N.",
            unbiased,
        ),
        Misconception(
            "the mean square for the variance",
            "The bias takes the mean away. What is left to be brought to 1 is the "
            "spread around it.",
            root_mean_square,
        ),
        Misconception(
            "statistics of each sample, over its outputs",
            "Each output has its own g and b, measured over the samples: which axis "
            "counts them?",
            of_each_sample,
        ),
        Misconception(
            "one standard deviation for all outputs",
            "Outputs differ in mean and spread, and each has a g and a b to itself.",
            of_all_outputs,
        ),
        Misconception(
            "the start that leaves the weight as it is",
            "With g at the length of v, w is v, and the outputs spread as they "
            "happen to. Here the data decide about g.",
            keeps_the_weight,
        ),
        Misconception(
            "g is 1",
            "Rows of length 1 do not give outputs of variance 1: that depends on the "
            "data. Measure it.",
            g_of_one,
        ),
        Misconception(
            "one norm for the whole of v",
            "Every row of v has a length of its own. Which one does weight norm "
            "divide by?",
            from_one_norm,
        ),
        Misconception(
            "the inputs standardized first",
            "The layer will get x as it is. What it makes of that is to be "
            "standardized.",
            inputs_standardized,
        ),
        Misconception(
            "an eps under the root",
            "The start is computed once and can be exact. An output of small spread "
            "needs all of its g; one that is constant is a case of its own.",
            with_eps,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "a constant output divided by its spread of 0",
            "No length gives it variance 1. One infinite weight, and the network "
            "answers NaN from the first step.",
            no_constant,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "a constant output that keeps its mean",
            "It has no spread, but it has a mean, which the bias can still bring to 0.",
            constant_left_alone,
        ),
        Misconception(
            "a constant output switched off",
            "With g at 0 the direction gets no gradient. The output is constant on "
            "this batch and may vary on the next; it keeps g = 1.",
            constant_becomes_zero,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32, far from zero, the two terms agree in all "
            "the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "g and b swapped",
            "The order is g, b. g is what cannot be negative here.",
            swapped,
        ),
        Misconception(
            "g as a column",
            "The numbers are right. g has one entry for each output, in shape (out,).",
            as_a_column,
        ),
        Misconception(
            "v brought to length 1 in place",
            "v is a parameter of the layer, and the caller's.",
            into_v,
        ),
    ),
    equivalents=(
        undone_afterwards,
        output_by_output,
        centered_inputs,
        in_torch,
        in_float32,
    ),
    symptoms=(
        (
            frozenset({"g"}),
            "The bias is right and g is not. The bias is the mean over the spread, "
            "in which the length of v cancels; in g it does not.",
        ),
        (
            frozenset({"b"}),
            "g is right. With it, what is the mean of an output before b is added?",
        ),
    ),
)
