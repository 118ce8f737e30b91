"""What layer norm's checks accept, what they refuse, and what they say of it."""

import numpy as np
import pytest

from normlib.check import judge
from tests.check.exercises.thoughtless import WAYS

BUG = "layer_norm.spot_the_bug"
WIDTH = 512


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [1, 2, 10])
def test_an_input_without_a_thought_earns_nothing(way, rows):
    x = WAYS[way]((rows, WIDTH))
    parameters = (WAYS[way]((WIDTH,)),) * 2
    for gamma, beta in (parameters, (np.ones(WIDTH), np.zeros(WIDTH))):
        report = judge(BUG, lambda g=gamma, b=beta: (x, g, b), seed=0)
        assert report.points == 0, str(report)


def test_whole_numbers_are_parameters_too():
    x = 1e-3 * np.random.default_rng(0).normal(size=(2, WIDTH))
    report = judge(BUG, lambda: (x, np.ones(WIDTH, int), [0] * WIDTH), seed=0)
    assert report.points == report.max_points, str(report)


ONES, ZEROS = np.ones(WIDTH), np.zeros(WIDTH)


@pytest.mark.parametrize(
    ("x", "gamma", "beta", "said"),
    [
        (np.ones(WIDTH), ONES, ZEROS, "x should be (N, 512), yours has shape (512,)"),
        (np.ones((2, 4)), ONES, ZEROS, "x should be (N, 512), yours has shape (2, 4)"),
        (np.ones((2, 1024)), ONES, ZEROS, "yours has shape (2, 1024)"),
        (np.ones((2, 1, WIDTH)), ONES, ZEROS, "yours has shape (2, 1, 512)"),
        (np.ones((2, WIDTH)), np.ones(4), ZEROS, "gamma should be (512,)"),
        (np.ones((2, WIDTH)), ONES, np.zeros(1), "beta should be (512,)"),
        (np.full((2, WIDTH), np.nan), ONES, ZEROS, "x should be finite"),
        (np.full((2, WIDTH), 1e200), ONES, ZEROS, "magnitudes up to 1e100"),
    ],
)
def test_no_idea_is_read_into_an_input_that_is_refused(x, gamma, beta, said):
    report = judge(BUG, lambda: (x, gamma, beta), seed=0)
    assert report.points == 0
    assert report.diagnosis is None, report.diagnosis
    assert said in str(report)
