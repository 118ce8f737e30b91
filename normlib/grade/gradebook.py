"""What nbgrader's gradebook holds: exported, and shown as a table."""

from pathlib import Path

import nbformat

from normlib.grade.converters import course_config


def export() -> None:
    """Write everybody's points to _build/grades.csv, in nbgrader's own form."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    config = course_config(Path())
    course = config.CourseDirectory
    with Gradebook(course.db_url, course.course_id) as gradebook:
        CsvExportPlugin(to="_build/grades.csv", config=config).export(gradebook)


def show(submitted, failed) -> None:
    """Print everybody's points, and what needs somebody's eye.

    Parameters
    ----------
    submitted : list of (str, str)
        Assignment and student of each submission.
    failed : dict
        Those among them that could not be graded, and why.
    """
    from nbgrader.api import Gradebook
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    assignments = sorted({assignment for assignment, _ in submitted})
    table, totals, notes = Table(box=SIMPLE), {}, []
    course = course_config(Path()).CourseDirectory
    with Gradebook(course.db_url, course.course_id) as gradebook:
        most = {name: gradebook.find_assignment(name).max_score for name in assignments}
        heads = [f"{name.replace('_', chr(10))}\nof {most[name]:g}" for name in most]
        table.add_column("student", no_wrap=True)
        for head in (*heads, f"total\nof {sum(most.values()):g}", "to\nmark"):
            table.add_column(head, justify="right")
        for student in sorted({student for _, student in submitted}):
            scores, unmarked = {}, 0
            for name in assignments:
                if (name, student) in failed:
                    why = f"{name} was not graded: {failed[name, student]}"
                    notes.append((student, why))
                elif (name, student) in submitted:
                    submission = gradebook.find_submission(name, student)
                    scores[name] = submission.score
                    unmarked += _unmarked(submission)
                    notes += [(student, note) for note in _notes(student, name)]
            totals[student] = sum(scores.values())
            points = [f"{scores[n]:g}" if n in scores else "" for n in assignments]
            table.add_row(student, *points, f"{totals[student]:g}", str(unmarked or ""))
    console = Console(highlight=False)
    console.print(table)
    for student, note in notes:
        console.print(f"{student}: {note}", soft_wrap=True, markup=False)
    console.print("Points:    _build/grades.csv")
    middling = sorted(totals, key=totals.get)[len(totals) // 2]
    for path in sorted(Path("_build/feedback", middling).glob("*/*.html"))[-1:]:
        console.print(f"Feedback:  {path}, for example", soft_wrap=True)


def _notes(student, assignment):
    """What happened to a submission that somebody should look at."""
    notes = []
    folder = Path("_build/autograded", student, assignment)
    for path in sorted(folder.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            errors = {output.get("ename") for output in cell.get("outputs", ())}
            if name and "CellTimeoutError" in errors:
                notes.append(f"{name} ran out of time")
            if "restored" in cell.metadata.get("tags", ()):
                notes.append(f"{name} was deleted")
    return notes


def _unmarked(submission):
    """How many answers wait for somebody to mark them."""
    grades = [g for notebook in submission.notebooks for g in notebook.grades]
    return sum(grade.needs_manual_grade for grade in grades)
