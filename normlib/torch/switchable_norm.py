"""Switchable normalization (Luo et al., 2019, https://arxiv.org/abs/1806.10779).

Each layer learns how much of instance, layer and batch norm it is: their means are
mixed by one softmax, their variances by another. Where the authors' code differs:

- All variances are the biased ones (divide by m), as in the three norms themselves.
  Theirs are the unbiased ones of instance norm, and what follows from these for the
  other two, so that their layer is never quite one of the three.
- ``momentum`` is the weight of the new batch, as in ``torch.nn``. Theirs is the weight
  of the old value.
- ``running_var`` starts at 1 and averages the unbiased variance, as in
  ``torch.nn.BatchNorm2d``. Theirs starts at 0 and averages the variance they mix.

Left out: statistics shared between devices, and second derivatives (torch raises
``RuntimeError`` when asked for them).
"""

import torch
from torch import Tensor, nn

from normlib.torch._mixed_norm import MixedNorm


class _SwitchNorm(nn.Module):
    _ndims: tuple[int, ...]

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        if not eps > 0:
            raise ValueError(f"eps must be positive, got {eps}")
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum

        def full(size: int, value: float) -> Tensor:
            return torch.full((size,), value, device=device, dtype=dtype)

        self.mean_weight = nn.Parameter(full(3, 1.0))
        self.var_weight = nn.Parameter(full(3, 1.0))
        self.weight = nn.Parameter(full(num_features, 1.0))
        self.bias = nn.Parameter(full(num_features, 0.0))
        self.register_buffer("running_mean", full(num_features, 0.0))
        self.register_buffer("running_var", full(num_features, 1.0))
        self.register_buffer("num_batches_tracked", torch.tensor(0, device=device))

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        self.running_mean.zero_()
        self.running_var.fill_(1)
        self.num_batches_tracked.zero_()

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        # Sums of half-precision numbers overflow or stall; those of float32 do not.
        dtype = torch.promote_types(x.dtype, torch.float32)
        mean_mixing = self._mixing(self.mean_weight.to(dtype), x.ndim)
        var_mixing = self._mixing(self.var_weight.to(dtype), x.ndim)
        weight = self.weight.to(dtype).view(1, -1, 1)
        bias = self.bias.to(dtype).view(1, -1, 1)
        running = None
        if not self.training:
            running = torch.stack((self.running_mean, self.running_var)).to(dtype)
        rows = x.flatten(2) if x.ndim > 2 else x.unsqueeze(2)
        y, mean, var = MixedNorm.apply(
            rows, mean_mixing, var_mixing, weight, bias, running, self.eps
        )
        if self.training and x.numel() > 0:
            self._track(mean.flatten(), var.flatten(), x.numel() // self.num_features)
        return y.reshape(x.shape)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"

    @staticmethod
    def _mixing(logits: Tensor, ndim: int) -> Tensor:
        if ndim == 2:
            mixing = nn.functional.pad(logits[1:].softmax(0), (1, 0))
        else:
            mixing = logits.softmax(0)
        return mixing.view(3, 1, 1, 1)

    def _track(self, mean: Tensor, var: Tensor, m: int) -> None:
        self.num_batches_tracked += 1
        momentum: Tensor | float = (
            1 / self.num_batches_tracked.to(mean.dtype)
            if self.momentum is None
            else self.momentum
        )
        self.running_mean += momentum * (mean - self.running_mean)
        self.running_var += momentum * (var * (m / (m - 1)) - self.running_var)

    def _check(self, x: Tensor) -> None:
        if x.ndim not in self._ndims:
            expected = " or ".join(f"{ndim}D" for ndim in self._ndims)
            raise ValueError(f"expected {expected} input (got {x.ndim}D input)")
        if x.shape[1] != self.num_features:
            raise ValueError(
                f"expected input with {self.num_features} channels, "
                f"got input size {x.shape}"
            )
        if not x.is_floating_point():
            raise ValueError(f"expected floating-point input, got {x.dtype}")
        if self.training and x.numel() == self.num_features:
            raise ValueError(
                "Expected more than 1 value per channel when training, "
                f"got input size {x.shape}"
            )


class SwitchNorm2d(_SwitchNorm):
    """Switchable norm of images: input and output of shape (N, C, H, W).

    ``y = weight * (x - mean) / sqrt(var + eps) + bias``, where ``mean`` is
    ``softmax(mean_weight)`` times the means of instance, layer and batch norm, in this
    order, and ``var`` is ``softmax(var_weight)`` times their variances. At inference,
    the running statistics stand for those of the batch.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Added to the variance, under the square root.
    momentum : float or None
        Weight of the new batch in the running statistics. None: their plain average
        over all batches since the last ``reset_running_stats``.
    device, dtype
        Of the parameters and buffers, as in ``torch.nn``.

    Attributes
    ----------
    mean_weight, var_weight : Parameter of shape (3,)
        The logits: for instance, layer and batch norm. All start at 1.
    weight, bias : Parameter of shape (C,)
        Scale and shift. They start at 1 and 0.
    running_mean, running_var : Tensor of shape (C,)
    num_batches_tracked : Tensor of int64, of shape ()

    Raises
    ------
    ValueError
        If the input has another number of axes or of channels, is not floating-point,
        or, in training, has only one value per channel; or if ``eps`` is not positive.

    Notes
    -----
    The paper's other way to infer, the average over batches of the trained network, is
    a pass over some batches in training mode before ``eval``: call
    ``reset_running_stats`` and set ``momentum = None``, then call the network on the
    batches under ``torch.no_grad``. An empty batch changes no buffer.

    The output has the dtype of the input. Statistics of float16 and bfloat16 input are
    computed in float32, under autocast too. In float32, a large offset costs no digits
    in training; at inference, it costs those that ``running_mean`` has lost. Variances
    above 3e38 are cut off there.

    Examples
    --------
    >>> norm = SwitchNorm2d(3)
    >>> norm(torch.randn(4, 3, 8, 8)).shape
    torch.Size([4, 3, 8, 8])
    >>> norm.mean_weight.softmax(0)  # a third of each to begin with
    tensor([0.3333, 0.3333, 0.3333], grad_fn=<SoftmaxBackward0>)
    """

    _ndims = (4,)


class SwitchNorm1d(_SwitchNorm):
    """Switchable norm of tables (N, C) or sequences (N, C, L); see ``SwitchNorm2d``.

    For (N, C) there is no instance norm: it would average over one number. Layer and
    batch norm are mixed by the softmax of their two logits, as in the paper, and the
    first logit gets no gradient.
    """

    _ndims = (2, 3)


class SwitchNorm3d(_SwitchNorm):
    """Switchable norm of volumes (N, C, D, H, W); see ``SwitchNorm2d``."""

    _ndims = (5,)
