"""What asks for no thought earns no points, in any exercise."""

import inspect

import numpy as np
import pytest
from torch import nn

from normlib.check import EXERCISES, judge
from tests.check.mutants import NETWORKS

FUNCTIONS = [
    key
    for key, exercise in EXERCISES.items()
    if not inspect.isclass(exercise.reference)
    and inspect.signature(exercise.reference).parameters
    and key not in NETWORKS
    and not key.startswith("choosing.")
]


def refuses(*args):
    raise ValueError("no")


@pytest.mark.parametrize("key", FUNCTIONS)
@pytest.mark.parametrize(
    "answer",
    [
        lambda *args: args[0],
        lambda *args: args[-1],
        lambda *args: args,
        lambda *args: np.zeros_like(args[0]),
        lambda *args: np.ones_like(args[0]),
        lambda *args: 0.0,
        refuses,
    ],
    ids=["first", "last", "all", "zeros", "ones", "number", "refuses"],
)
def test_an_answer_without_a_thought_earns_nothing(key, answer):
    with np.errstate(all="ignore"):
        report = judge(key, answer, seed=0)
    assert report.points == 0, str(report)


class Refuses:
    def __init__(self, *args):
        raise ValueError("no")


def test_a_module_that_refuses_everything_earns_nothing():
    assert judge("group_norm.module", Refuses, seed=0).points == 0


@pytest.mark.parametrize(
    "result",
    [lambda x: x, np.zeros_like, np.ones_like, lambda x: 0.0],
    ids=["x", "zeros", "ones", "number"],
)
def test_a_scaler_that_has_learned_nothing_earns_nothing(result):
    class Scaler:
        fit = transform = inverse_transform = lambda self, x: result(x)

    assert judge("feature_scaling.scaler", Scaler, seed=0).points == 0


class ReturnsX(nn.Module):
    def __init__(self, *args):
        super().__init__()

    def forward(self, x):
        return x


class ReturnsZeros(ReturnsX):
    def forward(self, x):
        return 0 * x


LAYERS = [f"{topic}_norm.module" for topic in ("batch", "layer", "group", "weight")]


@pytest.mark.parametrize("key", LAYERS)
@pytest.mark.parametrize("module", [ReturnsX, ReturnsZeros])
def test_a_module_that_does_nothing_earns_nothing(key, module):
    report = judge(key, module, seed=0)
    assert report.points == 0, str(report)
