"""The proof that the checks are strong, exercise by exercise.

Every misconception loses points and is diagnosed as itself; every equivalent
solution gets full points; and the verdicts do not depend on the seed.
"""

import inspect
import os
import pickle
from functools import cache, lru_cache

import numpy as np
import pytest

from normlib.check import EXERCISES, judge, judging
from normlib.check.running.in_process import InProcess
from normlib.check.running.observing import observe
from tests.check.mutants import NETWORKS

pytestmark = pytest.mark.slow

PATIENCE = 600  # seconds: a verdict does not depend on how busy the machine is
SEEDS = range(int(os.environ.get("SEEDS", 2)))  # `make strength` takes 200
WATCHED = range(5)  # seeds with which answers run as a learner's do


@pytest.fixture(autouse=True)
def what_is_known_runs_once(monkeypatch):
    """The judge runs reference and misconceptions anew for each answer it is given."""
    monkeypatch.setattr(
        judging, "observe", lambda *call: _observed(*call[:2], pickle.dumps(call[2]))
    )


@lru_cache(maxsize=1000)  # all of an exercise, with one seed
def _observed(run, implementation, inputs):
    return observe(run, implementation, pickle.loads(inputs))


def running(seed):
    """How an answer is run.

    As a learner's is, with other people's normalization out of reach, which makes
    torch several times slower. What an answer calls does not depend on the seed, so
    with most of them a misconception runs once, known to the judge and as an answer.
    """
    if seed in WATCHED:
        return InProcess(PATIENCE)
    return lambda run, implementation, inputs, own: judging.observe(
        run, implementation, inputs
    )


# One process for all tests of an exercise: what it has judged, it knows.
@pytest.fixture(
    params=[pytest.param(k, marks=pytest.mark.xdist_group(k)) for k in EXERCISES]
)
def exercise(request):
    return EXERCISES[request.param]


def seeds(exercise):
    return SEEDS[:1] if exercise.key in NETWORKS and len(SEEDS) < 20 else SEEDS


@cache
def report_on(key, misconception, seed):
    """The report on a misconception: several tests look at it."""
    return judge(key, misconception.implementation, seed, running(seed))


def fails_as_known(exercise, misconception, seed):
    """Whether it fails in the cases in which the judge takes it to."""
    return misconception.recognize or all(
        judging.fails(misconception, exercise, case)
        == judging.fails(misconception, exercise, case, (seed, i))
        for i, case in enumerate(exercise.cases)
    )


def test_every_misconception_is_rejected_and_told_apart(exercise):
    """By the same cases with every seed."""
    confused, table, verdicts = False, [], {}
    for seed in seeds(exercise):
        for misconception in exercise.misconceptions:
            report = report_on(exercise.key, misconception, seed)
            named = report.diagnosis == misconception.title
            lost = report.points < report.max_points
            passed = tuple(case.passed for case in report.cases)
            as_before = verdicts.setdefault(misconception.title, passed) == passed
            known = fails_as_known(exercise, misconception, seed)
            right = named and lost and as_before and known
            confused |= not right
            table.append(
                f"{'  ' if right else '! '}seed {seed}  {report.points:4g}  "
                f"{misconception.title!r} -> {report.diagnosis!r}"
            )
    assert not confused, "\n" + "\n".join(table)


def test_every_equivalent_gets_full_points(exercise):
    for seed in seeds(exercise):
        for equivalent in exercise.equivalents:
            report = judge(exercise.key, equivalent, seed, running(seed))
            assert report.points == report.max_points, (
                f"{equivalent.__name__}, seed {seed}\n{report}"
            )


def test_the_reference_gets_full_points(exercise):
    """With torch's own normalization within reach: a reference may be just that."""

    def anything_goes(run, implementation, inputs, own_work):
        return observe(run, implementation, inputs)

    report = judge(exercise.key, exercise.answer, 0, anything_goes)
    assert report.points == report.max_points, str(report)


def test_there_are_enough_mistakes_and_styles(exercise):
    assert len(exercise.misconceptions) >= 4
    assert len(exercise.equivalents) >= 3
    titles = [m.title for m in exercise.misconceptions]
    assert len(set(titles)) == len(titles)
    styles = {inspect.getsource(e) for e in exercise.equivalents}
    assert len(styles) == len(exercise.equivalents)


def test_every_case_is_needed(exercise):
    """Each case fails for some misconception, so none is there for show."""
    failed = set()
    for misconception in exercise.misconceptions:
        report = report_on(exercise.key, misconception, 0)
        failed |= {case.name for case in report.cases if not case.passed}
    assert failed == {case.name for case in exercise.cases}


FUNCTIONS = [k for k, e in EXERCISES.items() if not inspect.isclass(e.reference)]


@pytest.mark.parametrize("key", FUNCTIONS)
def test_the_reference_signature_is_what_every_answer_has(key):
    exercise = EXERCISES[key]
    wanted = list(inspect.signature(exercise.reference).parameters)
    answers = [m.implementation for m in exercise.misconceptions]
    for answer in (*answers, *exercise.equivalents):
        assert list(inspect.signature(answer).parameters) == wanted


@pytest.mark.parametrize("key", FUNCTIONS)
def test_a_returned_tuple_may_be_a_list_and_hold_lists(key):
    exercise = EXERCISES[key]

    def as_lists(*args):
        return _lists(exercise.answer(*args))

    report = judge(exercise.key, as_lists, seed=0)
    assert report.points == report.max_points, str(report)


def _lists(value):
    if isinstance(value, tuple | list):
        return [_lists(item) for item in value]
    return np.asarray(value).tolist()
