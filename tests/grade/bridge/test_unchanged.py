"""Marks given by hand hold as long as the answer that they were given for."""

import datetime
import json
import shutil
from dataclasses import replace
from functools import partial

import pytest

from normlib.check import EXERCISES
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.converters import convert
from normlib.grade.bridge.course import Course
from normlib.grade.bridge.extensions import extend
from normlib.grade.sample_class.answers import pasted
from tests.grade.classes import ASSIGNMENT, QUICK

STUDENT = "student-0"
PLACE = "feature_scaling", ASSIGNMENT, STUDENT
WORDS, CHECKED = "feature_scaling-why-models", "feature_scaling-z_score"
ANSWER = "Because 273.15 cancels."
SETTLED = {WORDS: (1.5, False), CHECKED: (0.5, False)}


@pytest.fixture
def hand_in(new_course, handed_in):
    """Hand it in: an answer in words, and others in code that are right."""
    folder = new_course("class", 1)
    (pack,) = Course(folder).packs(ASSIGNMENT)
    (path,) = folder.glob("_build/submitted/*/*/*.ipynb")

    def write(words=ANSWER, note="", picture="", code=None):
        answers = {"feature_scaling.why-models": words}
        answers |= {"feature_scaling.z_score": code} if code else {}
        notebook = json.loads(handed_in(pack, answers, first=f"# {note}"))
        for cell in notebook["cells"]:
            if picture and cell.get("source") == words:
                cell["attachments"] = {"a.png": {"image/png": picture}}
        path.write_text(json.dumps(notebook))
        return folder

    return write


@pytest.fixture
def folder(hand_in, grade_here):
    """A class of one, of whom two answers have been marked by hand."""
    folder = hand_in()
    grade_here(folder, options=QUICK)
    with gradebook.opened(Course(folder)) as book:
        assert book.find_grade(WORDS, *PLACE).needs_manual_grade
        for name, (points, _) in SETTLED.items():
            grade = book.find_grade(name, *PLACE)
            grade.manual_score, grade.needs_manual_grade = points, False
        book.find_comment(WORDS, *PLACE).manual_comment = "Well said."
        book.db.commit()
    return folder


def marks(folder):
    """Points by hand, and whether nbgrader asks for them again."""
    with gradebook.opened(Course(folder)) as book:
        assert book.find_comment(WORDS, *PLACE).comment == "Well said."
        grades = {name: book.find_grade(name, *PLACE) for name in SETTLED}
        return {n: (g.manual_score, g.needs_manual_grade) for n, g in grades.items()}


def test_they_hold_when_something_else_is_handed_in(folder, hand_in, grade_here):
    hand_in(note="another cell")
    assert grade_here(folder, options=QUICK).ran == 1
    assert marks(folder) == SETTLED


def test_another_text_is_to_be_marked_again(folder, hand_in, grade_here):
    """And the old text, when it comes back, too: nobody has seen it since."""
    for words in (f"{ANSWER} So it is.", ANSWER):
        hand_in(words)
        grade_here(folder, options=QUICK)
        assert marks(folder) == SETTLED | {WORDS: (1.5, True)}


def test_another_picture_is_to_be_marked_again(folder, hand_in, grade_here):
    hand_in(picture="iVBORw0KGgo=")
    grade_here(folder, options=QUICK)
    assert marks(folder) == SETTLED | {WORDS: (1.5, True)}


def test_other_code_is_to_be_marked_again(folder, hand_in, grade_here):
    exercise = EXERCISES["feature_scaling.z_score"]
    hand_in(code=pasted("", exercise.equivalents[1], exercise.name))
    grade_here(folder, options=QUICK)
    assert marks(folder) == SETTLED | {CHECKED: (0.5, True)}


def again(folder, grade_here):
    """What a page of this course once told to do after a deadline was moved."""
    shutil.rmtree(folder / f"_build/autograded/{STUDENT}")
    grade_here(folder, options=QUICK)


def from_nothing(folder, grade_here):
    shutil.rmtree(folder / "_build/results")
    again(folder, grade_here)


def with_others(folder, grade_here):
    """The points stand until somebody grades without a seed again."""
    for seed in (1, 0):
        grade_here(folder, options=replace(QUICK, seed=seed))


def extended(folder, grade_here):
    course = Course(folder)
    with gradebook.opened(course) as book:
        due = datetime.datetime(2026, 3, 8, 11)
        book.update_or_create_assignment(ASSIGNMENT, duedate=due)
    grade_here(folder, options=QUICK)
    extend(course, ASSIGNMENT, STUDENT, "2026-03-10 12:00 UTC")
    grade_here(folder, options=QUICK)


@pytest.mark.parametrize("recipe", [again, from_nothing, with_others, extended])
def test_they_hold_through_every_recipe(folder, grade_here, recipe):
    """Those of the page on grading, and one that people remember."""
    recipe(folder, grade_here)
    assert marks(folder) == SETTLED


def test_they_hold_after_a_run_that_failed(folder, hand_in, grade_here):
    """Whose answers in words nobody has to mark again; a check has no points."""
    (pack,) = Course(folder).packs(ASSIGNMENT)
    with gradebook.opened(Course(folder)) as book:
        gradebook.withdraw(book, Course(folder), STUDENT, pack)
    grade_here(folder, options=QUICK)
    assert marks(folder) == SETTLED | {CHECKED: (0.5, True)}


@pytest.mark.slow
def test_they_hold_when_formgrader_grades_again(
    folder, hand_in, grade_here, monkeypatch
):
    """Its button calls nbgrader's own command, with --force."""
    monkeypatch.chdir(folder)
    config = Course(folder).config.copy()
    config.BaseConverter.force = True
    grade_again = partial(convert, "Autograde", config, ASSIGNMENT)
    grade_again()
    assert marks(folder) == SETTLED
    hand_in("Something else.")
    grade_again()
    assert marks(folder) == SETTLED | {WORDS: (1.5, True)}
