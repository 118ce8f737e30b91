"""Normalization layers that ``torch.nn`` lacks, and a factory for all of them."""

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
