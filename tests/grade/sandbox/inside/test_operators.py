"""torch's own normalization refuses in a process that it was taken out of, for good."""

import subprocess
import sys

# In a process of its own: what is registered there belongs to the whole process.
PROGRAM = """
import gc, importlib, weakref
import torch
from torch import nn
from torch.nn import functional as F
from normlib.check.running.observing import Unusable
from normlib.grade.sandbox.inside import operators

x = torch.randn(4, 8, 5)
flat = torch.randn(2, 8, 4, 4)
operators.prepare()


def step(layer):
    z = x.clone().requires_grad_()
    layer(z).pow(3).sum().backward()


def static():
    layer = torch.jit.freeze(torch.jit.script(nn.LayerNorm(5).eval()))
    return torch._C._jit_to_static_module(layer._c)(x)


def without_gradients(route):
    with torch.inference_mode():  # which passes over what computes gradients
        return route()


traced = torch.jit.trace(nn.LayerNorm(5), x)
ROUTES = {
    **{type(layer).__name__: lambda layer=layer: step(layer) for layer in (
        nn.RMSNorm(5), nn.LayerNorm(5), nn.GroupNorm(2, 8), nn.BatchNorm1d(8),
        nn.InstanceNorm1d(8), nn.BatchNorm1d(8).eval(),
        nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)))},
    "LocalResponseNorm": lambda: nn.LocalResponseNorm(2)(flat),
    "spectral_norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(5, 3)),
    "mkldnn": lambda: without_gradients(lambda: torch.native_batch_norm(
        flat.to_mkldnn(), torch.ones(8).to_mkldnn(), torch.zeros(8).to_mkldnn(),
        None, None, True, 0.0, 1e-5)),
    "nested": lambda: without_gradients(lambda: torch.native_layer_norm(
        torch.nested.nested_tensor([x[0], x[1]]), (5,), torch.ones(5), torch.zeros(5),
        1e-5)),
    "vmap": lambda: torch.vmap(lambda row: torch.layer_norm(row, (5,)))(x),
    "functionalize": lambda: torch.func.functionalize(
        lambda row: torch.layer_norm(row, (5,)))(x),
    "traced before": lambda: traced(x),
    "the static runtime": static,
    "quantized": lambda: without_gradients(lambda: torch.ops.quantized.layer_norm(
        torch.quantize_per_tensor(x, 0.1, 0, torch.quint8), (5,), torch.ones(5),
        torch.zeros(5), 1e-5, 0.1, 0)),
    "in Python": lambda: torch._refs.nn.functional.layer_norm(x, (5,)),
    "a decomposition": lambda: torch._decomp.decomposition_table[
        torch.ops.aten.native_layer_norm.default](x, (5,), None, None, 1e-5),
    "a kernel in Python": lambda: torch.ops.aten.native_layer_norm.default.py_kernels[
        torch._C.DispatchKey.Meta](x, (5,), None, None, 1e-5),
    "a gradient's": lambda: (
        torch.ops.aten.native_layer_norm_backward.default.py_kernels[
            torch._C.DispatchKey.Meta](x, x, (5,), x[..., :1], x[..., :1], None, None,
            [True, False, False])),
    "what norms are made of": lambda: torch._refs._normalize(x, [2], 1e-5),
    "a parametrization": lambda: nn.utils.parametrizations._SpectralNorm(x[0])(x[0]),
    "a hook": lambda: importlib.import_module(
        "torch.nn.utils.spectral_norm").SpectralNorm("weight"),
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()(
        torch.randn(2, 3, 8)),
}
for name, route in ROUTES.items():
    route()  # what does not work anyway proves nothing
operators.take_out()

# What somebody would do who has read our source: find what holds them out, end it.
for found in [*gc.get_objects(), *operators.__dict__.values()]:
    if type(found).__name__ == "_DispatchModule":
        found.reset()
for info in weakref.finalize._registry.values():
    for value in info.args or ():
        if hasattr(value, "reset"):
            value.reset()
assert not any("back" in name for name in vars(operators))
own = torch.library.Library("aten", "IMPL")
own.impl("layer_norm", lambda *args: None, "CPU")
own._destroy()
gc.collect()

for name, route in ROUTES.items():
    try:
        route()
    except (Unusable, AttributeError, RuntimeError) as error:
        told = str(error)
        assert "which is this exercise itself" in told or "_jit_to" in told, told
        continue
    raise SystemExit(f"{name} still works")
_, found = torch.func.jvp(lambda x: x.square().var(1), (x,), (torch.ones_like(x),))
_, wanted = torch.autograd.functional.jvp(
    lambda x: x.square().var(1), (x,), (torch.ones_like(x),))
torch.testing.assert_close(found, wanted)
from torch._decomp import decompositions_for_jvp
assert not [name for name in vars(decompositions_for_jvp) if "norm" in name]
assert torch.equal(x.mean(0), x.sum(0) / 4) or torch.allclose(x.mean(0), x.sum(0) / 4)
"""


def test_it_refuses_by_every_route_and_nothing_brings_it_back():
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
