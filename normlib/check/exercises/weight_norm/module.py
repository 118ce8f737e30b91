"""weight_norm.module: a linear layer that learns lengths and directions."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running import protocols


class WeightNormLinear(nn.Linear):
    # With the names of torch's older weight_norm, which warns that it will go.
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(torch.norm_except_dim(self.weight.detach()))
        del self.weight

    def forward(self, x):
        weight = torch._weight_norm(self.weight_v, self.weight_g)
        return nn.functional.linear(x, weight, self.bias)


# Cases. Lengths that differ tenfold, g of both signs and not at the length of v, a
# step so large that a weight which does not follow is far off.


def training(rng, n_in=5, n_out=3, length=1.0):
    v = rng.uniform(0.5, 1.5, (n_out, n_in)) * rng.choice([-1, 1], (n_out, n_in))
    v *= length * rng.permutation(np.geomspace(0.5, 5, n_out))[:, None]
    g = rng.uniform(1, 3, (n_out, 1)) * rng.permutation([1, -1, 1])[:, None]
    values = {"weight_v": v, "weight_g": g, "bias": rng.uniform(0.5, 2, n_out)}
    inputs = {
        "new": (n_in, n_out),
        "parameters": {name: a.astype(np.float32) for name, a in values.items()},
        "lr": 0.3,
    }
    for i in "123":
        x = rng.normal(1, 1, size=(4, n_in)).astype(np.float32)
        dy = 1 + rng.normal(size=(4, n_out)).astype(np.float32)
        inputs |= {f"x{i}": x, f"dy{i}": dy}
    return inputs


def as_many_outputs(rng):
    return training(rng, n_in=3)  # hides a weight or a norm along the wrong axis


def tiny(rng):
    return training(rng, length=1e-6)


def just_constructed(rng):
    return {"new": (5, 3)}


def start(state):
    """What a new layer has for sure; the numbers themselves are drawn at random."""
    found = {name: np.zeros_like(value) for name, value in state.items()}
    v, g = state.get("weight_v"), state.get("weight_g")
    if v is not None and g is not None and g.shape == (len(v), 1):
        ratio = g[:, 0] / np.sqrt((v**2).sum(axis=1))
        different = len(np.unique(v, axis=0))
        found["weight_g over the length of weight_v"] = ratio
        found["the number of different rows in weight_v"] = np.array(float(different))
    return found


def lengths_of_one(state):
    """The start at 1, whatever the directions are that were drawn."""
    return bool((state["weight_g"] == 1).all() and state["weight_v"].any())


def with_a_weight(outputs):
    """A ``weight`` in the state, whether a parameter or a buffer."""
    return {"weight", "weight_v"} <= outputs.keys()


# What people get wrong. The start is taken from nn.Linear.


class NormDetached(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True).detach()
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class ComputedInInit(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight
        norm = self.weight_v.norm(dim=1, keepdim=True)
        self.w = self.weight_g * self.weight_v / norm

    def forward(self, x):
        return x @ self.w.T + self.bias


class ComputedAtTheFirstCall(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight
        self.w = None

    def forward(self, x):
        if self.w is None:
            norm = self.weight_v.norm(dim=1, keepdim=True)
            self.w = self.weight_g * self.weight_v / norm
        return x @ self.w.T + self.bias


class NormOfTheFirstCall(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight
        self.norm = None

    def forward(self, x):
        if self.norm is None:
            self.norm = self.weight_v.detach().norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / self.norm).T + self.bias


class NormalizedInPlace(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        self.weight_v.data /= self.weight_v.data.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v).T + self.bias


class ShortenedInPlace(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        self.weight_v.data /= self.weight_v.data.norm(dim=1, keepdim=True)
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class WeightWithoutGradient(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        with torch.no_grad():
            norm = self.weight_v.norm(dim=1, keepdim=True)
            weight = self.weight_g * self.weight_v / norm
        return x @ weight.T + self.bias


class LengthNotLearned(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        length = self.weight.detach().norm(dim=1, keepdim=True)
        self.register_buffer("weight_g", length)
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class OneLength(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm())
        del self.weight

    def forward(self, x):
        weight = self.weight_g * self.weight_v / self.weight_v.norm()
        return x @ weight.T + self.bias


class OneNorm(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        weight = self.weight_g * self.weight_v / self.weight_v.norm()
        return x @ weight.T + self.bias


class OverOutputs(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=0)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class LengthForEachInput(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=0, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=0, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class NotTransposed(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm) + self.bias


class StoredTransposed(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        bound = in_features**-0.5
        v = torch.empty(in_features, out_features).uniform_(-bound, bound)
        self.weight_v = nn.Parameter(v)
        self.weight_g = nn.Parameter(v.norm(dim=0))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        norm = self.weight_v.norm(dim=0)
        return x @ (self.weight_g * self.weight_v / norm) + self.bias


class SquaredNorm(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = (self.weight_v**2).sum(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class EpsBesideTheNorm(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True) + 1e-5
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class RowsCentered(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        centered = self.weight_v - self.weight_v.mean(dim=1, keepdim=True)
        weight = self.weight_g * centered / centered.norm(dim=1, keepdim=True)
        return x @ weight.T + self.bias


class ExponentialOfG(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        length = self.weight.detach().norm(dim=1, keepdim=True)
        self.weight_g = nn.Parameter(length.log())
        del self.weight

    def forward(self, x):
        direction = self.weight_v / self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g.exp() * direction).T + self.bias


class DirectionOnly(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        direction = self.weight_v / self.weight_v.norm(dim=1, keepdim=True)
        return x @ direction.T + self.bias


class BiasScaled(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        direction = self.weight_v / self.weight_v.norm(dim=1, keepdim=True)
        return (x @ direction.T + self.bias) * self.weight_g.T


class BiasForgotten(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T


class NoBias(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features, bias=False)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T


class InputsNormalized(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        x_hat = x / x.norm(dim=1, keepdim=True)
        return x_hat @ (self.weight_g * self.weight_v / norm).T + self.bias


class OnlyInTraining(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1, keepdim=True))
        del self.weight

    def forward(self, x):
        weight = self.weight_v
        if self.training:
            weight = self.weight_g * weight / weight.norm(dim=1, keepdim=True)
        return x @ weight.T + self.bias


class LengthOfOne(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(torch.ones(out_features, 1))
        del self.weight

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class DirectionsOfZero(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight_v = nn.Parameter(torch.zeros(out_features, in_features))
        self.weight_g = nn.Parameter(torch.ones(out_features, 1))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class AllRowsAlike(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        v = torch.ones(out_features, in_features)
        self.weight_v = nn.Parameter(v)
        self.weight_g = nn.Parameter(v.norm(dim=1, keepdim=True))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


class FlatLengths(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.weight_v = self.weight
        self.weight_g = nn.Parameter(self.weight.detach().norm(dim=1))
        del self.weight

    def forward(self, x):
        direction = self.weight_v / self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g[:, None] * direction).T + self.bias


class NamesOfThePaper(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        bound = in_features**-0.5
        v = torch.empty(out_features, in_features).uniform_(-bound, bound)
        self.v = nn.Parameter(v)
        self.g = nn.Parameter(v.norm(dim=1, keepdim=True))
        self.b = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        norm = self.v.norm(dim=1, keepdim=True)
        return x @ (self.g * self.v / norm).T + self.b


class WeightKept(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        v = self.weight.detach().clone()
        self.weight_v = nn.Parameter(v)
        self.weight_g = nn.Parameter(v.norm(dim=1, keepdim=True))

    def forward(self, x):
        norm = self.weight_v.norm(dim=1, keepdim=True)
        return x @ (self.weight_g * self.weight_v / norm).T + self.bias


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


class WithNormalize(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        start = nn.Linear(in_features, out_features)
        self.bias = start.bias
        self.weight_v = nn.Parameter(start.weight.data)
        self.weight_g = nn.Parameter(start.weight.data.norm(2, 1, True))

    def forward(self, x):
        weight = self.weight_g * nn.functional.normalize(self.weight_v, dim=1)
        return torch.einsum("...i,oi->...o", x, weight) + self.bias


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
    reference=WeightNormLinear,
    run=protocols.train_output,
    cases=(
        Case(
            "a new layer's state_dict, and the start",
            4 / 20,
            just_constructed,
            run=protocols.fresh_state,
            measure=start,
        ),
        Case("the output", 4 / 20, training),
        Case("as many inputs as outputs", 1 / 20, as_many_outputs),
        Case(
            "the gradients of x, weight_v, weight_g and bias",
            4 / 20,
            training,
            run=protocols.train_step,
        ),
        Case(
            "on other data, after a step of gradient descent",
            4 / 20,
            training,
            run=protocols.after_an_update,
        ),
        Case("eval mode is no different", 2 / 20, training, run=protocols.inference),
        Case("the length of weight_v does not count, however small", 1 / 20, tiny),
    ),
    misconceptions=(
        Misconception(
            "the norm cut off from the gradient",
            "v reaches the weight also through its norm. Without that path the "
            "gradient of `weight_v` has a part along v, which does nothing but "
            "lengthen it.",
            NormDetached,
            section="weight-norm-backward",
        ),
        Misconception(
            "the weight computed once, in the constructor",
            "A step of the optimizer, or `load_state_dict`, changes `weight_v` and "
            "`weight_g`, and the weight has to follow: when is it computed?",
            ComputedInInit,
        ),
        Misconception(
            "the weight computed once, at the first call",
            "A step of the optimizer changes `weight_v` and `weight_g`, and the "
            "weight has to follow: when is it computed?",
            ComputedAtTheFirstCall,
        ),
        Misconception(
            "the norm computed once, at the first call",
            "Training makes v longer. The norm belongs to v as it is now, and is "
            "part of the graph.",
            NormOfTheFirstCall,
        ),
        Misconception(
            "weight_v itself brought to length 1",
            "Writing into a parameter's data goes around the gradient and around the "
            "optimizer. v keeps the length it has; the weight is computed from it.",
            NormalizedInPlace,
        ),
        Misconception(
            "weight_v shortened in every forward pass",
            "The output is right, and v is another one than the optimizer left "
            "behind. Its length counts: a long v turns slowly.",
            ShortenedInPlace,
        ),
        Misconception(
            "the weight computed under no_grad",
            "What has no gradient does not learn. The weight is part of the graph, "
            "with `weight_v` and `weight_g` at its beginning.",
            WeightWithoutGradient,
        ),
        Misconception(
            "lengths that are not learned",
            "A buffer is saved with the layer and never trained. g is a parameter "
            "as much as v is.",
            LengthNotLearned,
        ),
        Misconception(
            "one length for the whole layer",
            "Each output has a length of its own: `weight_g` has as many entries as "
            "there are outputs.",
            OneLength,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "one norm for the whole weight",
            "There is a length for each row of the weight, and so there is a norm for "
            "each row of v.",
            OneNorm,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "divided by the norm of each column",
            "A row of the weight belongs to an output, a column to an input. Whose "
            "length is in `weight_g`?",
            OverOutputs,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "a length for each input",
            "A row of the weight belongs to an output, a column to an input. The "
            "outputs have the lengths.",
            LengthForEachInput,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "the weight not transposed",
            "torch stores a weight as (out, in), a row for each output. Look at the "
            "shapes of the product with x.",
            NotTransposed,
        ),
        Misconception(
            "the weight stored as (in, out)",
            "torch stores a weight as (out, in). Stored otherwise, a saved model "
            "does not fit the official layer.",
            StoredTransposed,
        ),
        Misconception(
            "divided by the square of the norm",
            "Twice as long a v must give the same weight. With the sum of squares as "
            "the divisor it gives half of it.",
            SquaredNorm,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "an eps beside the norm",
            "A short v points somewhere as much as a long one does. With an eps in "
            "the divisor its length counts again.",
            EpsBesideTheNorm,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "the mean of each row subtracted first",
            "The weight is to point where v points. Subtracting something turns it.",
            RowsCentered,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "the logarithm of the length stored",
            "The paper considers it, and drops it. `weight_g` holds the length "
            "itself, which may become negative.",
            ExponentialOfG,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "weight_g not used",
            "All rows have length 1 now. The length is learned too: that is g.",
            DirectionOnly,
            section="weight-norm-algorithm",
        ),
        Misconception(
            "the bias multiplied by g",
            "g is the length of the weight. The bias is added after that.",
            BiasScaled,
        ),
        Misconception(
            "the bias not added",
            "The parameter is there, and nobody uses it.",
            BiasForgotten,
        ),
        Misconception(
            "no bias",
            "Weight norm changes how the weight is written. The layer is linear with "
            "a bias, as before.",
            NoBias,
        ),
        Misconception(
            "the input normalized as well",
            "Then the output is a cosine times g. Weight norm leaves the input as it "
            "is: that is why it does not care about the batch.",
            InputsNormalized,
        ),
        Misconception(
            "v as the weight in eval mode",
            "Weight norm has nothing to do with the mode. The weight is g times the "
            "direction of v, always.",
            OnlyInTraining,
        ),
        Misconception(
            "lengths that start at 1",
            "Then a layer that is put under weight norm computes something else than "
            "before. What is g for a row that is to stay as it is?",
            LengthOfOne,
            recognize=lengths_of_one,
        ),
        Misconception(
            "directions that start at zero",
            "A row of zeros has no direction, and zero divided by zero is NaN.",
            DirectionsOfZero,
        ),
        Misconception(
            "rows that start alike",
            "Outputs that start alike get like gradients and stay alike. The start "
            "is random.",
            AllRowsAlike,
        ),
        Misconception(
            "weight_g of shape (out,)",
            "torch stores one length for each row as a column, (out, 1). Otherwise a "
            "saved model does not fit the official layer.",
            FlatLengths,
        ),
        Misconception(
            "the paper's names for the parameters",
            "torch calls them `weight_g`, `weight_v` and `bias`. With other names a "
            "saved model cannot be loaded into the official layer.",
            NamesOfThePaper,
        ),
        Misconception(
            "a weight beside weight_g and weight_v",
            "The weight follows from the two others, anew in every forward pass. Kept "
            "as a third tensor it is saved for nothing, and may be out of date.",
            WeightKept,
            recognize=with_a_weight,
        ),
    ),
    equivalents=(FromScratch, OutputsScaled, WithNormalize, InDouble),
    symptoms=(
        (
            frozenset({"gradient of weight_v"}),
            "Only the gradient of `weight_v` is wrong. In each row it must be "
            "orthogonal to v: is the norm part of the graph?",
        ),
        (
            frozenset({"weight_g over the length of weight_v"}),
            "A new layer is to have the weight that v is: which g does that?",
        ),
    ),
)
