"""A class is graded: everybody gets what was planted, and nobody stops the others."""

import csv
import functools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from normlib.check import EXERCISES, judge
from normlib.grade.sample_class.students import KINDS, write_sample_class
from tests.grade.classes import mark_by_hand

# What takes long is made once: in one process, not in each that runs tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("classroom")]

STUDENTS = int(os.environ.get("STUDENTS", 10))  # 500 for a proof that takes an hour

BOOK = "https://example.org/book"
WORTH_ALL = {
    "right",
    "prints",
    "warns",
    "writes to stderr",
    "answer cell copied",
    "graded cell deleted",
    "cells added",
}
WORTH_NOTHING = {"unwritten", "syntax error", "endless loop", "answer cell deleted"}


def normlib(course, *arguments):
    """Run the command with nothing activated."""
    return subprocess.run(
        [sys.executable, "-m", "normlib.cli", *arguments],
        cwd=course,
        env={**os.environ, "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def classroom(course, tmp_path_factory, zygote):
    """The course with a class, graded once; the command's output beside."""
    folder = tmp_path_factory.mktemp("classroom") / "course"
    left_out = ["0[3-9]_*", "1[0-9]_*"] if STUDENTS < 40 else []  # two chapters, or all
    shutil.copytree(course, folder, ignore=shutil.ignore_patterns("_build", *left_out))
    write_sample_class(folder, STUDENTS, 3, folder / "_build/submitted")
    with open(folder / "nbgrader_config.py", "a") as file:
        file.write(f"\nc.Book.address = {BOOK!r}\n")
    return folder, normlib(folder, "grade")


@pytest.fixture(scope="module")
def planted(classroom):
    folder, _ = classroom
    return json.loads((folder / "_build/submitted/planted.json").read_text())


def marks(folder):
    """(student, assignment, grade_id) -> points of the gradebook, None if unmarked."""
    query = """
        select submitted_assignment.student_id, assignment.name, base_cell.name,
               grade.auto_score
        from grade
        join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment
          on submitted_assignment.id = submitted_notebook.assignment_id
        join assignment on assignment.id = submitted_assignment.assignment_id
    """
    with sqlite3.connect(folder / "_build/gradebook.db") as gradebook:
        return {row[:3]: row[3] for row in gradebook.execute(query)}


def deserved(folder, student, assignment, key, plan):
    """What the planted answer is worth, found without nbgrader."""
    exercise = EXERCISES[key]
    if plan["kind"] in WORTH_ALL:
        return exercise.points
    if plan["kind"] in WORTH_NOTHING:
        return 0
    if plan["kind"] == "misconception":
        return worth(key, plan["title"])
    return judge(key, executed(folder, student, assignment, key), seed=0).points


@functools.cache
def worth(key, title):
    """Of a mistake, which many students make."""
    wrong = {m.title: m.implementation for m in EXERCISES[key].misconceptions}
    return judge(key, wrong[title], seed=0).points


def executed(folder, student, assignment, key):
    """What the student's answer cell defines."""
    import torch

    (path,) = (folder / "_build/submitted" / student / assignment).glob("*.ipynb")
    grade_id = key.replace(".", "-") + "-answer"
    (source,) = (
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    namespace = {"np": np, "torch": torch, "nn": torch.nn}
    exec(source, namespace)
    return namespace[EXERCISES[key].name]


def test_the_kinds_of_answers_are_all_accounted_for():
    partly = {"misconception", "half-finished", "raises"}
    assert WORTH_ALL | WORTH_NOTHING | partly == set(KINDS)


def test_every_answer_gets_the_points_that_it_deserves(classroom, planted):
    folder, _ = classroom
    given = marks(folder)
    wrong, kinds = [], set()
    for student, assignments in planted.items():
        for assignment, questions in assignments.items():
            for question, plan in questions.items():
                points = given[student, assignment, question.replace(".", "-")]
                if plan["kind"] == "in words":
                    wanted = 0 if plan["quality"] == "blank" else None
                else:
                    wanted = deserved(folder, student, assignment, question, plan)
                kinds.add(plan["kind"])
                if points != wanted:
                    wrong.append((student, question, plan, points, wanted))
    assert not wrong
    assert kinds == {*KINDS, "in words"}


def test_the_csv_agrees_with_the_gradebook(classroom, planted):
    folder, _ = classroom
    totals = {}
    for (student, assignment, _), points in marks(folder).items():
        totals[student, assignment] = totals.get((student, assignment), 0) + (
            points or 0
        )
    with open(folder / "_build/grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {
        (row["student_id"], row["assignment"]): float(row["score"]) for row in rows
    }
    assert {pair: found[pair] for pair in totals} == pytest.approx(totals)
    assert all(found[pair] == 0 for pair in found if pair not in totals)
    assert {row["student_id"] for row in rows} == set(planted)


def rows(process):
    """student -> the numbers in the table that was printed."""
    found = re.findall(r"^  (\S+) +([\d. ]+)$", process.stdout, re.MULTILINE)
    return {student: numbers.split() for student, numbers in found}


def test_the_table_says_everybodys_points_and_how_many_answers_to_mark(
    classroom, planted
):
    folder, process = classroom
    assert (process.returncode, process.stderr) == (0, "")
    given = marks(folder)
    table = rows(process)
    for student, assignments in planted.items():
        points = {
            name: sum(given[key] or 0 for key in given if key[:2] == (student, name))
            for name in assignments
        }
        plans = [plan for by in assignments.values() for plan in by.values()]
        waiting = sum(plan.get("quality", "blank") != "blank" for plan in plans)
        wanted = [*points.values(), sum(points.values()), waiting or ""]
        assert table[student] == [f"{n:g}" for n in wanted if n != ""]


SAID = {
    "endless loop": " ran out of time",
    "graded cell deleted": " was deleted",
    "answer cell deleted": "-answer was deleted",
    "answer cell copied": "-answer was copied; the last one counts",
}


def said(process, students):
    """The lines below the table that are about somebody."""
    lines = re.findall(r"^(\S+): (.+)$", process.stdout, re.MULTILINE)
    return {(name, told) for name, told in lines if name in students}


def test_what_needs_somebodys_eye_is_said_below_the_table(classroom, planted):
    _, process = classroom
    wanted = {
        (student, question.replace(".", "-") + SAID[plan["kind"]])
        for student, assignments in planted.items()
        for questions in assignments.values()
        for question, plan in questions.items()
        if plan["kind"] in SAID
    }
    assert said(process, planted) == wanted
    assert len(wanted) >= 4


def test_everybody_has_feedback_that_leads_into_the_book(classroom, planted):
    folder, process = classroom
    (example,) = re.findall(r"^Feedback: +(\S+),", process.stdout, re.MULTILINE)
    assert (folder / example).exists()
    linked = 0
    for student, assignments in planted.items():
        for assignment, questions in assignments.items():
            where = folder / "_build/feedback" / student / assignment
            (path,) = where.glob("*.html")
            page = path.read_text()
            for link in re.findall(r'href="([^"]*\.html#[^"]*)"', page):
                assert link.partition("#")[0] == f"{BOOK}/{assignment}.html"
                linked += 1
            for question, plan in questions.items():
                if plan["kind"] == "misconception":
                    assert f"{question}: " in page
                    assert "This looks like" in page
    assert linked > 5


def test_the_classs_table_names_who_made_which_mistake(classroom, planted):
    """Every planted mistake, in the file, on the page and the frequent ones printed."""
    folder, process = classroom
    with open(folder / "_build/class/mistakes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {
        (row["assignment"], row["mistake"], student)
        for row in rows
        for student in row["who"].split(", ")
        if row["kind"] == "mistake"
    }
    wanted = {
        (assignment, plan["title"].rstrip(".").replace("`", ""), student)
        for student, assignments in planted.items()
        for assignment, questions in assignments.items()
        for plan in questions.values()
        if plan["kind"] == "misconception"
    }
    assert wanted <= found and len(wanted) > 5
    page = (folder / "_build/class/index.html").read_text()
    assert all(row["of"] == str(students_of(planted, row)) for row in rows)
    assert f'id="{rows[0]["assignment"]}"' in page
    known = [row for row in rows if row["kind"] in ("mistake", "unexplained")]
    first = known[0]["assignment"]
    (told,) = re.findall(
        rf"^Most frequent mistakes in {first}:\n((?:  .*\n)+)",
        process.stdout,
        re.MULTILINE,
    )
    top = [row for row in known if row["assignment"] == first][:3]
    assert told.splitlines() == [
        f"  {row['students']} student{'s' * (row['students'] != '1')}, "
        f"{row['exercise']}: {row['mistake']}"
        for row in top
    ]


def students_of(planted, row):
    return sum(row["assignment"] in assignments for assignments in planted.values())


def test_nothing_is_graded_twice(classroom):
    folder, process = classroom
    times = {p: p.stat().st_mtime for p in folder.glob("_build/*/*/*/*.*")}
    again = normlib(folder, "grade")
    assert again.returncode == 0
    assert {p: p.stat().st_mtime for p in folder.glob("_build/*/*/*/*.*")} == times
    assert "Grading" not in again.stdout
    assert again.stdout in process.stdout


ASK = """
import runpy, sys

sys.argv[1:] = ["grade"]
try:
    runpy.run_module("normlib.cli", run_name="__main__")
except SystemExit as end:
    assert not end.code
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"torch", "nbgrader", "nbconvert", "sqlalchemy"}))
"""


def test_finding_nothing_new_imports_little(classroom):
    """Importing these takes longer than all the rest."""
    folder, _ = classroom
    program = [sys.executable, "-c", ASK]
    told = subprocess.run(program, cwd=folder, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def small(course, tmp_path_factory):
    """One chapter, and a class of four of whom two do harm."""
    folder = tmp_path_factory.mktemp("small") / "course"
    others = shutil.ignore_patterns("_build", "0[2-9]_*", "1[0-9]_*")
    shutil.copytree(course, folder, ignore=others)
    release = next(folder.glob("exercises/*/*.ipynb"))
    submitted = folder / "_build/submitted"

    def hand_in(student, text):
        where = submitted / student / release.parent.name
        where.mkdir(parents=True)
        (where / release.name).write_text(text)

    hand_in("ada", release.read_text())
    hand_in("broken", release.read_text()[:1000])
    hand_in("crashing", _with_first_cell(release, "import os; os._exit(1)"))
    hand_in("killing", _with_first_cell(release, "import os; os.kill(os.getppid(), 9)"))
    hand_in("o'hara [x] é", release.read_text())
    hand_in("zoe", release.read_text())
    (submitted / "zoe/scaling").mkdir()  # the student renamed the folder
    return folder, normlib(folder, "grade")


def _with_first_cell(path, source):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    return nbformat.writes(notebook)


def test_a_bad_submission_is_reported_and_the_others_are_graded(small):
    folder, process = small
    assert (process.returncode, process.stderr) == (0, "")
    damaged = "could not be read: the file is damaged, or no notebook"
    assert said(process, {"ada", "zoe", "broken", "crashing", "killing"}) == {
        ("broken", damaged),
        ("crashing", "added-000 ended the process that ran it"),
    }
    for student in ("ada", "broken", "crashing", "killing", "zoe", "o'hara [x] é"):
        assert f"  {student} " in process.stdout
        assert list((folder / "_build/feedback" / student).glob("*/*.html"))
    (page,) = (folder / "_build/feedback/broken").glob("*/*.html")
    assert "Your file was not read: the file is damaged" in page.read_text()


def test_a_folder_of_an_unknown_name_is_reported(small):
    _, process = small
    told = "Left out:  _build/submitted/zoe/scaling, no assignment has that name\n"
    assert process.stdout.endswith(told)


def test_only_what_is_new_is_graded(small):
    folder, _ = small
    for student in ("broken", "crashing", "killing", "o'hara [x] é"):
        shutil.rmtree(folder / "_build/submitted" / student)
    submitted = folder / "_build/submitted"
    shutil.copytree(submitted / "ada", submitted / "late")
    (late,) = submitted.glob("late/*/*.ipynb")
    late.write_text(_with_first_cell(late, "late = True"))
    (ada,) = (folder / "_build/autograded/ada").glob("*/*.ipynb")
    before = ada.stat().st_mtime
    process = normlib(folder, "grade")
    assert re.search(r"Grading .* 1/1 ", process.stdout)
    assert list((folder / "_build/feedback/late").glob("*/*.html"))
    assert ada.stat().st_mtime == before


def test_a_mark_given_by_hand_reaches_the_feedback_and_the_points(small):
    folder, _ = small
    before = {p: p.stat().st_mtime for p in folder.glob("_build/autograded/*/*/*")}
    mark_by_hand(folder, "zoe", 1.25)
    process = normlib(folder, "grade")
    (page,) = (folder / "_build/feedback/zoe").glob("*/*.html")
    assert "1.25 of 2" in page.read_text()
    assert rows(process)["zoe"] == ["1.25", "1.25"]
    assert ",zoe,,,,1.25,0.0,1.25," in (folder / "_build/grades.csv").read_text()
    after = {p: p.stat().st_mtime for p in folder.glob("_build/autograded/*/*/*")}
    assert after == before


def test_an_assignment_can_be_named(small):
    folder, _ = small
    process = normlib(folder, "grade", "02_nowhere")
    assert process.returncode == 2
    assert "no assignment '02_nowhere'; there are 01_feature_scaling" in process.stderr
    assert normlib(folder, "grade", "01_feature_scaling").returncode == 0


def test_a_class_that_handed_in_nothing_is_no_class(course, tmp_path):
    shutil.copy(course / "nbgrader_config.py", tmp_path)
    process = normlib(tmp_path, "grade")
    assert process.returncode == 2
    assert "nothing lies in _build/submitted" in process.stderr
