"""The operation behind switchable norm and its gradient, in few passes over the data.

One pass finds the mean and the variance of each row (n, c), which are instance norm's.
Layer and batch norm's follow from these by the law of total variance, so that the data
are not averaged three times. The gradient, too, is ``a * dy + b * x + c`` in each row.
"""

from typing import Any

import torch
from torch import Tensor


class MixedNorm(torch.autograd.Function):
    """``y = weight * (x - mean) / sqrt(var + eps) + bias`` with mixed mean and var.

    x has shape (N, C, L); the mixing weights of instance, layer and batch norm, which
    come from a softmax, (3, 1, 1, 1); weight and bias (1, C, 1). All but x have the
    dtype of the computation. In training, ``running`` is None; at inference, it holds
    mean and variance for batch norm, of shape (2, C). Returns y, and mean and variance
    of this batch, of shape (1, C, 1).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        mean_mixing: Tensor,
        var_mixing: Tensor,
        weight: Tensor,
        bias: Tensor,
        running: Tensor | None,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        # As in normlib._blockwise.center: a rounded mean, and its correction.
        wide = x.to(weight.dtype)
        pivot = _average(wide, 2)
        y = wide - pivot
        rest = _average(y, 2)
        var_in = _finite(_average(y * y, 2) - rest.square().nan_to_num(posinf=0))
        # Means are held as their distance from instance norm's, which is pivot + rest:
        # the sum of a large and a small number would lose the small one.
        to_layer, _ = _center(pivot, rest, 1)
        to_batch, mean = _center(pivot, rest, 0)
        var_ln = _finite(_average(var_in + to_layer**2, 1))
        var = var_bn = _finite(_average(var_in + to_batch**2, 0))
        if running is not None:
            running_mean, var_bn = running.view(2, 1, -1, 1)
            to_batch = (pivot - running_mean) + rest
        distances = _stack(torch.zeros_like(rest), to_layer, to_batch)
        variances = _stack(var_in, var_ln, var_bn)
        inv_std = torch.rsqrt((var_mixing * variances).sum(0) + eps)
        shift = (mean_mixing * distances).sum(0) - rest
        scale = weight * inv_std
        y.mul_(scale).add_(scale * shift + bias)
        ctx.save_for_backward(
            x,
            mean_mixing,
            var_mixing,
            weight,
            pivot,
            rest,
            distances,
            variances,
            inv_std,
        )
        ctx.training = running is None
        ctx.mark_non_differentiable(mean, var)
        return y.to(x.dtype), mean, var

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("switchable norm has no second derivatives")
        (
            x,
            mean_mixing,
            var_mixing,
            weight,
            pivot,
            rest,
            distances,
            variances,
            inv_std,
        ) = ctx.saved_tensors
        dy = dy.to(weight.dtype)
        dx = x.to(weight.dtype) - pivot
        shift = (mean_mixing * distances).sum(0) - rest
        scale = weight * inv_std
        dbias = dy.sum(2, keepdim=True)
        dweight = inv_std * ((dy * dx).sum(2, keepdim=True) + shift * dbias)
        dmean = -scale * dbias
        dvar = -0.5 * weight * inv_std**2 * dweight
        # Up to a number that is the same for all three, which the softmax ignores.
        dmean_mixing = -(dmean * distances).sum((1, 2, 3), keepdim=True)
        dvar_mixing = (dvar * variances).sum((1, 2, 3), keepdim=True)
        # From the three normalizers to the mean and the variance of each row.
        dvar_ln = var_mixing[1] * _average(dvar, 1)
        dmean_in = mean_mixing[0] * dmean + mean_mixing[1] * _average(dmean, 1)
        dmean_in = dmean_in + 2 * dvar_ln * distances[1]
        dvar_in = var_mixing[0] * dvar + dvar_ln
        if ctx.training:  # at inference, the batch's are constants
            dvar_bn = var_mixing[2] * _average(dvar, 0)
            dmean_in = dmean_in + mean_mixing[2] * _average(dmean, 0)
            dmean_in = dmean_in + 2 * dvar_bn * distances[2]
            dvar_in = dvar_in + dvar_bn
        L = x.shape[2]
        slope = 2 * dvar_in / L
        dx.mul_(slope).add_(dmean_in / L - slope * rest).addcmul_(dy, scale)
        dweight = dweight.sum(0, keepdim=True)
        dbias = dbias.sum(0, keepdim=True)
        return dx.to(x.dtype), dmean_mixing, dvar_mixing, dweight, dbias, None, None


def _average(t: Tensor, dim: int) -> Tensor:
    return t.sum(dim, keepdim=True) / max(1, t.shape[dim])


def _center(mean: Tensor, rest: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """``mean + rest`` minus its average over ``dim``, and that average."""
    middle = _average(mean, dim)
    centered = (mean - middle) + rest
    correction = _average(centered, dim)
    return centered - correction, middle + correction


def _finite(var: Tensor) -> Tensor:
    """Rounding may leave less than 0, and squares may overflow."""
    return var.clamp(0, torch.finfo(var.dtype).max)


def _stack(*tables: Tensor) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*tables))
