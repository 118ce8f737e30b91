"""An input that is drawn or counted up, without a look at the bug, earns nothing."""

import numpy as np
import pytest

from normlib.check import EXERCISES, judge

SHAPES = {
    "feature_scaling.spot_the_bug": [
        [(n, d)] for n in (1, 2, 3, 4, 5, 10, 11, 101) for d in (1, 2, 3, 4, 5, 10)
    ],
    "beyond.spot_the_bug": [
        [(n, d), (d,)] for n in (1, 2, 3, 10) for d in (1, 2, 3, 4, 10)
    ],
}
WAYS = {
    "counted up": lambda shape: np.arange(np.prod(shape)).reshape(shape),
    "counted up from 1": lambda shape: 1.0 + np.arange(np.prod(shape)).reshape(shape),
    "normal": lambda shape: np.random.default_rng(0).normal(size=shape),
    "uniform": lambda shape: np.random.default_rng(0).random(shape),
    "digits": lambda shape: np.random.default_rng(0).integers(0, 10, shape),
    "ones": np.ones,
    "tens": lambda shape: np.full(shape, 10),
    "zeros": np.zeros,
}


@pytest.mark.parametrize("key", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_an_input_without_a_thought_earns_nothing(key, way):
    for shapes in SHAPES[key]:
        arrays = tuple(WAYS[way](shape) for shape in shapes)
        given = arrays if len(arrays) > 1 else arrays[0]
        report = judge(key, lambda given=given: given, seed=0)
        assert report.points == 0, f"{shapes}\n{report}"


@pytest.mark.parametrize("key", SHAPES)
def test_whole_numbers_are_an_input_too(key):
    whole = {
        "feature_scaling.spot_the_bug": lambda: [[1, 10]],
        "beyond.spot_the_bug": lambda: (np.full((1, 2), 1e-3), [1, 1]),
    }
    assert judge(key, whole[key], seed=0).points == EXERCISES[key].points


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("feature_scaling.spot_the_bug", np.full((2, 2), 1e200)),
        ("feature_scaling.spot_the_bug", np.array([[np.inf, 3.0]])),
        ("feature_scaling.spot_the_bug", np.full((1, 2, 2), 3.0)),
        ("beyond.spot_the_bug", (np.ones((2, 3)), np.ones(2))),
        ("beyond.spot_the_bug", (np.ones((2, 3)), np.array(1.0))),
        ("beyond.spot_the_bug", (np.full((2, 3), 1e20), np.ones(3))),
        ("beyond.spot_the_bug", (np.ones((2, 3)), np.full(3, np.nan))),
    ],
)
def test_an_input_that_is_refused_is_not_explained_as_an_idea(key, given):
    report = judge(key, lambda: given, seed=0)
    assert report.points == 0 and report.diagnosis is None
