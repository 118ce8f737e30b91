"""Feedback pages are nbgrader's own, made faster."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from normlib.grade.bridge import feedback, gradebook, page
from normlib.grade.bridge.converters import convert, course_config
from normlib.grade.bridge.course import Course
from tests.grade.classes import ASSIGNMENT, QUICK

PLACE = "feature_scaling", ASSIGNMENT, "student-0"
WORDS = "feature_scaling-why-models"
STOCK = "_build/stock"
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAA"
    "SUVORK5CYII="
)


@pytest.fixture
def folder(new_course, grade_here):
    """A graded course; one notebook shows a picture and has a comment."""
    folder = new_course("class", 1)
    grade_here(folder, options=QUICK)
    (path,) = folder.glob("_build/autograded/*/*/*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    picture = nbformat.v4.new_output("display_data", data={"image/png": DOT})
    code[1].outputs.append(picture)
    nbformat.write(notebook, path)
    with gradebook.opened(Course(folder)) as book:
        book.find_comment(WORDS, *PLACE).manual_comment = "Well *said*."
        book.find_grade(WORDS, *PLACE).manual_score = 1.5
        book.db.commit()
    return folder


def made_by_nbgrader(folder):
    config = course_config(folder, feedback_directory=STOCK)
    del config.GenerateFeedback["exporter_class"]
    config.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "normlib.grade.preprocessor.link_to_book",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    convert("GenerateFeedback", config, ASSIGNMENT)
    (path,) = (folder / STOCK).glob("*/*/*.html")
    return path.read_text()


def made(folder):
    assert feedback.write(folder, ASSIGNMENT, "student-0", "marks") == ""
    (path,) = (folder / "_build/feedback").glob("*/*/*.html")
    return re.sub(r"\n<!-- \w{64} -->\n$", "", path.read_text())


def test_a_page_is_nbgraders_own(folder):
    """The first of a process, and the second. nbconvert writes what it has parsed."""
    wanted = made_by_nbgrader(folder)
    for said in ("Well <em>said</em>.", page.NO_TEXT, "Score: 1.5 / "):
        assert said in wanted
    for _ in range(2):
        assert str(BeautifulSoup(made(folder), "html.parser")) == wanted


def test_an_answer_that_nobody_has_marked_is_said_to_wait(folder):
    told = "<p>Not marked yet.</p>"
    assert told not in made(folder)
    with gradebook.opened(Course(folder)) as book:
        comment = book.find_comment(WORDS, *PLACE)
        comment.manual_comment = comment.auto_comment = None
        found = book.find_grade(WORDS, *PLACE)
        found.manual_score, found.needs_manual_grade = None, True
        book.db.commit()
    assert made(folder).count(told) == 1
