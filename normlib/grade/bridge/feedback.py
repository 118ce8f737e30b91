"""The pages for students, written by nbgrader."""

import os
import warnings
from pathlib import Path

from normlib.grade.bridge import plain_page
from normlib.grade.bridge.converters import NbgraderError, convert, course_config
from normlib.grade.bridge.course import Course
from normlib.grade.sandbox import leftovers
from normlib.grade.submission import limited

SECONDS = 60  # of the processor, for the pages of a submission


def outdated(course: Course, assignment: str, student: str) -> bool:
    """Whether a graded notebook has changed since its page was written."""
    graded = course.folder("autograded") / student / assignment
    pages = course.folder("feedback") / student / assignment
    return any(
        changed(pages / f"{path.stem}.html") < changed(path)
        for path in graded.iterdir()
        if path.suffix == ".ipynb"
    )


def changed(path: Path | str) -> float:
    """When ``path`` was changed; 0 when there is none."""
    return os.path.getmtime(path) if os.path.exists(path) else 0


def write(root: Path, assignment: str, student: str) -> str:
    """Write the pages of a submission; why not, if nbgrader gave up.

    They are written beside and moved: each as a whole, whatever happens. What turns a
    student's Markdown and code into HTML works within limits. Beyond them, there is a
    page with the points alone; an earlier page does not stay.
    """
    try:
        why = limited.call(_write, root, assignment, student, seconds=SECONDS)
    except limited.Failed as failed:
        why = f"making the page {failed}"
    if why:
        course = Course(root)
        for path in (course.folder("feedback") / student / assignment).glob("*.html"):
            path.unlink()
        plain_page.write(course, assignment, student, why)
    return why


def _write(root, assignment, student):
    place = Course(root).folder("feedback")
    place.mkdir(parents=True, exist_ok=True)
    with leftovers.folder(place, ".") as beside:
        config = course_config(root, feedback_directory=os.path.relpath(beside, root))
        try:
            convert(_converter(), config, assignment, student)
        except NbgraderError as error:
            return str(error)
        for path in filter(Path.is_file, sorted(Path(beside).rglob("*"))):
            moved = place / path.relative_to(beside)
            moved.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, moved)
    return ""


def _converter():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's, about its own insides
        from nbgrader.converters import GenerateFeedback

    class Feedback(GenerateFeedback):
        """Of one student, whatever the name: nbgrader takes it for a pattern."""

        def init_notebooks(self):
            names = self.coursedir.assignment_id, self.coursedir.student_id
            folder = self._format_source(*names)
            paths = sorted(map(str, Path(folder).iterdir()))
            self.assignments = {folder: [p for p in paths if p.endswith(".ipynb")]}

    return Feedback
