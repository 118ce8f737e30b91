"""instance_norm.module: a layer that keeps nothing and has no modes."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running import protocols


class InstanceNorm2d(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)


# Cases. Six values per channel, so that biased and unbiased variance are apart, and as
# wide as channels are many; images and channels that differ in offset and spread.


def images(rng, new=(3, 0.1, True), spread=(1, 3, 9)):
    weight = rng.uniform(0.5, 3, 3) * np.array([1, -1, 1])
    bias = rng.uniform(0.5, 2, 3)
    values = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    inputs = {"new": new, "parameters": values if True in new else {}}
    contrast = np.array([[1.0], [2.0]])[:, None] * np.array(spread)[:, None]
    for i, shift in zip("123", (1, 2, 9), strict=True):
        x = np.tile(np.linspace(-1.5, 1.5, 6), (2, 3, 1))
        x = rng.permuted(x, axis=2) + rng.uniform(-0.1, 0.1, x.shape)
        x += shift + rng.permutation(np.linspace(0, 3, 6)).reshape(2, 3, 1)
        x = (contrast * x).reshape(2, 3, 2, 3).astype(np.float32)
        dy = 1 + rng.normal(size=x.shape).astype(np.float32)
        inputs |= {f"x{i}": x, f"dy{i}": dy}
    return inputs


def not_affine(rng):
    return images(rng, new=(3, 0.1))


def defaults(rng):
    return images(rng, new=(3,), spread=(0.001, 0.003, 0.009))


def float64(rng):
    inputs = not_affine(rng)
    steps = {k: v.astype(np.float64) for k, v in inputs.items() if k[0] in "xd"}
    return inputs | steps


def just_constructed(rng):
    return {"new": (3,)}


def just_constructed_affine(rng):
    return {"new": (3, 1e-5, True)}


def far_from_zero(rng):
    inputs = images(rng, new=(3, 1e-5, True), spread=(1, 1, 1))
    return inputs | dict(x1=(inputs["x1"] + 1e4).astype(np.float32))


# What people get wrong. A wrong forward takes the constructor from torch.


class OverTheBatch(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((0, 2, 3), keepdim=True)
        var = x.var((0, 2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class EachImageWhole(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((1, 2, 3), keepdim=True)
        var = x.var((1, 2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class RunningStatisticsAtInference(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.weight, self.bias = eps, None, None
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, var = self.running_mean[:, None, None], self.running_var[:, None, None]
        if self.training:
            mean = x.mean((2, 3), keepdim=True)
            var = x.var((2, 3), correction=0, keepdim=True)
            with torch.no_grad():
                self.running_mean.lerp_(mean.mean((0, 2, 3)).float(), 0.1)
                self.running_var.lerp_(x.var((2, 3)).mean(0).float(), 0.1)
        x_hat = ((x - mean) / (var + self.eps).sqrt()).to(x.dtype)
        if self.weight is None:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class RunningStatisticsForNothing(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.weight, self.bias = eps, None, None
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean.mean((0, 2, 3)).float(), 0.1)
                self.running_var.lerp_(x.var((2, 3)).mean(0).float(), 0.1)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if self.weight is None:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class LastBatchAtInference(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        if self.training:
            mean = x.mean((2, 3), keepdim=True)
            var = x.var((2, 3), correction=0, keepdim=True)
            self.mean, self.var = mean.detach(), var.detach()
        else:
            mean, var = self.mean, self.var
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NothingAtInference(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        x_hat = x
        if self.training:
            mean = x.mean((2, 3), keepdim=True)
            var = x.var((2, 3), correction=0, keepdim=True)
            x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AffineUnasked(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=True):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AffineIgnored(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        return (x - mean) / (var + self.eps).sqrt()


class AffineUnused(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps = eps
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        return (x - mean) / (var + self.eps).sqrt()


class NamesOfThePaper(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.gamma, self.beta = eps, None, None
        if affine:
            self.gamma = nn.Parameter(torch.ones(num_features))
            self.beta = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if self.gamma is None:
            return x_hat
        return self.gamma[:, None, None] * x_hat + self.beta[:, None, None]


class NotLearned(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.weight, self.bias = eps, None, None
        if affine:
            self.weight = torch.ones(num_features)
            self.bias = torch.zeros(num_features)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if self.weight is None:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AxesKept(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.weight, self.bias = eps, None, None
        if affine:
            self.weight = nn.Parameter(torch.ones(1, num_features, 1, 1))
            self.bias = nn.Parameter(torch.zeros(1, num_features, 1, 1))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return x_hat if self.weight is None else self.weight * x_hat + self.bias


class FromZero(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.weight, self.bias = eps, None, None
        if affine:
            self.weight = nn.Parameter(torch.zeros(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if self.weight is None:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AlongTheWidth(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight * x_hat + self.bias if self.affine else x_hat


class Unbiased(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class EpsOutside(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        std = x.std((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (std + self.eps)
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class FixedEps(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + 1e-5).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class OtherDefault(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-3, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class StatisticsWithoutGradient(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        with torch.no_grad():
            mean = x.mean((2, 3), keepdim=True)
            var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class MeanWithoutGradient(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True).detach()
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class ConstantsAtInference(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        with torch.set_grad_enabled(self.training):
            mean = x.mean((2, 3), keepdim=True)
            var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class MeanOfSquares(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        var = (x * x).mean((2, 3), keepdim=True) - mean * mean
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AlwaysFloat32(nn.InstanceNorm2d):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__(num_features, eps=eps, affine=affine)

    def forward(self, x):
        x = x.float()
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), correction=0, keepdim=True)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        if not self.affine:
            return x_hat
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


# Right answers in other styles.


class RegisteredAsNone(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.num_features, self.eps = num_features, eps
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
        else:
            self.register_parameter("weight", None)
            self.register_parameter("bias", None)

    def forward(self, x):
        m = x.shape[2] * x.shape[3]
        centered = x - x.sum(dim=(2, 3), keepdim=True) / m
        var = (centered**2).sum(dim=(2, 3), keepdim=True) / m
        y = centered * torch.rsqrt(var + self.eps)
        if self.weight is not None:
            y = y * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return y


class AsRows(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps, self.affine = eps, affine
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        var, mean = torch.var_mean(rows, dim=1, correction=0, keepdim=True)
        y = (rows - mean) / (var + self.eps) ** 0.5
        if self.affine:
            weight, bias = self.weight.repeat(len(x)), self.bias.repeat(len(x))
            y = torch.addcmul(bias[:, None], y, weight[:, None])
        return y.view_as(x)


class WithConstantsForNone(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps = eps
        self.weight, self.bias = torch.ones(num_features), torch.zeros(num_features)
        if affine:
            weight, bias = self.weight, self.bias
            del self.weight, self.bias
            self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, x):
        pixels = x.flatten(2)
        centered = pixels - torch.einsum("ncm->nc", pixels)[..., None] / pixels.shape[2]
        var = torch.einsum("ncm,ncm->nc", centered, centered) / pixels.shape[2]
        scale = self.weight.to(x) / torch.sqrt(var + self.eps)
        y = torch.einsum("ncm,nc->ncm", centered, scale)
        return (y + self.bias.to(x)[:, None]).view_as(x)


class ImageByImage(nn.Module):
    def __init__(self, num_features, eps=1e-5, affine=False):
        super().__init__()
        self.eps = eps
        self.affine = affine
        if affine:
            self.register_parameter("weight", nn.Parameter(torch.ones(num_features)))
            self.register_parameter("bias", nn.Parameter(torch.zeros(num_features)))

    def forward(self, x):
        return torch.stack([self.one(image.double()) for image in x]).type_as(x)

    def one(self, image):
        y = []
        for c, channel in enumerate(image):
            centered = channel - channel.mean()
            channel = centered / torch.sqrt(centered.pow(2).mean() + self.eps)
            if self.affine:
                channel = self.weight[c] * channel + self.bias[c]
            y.append(channel)
        return torch.stack(y)


EXERCISE = Exercise(
    key="instance_norm.module",
    points=5,
    statement="The layer: parameters only if wanted, and the same in both modes.",
    section="instance-norm-module",
    reference=InstanceNorm2d,
    run=protocols.train_output,
    cases=(
        Case(
            "a new module holds nothing",
            2 / 20,
            just_constructed,
            run=protocols.fresh_state,
        ),
        Case(
            "a new module with affine=True holds weight and bias",
            3 / 20,
            just_constructed_affine,
            run=protocols.fresh_state,
        ),
        Case("the output without weight and bias", 3 / 20, not_affine),
        Case("the output with weight and bias", 3 / 20, images),
        Case(
            "the gradients of x, weight and bias",
            3 / 20,
            images,
            run=protocols.train_step,
        ),
        Case(
            "output and gradient in eval mode, on other data",
            3 / 20,
            images,
            run=protocols.inference,
        ),
        Case("eps and affine left out", 1 / 20, defaults, run=protocols.train_step),
        Case("float64 comes back as float64", 1 / 20, float64),
        Case(
            "far from zero",
            1 / 20,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
    ),
    misconceptions=(
        Misconception(
            "statistics over the batch as well",
            "That is batch norm. In instance norm an image never hears of the other "
            "images.",
            OverTheBatch,
            section="instance-norm-algorithm",
        ),
        Misconception(
            "statistics of each image, over all its channels",
            "That is layer norm. In instance norm channels are not mixed.",
            EachImageWhole,
            section="instance-norm-algorithm",
        ),
        Misconception(
            "running statistics in eval mode",
            "Batch norm needs them because at inference there may be no batch. Which "
            "statistics of the image itself are missing at inference?",
            RunningStatisticsAtInference,
        ),
        Misconception(
            "running statistics that nobody uses",
            "The output is right in both modes without them. What is in the "
            "`state_dict` has to be saved, loaded and understood: here it is nothing.",
            RunningStatisticsForNothing,
        ),
        Misconception(
            "the statistics of the last training batch in eval mode",
            "Each image brings its own mean and variance, in eval mode too. There is "
            "nothing to remember.",
            LastBatchAtInference,
        ),
        Misconception(
            "no normalization in eval mode",
            "The layers above were trained on normalized numbers, and expect them in "
            "eval mode too. Here the two modes do not differ.",
            NothingAtInference,
        ),
        Misconception(
            "weight and bias that nobody asked for",
            "In torch's instance norm `affine` is False unless told otherwise, unlike "
            "in its batch norm. Then there are no parameters at all.",
            AffineUnasked,
        ),
        Misconception(
            "affine ignored: there is never a weight or a bias",
            "With `affine=True` the module has two parameters, `weight` and `bias`.",
            AffineIgnored,
        ),
        Misconception(
            "weight and bias that are not used",
            "With `affine=True` the module has its two parameters. Where do they act?",
            AffineUnused,
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
            "torch stores one number per channel, in shape (C,), and the axes for "
            "broadcasting are added where they are needed.",
            AxesKept,
        ),
        Misconception(
            "the weight starts at 0",
            "A new layer should pass on what it has normalized. Which weight and which "
            "bias do that?",
            FromZero,
        ),
        Misconception(
            "weight and bias laid along the width",
            "Shapes are lined up from the last axis, and the channels are the second.",
            AlongTheWidth,
            section="instance-norm-algorithm",
        ),
        Misconception(
            "the unbiased variance",
            "torch's `var` divides by m − 1 unless told otherwise. Here the numbers "
            "of the channel are all there is, and the variance is divided by m.",
            Unbiased,
            section="instance-norm-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            EpsOutside,
            section="instance-norm-algorithm",
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            FixedEps,
        ),
        Misconception(
            "the default eps of another library",
            "Others have 1e-3. Here the default is that of torch.",
            OtherDefault,
        ),
        Misconception(
            "mean and variance cut off from the gradient",
            "x reaches the output also through its mean and its variance. Nothing of "
            "that is kept, so nothing has to be detached.",
            StatisticsWithoutGradient,
            section="instance-norm-backward",
        ),
        Misconception(
            "the mean cut off from the gradient",
            "Move one value and the mean moves with it, which shifts all the others.",
            MeanWithoutGradient,
            section="instance-norm-backward",
        ),
        Misconception(
            "mean and variance cut off from the gradient in eval mode",
            "That is right for batch norm, where they are constants in eval mode. Here "
            "they still come from x.",
            ConstantsAtInference,
            section="instance-norm-backward",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            MeanOfSquares,
            section="instance-norm-numerical-care",
        ),
        Misconception(
            "everything turned into float32",
            "Whoever passes float64 wants its digits. Compute in the type of `x`, or "
            "in a wider one, and return the type of `x`.",
            AlwaysFloat32,
            section="instance-norm-numerical-care",
        ),
    ),
    equivalents=(RegisteredAsNone, AsRows, WithConstantsForNone, ImageByImage),
    symptoms=(
        (
            frozenset({"dx"}),
            "The output is right and the gradient of x is not: something between them "
            "is outside of the graph, or was overwritten.",
        ),
    ),
)
