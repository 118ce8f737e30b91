"""batch_norm.module: the layer itself, with parameters, buffers and two modes."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running import protocols

# Cases. Four values per channel, so that biased and unbiased variance are far apart;
# two training steps; new data that the running statistics do not fit.


def training(rng, new=(3, 0.1, 0.3), spread=(1, 3, 9)):
    channels = np.array(spread).reshape(3, 1)
    weight = rng.uniform(0.5, 3, 3) * np.array([1, -1, 1])
    bias = rng.uniform(0.5, 2, 3)
    values = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    inputs = {"new": new, "parameters": values}
    for i, shift in zip("123", (1, 2, 5), strict=True):
        x = rng.permuted(np.tile(np.linspace(-1.5, 1.5, 4), (3, 1)), axis=1)
        x = channels * (x + rng.uniform(-0.2, 0.2, (3, 4)) + shift)
        x = x.reshape(3, 2, 1, 2).swapaxes(0, 1).astype(np.float32)  # (2, 3, 1, 2)
        dy = 1 + rng.normal(size=x.shape).astype(np.float32)
        inputs |= {f"x{i}": x, f"dy{i}": dy}
    return inputs


def defaults(rng):
    return training(rng, new=(3,), spread=(0.001, 0.003, 0.009))


def evaluation(rng):
    buffers = {
        "running_mean": rng.uniform(-3, 2, 3).astype(np.float32),
        "running_var": rng.uniform(1, 9, 3).astype(np.float32),
        "num_batches_tracked": np.array(7),
    }
    return training(rng) | dict(buffers=buffers)


def just_constructed(rng):
    return {"new": (3,)}


def far_from_zero(rng):
    inputs = training(rng)
    return inputs | dict(x1=(inputs["x1"] + 1e4).astype(np.float32))


# What people get wrong. A wrong forward takes the constructor from torch.


class BiasedRunningVariance(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class UnbiasedInTraining(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class CorrectedByImages(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = len(x)
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class ReversedMomentum(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 1 - self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), 1 - self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class BatchStatisticsAtInference(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class UpdatedAtInference(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        if not self.training:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AlwaysTraining(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class ModeFromGradients(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if torch.is_grad_enabled():
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class RunningStatisticsInTraining(nn.BatchNorm2d):
    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean((0, 2, 3)), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        mean, var = self.running_mean[:, None, None], self.running_var[:, None, None]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class StatisticsWithoutGradient(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            with torch.no_grad():
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class MeanWithoutGradient(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)).detach(), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class BuffersHoldTheGraph(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            m = self.momentum
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * x.var((0, 2, 3))
            self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class GradientOfTrainingInEval(nn.BatchNorm2d):
    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, mean, var, eps, weight, bias):
            inv_std = 1 / (var[:, None, None] + eps).sqrt()
            x_hat = (x - mean[:, None, None]) * inv_std
            ctx.save_for_backward(x_hat, inv_std, weight)
            return weight[:, None, None] * x_hat + bias[:, None, None]

        @staticmethod
        def backward(ctx, dy):
            x_hat, inv_std, weight = ctx.saved_tensors
            axes = (0, 2, 3)
            dx_hat = weight[:, None, None] * dy
            through_mean = dx_hat.mean(axes, keepdim=True)
            through_var = x_hat * (dx_hat * x_hat).mean(axes, keepdim=True)
            dx = inv_std * (dx_hat - through_mean - through_var)
            return dx, None, None, None, (dy * x_hat).sum(axes), dy.sum(axes)

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        return self.ByHand.apply(x, mean, var, self.eps, self.weight, self.bias)


class NothingCounted(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class FloatCounter(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("num_batches_tracked", torch.zeros(()))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class MeanOfSquares(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = x.mean((0, 2, 3))
            var = (x * x).mean((0, 2, 3)) - mean * mean
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class OtherDefaults(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-3, momentum=0.01):
        super().__init__(num_features, eps, momentum)

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class VarianceFromZero(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("running_var", torch.zeros(num_features))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class PlainTensors(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = torch.zeros(num_features)
        self.running_var = torch.ones(num_features)
        self.num_batches_tracked = 0

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NoRunningStatistics(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class StatisticsAsParameters(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = nn.Parameter(torch.zeros(num_features), requires_grad=False)
        self.running_var = nn.Parameter(torch.ones(num_features), requires_grad=False)
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NoCounter(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NamesOfThePaper(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(num_features))
        self.beta = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.gamma[:, None, None] * x_hat + self.beta[:, None, None]


class NotLearned(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AxesKept(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(1, num_features, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, num_features, 1, 1))
        self.register_buffer("running_mean", torch.zeros(1, num_features, 1, 1))
        self.register_buffer("running_var", torch.ones(1, num_features, 1, 1))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            var = x.var((0, 2, 3), correction=0, keepdim=True)
            m = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * m / (m - 1), self.momentum)
                self.num_batches_tracked += 1
        return self.weight * (x - mean) / (var + self.eps).sqrt() + self.bias


class DoubleStatistics(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.from_numpy(np.zeros(num_features)))
        self.register_buffer("running_var", torch.from_numpy(np.ones(num_features)))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            m = self.momentum
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean.mul_(1 - m).add_(m * mean)
                self.running_var.mul_(1 - m).add_(m * x.var((0, 2, 3)))
                self.num_batches_tracked += 1
        x_hat = (x - mean[:, None, None]) / (var[:, None, None] + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


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
    run=protocols.train_output,
    cases=(
        Case(
            "a new module's state_dict",
            3 / 24,
            just_constructed,
            run=protocols.fresh_state,
        ),
        Case("the output in training mode", 4 / 24, training),
        Case(
            "the gradients of x, weight and bias in training mode",
            4 / 24,
            training,
            run=protocols.train_step,
        ),
        Case(
            "the buffers after two training steps",
            4 / 24,
            training,
            run=protocols.buffers,
        ),
        Case(
            "output and gradient in eval mode, on other data",
            4 / 24,
            evaluation,
            run=protocols.inference,
        ),
        Case(
            "eval mode leaves the buffers as they are",
            2 / 24,
            evaluation,
            run=protocols.buffers_after_inference,
        ),
        Case(
            "training mode under no_grad is still training",
            1 / 24,
            training,
            run=protocols.train_output_without_gradients,
        ),
        Case("eps and momentum left out", 1 / 24, defaults, run=protocols.inference),
        Case(
            "far from zero",
            1 / 24,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
    ),
    misconceptions=(
        Misconception(
            "the biased variance in the running average",
            "What is stored estimates the variance of all data, and a batch spreads a "
            "little less around its own mean than around the true one. The unbiased "
            "variance makes up for that.",
            BiasedRunningVariance,
        ),
        Misconception(
            "the unbiased variance in training",
            "The batch is normalized with the variance divided by m. torch's `var` "
            "divides by m − 1 unless told otherwise.",
            UnbiasedInTraining,
            section="the-algorithm",
        ),
        Misconception(
            "the correction for bias counts images instead of values",
            "A channel's variance is taken over all positions of all images, so m is "
            "N · H · W and not N.",
            CorrectedByImages,
            section="images-and-sequences",
        ),
        Misconception(
            "momentum the wrong way round",
            "In torch momentum is the weight of the new batch. With 0.1 the old value "
            "keeps nine tenths. Other libraries mean the reverse.",
            ReversedMomentum,
        ),
        Misconception(
            "batch statistics in eval mode",
            "At inference the answer for one image must not depend on the others. "
            "That is what the running statistics are kept for.",
            BatchStatisticsAtInference,
        ),
        Misconception(
            "the running statistics updated in eval mode",
            "In eval mode they are constants. Otherwise every evaluation changes the "
            "network.",
            UpdatedAtInference,
        ),
        Misconception(
            "the mode ignored",
            "`module.train()` and `module.eval()` set an attribute that every "
            "`nn.Module` has. Yours trains in both modes.",
            AlwaysTraining,
        ),
        Misconception(
            "the mode taken from whether gradients are recorded",
            "`no_grad` saves memory and `eval` changes what is computed: they are "
            "independent. Gradients are also taken in eval mode, and statistics are "
            "also gathered without gradients.",
            ModeFromGradients,
        ),
        Misconception(
            "the running statistics used in training",
            "In training a batch is normalized with its own statistics, through which "
            "gradients flow. The running ones only follow.",
            RunningStatisticsInTraining,
        ),
        Misconception(
            "mean and variance cut off from the gradient",
            "In training x reaches the output also through the mean and the variance. "
            "Only the update of the buffers is to be kept out of the graph.",
            StatisticsWithoutGradient,
            section="the-backward-pass",
        ),
        Misconception(
            "the mean cut off from the gradient",
            "Move one value and the mean moves with it, which shifts all the others. "
            "Only the update of the buffers is to be kept out of the graph.",
            MeanWithoutGradient,
            section="the-backward-pass",
        ),
        Misconception(
            "the gradient of training in eval mode",
            "In eval mode mean and variance are constants, so x reaches the output on "
            "the direct path alone. The other two belong to training.",
            GradientOfTrainingInEval,
            section="the-backward-pass",
        ),
        Misconception(
            "the buffers hold on to the graph of past steps",
            "A running average of tensors that record gradients records them too, and "
            "its history grows with every step. What is stored should be numbers.",
            BuffersHoldTheGraph,
        ),
        Misconception(
            "the batches are not counted",
            "`num_batches_tracked` says how many training batches the statistics have "
            "seen. A loaded model relies on it.",
            NothingCounted,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            MeanOfSquares,
            section="numerical-care",
        ),
        Misconception(
            "the default eps and momentum of another library",
            "Keras has 1e-3, and 0.99 for the weight of the old value. Here the "
            "defaults are those of torch.",
            OtherDefaults,
        ),
        Misconception(
            "the running variance starts at 0",
            "Before the first batch the layer should pass its input through "
            "unchanged: which mean and variance do that?",
            VarianceFromZero,
        ),
        Misconception(
            "running statistics that are no buffers",
            "A plain tensor is neither saved with the model nor moved to the GPU "
            "with it. `nn.Module` has a place for state that is not learned.",
            PlainTensors,
        ),
        Misconception(
            "no running statistics",
            "Without them there is nothing to use at inference but the batch, and a "
            "single image has none. The layer needs a memory of the batches before.",
            NoRunningStatistics,
        ),
        Misconception(
            "running statistics among the parameters",
            "Parameters are what an optimizer is given. `nn.Module` has another place "
            "for state that is saved and not learned.",
            StatisticsAsParameters,
        ),
        Misconception(
            "no count of the batches",
            "torch keeps a third buffer, `num_batches_tracked`. Without it a saved "
            "model cannot be loaded into the official layer.",
            NoCounter,
        ),
        Misconception(
            "a count of the batches that is no whole number",
            "`torch.zeros(())` is a float32, in which 16,777,216 plus 1 is 16,777,216. "
            "torch counts in int64.",
            FloatCounter,
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
            "parameters and buffers of shape (1, C, 1, 1)",
            "torch stores one number per channel, in shape (C,), and the axes for "
            "broadcasting are added where they are needed.",
            AxesKept,
        ),
        Misconception(
            "running statistics in float64",
            "NumPy's numbers are float64 by default, torch's are float32. In eval "
            "mode the wider type spreads to the output.",
            DoubleStatistics,
        ),
    ),
    equivalents=(BuffersAssigned, AsRows, InDouble),
    symptoms=(
        (
            frozenset({"dx"}),
            "The output is right and the gradient of x is not: something between them "
            "is outside of the graph, or was overwritten.",
        ),
        (
            frozenset({"running_mean"}),
            "Only the running mean is wrong. By which weights is it averaged, and "
            "from which value does it start?",
        ),
        (
            frozenset({"running_var"}),
            "Only the running variance is wrong. Which of the two variances is "
            "stored, and how many numbers stand behind it?",
        ),
        (
            frozenset({"num_batches_tracked"}),
            "Only the count is wrong: it says how many batches were seen in training "
            "mode.",
        ),
    ),
)
