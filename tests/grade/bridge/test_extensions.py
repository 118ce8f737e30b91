"""An extension makes late work count as in time, in the points and in what is said."""

import csv
import datetime

import pytest

from normlib.grade import report
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.bridge.extensions import extend
from normlib.grade.classroom import grade
from tests.grade.classes import ASSIGNMENT, QUICK

STUDENT = "student-1"  # a second late


@pytest.fixture
def folder(new_course, grade_here):
    """A class of two, of whom the second is late and loses all points for it."""
    folder = new_course("class", 2)
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    course = Course(folder)
    gradebook.create(course)
    gradebook.prepare(course, course.packs(ASSIGNMENT))
    set_deadline(folder, datetime.datetime(2026, 3, 8, 12))
    grade_here(folder, options=QUICK)
    return folder


def set_deadline(folder, due):
    with gradebook.opened(Course(folder)) as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate=due)


def told(folder, capsys):
    """The points in the CSV, and what is said of the student."""
    graded = grade(folder, options=QUICK)
    assert graded.ran == 0
    report.show(folder, graded)
    with open(folder / "_build/grades.csv", newline="") as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split() for line in lines if line.startswith(f"  {STUDENT} ")]
    said = [line for line in lines if line.startswith(f"{STUDENT}: ")]
    assert float(row[1]) == rows[STUDENT]
    return rows[STUDENT], said


def test_it_takes_the_penalty_back_and_can_be_taken_back(folder, capsys):
    late = f"{STUDENT}: {ASSIGNMENT} came 1 minute late"
    lost = f"{late}: 17 of 17 points were taken off"
    assert told(folder, capsys) == (0, [lost])
    course = Course(folder)
    assert extend(course, ASSIGNMENT, STUDENT, "2026-03-09 14:00 UTC") == 26 * 3600
    in_time = f"{STUDENT}: {ASSIGNMENT} came in time, with an extension of"
    assert told(folder, capsys) == (17, [f"{in_time} 1 day 2 hours"])
    assert extend(course, ASSIGNMENT, STUDENT, "2026-03-08 12:00 UTC") == 0
    assert told(folder, capsys) == (0, [lost])


def test_what_cannot_be_extended_is_said(folder):
    course, later = Course(folder), "2026-03-09 14:00 UTC"
    for what, until, why in (
        ((ASSIGNMENT, "nobody"), later, "nothing of 'nobody' .* has been graded yet"),
        (("02_nowhere", STUDENT), later, "in '02_nowhere' has been graded yet"),
        ((ASSIGNMENT, STUDENT), "soon", "'soon' is not a time"),
        ((ASSIGNMENT, STUDENT), "2026-03-07", "before the deadline, 2026-03-08 12:00"),
    ):
        with pytest.raises(ValueError, match=why):
            extend(course, *what, until)
    set_deadline(folder, None)
    with pytest.raises(ValueError, match="has no deadline; `nbgrader db assignment"):
        extend(course, ASSIGNMENT, STUDENT, later)


def test_marks_by_hand_and_another_rule_are_counted_by_the_next_run(folder, capsys):
    """No notebook is graded again for it, and so no mark is lost."""
    place = "feature_scaling", ASSIGNMENT, STUDENT
    with gradebook.opened(Course(folder)) as book:
        mark = book.find_grade("feature_scaling-why-models", *place)
        mark.manual_score, mark.needs_manual_grade = 1.5, False
        book.db.commit()
    points, (said,) = told(folder, capsys)
    assert points == 0 and said.endswith(": 18.5 of 18.5 points were taken off")
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text().replace('"zero"', '"none"'))
    points, (said,) = told(folder, capsys)
    assert points == 18.5 and said.endswith(" came 1 minute late")
    with gradebook.opened(Course(folder)) as book:
        mark = book.find_grade("feature_scaling-why-models", *place)
        assert (mark.manual_score, mark.needs_manual_grade) == (1.5, False)
