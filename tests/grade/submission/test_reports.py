"""What is kept of the reports, for whoever looks at the whole class."""

import pytest

from normlib.check import EXERCISES
from normlib.check.cells import grade_id
from normlib.grade.sample_class.answers import pasted
from normlib.grade.submission import grading

KEY, NAME = "feature_scaling.z_score", "feature_scaling-z_score"
CALLED = EXERCISES[KEY].name


@pytest.fixture(scope="module")
def reports(zygote, scaling, handed_in):
    """Grade a submission with this z_score; the reports, and the points."""

    def run(source, first="", seed=0):
        file = handed_in(scaling, {KEY: source}, first=first)
        where = zygote.address, zygote.backend.name
        result = grading.grade(scaling, file, "", seed, *where)
        return result.reports, result.points

    return run


def test_a_recognized_mistake_is_kept_with_its_points_and_cases(reports, scaling):
    mistake = EXERCISES[KEY].misconceptions[0]
    (cell,) = [c for c in scaling.cells if grade_id(c) == f"{NAME}-answer"]
    found, points = reports(pasted(cell.source, mistake.implementation, CALLED))
    assert {name: report["points"] for name, report in found.items()} == points
    report = found[NAME]
    assert (report["key"], report["most"]) == (KEY, 3)
    assert report["diagnosis"] == mistake.title and report["hint"] == mistake.hint
    shares = {case.name: case.share for case in EXERCISES[KEY].cases}
    lost = sum(shares[name] for name, _ in report["failed"])
    assert report["points"] == pytest.approx(3 * (1 - lost), abs=0.01)
    assert all(message for _, message in report["failed"])
    assert report["alike"] == []  # known: nothing to compare
    others = [r for name, r in found.items() if name != NAME]
    assert all(not r["failed"] and not r["diagnosis"] for r in others)


ODD = f"def {CALLED}(x):\n    return np.asarray(x, float) * {{}} + 0.25"


def test_unexplained_answers_that_return_the_same_are_told_from_others(reports):
    """Each submission is judged on inputs of its own; these are everybody's."""
    one, again, other = (
        reports(ODD.format(factor), first=f"# of student {i}")[0][NAME]
        for i, factor in enumerate((3, 3.0, 4))
    )
    assert one["diagnosis"] is None and one["failed"]
    assert one["alike"] == again["alike"] and one["alike"] != other["alike"]
    assert one["failed"] != again["failed"]


ONCE = f"""
calls = []
def {CALLED}(x):
    calls.append(1)
    if len(calls) > {{}}:
        raise SystemExit
    return np.asarray(x, float) * 3 + 0.25
"""


def test_what_misbehaves_the_second_time_loses_nothing(reports):
    cases = len(EXERCISES[KEY].cases)
    found, points = reports(ONCE.format(3 * cases), first="# once")
    whole, wanted = reports(ODD.format(3), first="# always")
    assert points == wanted and found.keys() == whole.keys()
    assert found[NAME]["failed"] and found[NAME]["diagnosis"] is None


def test_what_is_not_written_or_not_a_notebook_has_a_report(reports, scaling, zygote):
    found, _ = reports(f"def {CALLED}(x):\n    raise NotImplementedError()")
    assert "is not written yet" in found[NAME]["hint"]
    assert found[NAME]["failed"] == []
    where = zygote.address, zygote.backend.name
    result = grading.grade(scaling, b"{", "", 0, *where)
    assert "was not read" in result.reports[NAME]["hint"]
