"""The kinds of broken answers: what they break, and only that."""

import numpy as np
import pytest

from normlib.check import EXERCISES, judge
from tests.check.broken import KINDS, kinds, survives, where
from tests.check.broken_modules import MODULE_KINDS
from tests.check.broken_modules import where as module_where


@pytest.mark.parametrize("key", ["batch_norm.forward", "feature_scaling.scaler"])
def test_an_answer_is_right_where_nothing_is_broken(key):
    exercise = EXERCISES[key]
    whole = where(lambda named: False)(exercise.answer, exercise)
    report = judge(key, whole, seed=0)
    assert report.points == report.max_points, str(report)


def test_a_module_is_right_where_nothing_is_broken():
    exercise = EXERCISES["batch_norm.module"]
    wrap = module_where(lambda module, x: False)
    report = judge(exercise.key, wrap(exercise.answer, exercise), seed=0)
    assert report.points == report.max_points, str(report)


@pytest.mark.parametrize("key", ["batch_norm.forward", "batch_norm.module"])
def test_an_answer_that_is_always_wrong_is_rejected(key):
    exercise = EXERCISES[key]
    wrap = module_where if key.endswith("module") else where
    wrapped = wrap(lambda *given: True)(exercise.answer, exercise)
    assert judge(key, wrapped, seed=0).points < exercise.points


def test_a_kind_is_tried_where_the_statement_rules_it_out():
    names = {key: {k.name for k in kinds(e)} for key, e in EXERCISES.items()}
    assert "eps ignored" in names["batch_norm.forward"]
    assert "eps ignored" not in names["feature_scaling.z_score"]
    assert "wrong for one pixel" not in names["batch_norm.forward"]
    assert "no update under no_grad" not in names["layer_norm.module"]
    for kind in (*KINDS, *MODULE_KINDS):
        assert any(kind.name in found for found in names.values()), kind.name


def test_what_is_broken_is_broken_there_alone():
    exercise = EXERCISES["batch_norm.forward"]
    by_name = {kind.name: kind for kind in kinds(exercise)}
    x, gamma, beta = np.array([[1.0, 5], [3, 1]]), np.array([2.0, 3]), np.zeros(2)
    right = exercise.answer
    for name, given, broken in [
        ("NaN where gamma or g is 0", (x, gamma, beta + 1), False),
        ("NaN where gamma or g is 0", (x, gamma * 0, beta + 1), True),
        ("eps of 0 taken for left out", (x, gamma, beta, 1e-5), False),
        ("eps of 0 taken for left out", (x, gamma, beta, 0), True),
        ("wrong for arrays in Fortran order", (x, gamma, beta), False),
        ("wrong for arrays in Fortran order", (x.T, gamma, beta), True),
        ("wrong for one sample", (x[:1], gamma, beta), True),
    ]:
        answer = by_name[name].wrap(right, exercise)
        assert np.allclose(answer(*given), right(*given)) != broken, name


def test_a_kind_that_every_case_catches_does_not_survive():
    exercise = EXERCISES["batch_norm.forward"]
    [ignored] = [k for k in kinds(exercise) if k.name == "eps ignored"]
    assert not survives(exercise, ignored, seeds=range(1))


@pytest.mark.slow
@pytest.mark.parametrize("key", EXERCISES)
def test_no_broken_answer_gets_full_points(key):
    """With one seed per commit; ``make mutants`` takes three."""
    exercise = EXERCISES[key]
    survived = [k.name for k in kinds(exercise) if survives(exercise, k, range(1))]
    assert survived == []
