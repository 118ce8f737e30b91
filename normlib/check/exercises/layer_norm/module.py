"""layer_norm.module: the layer itself, for a normalized_shape of one axis or more."""

from functools import partial

import numpy as np
import torch
from torch import nn

from normlib.check.cases import FAR, far_away, in_half
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.layer_norm.cases import factors, to_normalize
from normlib.check.running.protocols import (
    fresh_state,
    in_a_model,
    in_float64,
    inference,
    of_transposed_x,
    train_output,
    train_step,
)


class LayerNorm(nn.Module):
    """Layer norm over the last axes, which have the shape normalized_shape."""

    def __init__(self, normalized_shape, eps=1e-5):
        """Parameters of shape ``normalized_shape``, an integer or a tuple."""
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))

    def forward(self, x):
        """Normalize x; the same in training and at inference."""
        dims = tuple(range(-self.weight.dim(), 0))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight * x_hat + self.bias


# Cases. Samples differ much in mean and standard deviation, and weights have both
# signs. The data of eval mode (x3) differ from those of training: layer norm must not
# care.


def training(rng, shape=(2, 3, 5), new=(5, 0.3), smallest=0.3, contrast=100):
    """The standard deviation of a sample is ``smallest`` times 1 to ``contrast``."""
    normalized = new[0] if isinstance(new[0], tuple) else (new[0],)
    values = {
        "weight": factors(rng, normalized).astype(np.float32),
        "bias": rng.uniform(0.5, 2, normalized).astype(np.float32),
    }
    values["weight"].flat[1] = 0
    inputs = {"new": new, "parameters": values}
    for i in "123":
        x = smallest * to_normalize(rng, shape, len(normalized), contrast)
        inputs[f"x{i}"] = x.astype(np.float32)
        inputs[f"dy{i}"] = (1 + rng.normal(size=shape)).astype(np.float32)
    return inputs


def a_constant_token(rng):
    inputs = training(rng)
    inputs["x1"][0, 1] = 7.25
    return inputs


def one_sample_far_from_zero(rng):
    inputs = training(rng, shape=(1, 3, 5), new=(5,), smallest=1, contrast=9)
    x = inputs["x1"] - inputs["x1"].mean(axis=-1, keepdims=True)
    return inputs | dict(x1=x + np.float32(FAR))


def just_constructed(rng, normalized_shape=5):
    return {"new": (normalized_shape,)}


# Right answers in other styles.


class AsRows(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        single = isinstance(normalized_shape, int)
        self.shape = torch.Size([normalized_shape] if single else normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.shape))
        self.bias = nn.Parameter(torch.zeros(self.shape))

    def forward(self, x):
        rows = x.reshape(-1, self.shape.numel())
        centered = rows - rows.mean(1)[:, None]
        var = (centered**2).sum(1)[:, None] / self.shape.numel()
        x_hat = (centered * torch.rsqrt(var + self.eps)).reshape(x.shape)
        return x_hat * self.weight + self.bias


class InDouble(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(normalized_shape))
        self.bias = nn.Parameter(torch.empty(normalized_shape))
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        dims = tuple(range(-self.weight.dim(), 0))
        var, mean = torch.var_mean(x.double(), dims, correction=0, keepdim=True)
        x_hat = (x - mean) * (var + self.eps) ** -0.5
        return torch.addcmul(self.bias, self.weight, x_hat).to(x.dtype)


class BackwardByHand(nn.Module):
    class Standardize(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, dims, eps):
            x = x - x.mean(dims, keepdim=True)
            inv_std = torch.rsqrt((x * x).mean(dims, keepdim=True) + eps)
            ctx.save_for_backward(x * inv_std, inv_std)
            ctx.dims = dims
            return x * inv_std

        @staticmethod
        def backward(ctx, dy):
            x_hat, inv_std = ctx.saved_tensors
            along = (dy * x_hat).mean(ctx.dims, keepdim=True)
            dx = dy - dy.mean(ctx.dims, keepdim=True) - x_hat * along
            return dx * inv_std, None, None

    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))

    def forward(self, x):
        dims = list(range(-self.weight.ndim, 0))
        return self.weight * self.Standardize.apply(x, dims, self.eps) + self.bias


EXERCISE = Exercise(
    key="layer_norm.module",
    points=5,
    statement="The layer: its parameters, its output and its gradients.",
    section="layer-norm-module",
    reference=nn.LayerNorm,
    answer=LayerNorm,
    run=train_step,
    cases=(
        Case("a new module's state_dict", 2 / 20, just_constructed, run=fresh_state),
        Case(
            "the state_dict for a normalized_shape of two axes",
            2 / 20,
            partial(just_constructed, normalized_shape=(3, 4)),
            run=fresh_state,
        ),
        Case("the output for sequences of tokens", 3 / 20, training, run=train_output),
        Case("the gradients of x, weight and bias", 3 / 20, training),
        Case(
            "normalized over the two trailing axes",
            1 / 20,
            partial(training, shape=(2, 3, 4), new=((3, 4), 0.3)),
        ),
        Case(
            "output and gradient in eval mode, on other data",
            2 / 20,
            training,
            run=inference,
        ),
        Case(
            "eps left out",
            1 / 20,
            partial(training, new=(5,), smallest=0.001, contrast=9),
        ),
        Case("a token of equal numbers", 1 / 20, a_constant_token),
        far_away(
            1 / 20,
            one_sample_far_from_zero,
            name="one sample, far from zero",
            run=train_output,
        ),
        Case(
            "in a model that is copied, saved and changed",
            1 / 20,
            partial(training, shape=(1, 3, 5)),
            run=in_a_model,
        ),
        Case("a transposed x", 1 / 20, training, run=of_transposed_x),
        Case(
            "in float64, as many rows as features, eps of 0",
            1 / 20,
            partial(training, shape=(4, 4), new=(4, 0.0), smallest=1),
            run=in_float64,
        ),
        in_half(1 / 20, training, tolerance=0.02),
    ),
    sections={
        "layer-norm-idea": ("over-the-batch", "over-everything"),
        "layer-norm-algorithm": (
            "unbiased-variance",
            "all-but-the-first-axis",
            "last-axis-only",
            "second-axis",
            "mean-left-in",
            "times-the-deviation",
            "eps-outside",
            "no-eps",
            "fixed-eps",
            "no-parameters",
            "bias-scaled-too",
        ),
        "layer-norm-numerical-care": ("mean-of-squares",),
        "layer-norm-backward": (
            "statistics-without-gradient",
            "mean-without-gradient",
            "variance-without-gradient",
        ),
    },
    equivalents=(AsRows, InDouble, BackwardByHand),
    symptoms={
        "dx": "The output is right and the gradient of x isn't: something between them "
        "is cut off from the graph.",
        "weight": "Only the weight is wrong: which values does it start from, and in "
        "which shape?",
        "bias": "Only the bias is wrong: which values does it start from, and in which "
        "shape?",
        "weight and bias": "Only the parameters of a new layer are wrong: their names, "
        "their shapes or the values they start from.",
    },
)
