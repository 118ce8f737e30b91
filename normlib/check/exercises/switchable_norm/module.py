"""switchable_norm.module: the layer itself, with its gates, buffers and two modes."""

from functools import partial

import numpy as np
import torch
from torch import nn

import normlib.torch
from normlib.check.cases import (
    FAR,
    NO_EPS,
    far_away,
    in_float32,
    in_half,
    running_statistics,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.switchable_norm.cases import (
    SIGNS,
    channels,
    logits,
    pixels,
    upstream,
)
from normlib.check.running.protocols import (
    buffers,
    buffers_after_inference,
    fresh_state,
    in_a_model,
    in_float64,
    inference,
    of_transposed_x,
    three_batches,
    train_output,
    train_output_without_gradients,
    train_step,
)


class SwitchNorm2d(nn.Module):
    """Switchable norm of images (N, C, H, W), in training mode and in eval mode."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        """Gates, parameters and buffers for ``num_features`` channels."""
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        """Normalize x; in training mode also follow the batch's statistics."""
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class Reference(normlib.torch.SwitchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps or NO_EPS, momentum)


# Cases. There are few values per channel, so that biased and unbiased variance differ;
# and the running statistics do not fit the data of the third batch.


def training(rng, new=(3, 0.1, 0.3), sizes=((2, 4, 5),) * 3, c=3, factors=(1, 3, 9)):
    """Parameters, and batches x1, x2 and x3, each with its ``sizes`` (n, h, w)."""
    parameters = logits(rng) | {
        "weight": rng.uniform(0.5, 3, c) * SIGNS[:c],
        "bias": rng.uniform(0.5, 2, c),
    }
    inputs = {"new": new, "parameters": in_float32(parameters)}
    for i, (n, h, w), shift in zip("123", sizes, (1, 2, 5), strict=True):
        z = pixels(rng, n, c, h * w, apart=1.0)
        dy = upstream(rng, z, parameters["weight"])
        x = channels(rng, z, factors, shift * np.array([1, -1, 2]))
        for name, value in (("x", x), ("dy", dy)):
            inputs[name + i] = value.reshape(n, c, h, w).astype(np.float32)
    return inputs


def defaults(rng):
    return training(rng, new=(3,), factors=(0.001, 0.003, 0.008))


def evaluation(rng):
    buffers = running_statistics(rng)
    inputs = training(rng, sizes=((2, 4, 5), (2, 4, 5), (1, 4, 5)))
    return inputs | dict(buffers=buffers)


def just_constructed(rng):
    return {"new": (3,)}


def no_momentum(rng):
    return training(rng, new=(3, 0.1, 0.0))


def all_sizes_equal_and_a_weight_of_zero(rng):
    inputs = training(rng, sizes=((3, 3, 3),) * 3)
    inputs["parameters"]["weight"][2] = 0
    return inputs


def one_image_far_from_zero(rng):
    inputs = training(rng, sizes=((1, 4, 5),) * 3, factors=(1, 1, 1))
    return inputs | {"x1": inputs["x1"] + np.float32(3 * FAR)}  # FAR may be by chance


# Right answers in other styles.


class FromInstance(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long))

    def follow(self, mean, var, m):
        keep = 1 - self.momentum
        mean, var = mean.detach().flatten(), var.detach().flatten() * m / (m - 1)
        self.running_mean = keep * self.running_mean + self.momentum * mean
        self.running_var = keep * self.running_var + self.momentum * var
        self.num_batches_tracked = self.num_batches_tracked + 1

    def forward(self, x):
        mean_in = x.mean((2, 3), keepdim=True)
        var_in = ((x - mean_in) ** 2).mean((2, 3), keepdim=True)
        mean_ln = mean_in.mean(1, keepdim=True)
        var_ln = (var_in + (mean_in - mean_ln) ** 2).mean(1, keepdim=True)
        if self.training:
            mean_bn = mean_in.mean(0, keepdim=True)
            var_bn = (var_in + (mean_in - mean_bn) ** 2).mean(0, keepdim=True)
            self.follow(mean_bn, var_bn, x.numel() / x.shape[1])
        else:
            mean_bn = self.running_mean.view(1, -1, 1, 1)
            var_bn = self.running_var.view(1, -1, 1, 1)
        p = torch.softmax(self.mean_weight, dim=0)
        q = torch.softmax(self.var_weight, dim=0)
        mean = p[0] * mean_in + p[1] * mean_ln + p[2] * mean_bn
        var = q[0] * var_in + q[1] * var_ln + q[2] * var_bn
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight.view(1, -1, 1, 1) * x_hat + self.bias.view(1, -1, 1, 1)


class StackedTables(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        for name, size, value in [
            ("mean_weight", 3, 1.0),
            ("var_weight", 3, 1.0),
            ("weight", num_features, 1.0),
            ("bias", num_features, 0.0),
        ]:
            self.register_parameter(name, nn.Parameter(torch.full((size,), value)))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        n, c = x.shape[:2]
        var, mean = torch.var_mean(x, (2, 3), correction=0)
        layer_var, layer_mean = torch.var_mean(x, (1, 2, 3), correction=0)
        if self.training:
            batch_var, batch_mean = torch.var_mean(x, (0, 2, 3), correction=0)
            self.num_batches_tracked.add_(1)
            unbiased = x.detach().transpose(0, 1).flatten(1).var(1)
            self.running_mean.data += self.momentum * (
                batch_mean.detach() - self.running_mean
            )
            self.running_var.data += self.momentum * (unbiased - self.running_var)
        else:
            batch_var, batch_mean = self.running_var, self.running_mean
        means = mean, layer_mean[:, None].expand(n, c), batch_mean.expand(n, c)
        variances = var, layer_var[:, None].expand(n, c), batch_var.expand(n, c)
        mean = torch.einsum(
            "k,knc->nc", self.mean_weight.softmax(0), torch.stack(means)
        )
        var = torch.einsum(
            "k,knc->nc", self.var_weight.softmax(0), torch.stack(variances)
        )
        scale = self.weight * torch.rsqrt(var + self.eps)
        return (x - mean[..., None, None]) * scale[..., None, None] + self.bias.view(
            -1, 1, 1
        )


class InDouble(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
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
        mean = var = 0
        p = self.mean_weight.double().softmax(0)
        q = self.var_weight.double().softmax(0)
        for k, axis in enumerate([(2, 3), (1, 2, 3), (0, 2, 3)]):
            member_mean = wide.mean(axis, keepdim=True)
            member_var = (wide - member_mean).square().mean(axis, keepdim=True)
            if k == 2 and not self.training:
                member_mean = self.running_mean.double().view(1, -1, 1, 1)
                member_var = self.running_var.double().view(1, -1, 1, 1)
            mean, var = mean + p[k] * member_mean, var + q[k] * member_var
        if self.training:
            self.follow(wide)
        x_hat = (wide - mean) * (var + self.eps) ** -0.5
        y = torch.einsum("nchw,c->nchw", x_hat, self.weight.double())
        return (y + self.bias[:, None, None]).to(x.dtype)


EXERCISE = Exercise(
    key="switchable_norm.module",
    points=6,
    statement="The layer: gates, parameters, buffers, training and inference mode.",
    section="switchable-norm-module",
    reference=Reference,
    answer=SwitchNorm2d,
    run=train_output,
    cases=(
        Case("a new module's state_dict", 2 / 24, just_constructed, run=fresh_state),
        Case("the output in training mode", 2 / 24, training),
        Case(
            "the gradients of x and of all parameters in training mode",
            3 / 24,
            training,
            run=train_step,
        ),
        Case("the buffers after two training steps", 2 / 24, training, run=buffers),
        Case(
            "output and gradient in eval mode, on a single image",
            3 / 24,
            evaluation,
            run=inference,
        ),
        Case(
            "the buffers after a training step and a call in eval mode",
            1 / 24,
            training,
            run=buffers_after_inference,
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
        Case("eps and momentum left out", 1 / 24, defaults, run=inference),
        Case("a momentum of 0", 1 / 24, no_momentum, run=inference),
        Case(
            "all four sizes equal, and a weight of 0",
            1 / 24,
            all_sizes_equal_and_a_weight_of_zero,
            run=train_step,
        ),
        Case(
            "images of one channel and one pixel, with an eps of 0",
            1 / 24,
            partial(training, new=(1, 0.0, 0.3), sizes=((5, 1, 1),) * 3, c=1),
        ),
        far_away(1 / 24, one_image_far_from_zero, name="a single image, far from zero"),
        Case(
            "part of a model that is copied, saved and loaded",
            1 / 24,
            partial(training, new=(3, 2.0, 0.3)),
            run=in_a_model,
        ),
        Case("an x that is a transposed tensor", 1 / 24, training, run=of_transposed_x),
        Case("in float64", 1 / 24, training, run=in_float64),
        in_half(1 / 24, training, tolerance=0.02),
    ),
    sections={
        "switchable-norm-idea": ("outputs-mixed", "logits-per-channel"),
        "switchable-norm-moments": ("unbiased", "unbiased-instance", "within-alone"),
        "switchable-norm-algorithm": (
            "no-softmax",
            "one-softmax-for-both",
            "logits-swapped",
        ),
        "switchable-norm-backward": (
            "statistics-without-gradient",
            "batch-statistics-without-gradient",
        ),
        "switchable-norm-numerical-care": ("mean-of-squares",),
    },
    equivalents=(FromInstance, StackedTables, InDouble),
    symptoms={
        "dx": "The output is right, but the gradient of x is not. Something between "
        "the two is outside the graph, or was overwritten.",
        "gradient of mean_weight and gradient of var_weight": (
            "Only the gradients of the logits are wrong. From the logits to the "
            "output, everything must be tensor operations that autograd can follow."
        ),
        "running_mean": "Only the running mean is wrong. With which weights is it "
        "averaged, and which value does it start from?",
        "running_var": "Only the running variance is wrong. Which of the variances is "
        "stored, and over how many values is it taken?",
        "num_batches_tracked": "Only the count is wrong. It says how many batches the "
        "layer has seen in training mode.",
    },
)
