"""Switchable norm as in training on several devices, simulated on one.

Each device computes batch statistics from its own images, as batch norm does unless it
is synchronized. One thing is simpler here: the running averages follow all the images
of a step, where each real device follows its own.
"""

import copy

import torch
from digits import N_TRAIN, batches
from torch.nn.functional import cross_entropy

from normlib.torch import SwitchNorm2d


class SwitchNormOnDevices(SwitchNorm2d):
    """Switchable norm of (N, C) or (N, C, H, W), with ``images`` images per device.

    ``fixed``, if given, is three logits that stay as they are. As in ``SwitchNorm1d``,
    instance norm has no part in (N, C).
    """

    def __init__(self, num_features, images, fixed=None):
        super().__init__(num_features)
        self.images = images
        if fixed is not None:
            for logits in (self.mean_weight, self.var_weight):
                logits.data = torch.tensor(fixed)
                logits.requires_grad_(False)

    def mixing_weights(self, count=3):
        """Those of the means and of the variances, for the last ``count`` norms."""
        return [w[-count:].softmax(0) for w in (self.mean_weight, self.var_weight)]

    def forward(self, x):
        rows = x.reshape(*x.shape[:2], -1)
        N, C, L = rows.shape
        var, mean = torch.var_mean(rows, 2, correction=0)  # instance norm's, (N, C)
        if self.training:
            devices = (N // self.images, self.images, C)
            batch = _pooled(mean.view(devices), var.view(devices), 1)
            batch = [table.expand(devices).reshape(N, C) for table in batch]
            with torch.no_grad():
                whole = _pooled(mean, var, 0)
                self.running_mean.lerp_(whole[0][0], self.momentum)
                self.running_var.lerp_(whole[1][0] * N * L / (N * L - 1), self.momentum)
        else:
            batch = self.running_mean, self.running_var
        count = 2 if x.ndim == 2 else 3
        pairs = [(mean, var), _pooled(mean, var, 1), batch][-count:]
        p, q = self.mixing_weights(count)
        mean = sum(weight * m for weight, (m, _) in zip(p, pairs, strict=True))
        var = sum(weight * v for weight, (_, v) in zip(q, pairs, strict=True))
        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - scale * mean
        return (rows * scale[..., None] + shift[..., None]).view(x.shape)


def _pooled(mean, var, dim):
    """Mean and variance of the groups along ``dim`` together, from those of each."""
    middle = mean.mean(dim, keepdim=True)
    return middle, (var + (mean - middle) ** 2).mean(dim, keepdim=True)


def switchable_layers(net):
    return [layer for layer in net if hasattr(layer, "mean_weight")]


def fit(net, data, logit_rate=1):
    """Four passes over the data in steps of 32 images.

    The logits learn ``logit_rate`` times as fast as all other parameters.
    """
    logits, others = [], []
    for name, parameter in net.named_parameters():
        is_logit = name.endswith(("mean_weight", "var_weight"))
        (logits if is_logit else others).append(parameter)
    groups = [{"params": others}, {"params": logits, "lr": 0.1 * logit_rate}]
    optimizer = torch.optim.SGD(groups if logits else others, lr=0.1, momentum=0.9)
    steps = 4 * (N_TRAIN // 32)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    stream = batches(*data[:2], 32)
    for _ in range(steps):
        x, y = next(stream)
        optimizer.zero_grad()
        cross_entropy(net(x), y).backward()
        optimizer.step()
        schedule.step()
    return net


def batch_averaged(net, data, count=20):
    """A copy whose running statistics are plain averages over ``count`` batches."""
    net = copy.deepcopy(net).train()
    norms = [layer for layer in net if hasattr(layer, "running_mean")]
    for norm in norms:
        norm.reset_running_stats()
    stream = batches(*data[:2], 32)
    with torch.no_grad():
        for k in range(1, count + 1):
            for norm in norms:
                norm.momentum = 1 / k
            net(next(stream)[0])
    return net
