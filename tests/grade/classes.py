"""What grading a class leaves behind."""

import sqlite3

from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import Options

ASSIGNMENT = "01_feature_scaling"
QUICK = Options(jobs=2, feedback=False)


def written(folder):
    """What grading leaves, as bytes, and the points in the gradebook."""
    names = ("results/*/[!.]*", "autograded/*/*/[!.]*", "grades.csv")
    files = [path for name in names for path in folder.glob(f"_build/{name}")]
    found = {str(p.relative_to(folder)): p.read_bytes() for p in files}
    with gradebook.opened(Course(folder)) as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            (notebook,) = submission.notebooks
            found[submission.student_id] = (
                submission.timestamp,
                sorted((g.name, g.auto_score, g.manual_score) for g in notebook.grades),
            )
        students = {student.id for student in book.students}
        found["version"] = _version(book)
    assert students == {name for name in found if name.startswith("student-")}
    return found


def _version(book):
    from sqlalchemy import text

    return book.db.execute(text("select * from alembic_version")).all()


def mark_by_hand(folder, student, points):
    """Mark a student's answer in words, without importing nbgrader."""
    with sqlite3.connect(folder / "_build/gradebook.db") as book:
        changed = book.execute(
            """
            update grade set manual_score = ?, needs_manual_grade = 0
            where cell_id = (
                select id from base_cell where name = 'feature_scaling-why-models'
            ) and notebook_id = (
                select submitted_notebook.id from submitted_notebook
                join submitted_assignment
                  on submitted_assignment.id = submitted_notebook.assignment_id
                where submitted_assignment.student_id = ?
            )""",
            (points, student),
        )
        assert changed.rowcount == 1


def results(folder):
    return [p for p in folder.glob("_build/results/*/*") if p.name[0] != "."]
