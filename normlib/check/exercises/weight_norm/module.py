"""weight_norm.module: a linear layer that learns lengths and directions."""

from functools import partial

import numpy as np
import torch
from torch import nn

from normlib.check.cases import in_half
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import (
    after_an_update,
    fresh_state,
    in_a_model,
    in_float64,
    inference,
    of_transposed_x,
    train_output,
    train_step,
)


class Reference(nn.Linear):
    # With the names of torch's older weight_norm, which warns that it will go.
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(torch.norm_except_dim(self.weight.detach()))
        del self.weight

    def forward(self, x):
        weight = torch._weight_norm(self.weight_v, self.weight_g)
        return nn.functional.linear(x, weight, self.bias)


class WeightNormLinear(nn.Module):
    """A linear layer whose weight has a direction and a length for each output."""

    def __init__(self, in_features, out_features):
        """The parameters weight_v, weight_g and bias."""
        super().__init__()
        start = nn.Linear(in_features, out_features)
        v = start.weight.detach().clone()
        self.weight_v = nn.Parameter(v)
        self.weight_g = nn.Parameter(v.norm(dim=1, keepdim=True))
        self.bias = nn.Parameter(start.bias.detach().clone())

    def forward(self, x):
        """The outputs, of shape (N, out), for x of shape (N, in)."""
        norm = self.weight_v.norm(dim=1, keepdim=True)
        weight = self.weight_g * self.weight_v / norm
        return x @ weight.T + self.bias


# Cases. Lengths that differ tenfold, g of both signs and not at the length of v, a
# step so large that a weight which does not follow is far off.


def training(rng, n=4, n_in=5, n_out=3, length=1.0, last=4):
    """Three batches of ``n`` samples, but ``last`` in the last, for eval mode."""
    v = rng.uniform(0.5, 1.5, (n_out, n_in)) * rng.choice([-1, 1], (n_out, n_in))
    v *= length * rng.permutation(np.geomspace(0.5, 5, n_out))[:, None]
    g = rng.uniform(1.5, 3, (n_out, 1)) * rng.permutation([1, -1, 1])[:, None]
    bias = rng.permutation(np.linspace(0, 2, n_out))
    values = {"weight_v": v, "weight_g": g, "bias": bias}
    inputs = {
        "new": (n_in, n_out),
        "parameters": {name: a.astype(np.float32) for name, a in values.items()},
        "lr": 0.3,
    }
    for i, size in zip("123", (n, n, last), strict=True):
        x = rng.normal(1, 1, size=(size, n_in)).astype(np.float32)
        dy = 1 + rng.normal(size=(size, n_out)).astype(np.float32)
        inputs |= {f"x{i}": x, f"dy{i}": dy}
    return inputs


def as_many_of_all(rng):
    inputs = training(rng, n=3, n_in=3)  # hides a weight or a norm along another axis
    inputs["parameters"]["weight_g"][1] = 0
    return inputs


def just_constructed(rng):
    return {"new": (5, 3)}


def start(state):
    """What is known of a new layer; the numbers themselves are drawn at random."""
    found = {name: np.zeros_like(value) for name, value in state.items()}
    v, g = state.get("weight_v"), state.get("weight_g")
    if v is not None and g is not None and g.shape == (len(v), 1):
        ratio = g[:, 0] / np.sqrt((v**2).sum(axis=1))
        different = len(np.unique(v, axis=0))
        found["weight_g over the length of weight_v"] = ratio
        found["the number of different rows in weight_v"] = np.array(float(different))
    return found


def lengths_of_one(state):
    """Lengths that start at 1, whatever the directions are that were drawn."""
    return bool((state["weight_g"] == 1).all() and state["weight_v"].any())


def with_a_weight(outputs):
    """A ``weight`` in the state, whether a parameter or a buffer."""
    return {"weight", "weight_v"} <= outputs.keys()


# Right answers in other styles.


class FromScratch(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        bound = 1 / in_features**0.5
        self.weight_v = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.uniform_(self.weight_v, -bound, bound)
        lengths = self.weight_v.detach().pow(2).sum(1).sqrt()
        self.weight_g = nn.Parameter(lengths.unsqueeze(1))
        self.bias = nn.Parameter(torch.zeros(out_features))

    @property
    def weight(self):
        length = self.weight_v.pow(2).sum(1, keepdim=True).sqrt()
        return self.weight_v * (self.weight_g / length)

    def forward(self, x):
        return nn.functional.linear(x, self.weight, self.bias)


class OutputsScaled(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight_v = nn.Parameter(0.05 * torch.randn(out_features, in_features))
        with torch.no_grad():
            self.weight_g = nn.Parameter(self.weight_v.norm(dim=1, keepdim=True))
        self.bias = nn.Parameter(torch.randn(out_features))

    def forward(self, x):
        scale = self.weight_g.squeeze(1) / torch.linalg.norm(self.weight_v, dim=1)
        return scale * (x @ self.weight_v.T) + self.bias


class InDouble(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        v = nn.init.kaiming_uniform_(torch.empty(out_features, in_features))
        self.weight_g = nn.Parameter(torch.linalg.vector_norm(v, dim=1, keepdim=True))
        self.weight_v = nn.Parameter(v)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        v, g, b = self.weight_v.double(), self.weight_g.double(), self.bias.double()
        rows = [g[i] * v[i] / torch.sqrt(v[i] @ v[i]) for i in range(len(v))]
        return (x.double() @ torch.stack(rows, dim=1) + b).to(x.dtype)


EXERCISE = Exercise(
    key="weight_norm.module",
    points=5,
    statement="A linear layer with a length and a direction for each output.",
    section="weight-norm-module",
    reference=Reference,
    answer=WeightNormLinear,
    run=train_output,
    cases=(
        Case(
            "a new layer's state_dict, and the start",
            4 / 20,
            just_constructed,
            run=fresh_state,
            measure=start,
        ),
        Case("the output", 3 / 20, training),
        Case("as many samples, inputs and outputs", 1 / 20, as_many_of_all),
        Case(
            "the gradients of x, weight_v, weight_g and bias",
            3 / 20,
            training,
            run=train_step,
        ),
        Case(
            "on other data, after a step of gradient descent",
            3 / 20,
            training,
            run=after_an_update,
        ),
        Case(
            "eval mode is no different, for a single sample",
            1 / 20,
            partial(training, last=1),
            run=inference,
        ),
        Case(
            "the length of weight_v does not count, however small",
            1 / 20,
            partial(training, n=1, length=1e-6),
        ),
        Case(
            "in a model that is copied, saved and changed",
            1 / 20,
            training,
            run=in_a_model,
        ),
        Case("a transposed x", 1 / 20, training, run=of_transposed_x),
        Case("in float64", 1 / 20, training, run=in_float64),
        in_half(1 / 20, training, tolerance=0.02),
    ),
    sections={
        "weight-norm-backward": ("norm-detached",),
        "weight-norm-algorithm": (
            "one-length",
            "one-norm",
            "norm-of-columns",
            "length-for-each-input",
            "squared-norm",
            "rows-centered",
            "exponential-of-g",
            "direction-only",
        ),
        "weight-norm-numerical-care": ("eps-beside-the-norm",),
    },
    recognize={"length-of-one": lengths_of_one, "weight-kept": with_a_weight},
    equivalents=(FromScratch, OutputsScaled, InDouble),
    symptoms={
        "gradient of weight_v": "Only the gradient of `weight_v` is wrong. In each row "
        "it must be orthogonal to v: is the norm part of the graph?",
        "weight_g over the length of weight_v": (
            "The first weight of a new layer should be v itself. Which g does that?"
        ),
    },
)
