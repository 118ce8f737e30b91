"""nbgrader's own autograde, as formgrader's button calls it, grades the same way."""

import json
import shutil
import sqlite3
import tracemalloc

import nbformat
import pytest

from normlib.check import EXERCISES
from normlib.check.cells import grade_id, key_of
from normlib.grade.bridge.converters import convert, course_config
from normlib.grade.bridge.course import Course
from normlib.grade.preprocessor import AnyFile
from normlib.grade.sandbox.session import NoSandbox

# What takes long is made once: in one process, not in each that runs tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("preprocessor")]

ASSIGNMENT = "01_feature_scaling"


@pytest.fixture(scope="module")
def graded(course, handed_in, tmp_path_factory):
    """A course in which nbgrader has graded a right, a damaged and a bad notebook."""
    folder = tmp_path_factory.mktemp("preprocessor") / "course"
    one = shutil.ignore_patterns("_build", "0[2-9]_*")
    shutil.copytree(course, folder, ignore=one)
    (pack,) = Course(folder).packs(ASSIGNMENT)
    crash = "import os; os._exit(0)"
    for student, file in {
        "ada": handed_in(pack),
        "bob": b'{"cells": [',
        "eve": handed_in(pack, {"feature_scaling.z_score": crash}),
    }.items():
        where = folder / "_build/submitted" / student / ASSIGNMENT
        where.mkdir(parents=True)
        (where / "feature_scaling.ipynb").write_bytes(file)
    made = course_config(folder, release_directory="_build/release")
    convert("GenerateAssignment", made, ASSIGNMENT)
    config = course_config(folder)
    try:
        convert("Autograde", config, ASSIGNMENT)
    except Exception as error:
        if NoSandbox.__name__ in str(error):
            pytest.skip(str(error))
        raise
    convert("GenerateFeedback", config, ASSIGNMENT)
    return folder


def points(folder):
    query = """
        select submitted_assignment.student_id, base_cell.name, grade.auto_score
        from grade join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment
          on submitted_assignment.id = submitted_notebook.assignment_id
    """
    with sqlite3.connect(folder / "_build/gradebook.db") as gradebook:
        found = gradebook.execute(query).fetchall()
    return {(student, name): score for student, name, score in found}


def test_the_points_are_those_of_the_sandbox(graded):
    found = points(graded)
    for key, exercise in EXERCISES.items():
        if key.startswith("feature_scaling."):
            name = key.replace(".", "-")
            assert found["ada", name] == exercise.points
            assert found["bob", name] == 0
            crashed = name == "feature_scaling-z_score"
            assert found["eve", name] == (0 if crashed else exercise.points)


def test_the_graded_notebook_holds_the_reports(graded):
    (path,) = (graded / "_build/autograded/ada").glob("*/*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.normlib_sandbox in ("bubblewrap", "landlock")
    for cell in notebook.cells:
        if key_of(cell):
            assert "✓" in cell.outputs[0].data["text/plain"]


def test_what_is_no_notebook_has_feedback_all_the_same(graded):
    (page,) = (graded / "_build/feedback/bob").glob("*/*.html")
    assert "Your file was not read: the file is damaged" in page.read_text()


def test_the_command_finds_nothing_left_to_do(graded):
    from normlib.grade.classroom import Options, grade

    before = points(graded)
    outcome = grade(graded, options=Options(feedback=False))
    assert outcome.ran == 0 and not outcome.failed
    assert points(graded) == before
    assert set(outcome.submitted) == {
        (ASSIGNMENT, student) for student in ("ada", "bob", "eve")
    }


def test_students_answers_are_what_is_graded(graded):
    (path,) = (graded / "_build/autograded/ada").glob("*/*.ipynb")
    (source,) = (graded / "_build/submitted/ada").glob("*/*.ipynb")
    given = {
        cell["id"]: "".join(cell["source"])
        for cell in json.loads(source.read_text())["cells"]
    }
    for cell in nbformat.read(path, as_version=4).cells:
        if (grade_id(cell) or "").endswith("-answer"):
            assert cell.source == given[cell.id]


HUGE = "[" + "{}," * 2_000_000 + "1]"


def test_nbgraders_process_parses_nothing_of_a_submission(tmp_path, monkeypatch):
    """2 MB of JSON would take it some hundred; other files take hours."""
    path = tmp_path / "submitted.ipynb"
    path.write_text(HUGE)
    shutil.copy("nbgrader_config.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    text, _ = AnyFile().from_filename(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert nbformat.reads(text, as_version=4).cells == []
    assert peak < len(HUGE)
