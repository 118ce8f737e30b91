"""What asks for no thought earns no points in the exercises of weight norm."""

import numpy as np
import pytest
import torch

from normlib.check import judge
from normlib.check.exercises.weight_norm import spot_the_bug

rng = np.random.default_rng(0)
DRAWN = {
    "counted": lambda *shape: np.arange(1.0, 1 + np.prod(shape)).reshape(shape),
    "from zero": lambda *shape: np.arange(np.prod(shape)).reshape(shape),
    "ones": lambda *shape: np.ones(shape),
    "normal": lambda *shape: rng.normal(size=shape),
    "uniform": lambda *shape: rng.uniform(size=shape),
    "large": lambda *shape: rng.normal(5, 100, size=shape),
    "integers": lambda *shape: rng.integers(1, 9, size=shape),
}


@pytest.mark.parametrize(
    "shape", [(2, 2, 1, 1), (2, 2, 3, 3), (3, 3, 1, 1), (4, 4, 5, 5)]
)
@pytest.mark.parametrize("v", DRAWN)
@pytest.mark.parametrize("g", DRAWN)
def test_an_input_without_a_thought_earns_nothing(v, g, shape):
    given = DRAWN[v](*shape), DRAWN[g](shape[0])
    assert judge("weight_norm.spot_the_bug", lambda: given, seed=0).points == 0


@pytest.mark.parametrize(
    ("v", "g"),
    [
        (np.full((2, 2, 1, 1), np.nan), np.ones(2)),
        (np.ones((2, 2, 1, 1)), np.array([1.0, np.inf])),
        (np.ones((0, 0, 1, 1)), np.ones(0)),
        (1e200 * np.ones((2, 2, 1, 1)), np.zeros(3)),
    ],
    ids=["NaN", "infinity", "empty", "overflow"],
)
def test_no_idea_is_read_into_what_is_no_input(v, g):
    report = judge("weight_norm.spot_the_bug", lambda: (v, g), seed=0)
    assert report.points == 0
    assert report.diagnosis in (None, "A g that doesn't have one entry per output")


def test_the_answer_can_be_seen():
    v, g = spot_the_bug.exposing_input()
    np.testing.assert_allclose(spot_the_bug.right(v, g), v)
    assert not np.allclose(spot_the_bug.wrong(v, g), v, atol=0.5)


class ReturnsX(torch.nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()

    def forward(self, x):
        return x


def test_a_layer_that_returns_x_earns_nothing():
    assert judge("weight_norm.module", ReturnsX, seed=0).points == 0
