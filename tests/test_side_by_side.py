"""Networks trained side by side, against the same networks trained one at a time."""

import math

import numpy as np
import pytest
import torch
from torch import nn

RATES, SEEDS = [0.2, 0.03], 2  # the first arrive first
NORMS = {
    "none": None,
    "batch": nn.BatchNorm1d,
    "group": lambda width: nn.GroupNorm(2, width),
}


@pytest.fixture(autouse=True)
def book(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "book")
    torch.set_num_threads(1)


def one_by_one():
    """The numbers of the networks in the grid: index, learning rate, seed."""
    return ((i, rate, i % SEEDS) for i, rate in enumerate(np.repeat(RATES, SEEDS)))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "decay": True}])
def test_each_learns_what_it_would_learn_alone(norm, settings):
    import digits
    from side_by_side import SideBySide

    def build():
        return digits.mlp([16, 16], norm=NORMS[norm])

    nets = SideBySide(build, RATES, SEEDS)
    settings = {"steps": 12, "batch_size": 32, **settings}
    errors = nets.trained(**settings).test_errors()
    held = {**nets.parameters, **nets.buffers}
    for i, rate, seed in one_by_one():
        data = digits.load(seed)
        alone = digits.trained(build(), data, lr=float(rate), **settings)
        for name, value in alone.state_dict().items():
            assert torch.allclose(held[name][i], value, atol=1e-3), name
        error = digits.test_error(alone, data)
        assert errors.flat[i] == pytest.approx(error, abs=0.45)  # two images


def test_the_steps_are_those_it_would_take_alone():
    import digits
    from side_by_side import SideBySide

    def build():
        return digits.mlp([16], norm=nn.BatchNorm1d)

    steps = SideBySide(build, RATES, SEEDS).steps_to(15, steps=60)
    found = []
    for _, rate, seed in one_by_one():
        data = digits.load(seed)
        found.append(digits.steps_to(15, build(), data, 60, float(rate)))
    assert steps.ravel().tolist() == found
    assert math.inf in found and min(found) < 60
