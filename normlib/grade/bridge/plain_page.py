"""A page of feedback with the points alone, where nbgrader's cannot be made.

Nothing that a student wrote is on it, so that nothing can keep it from being made.
"""

from html import escape
from pathlib import Path

from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<h1>{title}</h1>
<p>Your notebook was graded, but it could not be shown on a page: {why}.
Ask whoever grades your course to open the graded notebook.</p>
<table>
<tr><th>exercise</th><th>points</th><th>of</th></tr>
{rows}
</table>
</html>
"""


def write(course: Course, assignment: str, student: str, why: str) -> list[Path]:
    """Write a page for each notebook of a submission; returns where they are."""
    folder, written = course.folder("feedback") / student / assignment, []
    with gradebook.opened(course) as book:
        for notebook in book.find_submission(assignment, student).notebooks:
            title = f"{notebook.name} (Score: {notebook.score:g} / "
            title += f"{notebook.max_score:g})"
            rows = "\n".join(map(_row, sorted(notebook.grades, key=lambda g: g.name)))
            text = _PAGE.format(title=escape(title), why=escape(why), rows=rows)
            written.append(folder / f"{notebook.name}.html")
            write_atomically(written[-1], text.encode())
    return written


def _row(grade):
    points = "not marked yet" if grade.needs_manual_grade else f"{grade.score:g}"
    cells = grade.name, points, f"{grade.max_score:g}"
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
