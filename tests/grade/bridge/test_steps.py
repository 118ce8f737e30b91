"""Saving leaves what nbgrader's own commands would have left."""

import shutil

import pytest

from normlib.grade.bridge import gradebook
from normlib.grade.bridge.converters import convert
from normlib.grade.bridge.course import Course
from tests.grade.bridge.test_gradebook import give_deadline, hand_in_again
from tests.grade.classes import ASSIGNMENT, QUICK

WRITTEN = "feature_scaling-why-models", "feature_scaling", ASSIGNMENT, "student-1"


def everything(folder):
    """That the gradebook says of submissions, but for the numbers of its rows."""
    found = []
    with gradebook.opened(Course(folder)) as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            (notebook,) = submission.notebooks
            rows = [submission, *notebook.grades, *notebook.comments]
            for row in rows:
                known = row.to_dict() | {"student": submission.student_id}
                found.append({k: v for k, v in known.items() if k != "id"})
            found.append(submission.late_submission_penalty)
            found.append([g.extra_credit for g in notebook.grades])
            found.append([c.auto_comment for c in notebook.comments])
    return found


def by_nbgrader(folder):
    """`nbgrader autograde`, on notebooks that hold their points already."""
    course = Course(folder)
    config = course.config.copy()
    config.CourseDirectory.submitted_directory = "_build/graded"
    config.Autograde.exporter_class = "nbconvert.exporters.NotebookExporter"
    config.Autograde.sanitize_preprocessors = []
    config.Autograde.autograde_preprocessors = [
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]
    config.BaseConverter.force = True
    convert("Autograde", config, ASSIGNMENT)


def give_by_hand(folder):
    with gradebook.opened(Course(folder)) as book:
        grade, comment = book.find_grade(*WRITTEN), book.find_comment(*WRITTEN)
        grade.manual_score, grade.extra_credit = 1.5, 0.25
        # In doubt: what is settled stays so here, and not in nbgrader.
        grade.needs_manual_grade = True
        comment.manual_comment = "Well said."
        book.db.commit()


@pytest.mark.slow
def test_it_is_as_nbgrader_saves_it(new_course, grade_here, monkeypatch):
    """New, late, marked by hand in between, and handed in again."""
    ours, stock = new_course("ours", 3), new_course("stock", 0)
    for folder in (ours, stock):
        with open(folder / "nbgrader_config.py", "a") as config:
            config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
        give_deadline(folder)
    for again in (False, True):
        if again:
            give_by_hand(ours)
            give_by_hand(stock)
            hand_in_again(ours, "student-1", "again = 1")
        grade_here(ours, options=QUICK)
        shutil.copytree(
            ours / "_build/autograded", stock / "_build/graded", dirs_exist_ok=True
        )
        monkeypatch.chdir(stock)
        by_nbgrader(stock)
        assert everything(ours) == everything(stock)
    penalties = [found for found in everything(ours) if isinstance(found, float)]
    assert penalties == [0, 18.75, 17]  # of 17, and what was given by hand
