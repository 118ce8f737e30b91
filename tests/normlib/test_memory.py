"""How much memory a forward and a backward pass take beside their input."""

import tracemalloc

import numpy as np
import pytest

import normlib

SHAPE = (16, 64, 32, 32)


def forward_and_backward(name, x, dy):
    """Like a network: y is held until the gradients are there."""
    forward, backward = getattr(normlib, name), getattr(normlib, f"{name}_backward")
    gamma, beta = np.ones((2, SHAPE[1]), np.float32)
    by_number = np.ones((2, *SHAPE[1:]), np.float32)
    arguments = {
        "layer_norm": by_number,
        "rms_norm": by_number[:1],
        "group_norm": (32, gamma, beta),
        "switchable_norm": (*np.ones((2, 3), np.float32), gamma, beta),
    }
    tracemalloc.start()
    y, cache, *_ = forward(x, *arguments.get(name, (gamma, beta)))
    gradients = backward(dy, cache)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del y, gradients
    return peak


@pytest.mark.parametrize(
    "name",
    [
        "batch_norm",
        "layer_norm",
        "instance_norm",
        "group_norm",
        "switchable_norm",
        "rms_norm",
    ],
)
def test_a_pass_takes_at_most_three_times_its_input(name):
    x, dy = np.random.default_rng(0).standard_normal((2, *SHAPE), dtype=np.float32)
    assert forward_and_backward(name, x, dy) <= 3 * x.nbytes
    assert forward_and_backward(name, x + 1e3, dy) <= 3 * x.nbytes
