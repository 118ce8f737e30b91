"""layer_norm.module: the layer itself, for a normalized_shape of one axis or more."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running import protocols

# Cases. Samples of very different offset and spread, weights of both signs. The data
# of eval mode (x3) differ from those of training: layer norm must not care.


def training(rng, shape=(2, 3, 5), new=(5, 0.3), spread=(0.3, 30)):
    normalized = (new[0],) if isinstance(new[0], int) else new[0]
    m = int(np.prod(normalized))
    n = int(np.prod(shape)) // m
    sign = np.where(np.arange(m) % 2, -1, 1)
    values = {"weight": sign * rng.uniform(0.5, 3, m), "bias": rng.uniform(0.5, 2, m)}
    values = {k: v.reshape(normalized).astype(np.float32) for k, v in values.items()}
    inputs = {"new": new, "parameters": values}
    for i, shift in zip("123", (1, 2, 5), strict=True):
        x = np.tile(np.linspace(-1.5, 1.5, m), (n, 1)) + rng.uniform(-0.2, 0.2, (n, m))
        scale = rng.permutation(np.geomspace(*spread, n))[:, None]
        x = scale * (rng.permuted(x, axis=1) + shift + rng.normal(0, 1, (n, 1)))
        dy = 1 + rng.normal(size=shape)
        x, dy = x.reshape(shape).astype(np.float32), dy.astype(np.float32)
        inputs |= {f"x{i}": x, f"dy{i}": dy}
    return inputs


def two_axes(rng):
    return training(rng, shape=(2, 3, 4), new=((3, 4), 0.3))


def defaults(rng):
    return training(rng, new=(5,), spread=(0.001, 0.009))


def a_constant_token(rng):
    inputs = training(rng)
    inputs["x1"][0, 1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = training(rng, new=(5,), spread=(1, 9))
    x = inputs["x1"] - inputs["x1"].mean(axis=-1, keepdims=True)
    return inputs | dict(x1=x + np.float32(1e4))


def just_constructed(rng):
    return {"new": (5,)}


def just_constructed_for_two_axes(rng):
    return {"new": ((3, 4),)}


# What people get wrong. A wrong forward takes the constructor from torch.


class UnbiasedVariance(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class OverTheBatch(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class AllButTheFirstAxis(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(1, x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class LastAxisOnly(nn.LayerNorm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        var = x.var(-1, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class SecondAxis(nn.LayerNorm):
    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        var = x.var(1, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class OverEverything(nn.LayerNorm):
    def forward(self, x):
        mean, var = x.mean(), x.var(correction=0)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class MeanLeftIn(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean_square = (x * x).mean(dims, keepdim=True)
        return self.weight * x / torch.sqrt(mean_square + self.eps) + self.bias


class TimesTheDeviation(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.rsqrt(var + self.eps) + self.bias


class EpsOutside(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / (torch.sqrt(var) + self.eps) + self.bias


class NoEps(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var) + self.bias


class StatisticsWithoutGradient(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        with torch.no_grad():
            mean = x.mean(dims, keepdim=True)
            var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class MeanWithoutGradient(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True).detach()
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class VarianceWithoutGradient(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.detach().var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class MeanOfSquares(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = (x * x).mean(dims, keepdim=True) - mean * mean
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class NothingInEval(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        if not self.training:
            return x
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class RunningStatistics(nn.LayerNorm):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__(normalized_shape, eps)
        self.register_buffer("running_mean", torch.zeros(()))
        self.register_buffer("running_var", torch.ones(()))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean.mean(), 0.1)
                self.running_var.lerp_(var.mean(), 0.1)
        else:
            mean, var = self.running_mean, self.running_var
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class FixedEps(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + 1e-5) + self.bias


class OtherDefault(nn.LayerNorm):
    def __init__(self, normalized_shape, eps=1e-6):
        super().__init__(normalized_shape, eps)

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class OneNumberEach(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        self.dims = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.dims, x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class FirstAxisOnly(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        shape = tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape[-1]))
        self.bias = nn.Parameter(torch.zeros(shape[-1]))
        self.dims = len(shape)

    def forward(self, x):
        dims = tuple(range(x.dim() - self.dims, x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class Flattened(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        shape = tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape).flatten())
        self.bias = nn.Parameter(torch.zeros(shape).flatten())
        self.shape = shape

    def forward(self, x):
        dims = tuple(range(x.dim() - len(self.shape), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight.view(self.shape) * x_hat + self.bias.view(self.shape)


class NoIntegers(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        shape = tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class IntegersOnly(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        shape = (int(normalized_shape),)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class NamesOfThePaper(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        shape = tuple(normalized_shape)
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(shape))
        self.beta = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.gamma.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.gamma * (x - mean) / torch.sqrt(var + self.eps) + self.beta


class NotLearned(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        shape = tuple(normalized_shape)
        self.eps = eps
        self.weight = torch.ones(shape)
        self.bias = torch.zeros(shape)

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class NoParameters(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.dims, self.eps = len(normalized_shape), eps

    def forward(self, x):
        dims = tuple(range(x.dim() - self.dims, x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(var + self.eps)


class RandomStart(nn.LayerNorm):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__(normalized_shape, eps)
        nn.init.normal_(self.weight, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class OnePlusWeight(nn.LayerNorm):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__(normalized_shape, eps)
        nn.init.zeros_(self.weight)

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return (1 + self.weight) * (x - mean) / torch.sqrt(var + self.eps) + self.bias


class BiasScaledToo(nn.LayerNorm):
    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight * (x_hat + self.bias)


class DoubleParameters(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        shape = tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.from_numpy(np.ones(shape)))
        self.bias = nn.Parameter(torch.from_numpy(np.zeros(shape)))

    def forward(self, x):
        dims = tuple(range(x.dim() - self.weight.dim(), x.dim()))
        mean = x.mean(dims, keepdim=True)
        var = x.var(dims, correction=0, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(var + self.eps) + self.bias


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


class WithEinsum(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.register_parameter("weight", nn.Parameter(torch.ones(normalized_shape)))
        self.register_parameter("bias", nn.Parameter(torch.zeros(normalized_shape)))

    def forward(self, x):
        m, flat = self.weight.numel(), x.flatten(x.dim() - self.weight.dim())
        rest = flat - torch.einsum("...d->...", flat).unsqueeze(-1) / m
        var = torch.einsum("...d,...d->...", rest, rest).unsqueeze(-1) / m
        x_hat = (rest / torch.sqrt(var + self.eps)).view_as(x)
        return torch.einsum("...,...->...", self.weight, x_hat) + self.bias


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
    run=protocols.train_step,
    cases=(
        Case(
            "a new module's state_dict",
            3 / 20,
            just_constructed,
            run=protocols.fresh_state,
        ),
        Case(
            "the state_dict for a normalized_shape of two axes",
            2 / 20,
            just_constructed_for_two_axes,
            run=protocols.fresh_state,
        ),
        Case(
            "the output for sequences of tokens",
            4 / 20,
            training,
            run=protocols.train_output,
        ),
        Case("the gradients of x, weight and bias", 4 / 20, training),
        Case("normalized over the two trailing axes", 2 / 20, two_axes),
        Case(
            "output and gradient in eval mode, on other data",
            2 / 20,
            training,
            run=protocols.inference,
        ),
        Case("eps left out", 1 / 20, defaults),
        Case("a token of equal numbers", 1 / 20, a_constant_token),
        Case(
            "far from zero",
            1 / 20,
            far_from_zero,
            run=protocols.train_output,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
    ),
    misconceptions=(
        Misconception(
            "the unbiased variance",
            "Layer norm divides by the number of features. torch's `var` divides by "
            "one less unless told otherwise.",
            UnbiasedVariance,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "statistics of each feature, over the batch",
            "That is batch norm. Layer norm looks at one sample, or one token, and "
            "never at the others.",
            OverTheBatch,
            section="layer-norm-idea",
        ),
        Misconception(
            "one mean for all the tokens of a sequence",
            "`normalized_shape` says what belongs together. With (D,) each token has "
            "a mean of its own.",
            AllButTheFirstAxis,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the last axis alone, whatever normalized_shape",
            "`normalized_shape` may have several axes, and the mean runs over all of "
            "them.",
            LastAxisOnly,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "axis 1, whatever the shape of x",
            "Where the features stand depends on how many axes x has. Count from the "
            "end, where `normalized_shape` belongs.",
            SecondAxis,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "one mean and one variance for the whole tensor",
            "Each sample is standardized by itself, so there are as many means as "
            "samples.",
            OverEverything,
            section="layer-norm-idea",
        ),
        Misconception(
            "the mean left in",
            "Without subtracting the mean it is RMS norm. Layer norm takes out the "
            "offset of a sample as well as its scale.",
            MeanLeftIn,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "multiplied by the standard deviation",
            "`rsqrt` is one over the root already. Dividing by it multiplies.",
            TimesTheDeviation,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            EpsOutside,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "no eps",
            "A token of equal numbers has variance zero. What is divided by what then?",
            NoEps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "mean and variance cut off from the gradient",
            "Both are computed from x, so x reaches the output through them too. "
            "There is nothing here that has to be kept out of the graph.",
            StatisticsWithoutGradient,
            section="layer-norm-backward",
        ),
        Misconception(
            "the mean cut off from the gradient",
            "Move one feature and the mean moves with it, which shifts all the others.",
            MeanWithoutGradient,
            section="layer-norm-backward",
        ),
        Misconception(
            "the variance cut off from the gradient",
            "Move one feature and the spread changes, which rescales all the others.",
            VarianceWithoutGradient,
            section="layer-norm-backward",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. Subtract the "
            "mean first.",
            MeanOfSquares,
            section="layer-norm-numerical-care",
        ),
        Misconception(
            "eval mode passes x through",
            "Layer norm does the same in training and at inference: a sample brings "
            "its own statistics along.",
            NothingInEval,
        ),
        Misconception(
            "running statistics, as in batch norm",
            "There is nothing to gather: at inference too, a sample is normalized "
            "with its own mean and variance. Which of them would an average over "
            "samples replace?",
            RunningStatistics,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            FixedEps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the default eps of another library",
            "1e-5 is torch's default, and a saved model relies on it. Others take "
            "1e-6 or 1e-3.",
            OtherDefault,
        ),
        Misconception(
            "one weight and one bias for the whole layer",
            "The statistics are shared by the features of a sample, the parameters "
            "are not: each feature has its own.",
            OneNumberEach,
        ),
        Misconception(
            "weight and bias for one axis of normalized_shape only",
            "Each of the numbers that are normalized together has a weight and a bias "
            "of its own.",
            FirstAxisOnly,
        ),
        Misconception(
            "weight and bias flattened",
            "They have the shape `normalized_shape`, with as many axes. With another "
            "shape a saved model cannot be loaded into the official layer.",
            Flattened,
        ),
        Misconception(
            "a normalized_shape that has to be a tuple",
            "`LayerNorm(5)` means `LayerNorm((5,))`. That is how it is called most of "
            "the time.",
            NoIntegers,
        ),
        Misconception(
            "a normalized_shape that has to be an integer",
            "`normalized_shape` may be a tuple of several axes.",
            IntegersOnly,
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
            "no weight and no bias",
            "After standardizing, each feature is scaled and shifted by learned "
            "numbers.",
            NoParameters,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "random weights to start from",
            "A new layer norm only standardizes. Which weight and bias leave the "
            "standardized values as they are?",
            RandomStart,
        ),
        Misconception(
            "1 + weight where the weight belongs",
            "Some models store the distance from 1. In torch's layer the weight "
            "starts at 1 and multiplies as it is.",
            OnePlusWeight,
        ),
        Misconception(
            "the bias scaled along with the input",
            "The bias is added after the scaling.",
            BiasScaledToo,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "weight and bias in float64",
            "NumPy's numbers are float64 by default, torch's are float32. The wider "
            "type spreads to the output.",
            DoubleParameters,
        ),
    ),
    equivalents=(AsRows, InDouble, WithEinsum, BackwardByHand),
    symptoms=(
        (
            frozenset({"dx"}),
            "The output is right and the gradient of x is not: something between them "
            "is outside of the graph.",
        ),
        (
            frozenset({"weight"}),
            "Only the weight is wrong: which values does it start from, and in which "
            "shape?",
        ),
        (
            frozenset({"bias"}),
            "Only the bias is wrong: which values does it start from, and in which "
            "shape?",
        ),
        (
            frozenset({"weight", "bias"}),
            "Only the parameters of a new layer are wrong: their names, their shapes "
            "or the values they start from.",
        ),
    ),
)
