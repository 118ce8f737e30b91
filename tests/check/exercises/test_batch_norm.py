"""What batch norm's checks accept, what they refuse, and what they say of it."""

import numpy as np
import pytest
import torch

from normlib.check import EXERCISES, judge

BUG = "batch_norm.spot_the_bug"


def test_the_example_of_the_hint_moved_on_will_do():
    report = judge(BUG, lambda: [[0, 1000 + 9000], [1, 1002 + 9000]], seed=0)
    assert report.points == report.max_points, str(report)


@pytest.mark.parametrize("columns", [1, 2, 64])
@pytest.mark.parametrize("offset", [1000, 10_000, 30_000])
def test_the_offsets_of_the_chapter_alone_earn_nothing(columns, offset):
    noise = np.random.default_rng(1).normal(size=4096)
    report = judge(BUG, lambda: noise.reshape(-1, columns) + offset, seed=0)
    assert report.points == 0
    title = "A single feature" if columns == 1 else "The same offset"
    assert report.diagnosis.startswith(title), report.diagnosis


COUNT = np.arange(8.0)


@pytest.mark.parametrize(
    ("x", "title"),
    [
        (np.stack([COUNT, np.full(8, 104_096)], axis=1), "Constant features"),
        (np.stack([COUNT, 1e4 + 1e-5 * COUNT], axis=1), "Constant features"),
        (np.r_[1e6, np.tile(COUNT, 9)][:, None], "A single feature"),
        (np.stack([COUNT, COUNT + 30], axis=1), "A distance that is not large"),
    ],
    ids=["constant", "constant in float32", "one column", "near"],
)
def test_more_distance_is_advised_only_where_it_helps(x, title):
    report = judge(BUG, lambda: x, seed=0)
    assert report.points == 0
    assert report.diagnosis.startswith(title), report.diagnosis


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


NETWORK = EXERCISES["batch_norm.network"]


def without(*names):
    """The right answer to the network, whose gradients for these are not written."""

    def answer(*args):
        loss, gradients = NETWORK.answer(*args)
        return loss, {n: g for n, g in gradients.items() if n not in names}

    return answer


@pytest.mark.parametrize(
    ("lacking", "points"),
    [(("w1",), 2.75), (("w1", "gamma", "beta"), 1.75), (("w1", "w2"), 1.75)],
)
def test_a_gradient_that_is_missing_costs_only_the_cases_with_it(lacking, points):
    report = judge(NETWORK.key, without(*lacking), seed=0)
    assert report.points == points, str(report)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "returned None, not (loss, gradients)"),
        (1.0, "should return (loss, gradients), yours is a float"),
        ((1.0, [2.0]), "the gradients should be a dict, yours is a list"),
        ((1.0, {"W1": 2.0}), "there is no parameter 'W1' to have a gradient"),
        ((1.0, {"w1": "no"}), "the gradient of w1 should hold floating-point numbers"),
    ],
)
def test_a_result_of_another_kind_is_described(result, said):
    report = judge(NETWORK.key, lambda *args: result, seed=0)
    assert report.points == 0 and said in str(report), str(report)


def test_the_report_shows_the_call_of_the_network():
    report = str(judge(NETWORK.key, without("w1"), seed=0))
    call = "loss_and_gradients(parameters, x, labels) with x of shape (4, 2), "
    assert call + "hidden units: 1, classes: 2" in report
