"""What the course adds to nbgrader's own steps, before it executes and afterwards.

nbgrader_config.py names these functions, so that formgrader's button runs them too.
"""

import re

import nbformat

# From _build/feedback/<student>/<assignment>/ to the built book.
BOOK = "../../../html/book"


def restore_cells(notebook, resources):
    """Make the graded cells of a submission those of the release: each once.

    A student may have deleted a graded cell, or copied one with its grade_id. A
    copy becomes an ordinary cell; the last one counts, as the last definition
    does. What is missing comes in where it was: before the next cell that is
    still there. Tags go: one of them would keep a check from being executed.
    """
    released = _released_cells(resources["nbgrader"])
    place = {}
    for i, cell in reversed(list(enumerate(notebook.cells))):
        cell.metadata.pop("tags", None)
        grade_id = cell.metadata.pop("nbgrader", {}).get("grade_id")
        if grade_id in released and grade_id not in place:
            place[grade_id] = i
            cell.metadata.nbgrader = released[grade_id].metadata.nbgrader
    following = len(notebook.cells)
    for grade_id, cell in reversed(released.items()):
        following = place.get(grade_id, following)
        if grade_id not in place and cell.metadata.nbgrader.grade:
            cell.metadata.tags = ["restored"]
            notebook.cells.insert(following, cell)
    notebook.nbformat_minor = 5
    for i, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{i:02d}")  # older formats have none
    return notebook, resources


def _released_cells(where):
    """grade_id -> cell, of what nbgrader noted when the assignment was made."""
    from nbgrader.api import Gradebook

    with Gradebook(where["db_url"]) as gradebook:
        noted = gradebook.find_notebook(where["notebook"], where["assignment"])
        points = {cell.name: cell.max_score for cell in noted.grade_cells}
        answers = {cell.name for cell in noted.solution_cells}
        cells = {}
        for cell in noted.source_cells:
            mark = {
                "grade_id": cell.name,
                "grade": cell.name in points,
                "solution": cell.name in answers,
                "locked": cell.locked,
                "task": False,
                "schema_version": 3,
                "cell_type": cell.cell_type,
                "checksum": cell.checksum,
            }
            if cell.name in points:
                mark["points"] = points[cell.name]
            new = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
            cells[cell.name] = new(
                cell.source, id=cell.name, metadata={"nbgrader": mark}
            )
        return cells


def skip_the_rest(notebook, resources):
    """Leave out what comes after the last graded cell: it earns nothing.

    There the notebooks end with an experiment, which takes longer than all checks.
    """
    for cell in reversed(notebook.cells):
        if cell.metadata.get("nbgrader", {}).get("grade"):
            break
        cell.metadata.tags = ["skip-execution"]
    return notebook, resources


def link_to_book(notebook, resources):
    """Let the feedback's links to chapters lead to the pages that were built."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\.\./\.\./book/(\w+)\.md", rf"{BOOK}/\1.html", cell.source
            )
    return notebook, resources


def say_what_waits(notebook, resources):
    """Tell the student which answers nobody has marked: nbgrader shows 0 points."""
    from nbgrader.api import Gradebook

    where = resources["nbgrader"]
    with Gradebook(where["db_url"]) as gradebook:
        submission = gradebook.find_submission_notebook(
            where["notebook"], where["assignment"], where["student"]
        )
        waiting = {
            grade.name for grade in submission.grades if grade.needs_manual_grade
        }
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {})
        if mark.get("grade_id") in waiting and not mark.get("comment"):
            mark["comment"] = "Not marked yet."
    return notebook, resources
