"""Switchable norm's exercises: what earns nothing, and when a detector is silent."""

import numpy as np
import pytest
from torch import nn

from normlib.check import EXERCISES, judge

SPOT_THE_BUG = "switchable_norm.spot_the_bug"


@pytest.mark.parametrize(
    "arrays",
    [
        (np.arange(3), np.zeros(3)),
        (np.arange(3.0), np.arange(3.0)),
        (np.arange(1.0, 4.0), np.zeros(3)),
        (np.arange(3.0)[::-1], np.zeros(3)),
        (np.arange(6.0).reshape(2, 3)),
        (np.ones(3), np.ones(3)),
        (np.linspace(-1, 1, 3), np.linspace(0, 1, 3)),
        (np.array([0.0, 0.0, 3.0]), np.zeros(3)),  # which the notebook prints
        (np.array([3.0, 0.0, 0.0]), np.zeros(3)),  # which a hint runs
        *(np.random.default_rng(seed).normal(size=(2, 3)) for seed in range(50)),
        *(np.random.default_rng(seed).uniform(size=(2, 3)) for seed in range(50)),
    ],
    ids=str,
)
def test_an_array_that_comes_to_mind_exposes_nothing(arrays):
    assert judge(SPOT_THE_BUG, lambda: tuple(arrays), seed=0).points == 0


def test_whole_numbers_expose_the_bug_as_well():
    answer = EXERCISES[SPOT_THE_BUG].answer
    report = judge(SPOT_THE_BUG, lambda: [a.astype(int) for a in answer()], seed=0)
    assert report.points == report.max_points, str(report)


class Returned(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()

    def forward(self, x):
        return x


def test_a_module_that_returns_x_earns_nothing():
    assert judge("switchable_norm.module", Returned, seed=0).points == 0


def test_a_module_that_returns_x_earns_no_more_than_its_state():
    class WithState(EXERCISES["switchable_norm.module"].answer):
        def forward(self, x):
            return x

    report = judge("switchable_norm.module", WithState, seed=0)
    passed = [case.name for case in report.cases if case.passed]
    assert passed == ["a new module's state_dict"]


def moments_of(change):
    answer = EXERCISES["switchable_norm.moments"].answer
    return lambda x: [[change(array) for array in three] for three in answer(x)]


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[..., None],
        lambda a: a.mean(),
        lambda a: a.ravel()[:1],
        lambda a: np.zeros((2, 2)),
        lambda a: np.broadcast_to(a, (5, 5, 5, 5)),
    ],
    ids=["five axes", "numbers", "one number", "two by two", "all alike"],
)
def test_nothing_is_said_of_the_axes_where_the_shapes_are_others(change):
    with np.errstate(all="ignore"):
        report = judge("switchable_norm.moments", moments_of(change), seed=0)
    assert report.points == 0
    assert report.diagnosis is None


def test_squeezed_moments_are_told_that_axes_are_gone():
    report = judge("switchable_norm.moments", moments_of(np.squeeze), seed=0)
    assert report.diagnosis == "The averaged axes are gone"
