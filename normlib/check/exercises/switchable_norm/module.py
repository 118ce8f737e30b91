"""switchable_norm.module: the layer itself, with its gates, buffers and two modes."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running import protocols
from normlib.torch import SwitchNorm2d

# Cases. Few values per channel, so that biased and unbiased variance differ; shares
# that differ between means and variances; two training steps; new data that the
# running statistics do not fit.


def training(rng, new=(3, 0.1, 0.3), spread=(1, 3, 9)):
    values = {
        "mean_weight": np.array([0.3, 1.1, -0.4]) + rng.uniform(-0.1, 0.1, 3),
        "var_weight": np.array([0.9, -0.5, 0.2]) + rng.uniform(-0.1, 0.1, 3),
        "weight": rng.uniform(0.5, 3, 3) * np.array([1, -1, 1]),
        "bias": rng.uniform(0.5, 2, 3),
    }
    parameters = {name: value.astype(np.float32) for name, value in values.items()}
    inputs = {"new": new, "parameters": parameters}
    sign = np.sign(values["weight"]).reshape(3, 1)
    for i, shift in zip("123", (1, 2, 5), strict=True):
        image = rng.permutation([-1.0, 1.0]).reshape(2, 1, 1)
        z = np.tile(np.linspace(-1.5, 1.5, 20), (2, 3, 1))
        z = image + rng.permuted(z, axis=2) + rng.uniform(-0.2, 0.2, z.shape)
        # All paths count in these gradients, and none of them is small by chance.
        dy = sign * (1 + z + z**2 / 2) + rng.normal(size=z.shape)
        x = np.array(spread).reshape(3, 1) * (z + shift * np.array([[1], [-1], [2]]))
        for name, value in (("x", x), ("dy", dy)):
            inputs[name + i] = value.reshape(2, 3, 4, 5).astype(np.float32)
    return inputs


def defaults(rng):
    return training(rng, new=(3,), spread=(0.001, 0.003, 0.008))


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
    inputs = training(rng, spread=(1, 1, 1))
    return inputs | dict(x1=(inputs["x1"] + 1e4).astype(np.float32))


# What people get wrong. A wrong forward takes from torch a constructor that has all
# but the logits.


class BiasedRunningVariance(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(variances[2].flatten(), self.momentum)
                self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class UnbiasedInTraining(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, keepdim=True) for axis in axes]
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


class UnbiasedInstance(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var((2, 3), keepdim=True)]
        for k in (1, 2):
            spread = variances[0] + (means[0] - means[k]) ** 2
            variances.append(spread.mean(2 - k, keepdim=True))
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


class WithinAlone(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var((2, 3), correction=0, keepdim=True)]
        variances += [variances[0].mean(d, keepdim=True) for d in (1, 0)]
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


class AnotherOrder(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p, q = p.roll(-1), q.roll(-1)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class LayerAndBatchSwapped(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p, q = p[[0, 2, 1]], q[[0, 2, 1]]
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NoSoftmax(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p, q = self.mean_weight, self.var_weight
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class OneSoftmaxForBoth(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p = q = self.mean_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class GatesSwapped(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        q, p = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class GatesWithoutGradient(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p = torch.tensor(self.mean_weight.tolist()).softmax(0)
        q = torch.tensor(self.var_weight.tolist()).softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class OutputsMixed(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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
        p = self.mean_weight.softmax(0)
        stds = [(var + self.eps).sqrt() for var in variances]
        x_hat = sum(p[k] * (x - means[k]) / stds[k] for k in range(3))
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class ReversedMomentum(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), 1 - self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), 1 - self.momentum)
                self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class SumsNeverDivided(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean += means[2].flatten()
                self.running_var += x.var((0, 2, 3))
                self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class MixtureStored(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if not self.training:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean.mean((0, 2, 3)), self.momentum)
                self.running_var.lerp_(var.mean((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class BatchStatisticsAtInference(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class BatchNormAtInference(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            means = [self.running_mean[:, None, None]] * 3
            variances = [self.running_var[:, None, None]] * 3
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class UpdatedAtInference(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        with torch.no_grad():
            self.running_mean.lerp_(means[2].flatten(), self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        if not self.training:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class AlwaysTraining(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        with torch.no_grad():
            self.running_mean.lerp_(means[2].flatten(), self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class ModeFromGradients(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if torch.is_grad_enabled():
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


class RunningStatisticsInTraining(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        means[2] = self.running_mean.clone()[:, None, None]
        variances[2] = self.running_var.clone()[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class StatisticsWithoutGradient(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.detach().mean(axis, keepdim=True) for axis in axes]
        variances = [x.detach().var(axis, correction=0, keepdim=True) for axis in axes]
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


class BatchStatisticsWithoutGradient(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
                means[2] = means[2].detach()
                variances[2] = variances[2].detach()
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class BuffersHoldTheGraph(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * means[2].flatten()
            self.running_var = (1 - m) * self.running_var + m * x.var((0, 2, 3))
            self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NothingCounted(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class FloatCounter(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("num_batches_tracked", torch.zeros(()))
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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


class MeanOfSquares(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        squares = [(x * x).mean(axis, keepdim=True) for axis in axes]
        variances = [squares[k] - means[k] ** 2 for k in range(3)]
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


class OtherDefaults(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-3, momentum=0.9):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
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


class VarianceFromZero(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.register_buffer("running_var", torch.zeros(num_features))

    def forward(self, x):
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


class GatesFromZero(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.zeros(3))
        self.var_weight = nn.Parameter(torch.zeros(3))

    def forward(self, x):
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


class OneGateForEachChannel(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mean_weight = nn.Parameter(torch.ones(3, num_features))
        self.var_weight = nn.Parameter(torch.ones(3, num_features))

    def forward(self, x):
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
        p = self.mean_weight.softmax(0)[:, :, None, None]
        q = self.var_weight.softmax(0)[:, :, None, None]
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class PlainTensors(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = torch.zeros(num_features)
        self.running_var = torch.ones(num_features)
        self.num_batches_tracked = 0

    def forward(self, x):
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


class NoRunningStatistics(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NoCounter(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2].flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
        else:
            means[2] = self.running_mean[:, None, None]
            variances[2] = self.running_var[:, None, None]
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight[:, None, None] * x_hat + self.bias[:, None, None]


class NamesOfThePaper(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.gamma = nn.Parameter(torch.ones(num_features))
        self.beta = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
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
        return self.gamma[:, None, None] * x_hat + self.beta[:, None, None]


class GatesNotLearned(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.register_buffer("mean_weight", torch.ones(3))
        self.register_buffer("var_weight", torch.ones(3))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
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


class AxesKept(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.mean_weight = nn.Parameter(torch.ones(3))
        self.var_weight = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(1, num_features, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, num_features, 1, 1))
        self.register_buffer("running_mean", torch.zeros(1, num_features, 1, 1))
        self.register_buffer("running_var", torch.ones(1, num_features, 1, 1))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        axes = (2, 3), (1, 2, 3), (0, 2, 3)
        means = [x.mean(axis, keepdim=True) for axis in axes]
        variances = [x.var(axis, correction=0, keepdim=True) for axis in axes]
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(means[2], self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3), keepdim=True), self.momentum)
                self.num_batches_tracked += 1
        else:
            means[2] = self.running_mean
            variances[2] = self.running_var
        p, q = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        mean = p[0] * means[0] + p[1] * means[1] + p[2] * means[2]
        var = q[0] * variances[0] + q[1] * variances[1] + q[2] * variances[2]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight * x_hat + self.bias


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
    reference=SwitchNorm2d,
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
            "the gradients of x and of all parameters in training mode",
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
            "What is stored estimates the variance of all data, so it is the "
            "unbiased one, as in batch norm. The mixture of this batch uses the "
            "biased one.",
            BiasedRunningVariance,
        ),
        Misconception(
            "the unbiased variance for all three members",
            "The three members divide by the number of values they average over. "
            "torch's `var` divides by one less unless told otherwise.",
            UnbiasedInTraining,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the unbiased variance for instance norm, and what follows from it",
            "All three variances divide by the number of values. With all weight on "
            "one member, the layer should be that member exactly.",
            UnbiasedInstance,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the mean of the variances, without the variance of the means",
            "Within a channel the variance is taken around that channel's mean. How "
            "far the means lie apart is spread too, and it is missing.",
            WithinAlone,
            section="switchable-norm-moments",
        ),
        Misconception(
            "the logits in another order: batch, instance, layer",
            "Here the first logit is instance norm's, then come layer and batch "
            "norm. A model saved with another order loads without a word and "
            "computes something else.",
            AnotherOrder,
        ),
        Misconception(
            "layer and batch norm exchanged",
            "The second logit is layer norm's, the third batch norm's.",
            LayerAndBatchSwapped,
        ),
        Misconception(
            "the logits used as the shares",
            "Logits become shares by a softmax. They all start at 1, and three "
            "shares of 1 are too much.",
            NoSoftmax,
            section="switchable-norm-algorithm",
        ),
        Misconception(
            "the shares of the means used for the variances",
            "Means and variances have logits of their own. Yours leaves one of them "
            "without a gradient.",
            OneSoftmaxForBoth,
            section="switchable-norm-algorithm",
        ),
        Misconception(
            "the two sets of logits swapped",
            "`mean_weight` mixes the means and `var_weight` the variances.",
            GatesSwapped,
            section="switchable-norm-algorithm",
        ),
        Misconception(
            "logits outside of the graph",
            "The gates are to be learned. Somewhere on the way from the logits to "
            "the shares they stop being tensors that record gradients.",
            GatesWithoutGradient,
        ),
        Misconception(
            "three normalized outputs mixed, instead of their statistics",
            "First one mean and one variance are mixed, then x is standardized "
            "once. With outputs there would be no use for two sets of shares.",
            OutputsMixed,
            section="switchable-norm-idea",
        ),
        Misconception(
            "momentum the wrong way round",
            "In torch momentum is the weight of the new batch. With 0.1 the old "
            "value keeps nine tenths. The authors' code means the reverse.",
            ReversedMomentum,
        ),
        Misconception(
            "running statistics that only add up",
            "An average moves toward the new value by a fraction. A sum grows with "
            "every batch.",
            SumsNeverDivided,
        ),
        Misconception(
            "running statistics of the mixture",
            "Only batch norm needs the other images, so only its statistics are "
            "kept for inference. The shares are applied afresh at every call.",
            MixtureStored,
        ),
        Misconception(
            "batch norm's share with the batch's statistics in eval mode",
            "At inference the answer for one image must not depend on the others. "
            "That is what the running statistics are kept for.",
            BatchStatisticsAtInference,
        ),
        Misconception(
            "running statistics for all three members in eval mode",
            "Instance and layer norm need no more than the image itself, at "
            "inference as in training. Only batch norm needs a memory.",
            BatchNormAtInference,
        ),
        Misconception(
            "the running statistics updated in eval mode",
            "In eval mode they are constants. Otherwise every evaluation changes "
            "the network.",
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
            "independent.",
            ModeFromGradients,
        ),
        Misconception(
            "the running statistics used in training",
            "In training batch norm's part is the batch's own mean and variance, "
            "through which gradients flow. The running ones only follow.",
            RunningStatisticsInTraining,
        ),
        Misconception(
            "the statistics cut off from the gradient",
            "In training x reaches the output also through its means and variances. "
            "Only the update of the buffers is to be kept out of the graph.",
            StatisticsWithoutGradient,
            section="switchable-norm-backward",
        ),
        Misconception(
            "batch norm's statistics cut off from the gradient",
            "They are constants at inference. In training the gradient goes through "
            "them as it goes through those of the other two.",
            BatchStatisticsWithoutGradient,
            section="switchable-norm-backward",
        ),
        Misconception(
            "the buffers hold on to the graph of past steps",
            "A running average of tensors that record gradients records them too, "
            "and its history grows with every step. What is stored should be "
            "numbers.",
            BuffersHoldTheGraph,
        ),
        Misconception(
            "the batches are not counted",
            "`num_batches_tracked` says how many training batches the statistics "
            "have seen, as in `nn.BatchNorm2d`.",
            NothingCounted,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree "
            "in all the digits there are, and their difference is noise. Subtract "
            "the mean first.",
            MeanOfSquares,
            section="switchable-norm-numerical-care",
        ),
        Misconception(
            "the defaults of another library",
            "Here they are torch's: 1e-5, and 0.1 for the weight of the new batch.",
            OtherDefaults,
        ),
        Misconception(
            "the running variance starts at 0",
            "Before the first batch, batch norm's part should pass its input "
            "through unchanged: which mean and variance do that? The authors' code "
            "starts at 0.",
            VarianceFromZero,
        ),
        Misconception(
            "logits that start at 0",
            "Equal logits give equal shares whatever they are. But a new layer of "
            "this exercise is to have them at 1, as in the paper's code.",
            GatesFromZero,
        ),
        Misconception(
            "logits for each channel",
            "The whole layer has three logits for its means and three for its "
            "variances, shared by all channels.",
            OneGateForEachChannel,
            section="switchable-norm-idea",
        ),
        Misconception(
            "running statistics that are no buffers",
            "A plain tensor is neither saved with the model nor moved to the GPU "
            "with it. `nn.Module` has a place for state that is not learned.",
            PlainTensors,
        ),
        Misconception(
            "no running statistics",
            "Without them batch norm has nothing to use at inference but the batch, "
            "and a single image has none.",
            NoRunningStatistics,
        ),
        Misconception(
            "no count of the batches",
            "There is a third buffer, `num_batches_tracked`, as in `nn.BatchNorm2d`.",
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
            "torch calls gamma `weight` and beta `bias`, and so does this layer. "
            "With other names a saved model cannot be loaded.",
            NamesOfThePaper,
        ),
        Misconception(
            "logits that are no parameters",
            "An optimizer is given the module's parameters. What makes a tensor one "
            "of them?",
            GatesNotLearned,
        ),
        Misconception(
            "parameters and buffers of shape (1, C, 1, 1)",
            "One number per channel is stored in shape (C,), and the axes for "
            "broadcasting are added where they are needed.",
            AxesKept,
        ),
    ),
    equivalents=(FromInstance, StackedTables, InDouble),
    symptoms=(
        (
            frozenset({"dx"}),
            "The output is right and the gradient of x is not: something between them "
            "is outside of the graph, or was overwritten.",
        ),
        (
            frozenset({"gradient of mean_weight", "gradient of var_weight"}),
            "Only the gates learn the wrong thing. From the logits to the output "
            "everything has to be tensor operations that autograd can follow.",
        ),
        (
            frozenset({"running_mean"}),
            "Only the running mean is wrong. By which weights is it averaged, and "
            "from which value does it start?",
        ),
        (
            frozenset({"running_var"}),
            "Only the running variance is wrong. Which of the variances is stored, and "
            "how many numbers stand behind it?",
        ),
        (
            frozenset({"num_batches_tracked"}),
            "Only the count is wrong: it says how many batches were seen in training "
            "mode.",
        ),
    ),
)
