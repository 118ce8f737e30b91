"""batch_norm.module: the layer itself, with parameters, buffers and two modes."""

import math
from functools import partial

import numpy as np
import torch
from torch import nn

from normlib.check.cases import far_away, in_half, running_statistics, steps
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm.cases import affine
from normlib.check.running.protocols import (
    buffers,
    fresh_state,
    in_a_model,
    in_float64,
    inference,
    inference_untrained,
    of_transposed_x,
    three_batches,
    train_output,
    train_output_without_gradients,
    train_step,
)


class BatchNorm2d(nn.Module):
    """Batch norm of images (N, C, H, W), in training mode and in eval mode."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        """Parameters and buffers for ``num_features`` channels."""
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        """Normalize x; in training mode also follow its statistics."""
        if self.training:
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


# Cases. Few values per channel, so that biased and unbiased variance are far apart;
# two training steps; new data that the running statistics do not fit.


def training(rng, new=(3, 0.1, 0.3), n=2, positions=(1, 2), scale=1.0):
    c = new[0]
    names = {"gamma": "weight", "beta": "bias"}
    values = {names[k]: v.astype(np.float32) for k, v in affine(rng, c).items()}
    inputs = {"new": new, "parameters": values}
    for i, shift in zip("123", (1, 2, 5), strict=True):
        x = steps(rng, (c,), n * math.prod(positions)) + shift
        x = scale * np.geomspace(1, 9, c)[:, None] * x
        x = x.reshape(c, n, *positions).swapaxes(0, 1)
        dy = 1 + rng.normal(size=x.shape)
        inputs |= {f"x{i}": x.astype("f4", "C"), f"dy{i}": dy.astype("f4", "C")}
    return inputs


def evaluation(rng, **how):
    buffers = running_statistics(rng)
    return training(rng, **how) | dict(buffers=buffers)


def one_image_in_the_end(rng):
    inputs = evaluation(rng)
    return inputs | {name: inputs[name][:1] for name in ("x3", "dy3")}


def zeros(rng):
    inputs = evaluation(rng, new=(3, 0.0, 0.3), positions=(1, 1))
    inputs["parameters"]["weight"][1] = 0
    return inputs


def just_constructed(rng):
    return {"new": (3,)}


def far_from_zero(rng):
    inputs = training(rng, new=(3,))
    return inputs | dict(x1=(inputs["x1"] + 1e4).astype(np.float32))


# Right answers in other styles.


class BuffersAssigned(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long))

    def forward(self, x):
        shape = (1, -1, 1, 1)
        if self.training:
            m = x.shape[0] * x.shape[2] * x.shape[3]
            mean = x.sum(dim=(0, 2, 3)) / m
            var = ((x - mean.view(shape)) ** 2).sum(dim=(0, 2, 3)) / m
            new, old = self.momentum, 1 - self.momentum
            unbiased = var.detach() * m / (m - 1)
            self.running_mean = old * self.running_mean + new * mean.detach()
            self.running_var = old * self.running_var + new * unbiased
            self.num_batches_tracked = self.num_batches_tracked + 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class AsRows(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        rows = x.movedim(1, -1)
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            shift = self.bias - self.running_mean * scale
            return (rows * scale + shift).movedim(-1, 1)
        rows = rows.flatten(0, 2)
        var, mean = torch.var_mean(rows, 0, correction=0)
        self.num_batches_tracked.add_(1)
        self.running_mean.data += self.momentum * (mean - self.running_mean).detach()
        unbiased = rows.detach().var(0)
        self.running_var.data += self.momentum * (unbiased - self.running_var)
        y = self.weight * (rows - mean) * torch.rsqrt(var + self.eps) + self.bias
        return y.view(*x.movedim(1, -1).shape).movedim(-1, 1)


class InDouble(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    @torch.no_grad()
    def follow(self, x):
        for held, new in [
            (self.running_mean, x.mean((0, 2, 3))),
            (self.running_var, x.var((0, 2, 3), correction=1)),
        ]:
            held.copy_((1 - self.momentum) * held + self.momentum * new)
        self.num_batches_tracked += 1

    def forward(self, x):
        wide = x.double()
        mean, var = self.running_mean.double(), self.running_var.double()
        if self.training:
            mean = torch.einsum("nchw->c", wide) * x.shape[1] / x.numel()
            rest = wide - mean[:, None, None]
            var = torch.einsum("nchw,nchw->c", rest, rest) * x.shape[1] / x.numel()
            self.follow(wide)
        scale = self.weight / (var + self.eps) ** 0.5
        y = torch.einsum("nchw,c->nchw", wide - mean[:, None, None], scale)
        return (y + self.bias[:, None, None]).to(x.dtype)


EXERCISE = Exercise(
    key="batch_norm.module",
    points=6,
    statement="The layer: parameters, buffers, training mode and inference mode.",
    section="training-and-inference",
    reference=nn.BatchNorm2d,
    answer=BatchNorm2d,
    run=train_output,
    cases=(
        Case("a new module's state_dict", 2 / 24, just_constructed, run=fresh_state),
        Case(
            "the output in training mode",
            3 / 24,
            partial(training, n=3, positions=(2, 2)),
        ),
        Case(
            "the gradients of x, weight and bias in training mode",
            2 / 24,
            training,
            run=train_step,
        ),
        Case("a transposed x", 1 / 24, training, run=of_transposed_x),
        Case("the buffers after two training steps", 2 / 24, training, run=buffers),
        Case(
            "a momentum of 0 keeps the running statistics",
            1 / 24,
            partial(training, new=(3, 0.1, 0.0)),
            run=buffers,
        ),
        Case(
            "output and gradient in eval mode, on other data",
            3 / 24,
            evaluation,
            run=inference,
        ),
        Case(
            "training mode under no_grad is still training",
            1 / 24,
            training,
            run=train_output_without_gradients,
        ),
        Case(
            "the buffers after each of three batches, the last under no_grad",
            1 / 24,
            training,
            run=three_batches,
        ),
        Case(
            "in a model that is copied, saved and loaded",
            1 / 24,
            one_image_in_the_end,
            run=in_a_model,
        ),
        Case(
            "a single image of one channel, in training mode",
            1 / 24,
            partial(training, new=(1, 0.1, 0.3), n=1, positions=(2, 3)),
            run=train_step,
        ),
        Case(
            "eps and momentum left out",
            1 / 24,
            partial(training, new=(3,), scale=0.001),
            run=inference,
        ),
        Case(
            "output and buffers in eval mode, with an eps and a weight of 0",
            2 / 24,
            zeros,
            run=inference_untrained,
        ),
        Case("in float64", 1 / 24, training, run=in_float64),
        in_half(1 / 24, partial(training, new=(3,)), tolerance=0.01),
        far_away(1 / 24, far_from_zero, name="far from zero"),
    ),
    sections={
        "the-algorithm": ("unbiased-in-training",),
        "images-and-sequences": ("corrected-by-images",),
        "the-backward-pass": (
            "statistics-without-gradient",
            "mean-without-gradient",
            "gradient-of-training-in-eval",
        ),
        "numerical-care": ("mean-of-squares",),
    },
    equivalents=(BuffersAssigned, AsRows, InDouble),
    symptoms={
        "dx": "The output is right and the gradient of x is not: something between "
        "them is outside of the graph, or was overwritten.",
        "running_mean": "Only the running mean is wrong. By which weights is it "
        "averaged, and from which value does it start?",
        "running_var": "Only the running variance is wrong. Which of the two variances "
        "is stored, and over how many values is it taken?",
        "running_mean and running_var and y and dx": "In training mode the output is "
        "right. Does the module use the momentum that it was constructed with, and the "
        "default where there was none? By which weights are old and new averaged?",
        "num_batches_tracked": "Only the count is wrong: it says how many batches were "
        "seen in training mode.",
    },
)
