"""The pages for students: nbgrader asks for them, ``page`` makes them."""

import hashlib
import os
import warnings
from functools import cache
from pathlib import Path

from normlib.grade import templates
from normlib.grade.bridge import plain_page, steps
from normlib.grade.bridge.converters import NbgraderError, convert, course_config
from normlib.grade.bridge.course import Course
from normlib.grade.sandbox import leftovers
from normlib.grade.submission import limited

SECONDS = 60  # of the processor, for the pages of a submission


def outdated(course: Course, assignment: str, student: str, shown: str) -> bool:
    """Whether a page shows something else than it would if it were written now.

    ``shown`` stands for what the gradebook has: see ``Overview``.
    """
    digest = _digest(course, assignment, student, shown)
    pages = course.folder("feedback") / student / assignment
    return any(
        not _ends_with(pages / f"{path.stem}.html", digest)
        for path in _graded(course, assignment, student)
    )


def write(root: Path, assignment: str, student: str, shown: str) -> str:
    """Write the pages of a submission; why not, if nbgrader gave up.

    They are written to another folder and moved, so that each is there as a whole or
    not at all. What turns a student's Markdown and code into HTML works within limits.
    Where these are exceeded, a page with the points alone takes the place of an earlier
    one.
    """
    try:
        what = root, assignment, student, shown
        why = limited.call(_write, *what, seconds=SECONDS)
    except limited.Failed as failed:
        why = f"making the page {failed}"
    if why:
        course = Course(root)
        for path in (course.folder("feedback") / student / assignment).glob("*.html"):
            path.unlink()
        plain_page.write(course, assignment, student, why)
        digest = _digest(course, assignment, student, shown)
        for path in (course.folder("feedback") / student / assignment).glob("*.html"):
            _append(path, digest)
    return why


def _write(root, assignment, student, shown):
    course = Course(root)
    place = course.folder("feedback")
    place.mkdir(parents=True, exist_ok=True)
    digest = _digest(course, assignment, student, shown)
    with leftovers.folder(place, ".") as beside:
        config = course_config(root, feedback_directory=os.path.relpath(beside, root))
        try:
            convert(load(), config, assignment, student)
        except NbgraderError as error:
            return str(error)
        for path in filter(Path.is_file, sorted(Path(beside).rglob("*"))):
            if path.suffix == ".html":
                _append(path, digest)
            moved = place / path.relative_to(beside)
            moved.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, moved)
    return ""


def _digest(course, assignment, student, shown):
    """How a page ends: it names all that the page is made from."""
    digest = hashlib.sha256(f"{shown}|{course.book}".encode())
    digest.update(templates.text(("feedback.html",)))
    for path in _graded(course, assignment, student):
        digest.update(path.read_bytes())
    return f"\n<!-- {digest.hexdigest()} -->\n".encode()


def _graded(course, assignment, student):
    return sorted((course.folder("autograded") / student / assignment).glob("*.ipynb"))


def _append(path, text):
    with open(path, "ab") as file:
        file.write(text)


def _ends_with(path, text):
    try:
        with open(path, "rb") as file:
            file.seek(-len(text), os.SEEK_END)
            return file.read() == text
    except OSError:
        return False


@cache
def load():
    """Import what makes a page; nbgrader's converter."""
    with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own insides
        import normlib.grade.bridge.markdown
        import normlib.grade.bridge.page  # noqa: F401  (named in nbgrader_config.py)

        return steps.feedback_of_one()
