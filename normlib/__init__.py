"""The reference implementations of the course: NumPy alone, one method a module.

A normalizer ``f`` returns ``y`` and a ``cache``, from which ``f_backward(dy, cache)``
computes the gradients, in the order of the arguments. It standardizes (subtracts a
mean, divides by a standard deviation), then multiplies by ``gamma`` and adds ``beta``.
Running statistics are arguments, and come back as new arrays. x has shape (N, C, *):
samples, channels, and any number of further axes; layer and RMS norm take any shape
that ends in that of gamma. Where and how is in the help of each function.

Normalizing what a network computes::

    batch_norm(x, gamma, beta, running_mean=None, running_var=None, *,
        training=True, momentum=0.1, eps=1e-05)
        -> y, cache, running_mean, running_var
    batch_norm_backward(dy, cache) -> dx, dgamma, dbeta

    layer_norm(x, gamma, beta, eps=1e-05) -> y, cache
    layer_norm_backward(dy, cache) -> dx, dgamma, dbeta

    rms_norm(x, gamma, eps=1e-06) -> y, cache
    rms_norm_backward(dy, cache) -> dx, dgamma

    instance_norm(x, gamma, beta, running_mean=None, running_var=None, *,
        training=True, momentum=0.1, eps=1e-05)
        -> y, cache, running_mean, running_var
    instance_norm_backward(dy, cache) -> dx, dgamma, dbeta

    adaptive_instance_norm(content, style, eps=1e-05) -> y, cache
    adaptive_instance_norm_backward(dy, cache) -> dcontent, dstyle

    group_norm(x, num_groups, gamma, beta, eps=1e-05) -> y, cache
    group_norm_backward(dy, cache) -> dx, dgamma, dbeta

    switchable_norm(x, mean_weight, var_weight, gamma, beta, running_mean=None,
        running_var=None, *, training=True, momentum=0.1, eps=1e-05)
        -> y, cache, running_mean, running_var
    switchable_norm_backward(dy, cache)
        -> dx, dmean_weight, dvar_weight, dgamma, dbeta
    switchable_moments(x) -> means, variances

Normalizing its weights::

    weight_norm(v, g, dim=0) -> w, cache
    weight_norm_backward(dw, cache) -> dv, dg
    data_dependent_init(x, v) -> g, b

    spectral_norm(w, u, v=None, *, n_iterations=1, dim=0, eps=1e-12)
        -> w_sn, cache, u, v
    spectral_norm_backward(dw_sn, cache) -> dw
    power_iteration(w, u, n_iterations, eps=1e-12) -> sigma, u, v

The operation behind the normalizers of activations::

    standardize(x, axes, eps=1e-05) -> x_hat

Scaling the columns of a table, (n_samples, n_features)::

    min_max_scale(x, low=0.0, high=1.0)      MinMaxScaler(low=0.0, high=1.0)
    z_score_scale(x)                         StandardScaler()
    decimal_scale(x)                         DecimalScaler()

The scalers have ``fit``, ``transform``, ``fit_transform`` and ``inverse_transform``.

Checking a gradient::

    numerical_gradient(function, x, dy, step=1e-06)

An example, and its gradients:

>>> import numpy as np
>>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
>>> y, cache = layer_norm(x, gamma=np.ones(2), beta=np.zeros(2))
>>> y.round(3)
array([[-1.,  1.],
       [-1.,  1.]])
>>> dx, dgamma, dbeta = layer_norm_backward(np.array([[1.0, 0.0], [0.0, 2.0]]), cache)
>>> dgamma.round(3), dbeta
(array([-1.,  2.]), array([1., 2.]))

Modules for networks in torch are in ``normlib.torch``.
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
from normlib.standardize import standardize
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
    "standardize",
    "switchable_moments",
    "switchable_norm",
    "switchable_norm_backward",
    "weight_norm",
    "weight_norm_backward",
    "z_score_scale",
]
