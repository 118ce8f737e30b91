"""An assignment of a class of 60, from Canvas's download to what goes back there."""

import csv
import json
import shutil
import warnings
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.marking.answers import Answers
from normlib.grade.marking.questions import questions
from normlib.grade.sample_class.students import write_sample_class
from tests.grade import apps
from tests.grade.classes import ASSIGNMENT
from tests.grade.lms.test_collect import canvas_name, zipped
from tests.grade.test_classroom import deserved, normlib

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("term")]

STUDENTS = 60
DUE = datetime(2026, 3, 8, 12)
HEAD = "Student,ID,SIS Login ID,Section,Feature scaling (881)\n"
GIVEN = 1.5  # points for each answer in words
LATE = 4  # of the students, one by an hour
CONFIG = """
c.Limits.cell = c.Limits.call = 5
c.LateSubmissionPlugin.penalty_method = "zero"
"""


@pytest.fixture(scope="module")
def term(course, tmp_path_factory):
    """The folder, what was planted, and the points after the first run and the last."""
    folder = tmp_path_factory.mktemp("term") / "course"
    others = shutil.ignore_patterns("_build", "0[2-9]_*", "1*_*")
    shutil.copytree(course, folder, ignore=others)
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write(CONFIG)
    planted = _hand_in(folder)
    _set_times(folder, planted)
    first = normlib(folder, "grade")
    shutil.copy(folder / "_build/class/class.json", folder / "before.json")
    before = _points(folder)
    _mark(folder)
    for student in list(planted)[: LATE // 2]:
        until = f"{DUE + timedelta(days=1):%Y-%m-%d %H:%M} UTC"
        extended = normlib(folder, "extend", ASSIGNMENT, student, "--until", until)
        assert extended.returncode == 0, extended.stderr
    last = normlib(folder, "grade")
    return folder, planted, (first, before), (last, _points(folder))


def _hand_in(folder):
    """A class's notebooks, as Canvas hands them out; what was planted in them."""
    made = folder / "made"
    write_sample_class(folder, STUDENTS, 5, made)
    planted = json.loads((made / "planted.json").read_text())
    archive = folder / f"_build/downloaded/{ASSIGNMENT}/archive"
    archive.mkdir(parents=True)
    rows, files = [], []
    for number, student in enumerate(planted, 4000):
        name = ", ".join(reversed(student.title().split(".")))
        rows.append(f'"{name}",{number},{student},A,\n')
        (path,) = made.glob(f"{student}/*/*.ipynb")
        where = canvas_name(name, number, 9 * number, path.name)
        files.append((where, path.read_bytes()))
    (archive / "table.csv").write_text(HEAD + "".join(rows))
    (archive / "submissions.zip").write_bytes(zipped(files))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert apps.run("ZipCollectApp", [ASSIGNMENT]) == 0
    return {student: all_[ASSIGNMENT] for student, all_ in planted.items()}


def _set_times(folder, students):
    course = Course(folder)
    with warnings.catch_warnings(action="ignore"):
        gradebook.create(course)
        gradebook.prepare(course, course.packs(ASSIGNMENT))
        with gradebook.opened(course) as book:
            book.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    for i, student in enumerate(students):
        when = DUE.replace(tzinfo=UTC) + timedelta(hours=1 if i < LATE else -1)
        beside = folder / f"_build/submitted/{student}/{ASSIGNMENT}/timestamp.txt"
        beside.write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC")


def _mark(folder):
    """Every answer in words gets the same points, equal ones at once."""
    course = Course(folder)
    (question,) = questions(course, ASSIGNMENT)
    with warnings.catch_warnings(action="ignore"), gradebook.opened(course) as book:
        answers = Answers(course, book)
        for key, answer in answers.of(question)[0].items():
            change = {"points": GIVEN, "comment": "Trees?"}
            answers.save(question, key, answer.version, change)


def _points(folder):
    with open(folder / "_build/grades.csv", newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_everybody_gets_what_the_answers_and_the_marks_deserve(term):
    folder, planted, _, (_, points) = term
    assert points.keys() == planted.keys() and len(planted) == STUDENTS
    for i, (student, answers) in enumerate(planted.items()):
        wanted = 0
        for key, plan in answers.items():
            if plan["kind"] != "in words":
                wanted += deserved(folder, student, ASSIGNMENT, key, plan)
            elif plan["quality"] != "blank":
                wanted += GIVEN
        late = LATE // 2 <= i < LATE  # the others have an extension
        assert float(points[student]["raw_score"]) == pytest.approx(wanted), student
        assert float(points[student]["score"]) == pytest.approx(0 if late else wanted)


def test_what_waits_is_counted_and_gone_once_it_is_marked(term):
    folder, planted, (_, before), (_, after) = term
    written = {
        student
        for student, answers in planted.items()
        for plan in answers.values()
        if plan["kind"] == "in words" and plan["quality"] != "blank"
    }
    assert len(written) > STUDENTS / 2
    gained = {
        student
        for student in planted
        if float(after[student]["raw_score"]) > float(before[student]["raw_score"])
    }
    assert gained == written
    course = Course(folder)
    (question,) = questions(course, ASSIGNMENT)
    with warnings.catch_warnings(action="ignore"), gradebook.opened(course) as book:
        found, lost = Answers(course, book).of(question)
    assert not lost and not any(answer.waits for answer in found.values())
    assert {mark.student for a in found.values() for mark in a.marks} == written
    assert len(found) < len(written)  # equal ones were marked together


def test_the_class_page_tells_what_the_class_got_wrong(term):
    folder, planted, (first, _), _ = term
    titles = [
        plan["title"]
        for answers in planted.values()
        for plan in answers.values()
        if plan["kind"] == "misconception"
    ]
    page = (folder / "_build/class/index.html").read_text()
    with open(folder / "_build/class/mistakes.csv", newline="") as file:
        told = file.read()
    assert "Most frequent mistakes in 01_feature_scaling:" in first.stdout
    assert len(set(titles)) > 10
    assert all(title in told for title in set(titles))
    assert "01_feature_scaling" in page and "late" in page
    compared = normlib(folder, "compare", "before.json")
    assert compared.returncode == 0, compared.stderr
    assert (folder / "_build/class/comparison.html").exists()


def test_feedback_and_points_go_back_to_canvas(term):
    folder, planted, _, (_, points) = term
    returned = normlib(folder, "return", ASSIGNMENT)
    assert returned.returncode == 0, returned.stderr
    with zipfile.ZipFile(folder / f"_build/returned/{ASSIGNMENT}.zip") as archive:
        pages = {name: archive.read(name).decode() for name in archive.namelist()}
    assert len(pages) == STUDENTS
    numbers = {student: n for n, student in enumerate(planted, 4000)}
    for name, page in pages.items():
        (number,) = (n for n in numbers.values() if f"_{n}_" in name)
        (student,) = (s for s, n in numbers.items() if n == number)
        assert student in page
    table = folder / f"_build/downloaded/{ASSIGNMENT}/archive/table.csv"
    exporter = "normlib.grade.lms.export.CanvasExportPlugin"
    template = f"--CanvasExportPlugin.template={table}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = [f"--exporter={exporter}", template, "--to=canvas.csv"]
        assert apps.run("ExportApp", options) == 0
    with open(folder / "canvas.csv", newline="") as file:
        rows = {row["ID"]: row["Feature scaling (881)"] for row in csv.DictReader(file)}
    for student, number in numbers.items():
        assert float(rows[str(number)]) == float(points[student]["score"])
