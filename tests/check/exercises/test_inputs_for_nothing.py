"""An input that is drawn or counted up, without a look at the bug, earns nothing."""

import numpy as np
import pytest

from normlib.check import EXERCISES, judge
from tests.check.exercises.thoughtless import WAYS

SHAPES = {
    "feature_scaling.spot_the_bug": [
        [(n, d)] for n in (1, 2, 3, 4, 5, 10, 11, 101) for d in (1, 2, 3, 4, 5, 10)
    ],
    "batch_norm.spot_the_bug": [
        [(n, d)] for n in (1, 2, 3, 5, 10, 32, 1000) for d in (1, 2, 3, 10, 64)
    ],
    "beyond.spot_the_bug": [
        [(n, d), (d,)] for n in (1, 2, 3, 10) for d in (1, 2, 3, 4, 10)
    ],
    "architectures.spot_the_bug": [
        [(t, d), (t, d), (d,), (d,)] for t in (1, 3) for d in (1, 4, 64, 128)
    ],
    "group_norm.spot_the_bug": [
        [(n, h, w, c)]
        for n, c in ((1, 2), (1, 4), (2, 4), (2, 6))
        for h, w in ((1, 1), (1, 2), (2, 1), (2, 2), (4, 4), (5, 5), (64, 64))
    ],
    "weight_norm.spot_the_bug": [
        [(n, n, k, k), (n,)] for n in (1, 2, 3, 4, 10) for k in (1, 2, 3)
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("key", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_an_input_without_a_thought_earns_nothing(key, way):
    for first, *others in SHAPES[key]:
        for another in WAYS if others else (way,):
            arrays = WAYS[way](first), *(WAYS[another](shape) for shape in others)
            given = arrays if others else arrays[0]
            report = judge(key, lambda given=given: given, seed=0)
            assert report.points == 0, f"{first}, {another}\n{report}"


@pytest.mark.parametrize("key", SHAPES)
def test_whole_numbers_are_an_input_too(key):
    whole = {
        "feature_scaling.spot_the_bug": lambda: [[1, 10]],
        "batch_norm.spot_the_bug": lambda: [[0, 10000], [1, 10002]],
        "beyond.spot_the_bug": lambda: (np.full((1, 2), 1e-3), [1, 1]),
        "architectures.spot_the_bug": lambda: (
            ([[1] * 128], [[5] * 128], [3] * 128, [3] * 128)
        ),
        "group_norm.spot_the_bug": lambda: [[[[1, 1]], [[-1, -1]]]],
        "weight_norm.spot_the_bug": lambda: ([[[[3]], [[0]]], [[[4]], [[1]]]], [5, 1]),
    }
    assert judge(key, whole[key], seed=0).points == EXERCISES[key].points


def _bounded(q=1.0, gamma=3.0, d=128):
    """Queries and keys that agree, and their gammas."""
    return np.full((2, d), q), np.ones((2, d)), np.full(d, gamma), np.full(d, gamma)


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
        ("architectures.spot_the_bug", _bounded(gamma=4)),
        ("architectures.spot_the_bug", _bounded(d=200)),
        ("architectures.spot_the_bug", _bounded(q=1e20)),
        ("architectures.spot_the_bug", _bounded(gamma=np.nan)),
        ("architectures.spot_the_bug", (*_bounded()[:2], np.ones(2), np.ones(2))),
        ("architectures.spot_the_bug", (np.ones(128), *_bounded()[1:])),
        ("group_norm.spot_the_bug", np.full((1, 2, 2, 4), np.inf)),
        ("group_norm.spot_the_bug", np.ones((1, 2, 2, 3))),
        ("group_norm.spot_the_bug", np.ones((1, 0, 2, 4))),
        ("group_norm.spot_the_bug", np.ones(4)),
        ("weight_norm.spot_the_bug", (np.full((2, 2, 1, 1), np.nan), np.ones(2))),
        ("weight_norm.spot_the_bug", (np.ones((2, 2, 1, 1)), np.array([1, np.inf]))),
        ("weight_norm.spot_the_bug", (np.ones((0, 0, 1, 1)), np.ones(0))),
    ],
)
def test_an_input_that_is_refused_is_not_explained_as_an_idea(key, given):
    report = judge(key, lambda: given, seed=0)
    assert report.points == 0 and report.diagnosis is None
