"""Grading in formgrader's pages: a button, a mark and a comment, in a browser."""

import nbformat
import pytest

from normlib.check import EXERCISES
from normlib.check.cells import grade_id
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.sample_class.answers import pasted
from tests import jupyterlab
from tests.grade.classes import ASSIGNMENT

KEY, WORDS = "feature_scaling.z_score", "feature_scaling-why-models"
COMMENT = "The second half is a guess."


@pytest.fixture
def wrong_once(new_course, handed_in):
    """A course with one submission, whose z-score is a known mistake."""
    folder = new_course("course", 1)
    (pack,) = Course(folder).packs(ASSIGNMENT)
    mistake = EXERCISES[KEY].misconceptions[0]
    stub = next(
        cell.source
        for cell in pack.cells
        if grade_id(cell) == "feature_scaling-z_score-answer"
    )
    source = pasted(stub, mistake.implementation, EXERCISES[KEY].name)
    (path,) = folder.glob("_build/submitted/*/*/*.ipynb")
    answers = {KEY: source, "feature_scaling.why-models": "Because of the units."}
    path.write_bytes(handed_in(pack, answers))
    gradebook.create(Course(folder))
    gradebook.prepare(Course(folder), [pack])
    return folder, mistake.title


@pytest.fixture
def formgrader(wrong_once, tmp_path, browser):
    """A tab, and the address of formgrader in a JupyterLab that runs in the course."""
    folder, _ = wrong_once
    with jupyterlab.running(folder, tmp_path) as address:
        tab = browser.new_page(viewport={"width": 1100, "height": 1200})
        yield tab, f"{address}/formgrader"
        tab.close()


def test_a_submission_is_graded_marked_and_told(formgrader, wrong_once, picture):
    (tab, address), (folder, title) = formgrader, wrong_once
    tab.goto(f"{address}/manage_submissions/{ASSIGNMENT}")
    tab.locator(".autograde a").click()
    tab.locator("#success-modal").get_by_text("Successfully autograded").wait_for()
    (path,) = folder.glob("_build/autograded/*/*/*.ipynb")
    graded = nbformat.read(path, as_version=4)
    assert graded.metadata.normlib_sandbox in ("bubblewrap", "landlock")

    with gradebook.opened(Course(folder)) as book:
        submission = book.find_submission(ASSIGNMENT, "student-0")
        (notebook,) = submission.notebooks
        checked, notebook = submission.score, notebook.id
    tab.goto(f"{address}/submissions/{notebook}")
    tab.get_by_text("This looks like").first.wait_for()
    assert title in tab.content()
    answer = tab.locator(".nbgrader_cell").filter(has=tab.locator(f"input#{WORDS}"))
    for where, value in ((".score", "1.5"), (".comment", COMMENT)):
        with tab.expect_response(lambda response: response.request.method == "PUT"):
            answer.locator(where).fill(value)
            answer.locator(where).press("Tab")
    picture(tab, "formgrader")
    with gradebook.opened(Course(folder)) as book:
        submission = book.find_submission(ASSIGNMENT, "student-0")
        assert submission.score == checked + 1.5
        found = book.find_comment(WORDS, "feature_scaling", ASSIGNMENT, "student-0")
        assert found.comment == COMMENT

    tab.goto(f"{address}/manage_submissions/{ASSIGNMENT}")
    tab.locator(".generate-feedback a").click()
    tab.locator("#success-modal").get_by_text("Successfully generated").wait_for()
    (page,) = folder.glob("_build/feedback/*/*/*.html")
    tab.goto(page.as_uri())
    text = tab.inner_text("body")
    assert "This looks like" in text and title.rstrip(".") in text
    assert COMMENT in text
    assert f"{checked + 1.5:g} of 19 points" in text
