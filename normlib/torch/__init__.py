"""Normalization layers that ``torch.nn`` lacks, and a factory for all of them.

::

    SwitchNorm1d(num_features, eps=1e-05, momentum=0.1, device=None, dtype=None)
    SwitchNorm2d(num_features, eps=1e-05, momentum=0.1, device=None, dtype=None)
    SwitchNorm3d(num_features, eps=1e-05, momentum=0.1, device=None, dtype=None)
    AdaptiveInstanceNorm2d(eps=1e-05)
    normalizer(name, num_features, ndim)

The last builds any of "none", "batch", "layer", "instance", "group", "switchable" and
"rms".
"""

from normlib.torch.adaptive_instance_norm import AdaptiveInstanceNorm2d
from normlib.torch.normalizer import normalizer
from normlib.torch.switchable_norm import SwitchNorm1d, SwitchNorm2d, SwitchNorm3d

__all__ = [
    "AdaptiveInstanceNorm2d",
    "SwitchNorm1d",
    "SwitchNorm2d",
    "SwitchNorm3d",
    "normalizer",
]
