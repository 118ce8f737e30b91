"""What batch norm's checks accept, what they refuse, and what they say of it."""

import numpy as np
import pytest
import torch

from normlib.check import judge

BUG = "batch_norm.spot_the_bug"


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


class LeavesItToTheParameters(torch.nn.Module):
    """With the parameters and buffers of the layer, and nothing else."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        official = torch.nn.BatchNorm2d(num_features)
        self.weight, self.bias = official.weight, official.bias
        for name, value in official.named_buffers():
            self.register_buffer(name, value)

    def forward(self, x):
        return x


def test_a_layer_with_the_right_state_alone_earns_that():
    report = judge("batch_norm.module", LeavesItToTheParameters, seed=0)
    assert report.points == 0.5, str(report)
