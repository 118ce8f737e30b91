"""torch's own normalization refuses while it is out, and is whole when it is back."""

import subprocess
import sys

# In a process of its own: what is registered there belongs to the whole process.
PROGRAM = """
import torch
from torch import nn
from normlib.check.running.observing import Unusable
from normlib.grade.sandbox.inside import operators

torch.manual_seed(0)
x = torch.randn(4, 8, 5)
layers = (nn.RMSNorm(5), nn.LayerNorm(5), nn.GroupNorm(2, 8), nn.BatchNorm1d(8),
          nn.InstanceNorm1d(8), nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)))


def step(layer):
    z = x.clone().requires_grad_()
    y = layer(z)
    y.pow(3).sum().backward()
    return y.detach(), z.grad


before = [step(layer) for layer in layers]
for _ in range(2):
    operators.take_out()
    for layer in layers:
        try:
            step(layer)
        except Unusable:
            continue
        raise SystemExit(f"{layer} still works")
    operators.bring_back()
    for layer, old in zip(layers, before, strict=True):
        assert all(map(torch.equal, step(layer), old)), layer
"""


def test_it_refuses_while_it_is_out_and_computes_as_before_when_it_is_back():
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
