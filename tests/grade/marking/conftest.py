"""A class whose answers in words wait to be marked, and the pages to do it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import warnings

import nbformat
import pytest

from normlib.check.cells import grade_id
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.marking.questions import questions
from normlib.grade.submission.grading import Result
from tests.grade.classes import ASSIGNMENT

WORDS = "feature_scaling-why-models"


def put(course, answers):
    """Let the gradebook have these as graded: student -> text, or text and pictures."""
    gradebook.create(course)
    (pack,) = course.packs(ASSIGNMENT)
    gradebook.prepare(course, [pack])
    results = []
    for student, answer in answers.items():
        notebook = nbformat.reads(pack.template, as_version=4)
        (cell,) = (c for c in notebook.cells if grade_id(c) == WORDS)
        text, pictures = answer if isinstance(answer, tuple) else (answer, {})
        cell.source = cell.source if text is None else text
        if pictures:
            cell.attachments = pictures
        result = Result(nbformat.writes(notebook), {}, [], "none")
        results.append((student, pack, f"key-of-{student}", result))
    with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own insides
        with gradebook.opened(course) as book:
            gradebook.save(book, course, results)


@pytest.fixture
def class_of(course, tmp_path):
    """Make a course in which these answers have been graded; None is left blank."""

    def make(answers, name="class"):
        folder = tmp_path / name
        shutil.copytree(
            course, folder, ignore=shutil.ignore_patterns("_build", "0[2-9]_*", "1*_*")
        )
        found = Course(folder)
        put(found, answers)
        return found

    return make


@pytest.fixture
def question(root):
    (found,) = questions(Course(root), ASSIGNMENT)
    return found


def given(course, student):
    """Points by hand, whether the answer waits, and the comment, as nbgrader has it."""
    place = WORDS, "feature_scaling", ASSIGNMENT, student
    with gradebook.opened(course) as book:
        grade, comment = book.find_grade(*place), book.find_comment(*place)
        return grade.manual_score, grade.needs_manual_grade, comment.manual_comment


@contextlib.contextmanager
def serving(course, *options):
    """`normlib mark`, and the address that it tells."""
    command = [sys.executable, "-m", "normlib.cli", "mark", ASSIGNMENT, *options]
    with subprocess.Popen(
        command, cwd=course.root, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()
