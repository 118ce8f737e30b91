"""A page of feedback with the points alone, where nbgrader's cannot be made.

Nothing that a student wrote is on it, so that nothing can keep it from being made.
"""

from pathlib import Path

from normlib.grade import templates
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically


def write(course: Course, assignment: str, student: str, why: str) -> list[Path]:
    """Write a page for each notebook of a submission; returns where they are."""
    folder, written = course.folder("feedback") / student / assignment, []
    with gradebook.opened(course) as book:
        for notebook in book.find_submission(assignment, student).notebooks:
            rows = sorted(map(_row, notebook.grades))
            text = templates.render(
                "plain.html",
                title=notebook.name,
                score=notebook.score - (notebook.late_submission_penalty or 0),
                most=notebook.max_score,
                why=why,
                rows=rows,
            )
            written.append(folder / f"{notebook.name}.html")
            write_atomically(written[-1], text.encode())
    return written


def _row(grade):
    points = "not marked yet" if grade.needs_manual_grade else f"{grade.score:g}"
    return grade.name, points, grade.max_score
