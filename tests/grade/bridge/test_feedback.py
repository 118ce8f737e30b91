"""A page that takes too long to make is missing, and the next one is made."""

import time

import pytest

from normlib.grade.bridge import feedback
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from tests.grade.classes import ASSIGNMENT, QUICK


@pytest.fixture
def folder(new_course, no_workers):
    folder = new_course("class", 1)
    grade(folder, options=QUICK)
    return folder


def pages(folder):
    return [*Course(folder).folder("feedback").glob("*/*/*.html")]


def hard(text):
    """A graded notebook whose added cell has this text."""
    import nbformat

    def change(folder):
        (path,) = Course(folder).folder("autograded").glob("*/*/*.ipynb")
        notebook = nbformat.read(path, as_version=4)
        new = nbformat.v4.new_markdown_cell(text, id="added-999")
        notebook.cells.append(new)
        nbformat.write(notebook, path)

    return change


def test_a_page_beyond_the_limits_is_missing_and_says_why(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert feedback.write(folder, ASSIGNMENT, "student-0") == ""
    assert len(pages(folder)) == 1
    monkeypatch.setattr(feedback, "SECONDS", 4)
    hard("\\\\(" * 80_000)(folder)
    start = time.monotonic()
    why = feedback.write(folder, ASSIGNMENT, "student-0")
    assert why == "making the page took more than 4 seconds"
    assert time.monotonic() - start < 60
    assert pages(folder) == []
