"""What batch norm's checks accept, what they refuse, and what they say of it."""

import numpy as np
import pytest
import torch

from normlib.check import judge

BUG = "batch_norm.spot_the_bug"
WAYS = {
    "counted up": lambda shape: np.arange(np.prod(shape)).reshape(shape),
    "evenly spaced": lambda shape: np.linspace(-1, 1, np.prod(shape)).reshape(shape),
    "normal": lambda shape: np.random.default_rng(0).normal(size=shape),
    "normal around 5": lambda shape: np.random.default_rng(0).normal(5, size=shape),
    "uniform": lambda shape: np.random.default_rng(0).random(shape),
    "digits": lambda shape: np.random.default_rng(0).integers(0, 10, shape),
    "pixels": lambda shape: np.random.default_rng(0).integers(0, 256, shape),
    "ones": np.ones,
    "zeros": np.zeros,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 10, 32, 1000])
def test_an_input_without_a_thought_earns_nothing(way, rows):
    for columns in (1, 2, 3, 10, 64):
        x = WAYS[way]((rows, columns))
        report = judge(BUG, lambda x=x: x, seed=0)
        assert report.points == 0, f"{x.shape}\n{report}"


def test_the_example_of_the_hint_moved_on_will_do():
    report = judge(BUG, lambda: [[1000 + 9000], [1002 + 9000]], seed=0)
    assert report.points == report.max_points, str(report)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.full((2, 2), np.nan), "x should be finite"),
        (np.array([[np.inf], [0.0]]), "x should be finite"),
        (np.full((2, 2), 1e30), "magnitudes up to 1e15"),
        (np.zeros((0, 2)), "x is empty"),
    ],
)
def test_no_idea_is_read_into_an_input_that_is_refused(x, said):
    report = judge(BUG, lambda: x, seed=0)
    assert report.points == 0
    assert report.diagnosis is None, report.diagnosis
    assert said in str(report)


class ReturnsX(torch.nn.Module):
    """A layer without a thought, whatever it is constructed with."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, x):
        return x


class ReturnsZeros(ReturnsX):
    def forward(self, x):
        return 0 * x


class LeavesItToTheParameters(ReturnsX):
    """With the parameters and buffers of the layer, and nothing else."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        official = torch.nn.BatchNorm2d(num_features)
        self.weight, self.bias = official.weight, official.bias
        for name, value in official.named_buffers():
            self.register_buffer(name, value)


@pytest.mark.parametrize(
    ("module", "points"),
    [(ReturnsX, 0), (ReturnsZeros, 0), (LeavesItToTheParameters, 0.5)],
)
def test_a_layer_earns_what_it_does(module, points):
    report = judge("batch_norm.module", module, seed=0)
    assert report.points == points, str(report)
