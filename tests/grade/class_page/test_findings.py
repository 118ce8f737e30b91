"""What is counted is what the students of a small class were given."""

import pytest

from normlib.check import EXERCISES
from normlib.grade.class_page.findings import find

KEY = "batch_norm.forward"
MISTAKE = EXERCISES[KEY].misconceptions[2]


def report(points, **more):
    about = {"diagnosis": None, "hint": None, "section": "", "failed": [], "alike": []}
    return {"key": KEY, "points": points, "most": 4.0, **about, **more}


def student(points, words=None, times=None, notes=(), **more):
    return {
        "score": points + (words or 0),
        "points": {"a": points, "w": words},
        "times": times or {},
        "reports": {"a": report(points, **more)},
        "notes": list(notes),
        "failed": "",
    }


def unexplained(value, case="by hand", place="row 0"):
    says = f"`y` at {place} should be 1.204, yours is {value}"
    return {"failed": [[case, "another"]], "alike": [[case, says]]}


KNOWN = {"diagnosis": MISTAKE.title, "hint": MISTAKE.hint, "section": "numerics"}
STUDENTS = {
    "ada": student(4.0, 2),
    "bo": student(1.5, 1, **KNOWN, failed=[["x", "y"]]),
    "cy": student(1.5, 0, **KNOWN, failed=[["x", "y"]]),
    "di": student(0.0, None, **unexplained("2.00001")),
    "ed": student(0.0, None, **unexplained("2.00002")),
    "fay": student(0.0, None, **unexplained("2.1")),
    "gus": student(0.0, None, **unexplained("2.0", place="row 1")),
    "hal": student(0.0, hint="`batch_norm` is not written yet. Replace it."),
    "ivy": student(0.0, failed=[["x", "z"]], alike=[["x", "raised NameError: n"]]),
    "jo": student(4.0, 1, times={"late": 3600.0, "extension": 0, "penalty": 2.0}),
}
ASSIGNMENT = {
    "most": 6.0,
    "questions": [
        {"id": "a", "title": "1 · Forward", "most": 4.0, "key": KEY},
        {"id": "w", "title": "2 · In words", "most": 2.0, "key": None},
    ],
    "students": STUDENTS,
}


@pytest.fixture
def found():
    return find("02_batch_norm", ASSIGNMENT)


def test_the_points_of_each_exercise_are_spread_out(found):
    checked, words = found.questions
    assert (checked.full, checked.part, checked.none, checked.waits) == (2, 2, 6, 0)
    assert checked.mean == pytest.approx(1.1)
    assert (words.full, words.part, words.none, words.waits) == (1, 2, 1, 6)
    assert words.mean == pytest.approx(1.0)


def test_all_points_are_those_after_the_penalty(found):
    assert found.scores == [0.0] * 6 + [1.5, 2.5, 3.0, 6.0]
    assert found.bars == [6, 0, 1, 0, 1, 1, 0, 0, 0, 1]
    assert found.middle == (0.0, 0.0, 2.25)
    assert found.mean == pytest.approx(1.3)


def test_mistakes_are_counted_the_most_frequent_first(found):
    assert [(m.kind, m.who) for m in found.mistakes] == [
        ("mistake", ["bo", "cy"]),
        ("unexplained", ["di", "ed"]),
        ("unexplained", ["fay"]),
        ("unexplained", ["gus"]),
        ("unwritten", ["hal"]),
        ("unusable", ["ivy"]),
    ]


def test_a_mistake_has_the_lines_of_the_catalog_and_a_section(found):
    (mistake,) = found.of("mistake")
    assert mistake.title == MISTAKE.title and mistake.hint == MISTAKE.hint
    assert "\n".join(mistake.lines) == MISTAKE.edit
    assert mistake.section == "“numerics” in chapter 2"  # of no such title


def test_a_mistake_that_the_course_had_once_is_named_without_lines():
    told = {**STUDENTS["bo"]["reports"]["a"], "key": "gone.forward"}
    told |= {"diagnosis": "Something old", "section": ""}
    one = {**STUDENTS["bo"], "reports": {"a": told}}
    (mistake,) = find("x", {**ASSIGNMENT, "students": {"bo": one}}).mistakes
    assert (mistake.title, mistake.lines) == ("Something old", ())


def test_a_class_with_a_method_left_open_is_no_wrong_answer():
    says = [["a gradient", "not written yet"]]
    begun = student(1.0, failed=[["a gradient", "…"]], alike=says)
    (mistake,) = find("x", {**ASSIGNMENT, "students": {"kim": begun}}).mistakes
    assert (mistake.kind, mistake.title) == ("unusable", "a part is missing")
