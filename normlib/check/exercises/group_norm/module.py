"""group_norm.module: the layer itself, the same in training and in eval mode."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.group_norm.protocols import refused_construction
from normlib.check.running import protocols

# Cases. Samples, groups and channels lie apart; m is small, so that the two variances
# are far apart; the data in eval mode are others than those in training.


def training(rng, new=(3, 6, 0.1), positions=(1, 2), scale=1.0):
    weight = rng.permutation(np.linspace(0.5, 3, 6)) * np.tile([1, -1, 1], 2)
    bias = rng.permutation(np.linspace(-1, 2, 6))
    values = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    inputs = {"new": new, "parameters": values}
    m = int(np.prod(positions))
    for i, shift in zip("123", (1, 2, 5), strict=True):
        x = np.tile(np.linspace(-1, 1, m) if m > 1 else np.zeros(1), (2, 6, 1))
        x = rng.permuted(x, axis=2) + rng.uniform(-0.2, 0.2, (2, 6, m))
        x *= rng.permutation(np.geomspace(0.5, 2, 6))[:, None]
        x += 2 * rng.permutation(np.arange(6))[:, None] + shift
        x = scale * (x + np.array([0, 8]).reshape(2, 1, 1))
        dy = 1 + rng.normal(size=x.shape)
        inputs |= {
            f"x{i}": x.reshape(2, 6, *positions).astype(np.float32),
            f"dy{i}": dy.reshape(2, 6, *positions).astype(np.float32),
        }
    return inputs


def defaults(rng):
    return training(rng, new=(3, 6), scale=0.003)


def vectors(rng):
    return training(rng, positions=())


def volumes(rng):
    return training(rng, positions=(2, 1, 2))


def just_constructed(rng):
    return {"new": (3, 6)}


def groups_that_do_not_divide(rng):
    return training(rng, new=(4, 6))


def far_from_zero(rng):
    inputs = training(rng, new=(3, 6))
    return inputs | dict(x1=(inputs["x1"] + 1e4).astype(np.float32))


# What people get wrong. A wrong forward takes the constructor from torch.


class DealtOut(nn.GroupNorm):
    def forward(self, x):
        N, C = x.shape[:2]
        grouped = x.reshape(N, C // self.num_groups, self.num_groups, -1)
        mean = grouped.mean((1, 3), keepdim=True)
        var = grouped.var((1, 3), correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class GroupsOfThatSize(nn.GroupNorm):
    def forward(self, x):
        N, C = x.shape[:2]
        grouped = x.reshape(N, C // self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class OverTheBatchToo(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean((0, 2), keepdim=True)
        var = grouped.var((0, 2), correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class EachChannel(nn.GroupNorm):
    def forward(self, x):
        channels = x.reshape(*x.shape[:2], -1)
        mean = channels.mean(2, keepdim=True)
        var = channels.var(2, correction=0, keepdim=True)
        x_hat = ((channels - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class WholeSample(nn.GroupNorm):
    def forward(self, x):
        rows = x.reshape(len(x), -1)
        mean = rows.mean(1, keepdim=True)
        var = rows.var(1, correction=0, keepdim=True)
        x_hat = ((rows - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class OnlyImages(nn.GroupNorm):
    def forward(self, x):
        N, C, H, W = x.shape
        grouped = x.reshape(N, self.num_groups, C // self.num_groups, H, W)
        mean = grouped.mean((2, 3, 4), keepdim=True)
        var = grouped.var((2, 3, 4), correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(N, C, H, W)
        return self.weight.view(C, 1, 1) * x_hat + self.bias.view(C, 1, 1)


class Unbiased(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean, var = grouped.mean(2, keepdim=True), grouped.var(2, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class EpsOutside(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        std = grouped.std(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (std + self.eps)).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class EpsNotKept(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + 1e-5).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class MeanOfSquares(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = (grouped * grouped).mean(2, keepdim=True) - mean * mean
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class WithoutGradient(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        with torch.no_grad():
            mean = grouped.mean(2, keepdim=True)
            var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class MeanWithoutGradient(nn.GroupNorm):
    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean.detach()) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class OnlyInTraining(nn.GroupNorm):
    def forward(self, x):
        shape = (-1,) + (1,) * (x.ndim - 2)
        if not self.training:
            return self.weight.view(shape) * x + self.bias.view(shape)
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class RunningStatistics(nn.GroupNorm):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__(num_groups, num_channels, eps)
        self.register_buffer("running_mean", torch.zeros(num_groups, 1))
        self.register_buffer("running_var", torch.ones(num_groups, 1))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = grouped.mean(2, keepdim=True)
            var = grouped.var(2, correction=0, keepdim=True)
            with torch.no_grad():
                self.running_mean.lerp_(mean.mean(0), 0.1)
                self.running_var.lerp_(var.mean(0), 0.1)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class NothingChecked(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class Asserted(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        assert num_channels % num_groups == 0, "the groups must divide the channels"
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class ParametersOfGroups(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_groups))
        self.bias = nn.Parameter(torch.zeros(num_groups))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = (grouped - mean) / (var + self.eps).sqrt()
        return (self.weight[:, None] * x_hat + self.bias[:, None]).reshape(x.shape)


class NoParameters(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        return ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)


class NamesOfThePaper(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.gamma = nn.Parameter(torch.ones(num_channels))
        self.beta = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.gamma.view(shape) * x_hat + self.beta.view(shape)


class NotLearned(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.register_buffer("weight", torch.ones(num_channels))
        self.register_buffer("bias", torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class AxesKept(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(1, num_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, num_channels, 1, 1))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        return self.weight * x_hat + self.bias


class StartsAtZero(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.zeros(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class DoubleParameters(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.from_numpy(np.ones(num_channels)))
        self.bias = nn.Parameter(torch.from_numpy(np.zeros(num_channels)))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


class OtherDefault(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-3):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_groups must divide num_channels")
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x):
        grouped = x.reshape(len(x), self.num_groups, -1)
        mean = grouped.mean(2, keepdim=True)
        var = grouped.var(2, correction=0, keepdim=True)
        x_hat = ((grouped - mean) / (var + self.eps).sqrt()).reshape(x.shape)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return self.weight.view(shape) * x_hat + self.bias.view(shape)


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
    run=protocols.train_output,
    cases=(
        Case(
            "a new module's state_dict",
            2 / 16,
            just_constructed,
            run=protocols.fresh_state,
        ),
        Case(
            "groups that do not divide the channels are refused",
            1 / 16,
            groups_that_do_not_divide,
            run=refused_construction,
        ),
        Case("the output for images", 3 / 16, training),
        Case(
            "the gradients of x, weight and bias",
            4 / 16,
            training,
            run=protocols.train_step,
        ),
        Case("no positions, (N, C)", 1 / 16, vectors),
        Case("three axes of positions", 1 / 16, volumes),
        Case(
            "output and gradient in eval mode, on other data",
            2 / 16,
            training,
            run=protocols.inference,
        ),
        Case("eps left out", 1 / 16, defaults),
        Case(
            "far from zero",
            1 / 16,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
    ),
    misconceptions=(
        Misconception(
            "channels dealt out to the groups in turn, instead of neighbors together",
            "With three groups of six channels, the first group is channels 0 and 1, "
            "not 0 and 3. In which order does a reshape count, and which of the two "
            "new axes then is the group?",
            DealtOut,
            section="group-norm-algorithm",
        ),
        Misconception(
            "num_groups taken for the number of channels in a group",
            "The argument says how many groups there are. How large they are follows "
            "from the number of channels.",
            GroupsOfThatSize,
            section="group-norm-algorithm",
        ),
        Misconception(
            "statistics over the batch as well",
            "Each sample is normalized by its own numbers. That is why group norm "
            "does not care how large the batch is.",
            OverTheBatchToo,
            section="group-norm-algorithm",
        ),
        Misconception(
            "statistics of each channel by itself",
            "That is instance norm. The channels of a group share one mean and one "
            "variance.",
            EachChannel,
            section="group-norm-algorithm",
        ),
        Misconception(
            "statistics of the whole sample, over all its channels",
            "That is group norm with one group. Channels of different groups do not "
            "meet.",
            WholeSample,
            section="group-norm-algorithm",
        ),
        Misconception(
            "written for images only",
            "A sample may be a sequence, an image or a plain vector. After the "
            "channels come any number of axes, also none.",
            OnlyImages,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "The group is normalized with the variance divided by m. torch's `var` "
            "divides by m − 1 unless told otherwise.",
            Unbiased,
            section="group-norm-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            EpsOutside,
            section="group-norm-algorithm",
        ),
        Misconception(
            "an eps of its own instead of the constructor's",
            "Whoever constructs the layer chooses eps; the module has to remember it.",
            EpsNotKept,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            MeanOfSquares,
            section="group-norm-numerical-care",
        ),
        Misconception(
            "mean and variance cut off from the gradient",
            "x reaches the output also through the mean and the variance. Nothing is "
            "stored here, so nothing has to be kept out of the graph.",
            WithoutGradient,
            section="group-norm-backward",
        ),
        Misconception(
            "the mean cut off from the gradient",
            "Move one value and its group's mean moves with it, which shifts all the "
            "others.",
            MeanWithoutGradient,
            section="group-norm-backward",
        ),
        Misconception(
            "not normalized in eval mode",
            "The weights were learned for normalized inputs, and they are what eval "
            "mode has. The layer computes the same in both modes.",
            OnlyInTraining,
        ),
        Misconception(
            "running statistics, as in batch norm",
            "Batch norm needs them because a sample alone has no batch. Here a sample "
            "brings all the numbers behind its mean, in eval mode too.",
            RunningStatistics,
        ),
        Misconception(
            "groups of unequal size are let through",
            "A network is built once and runs for days. The place to say that the "
            "groups do not divide the channels is the constructor.",
            NothingChecked,
        ),
        Misconception(
            "an assertion instead of a ValueError",
            "Assertions are for what can never happen, and `python -O` leaves them "
            "out. What a caller may get wrong deserves an error of its own.",
            Asserted,
        ),
        Misconception(
            "one weight and one bias for each group",
            "Channels share statistics with their group, and nothing else: each has a "
            "weight and a bias of its own.",
            ParametersOfGroups,
        ),
        Misconception(
            "no parameters",
            "After standardizing, each channel is scaled and shifted by numbers that "
            "are learned.",
            NoParameters,
        ),
        Misconception(
            "the paper's names for the parameters",
            "torch calls gamma `weight` and beta `bias`. With other names a saved "
            "model cannot be loaded into the official layer.",
            NamesOfThePaper,
        ),
        Misconception(
            "weight and bias that are not learned",
            "An optimizer is given the module's parameters. What makes a tensor one "
            "of them?",
            NotLearned,
        ),
        Misconception(
            "parameters of shape (1, C, 1, 1)",
            "torch stores one number per channel, in shape (C,). The axes for "
            "broadcasting depend on the input, and are added where they are needed.",
            AxesKept,
        ),
        Misconception(
            "weights that start at 0",
            "Before any training the layer should pass on the normalized input: which "
            "weight and which bias do that?",
            StartsAtZero,
        ),
        Misconception(
            "parameters in float64",
            "NumPy's numbers are float64 by default, torch's are float32. The wider "
            "type spreads to the output.",
            DoubleParameters,
        ),
        Misconception(
            "the default eps of another library",
            "Keras has 1e-3. Here the default is torch's.",
            OtherDefault,
        ),
    ),
    equivalents=(Unflattened, GroupByGroup, InDouble),
    symptoms=(
        (
            frozenset({"dx"}),
            "The output is right and the gradient of x is not: something between them "
            "is outside of the graph, or was overwritten.",
        ),
    ),
)
