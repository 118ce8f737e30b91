"""A page that takes too long to make is missing, and the next one is made."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from normlib.grade import classroom
from normlib.grade.bridge import feedback, gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from tests.grade.classes import ASSIGNMENT, QUICK


@pytest.fixture
def folder(new_course, no_workers):
    folder = new_course("class", 1)
    grade(folder, options=QUICK)
    return folder


TIMES = ("Infinity", "9" * 90, "9" * 40 + "m", "1" * 40 + ".5h")


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


def test_points_are_shown_where_a_page_is_missing(folder, monkeypatch):
    monkeypatch.setattr(feedback, "write", lambda *_: "it cannot be made")
    monkeypatch.setattr(classroom, "executor", lambda *_: ThreadPoolExecutor(1))
    graded = grade(folder, options=replace(QUICK, feedback=True))
    told = f"{ASSIGNMENT} has no feedback page: it cannot be made"
    assert graded.notes == {(ASSIGNMENT, "student-0"): [told]}
    assert graded.failed == {}


def test_a_time_that_no_parser_understands_is_told(folder):
    """Some texts raise `decimal.InvalidOperation`, which is no ValueError."""
    (path,) = folder.glob("_build/submitted/*/*/timestamp.txt")
    for text in TIMES:
        path.write_text(text)
        when, notes = gradebook._time(Course(folder), ASSIGNMENT, "student-0")
        assert when == {} and notes == [f"{ASSIGNMENT}: timestamp.txt holds no time"]
