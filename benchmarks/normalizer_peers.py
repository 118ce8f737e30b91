"""What `normalizers.py` compares: normlib, torch, and NumPy as a learner writes it.

A contender is a pair of functions: ``forward(x) -> (y, state)`` and
``backward(dy, state) -> dx``, which computes all gradients and returns that for x.
All have scale and shift, of ones and zeros, as parameters with gradients.
"""

import numpy as np
import torch
from torch.nn import functional

import normlib
from normlib.torch import SwitchNorm2d

GROUPS, EPS = 32, 1e-5  # of the group norm paper, and of all


def over(method, x):
    """The shape in which a textbook averages ``x``, and the axes."""
    if method == "group":
        return (x.shape[0], GROUPS, -1), (2,)
    pixels = tuple(range(2, x.ndim))
    axes = {"batch": (0, *pixels), "instance": pixels, "layer": tuple(range(1, x.ndim))}
    return x.shape, axes[method]


def parameters(method, x):
    """gamma and beta: for each number in layer norm, else for each channel."""
    shape = x.shape[1:] if method == "layer" else x.shape[1:2]
    return np.ones(shape, x.dtype), np.zeros(shape, x.dtype)


def ours(method, x):
    gamma, beta = parameters(method, x)
    logits = np.ones(3, x.dtype)
    forward, *arguments = {
        "batch": (normlib.batch_norm, gamma, beta),
        "instance": (normlib.instance_norm, gamma, beta),
        "layer": (normlib.layer_norm, gamma, beta),
        "group": (normlib.group_norm, GROUPS, gamma, beta),
        "switchable": (normlib.switchable_norm, logits, logits, gamma, beta),
    }[method]
    backward = getattr(normlib, f"{forward.__name__}_backward")
    return (
        lambda x: forward(x, *arguments)[:2],
        lambda dy, cache: backward(dy, cache)[0],
    )


def in_torch(method, x):
    """torch's functional API; for switchable norm, three calls of ``var_mean``."""
    gamma, beta = (torch.tensor(a).requires_grad_() for a in parameters(method, x))
    logits = [torch.ones(3).requires_grad_() for _ in range(2)]
    learned = [gamma, beta]
    if method == "switchable":
        learned += logits

    def apply(x):
        match method:
            case "batch":
                return functional.batch_norm(x, None, None, gamma, beta, True)
            case "instance":
                return functional.instance_norm(x, None, None, gamma, beta)
            case "layer":
                return functional.layer_norm(x, x.shape[1:], gamma, beta)
            case "group":
                return functional.group_norm(x, GROUPS, gamma, beta)
        return three_var_means(x, *logits, gamma, beta)

    return from_torch(apply, learned)


def module(method, x):
    """``normlib.torch.SwitchNorm2d``."""
    layer = SwitchNorm2d(x.shape[1])
    return from_torch(layer, list(layer.parameters()))


def from_torch(apply, learned):
    def forward(x):
        x = torch.from_numpy(x).requires_grad_()
        y = apply(x)
        return y.detach().numpy(), (x, y)

    def backward(dy, state):
        x, y = state
        dx, *_ = torch.autograd.grad(y, (x, *learned), torch.from_numpy(dy))
        return dx.numpy()

    return forward, backward


def three_var_means(x, mean_weight, var_weight, gamma, beta):
    axes = ((2, 3), (1, 2, 3), (0, 2, 3))
    pairs = [torch.var_mean(x, dim, correction=0, keepdim=True) for dim in axes]
    mean_share, var_share = mean_weight.softmax(0), var_weight.softmax(0)
    mean = sum(share * mean for share, (_, mean) in zip(mean_share, pairs, strict=True))
    var = sum(share * var for share, (var, _) in zip(var_share, pairs, strict=True))
    x_hat = (x - mean) / torch.sqrt(var + EPS)
    return gamma.view(-1, 1, 1) * x_hat + beta.view(-1, 1, 1)


def textbook(method, x):
    if method == "switchable":
        return textbook_switchable(x)
    gamma, beta = parameters(method, x)
    if method != "layer":
        gamma, beta = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in (gamma, beta))
    summed = tuple(axis for axis in range(x.ndim) if gamma[None].shape[axis] == 1)
    shape, axes = over(method, x)

    def forward(x):
        grouped = x.reshape(shape)
        mean = grouped.mean(axis=axes, keepdims=True)
        var = grouped.var(axis=axes, keepdims=True)
        inv_std = 1 / np.sqrt(var + EPS)
        x_hat = (grouped - mean) * inv_std
        return gamma * x_hat.reshape(x.shape) + beta, (x_hat, inv_std)

    def backward(dy, state):
        x_hat, inv_std = state
        _dgamma = (dy * x_hat.reshape(dy.shape)).sum(axis=summed)
        _dbeta = dy.sum(axis=summed)
        dx_hat = (dy * gamma).reshape(shape)
        through_mean = dx_hat.mean(axis=axes, keepdims=True)
        through_var = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
        dx = inv_std * (dx_hat - through_mean - through_var)
        return dx.reshape(dy.shape)

    return forward, backward


def textbook_switchable(x):
    """With three means and three variances of the data; the shares are a third each."""
    members = ((2, 3), (1, 2, 3), (0, 2, 3))
    gamma, beta = (a.reshape(-1, 1, 1) for a in parameters("switchable", x))

    def forward(x):
        means = [x.mean(axis=axes, keepdims=True) for axes in members]
        variances = [x.var(axis=axes, keepdims=True) for axes in members]
        inv_std = 1 / np.sqrt(sum(variances) / 3 + EPS)
        x_hat = (x - sum(means) / 3) * inv_std
        return gamma * x_hat + beta, (x, x_hat, inv_std, means, variances)

    def backward(dy, state):
        x, x_hat, inv_std, means, variances = state
        _dgamma = (dy * x_hat).sum(axis=(0, 2, 3))
        _dbeta = dy.sum(axis=(0, 2, 3))
        dx_hat = dy * gamma
        dx = dx_hat * inv_std
        dmean = -dx.sum(axis=(2, 3), keepdims=True)
        dvar = -0.5 * (dx_hat * x_hat).sum(axis=(2, 3), keepdims=True) * inv_std**2
        _dmean_share = [np.sum(dmean * mean) for mean in means]
        _dvar_share = [np.sum(dvar * var) for var in variances]
        for axes, mean in zip(members, means, strict=True):
            m = np.prod([x.shape[axis] for axis in axes])
            rest = tuple(axis for axis in axes if axis < 2)
            dx = dx + dmean.sum(axis=rest, keepdims=True) / (3 * m)
            dx = dx + dvar.sum(axis=rest, keepdims=True) * (x - mean) * 2 / (3 * m)
        return dx

    return forward, backward
