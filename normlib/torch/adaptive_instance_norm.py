"""Adaptive instance norm (Huang and Belongie, 2017, https://arxiv.org/abs/1703.06868).

The style of an image, as far as it lies in the mean and the spread of each channel, is
put onto the content of another one.
"""

import torch
from torch import Tensor, nn


class AdaptiveInstanceNorm2d(nn.Module):
    """Give each channel of ``content`` the mean and standard deviation of ``style``.

    ``y = std(style) * (content - mean(content)) / std(content) + mean(style)``, over
    the pixels of each channel of each sample, with ``std = sqrt(var + eps)`` for both:
    content is returned as it is if it is also the style. There are no parameters.

    Parameters
    ----------
    eps : float
        Added to both variances, which are the biased ones (divide by H * W). The
        authors' code divides by H * W - 1.

    Raises
    ------
    ValueError
        If content or style is not of shape (N, C, H, W), floating-point and of the
        other's dtype, or if ``eps`` is not positive.

    Examples
    --------
    >>> content, style = torch.randn(2, 3, 8, 8), 5 + torch.randn(2, 3, 4, 4)
    >>> y = AdaptiveInstanceNorm2d()(content, style)
    >>> torch.allclose(y.mean((2, 3)), style.mean((2, 3)))
    True
    """

    def __init__(self, eps: float = 1e-5):
        super().__init__()
        if not eps > 0:
            raise ValueError(f"eps must be positive, got {eps}")
        self.eps = eps

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Restyle ``content`` (N, C, H, W) by ``style`` (N, C, H', W')."""
        if content.ndim != 4 or style.ndim != 4 or content.shape[:2] != style.shape[:2]:
            raise ValueError(
                "expected content and style of shapes (N, C, H, W) and (N, C, *, *), "
                f"got {tuple(content.shape)} and {tuple(style.shape)}"
            )
        if content.dtype != style.dtype or not content.is_floating_point():
            raise ValueError(
                "expected content and style of one floating-point dtype, "
                f"got {content.dtype} and {style.dtype}"
            )
        centered, _, std = self._center(content)
        _, style_mean, style_std = self._center(style)
        return (centered / std * style_std + style_mean).to(content.dtype)

    def extra_repr(self) -> str:
        return f"eps={self.eps}"

    def _center(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        rounded_mean = x.mean((2, 3), keepdim=True)
        centered = x - rounded_mean
        correction = centered.mean((2, 3), keepdim=True)
        centered = centered - correction
        var = centered.square().mean((2, 3), keepdim=True) + self.eps
        std = var.clamp(max=torch.finfo(var.dtype).max).sqrt()  # squares may overflow
        return centered, rounded_mean + correction, std
