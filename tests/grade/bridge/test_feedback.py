"""There is a page whatever a student wrote, with the points at least."""

import re
from dataclasses import replace

import pytest

from normlib.grade.bridge import feedback, gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from normlib.grade.submission import limited
from tests.grade.attacks import PAGES
from tests.grade.classes import ASSIGNMENT, QUICK


@pytest.fixture
def folder(new_course, grade_here):
    folder = new_course("class", 1)
    grade_here(folder, options=QUICK)
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


@pytest.mark.slow
@pytest.mark.parametrize("bomb", PAGES)
def test_there_is_a_page_whatever_is_on_it(folder, monkeypatch, bomb):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(feedback, "SECONDS", 4)
    hard(PAGES[bomb])(folder)
    why = feedback.write(folder, ASSIGNMENT, "student-0", "marks")
    # Of the processor; or six times as many, if others kept it from that.
    assert re.fullmatch("(making the page took more than (4|24) seconds)?", why)
    (page,) = pages(folder)
    assert "17 of 19 points" in page.read_text()
    assert not feedback.outdated(Course(folder), ASSIGNMENT, "student-0", "marks")


def test_a_page_beyond_the_limits_shows_the_points_alone(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert feedback.write(folder, ASSIGNMENT, "student-0", "marks") == ""
    (page,) = pages(folder)
    whole = page.read_text()
    why = "took <b>too</b> long"

    def too_long(*_, **__):
        raise limited.Failed(why)

    monkeypatch.setattr(limited, "call", too_long)
    assert (
        feedback.write(folder, ASSIGNMENT, "student-0", "marks")
        == f"making the page {why}"
    )
    assert pages(folder) == [page]
    text = page.read_text()
    assert "took &lt;b&gt;too&lt;/b&gt; long" in text
    rows = re.findall("<tr><td>(.*)</td><td>(.*)</td><td>(.*)</td></tr>", text)
    checked = {name: points for name, points, most in rows if points == most}
    assert checked["feature_scaling-z_score"] in whole
    assert sum(map(float, checked.values())) == 17
    assert ("feature_scaling-why-models", "0", "2") in rows


def test_who_has_the_points_alone_is_told(folder, monkeypatch):
    monkeypatch.setattr(feedback, "write", lambda *_: "it cannot be made")
    graded = grade(folder, options=replace(QUICK, feedback=True))
    told = (
        f"the feedback page of {ASSIGNMENT} shows the points alone: it cannot be made"
    )
    assert graded.notes == {(ASSIGNMENT, "student-0"): [told]}
    assert graded.failed == {}


def test_a_time_that_no_parser_understands_is_told(folder):
    """Some texts raise `decimal.InvalidOperation`, which is no ValueError."""
    (path,) = folder.glob("_build/submitted/*/*/timestamp.txt")
    for text in TIMES:
        path.write_text(text)
        when, notes = gradebook._time(Course(folder), ASSIGNMENT, "student-0")
        assert when == {} and notes == [f"{ASSIGNMENT}: timestamp.txt holds no time"]
