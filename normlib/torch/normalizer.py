"""One call for every normalization layer, by which a network's layers are swapped."""

from torch import Tensor, nn

from normlib.torch.switchable_norm import SwitchNorm1d, SwitchNorm2d, SwitchNorm3d

_BATCH = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_INSTANCE = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_SWITCHABLE = (SwitchNorm1d, SwitchNorm1d, SwitchNorm2d, SwitchNorm3d)


class _ChannelRMSNorm(nn.RMSNorm):
    """``torch.nn.RMSNorm`` over axis 1, at each position by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def normalizer(name: str, num_features: int, ndim: int) -> nn.Module:
    """Build the normalization layer ``name`` for inputs (N, C) and ``ndim`` more axes.

    Each has one scale and one shift per channel, and eps 1e-5; except that RMSNorm has
    no shift, and "none" has nothing.

    ============  ====================================================================
    "none"        the input itself
    "batch"       ``torch.nn.BatchNorm1d``, ``2d`` or ``3d``
    "layer"       over all but N: ``torch.nn.GroupNorm`` with one group; for (N, C)
                  ``torch.nn.LayerNorm``
    "instance"    ``torch.nn.InstanceNorm1d``, ``2d`` or ``3d``; not for (N, C)
    "group"       ``torch.nn.GroupNorm`` with as many groups as divide C, up to 8, and
                  leave each at least 4 channels
    "switchable"  ``SwitchNorm1d``, ``2d`` or ``3d``
    "rms"         ``torch.nn.RMSNorm`` over the channels, at each position by itself
    ============  ====================================================================

    Parameters
    ----------
    name : str
        One of the above.
    num_features : int
        C.
    ndim : int
        How many axes follow C: 0 for tables, 1 for sequences, 2 for images and 3 for
        volumes.

    Returns
    -------
    torch.nn.Module
        Takes and returns a tensor of shape ``(N, C, *)``.

    Raises
    ------
    ValueError
        If ``name`` or ``ndim`` is not as above, or for instance norm of (N, C), where
        it would average over one number.

    Examples
    --------
    >>> normalizer("batch", 16, ndim=2)  # doctest: +ELLIPSIS
    BatchNorm2d(16, ...)
    >>> normalizer("group", 12, ndim=2)  # doctest: +ELLIPSIS
    GroupNorm(3, 12, ...)
    """
    if ndim not in range(4):
        raise ValueError(f"ndim must be 0, 1, 2 or 3, got {ndim}")
    match name:
        case "none":
            return nn.Identity()
        case "batch":
            return _BATCH[ndim](num_features)
        case "layer" if ndim == 0:
            return nn.LayerNorm(num_features)
        case "layer":
            return nn.GroupNorm(1, num_features)
        case "instance" if ndim == 0:
            raise ValueError('ndim must be 1, 2 or 3 for "instance", got 0')
        case "instance":
            return _INSTANCE[ndim - 1](num_features, affine=True)
        case "group":
            return nn.GroupNorm(_num_groups(num_features), num_features)
        case "switchable":
            return _SWITCHABLE[ndim](num_features)
        case "rms":
            return _ChannelRMSNorm(num_features, eps=1e-5)
    raise ValueError(
        'name must be "none", "batch", "layer", "instance", "group", "switchable" or '
        f'"rms", got "{name}"'
    )


def _num_groups(num_channels: int) -> int:
    # Two channels a group would turn tables into signs, one channel into zeros.
    most = min(8, max(1, num_channels // 4))
    return max(n for n in range(1, most + 1) if num_channels % n == 0)
