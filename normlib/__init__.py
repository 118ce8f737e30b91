"""The reference implementations of the course: NumPy alone, one method a module.

A normalizer ``f`` returns ``y`` and a ``cache``, from which ``f_backward(dy, cache)``
computes the gradients, in the order of the arguments. Those that keep running
statistics take them as arguments and return them as new arrays.
"""

from normlib.adaptive_instance_norm import (
    adaptive_instance_norm,
    adaptive_instance_norm_backward,
)
from normlib.batch_norm import batch_norm, batch_norm_backward
from normlib.feature_scaling import (
    DecimalScaler,
    MinMaxScaler,
    StandardScaler,
    decimal_scale,
    min_max_scale,
    z_score_scale,
)
from normlib.gradcheck import numerical_gradient
from normlib.group_norm import group_norm, group_norm_backward
from normlib.instance_norm import instance_norm, instance_norm_backward
from normlib.layer_norm import layer_norm, layer_norm_backward
from normlib.rms_norm import rms_norm, rms_norm_backward
from normlib.spectral_norm import (
    power_iteration,
    spectral_norm,
    spectral_norm_backward,
)
from normlib.switchable_norm import (
    switchable_moments,
    switchable_norm,
    switchable_norm_backward,
)
from normlib.weight_norm import (
    data_dependent_init,
    weight_norm,
    weight_norm_backward,
)

__all__ = [
    "DecimalScaler",
    "MinMaxScaler",
    "StandardScaler",
    "adaptive_instance_norm",
    "adaptive_instance_norm_backward",
    "batch_norm",
    "batch_norm_backward",
    "data_dependent_init",
    "decimal_scale",
    "group_norm",
    "group_norm_backward",
    "instance_norm",
    "instance_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "min_max_scale",
    "numerical_gradient",
    "power_iteration",
    "rms_norm",
    "rms_norm_backward",
    "spectral_norm",
    "spectral_norm_backward",
    "switchable_moments",
    "switchable_norm",
    "switchable_norm_backward",
    "weight_norm",
    "weight_norm_backward",
    "z_score_scale",
]
