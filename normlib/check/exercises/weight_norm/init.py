"""weight_norm.init: lengths and biases that standardize the outputs on one batch."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, far_away, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, v):
    return normlib.data_dependent_init(x, v)


def data_dependent_init(x, v):
    """Length g and bias b for each output; x is (N, D), v is (out, D)."""
    direction = v / np.sqrt((v**2).sum(axis=1, keepdims=True))
    t = x @ direction.T
    std = t.std(axis=0)
    scale = np.where(std > 0, std, 1)
    return 1 / scale, -t.mean(axis=0) / scale


# Cases. The outputs differ much in mean and variance, and so do the lengths of v.


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
    inputs = a_batch(rng, 3, 3, 3)  # N = D = out hides a lost axis
    return inputs | dict(x=-inputs["x"])  # below 0, all of it


def a_small_variance(rng):
    inputs = a_batch(rng)
    inputs["x"] *= 1e-3, 0, 1e-3  # one feature of zeros
    return inputs


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
    v = np.abs(inputs["v"])  # no output comes near zero again, no deviation near 1
    return dict(x=(0.3 * inputs["x"] + 1e4).astype("f4"), v=v.astype("f4"))


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


def in_torch(x, v):
    import torch

    x, v = torch.tensor(x.copy()), torch.tensor(v.copy())
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


# A mistake in g need not cost the points of b, nor vice versa.
g_only = call("g", "b", only=("g",))
b_only = call("g", "b", only=("b",))

EXERCISE = Exercise(
    key="weight_norm.init",
    points=3,
    statement="Choose g and b so that the outputs on a batch are standardized.",
    section="weight-norm-initialization",
    reference=reference,
    answer=data_dependent_init,
    run=call("g", "b"),
    cases=(
        Case("two samples, by hand", 2 / 20, by_hand),
        Case("g on a batch of five", 3 / 20, a_batch, run=g_only),
        Case("b on a batch of five", 3 / 20, a_batch, run=b_only),
        Case("as many samples as inputs and outputs", 2 / 20, as_many_of_all),
        Case("outputs of small variance", 2 / 20, a_small_variance),
        Case("an output that is constant on the batch", 2 / 20, a_constant_output),
        Case("a single sample", 1 / 20, one_sample),
        Case("a single input feature", 1 / 20, partial(a_batch, d=1)),
        far_away(1 / 20, far_from_zero),
        any_memory(1 / 20, a_batch, "g", "b"),
        second_call(1 / 20, a_batch, "g", "b"),
        Case("x and v are left as they were", 1 / 20, a_batch, intact=True),
    ),
    sections={
        "weight-norm-numerical-care": ("with-eps", "divided-by-zero", "mean-of-squares")
    },
    equivalents=(undone_afterwards, output_by_output, in_torch, in_float32),
    symptoms={
        "g": "The bias is right and g is not. The bias is a mean over a standard "
        "deviation, so the length of v cancels in it. In g it doesn't cancel.",
        "b": "g is right. With it, what is the mean of an output before b is added?",
    },
)
