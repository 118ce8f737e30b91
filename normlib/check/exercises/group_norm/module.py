"""group_norm.module: the layer itself, the same in training and in eval mode."""

from functools import partial

import numpy as np
import torch
from torch import nn

from normlib.check.cases import far_away, in_half
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.group_norm.protocols import refused_construction
from normlib.check.running.protocols import (
    fresh_state,
    in_a_model,
    in_float64,
    inference,
    of_transposed_x,
    train_output,
    train_step,
)


class GroupNorm(nn.Module):
    """Group norm of samples (N, C, *), in training mode as in eval mode."""

    def __init__(self, num_groups, num_channels, eps=1e-5):
        """Parameters for ``num_channels`` channels, which the groups must divide."""
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        """Normalize each group of channels of each sample."""
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


# Cases. Samples, groups and channels lie apart; m is small, so that the two variances
# are far apart; the data in eval mode are others than those in training.


def training(rng, new=(3, 6, 0.1), n=2, positions=(1, 2), scale=1.0, last=2, apart=8):
    """Three batches of ``n`` samples, but ``last`` in the last, for eval mode."""
    c = new[1]
    weight = rng.permutation(np.linspace(0.5, 3, c)) * np.resize([1, -1, 1], c)
    bias = rng.permutation(np.linspace(-1, 2, c))
    values = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    inputs = {"new": new, "parameters": values}
    m = int(np.prod(positions))
    for i, size, shift in zip("123", (n, n, last), (1, 2, 5), strict=True):
        x = np.tile(np.linspace(-1, 1, m) if m > 1 else np.zeros(1), (size, c, 1))
        x = rng.permuted(x, axis=2) + rng.uniform(-0.2, 0.2, x.shape)
        x *= rng.permutation(np.geomspace(0.5, 2, c))[:, None]
        x += 2 * rng.permutation(np.arange(c))[:, None] + shift
        x = scale * (x + apart * np.arange(size).reshape(-1, 1, 1))
        dy = 1 + rng.normal(size=x.shape)
        inputs |= {
            f"x{i}": x.reshape(size, c, *positions).astype(np.float32),
            f"dy{i}": dy.reshape(size, c, *positions).astype(np.float32),
        }
    return inputs


def defaults(rng):
    return training(rng, new=(3, 6), positions=(1, 1), scale=0.003)


def volumes(rng):
    inputs = training(rng, new=(3, 6, 0), n=1, positions=(2, 1, 2), scale=0.01)
    inputs["parameters"]["weight"][3] = 0
    return inputs


def just_constructed(rng):
    return {"new": (3, 6)}


def far(rng, by=1e4, new=(3, 6)):
    inputs = training(rng, new=new)
    return inputs | {f"x{i}": inputs[f"x{i}"] + np.float32(by) for i in "123"}


# Right answers in other styles.


class Unflattened(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"{num_channels} channels in {num_groups} groups?")
        self.num_groups = num_groups
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.unflatten(1, (self.num_groups, -1)).flatten(3 if x.ndim > 2 else 2)
        axes = tuple(range(2, grouped.ndim))
        var, mean = torch.var_mean(grouped, axes, correction=0, keepdim=True)
        x_hat = (grouped - mean) * torch.rsqrt(var + self.eps)
        channels_last = x_hat.reshape(x.shape).movedim(1, -1)
        return (self.weight * channels_last + self.bias).movedim(-1, 1)


class GroupByGroup(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        self.size, left_over = divmod(num_channels, num_groups)
        if left_over:
            raise ValueError("channels are left over")
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(num_channels))
        self.bias = nn.Parameter(torch.empty(num_channels))
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        parts = []
        for group in x.split(self.size, dim=1):
            axes = tuple(range(1, x.ndim))
            centered = group - group.mean(axes, keepdim=True)
            var = centered.square().mean(axes, keepdim=True)
            parts.append(centered / torch.sqrt(var + self.eps))
        shape = [1, -1] + [1] * (x.ndim - 2)
        y = torch.cat(parts, dim=1) * self.weight.reshape(shape)
        return y + self.bias.reshape(shape)


class InDouble(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels // num_groups * num_groups != num_channels:
            raise ValueError("num_groups must divide num_channels")
        self.G, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.full((num_channels,), 1.0))
        self.bias = nn.Parameter(torch.full((num_channels,), 0.0))

    def forward(self, x):
        wide = x.double().reshape(len(x), self.G, x.shape[1] // self.G, -1)
        m = wide[0, 0].numel()
        rest = wide - torch.einsum("ngcp->ng", wide)[..., None, None] / m
        var = torch.einsum("ngcp,ngcp->ng", rest, rest) / m
        gains = self.weight.double().view(self.G, -1)
        y = torch.einsum("ngcp,ng,gc->ngcp", rest, (var + self.eps) ** -0.5, gains)
        return (y + self.bias.view(self.G, -1, 1)).reshape(x.shape).to(x.dtype)


EXERCISE = Exercise(
    key="group_norm.module",
    points=4,
    statement="The layer: parameters, any number of axes, and one mode for all.",
    section="group-norm-module",
    reference=nn.GroupNorm,
    answer=GroupNorm,
    run=train_output,
    cases=(
        Case("a new module's state_dict", 2 / 20, just_constructed, run=fresh_state),
        Case(
            "groups that do not divide the channels are refused",
            1 / 20,
            partial(training, new=(4, 6)),
            run=refused_construction,
        ),
        Case("the output for images", 3 / 20, training),
        Case("the gradients of x, weight and bias", 3 / 20, training, run=train_step),
        Case(
            "no positions, (N, C), with N = C",
            1 / 20,
            partial(training, n=6, positions=(), apart=1),
        ),
        Case("one sample, three axes of positions, no eps", 1 / 20, volumes),
        Case("a single channel", 1 / 20, partial(training, new=(1, 1, 0.1))),
        Case(
            "output and gradient in eval mode, on another sample",
            2 / 20,
            partial(training, last=1),
            run=inference,
        ),
        Case("eps left out, a single pixel", 1 / 20, defaults),
        far_away(1 / 20, far, name="far from zero"),
        Case(
            "in a model that is copied, saved and changed",
            1 / 20,
            training,
            run=in_a_model,
        ),
        Case("a transposed x", 1 / 20, training, run=of_transposed_x),
        Case("in float64", 1 / 20, training, run=in_float64),
        in_half(1 / 20, partial(far, by=60, new=(3, 6, 0.01)), tolerance=0.05),
    ),
    sections={
        "group-norm-algorithm": (
            "dealt-out",
            "groups-of-that-size",
            "over-the-batch-too",
            "each-channel",
            "whole-sample",
            "unbiased",
            "eps-outside",
        ),
        "group-norm-numerical-care": ("mean-of-squares",),
        "group-norm-backward": ("without-gradient", "mean-without-gradient"),
    },
    equivalents=(Unflattened, GroupByGroup, InDouble),
    symptoms={
        "dx": "The output is right and the gradient of x is not: something between "
        "them is outside of the graph, or was overwritten.",
    },
)
