"""What one submission brings about while it is saved or shown is its own report."""

import contextlib
import csv
import json
import shutil
from concurrent.futures import Future
from dataclasses import replace

import pytest

from normlib.grade import report
from normlib.grade.bridge import gradebook, steps
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import Options, grade
from normlib.grade.workers import BUSY
from tests.grade.attacks import NAMES
from tests.grade.classes import ASSIGNMENT, QUICK, mark_by_hand

FULL = 17
WITH_PAGES = Options(jobs=1)


def scores(folder):
    with open(folder / "_build/grades.csv", newline="") as file:
        rows = csv.DictReader(file)
        return {row["student_id"]: float(row["score"]) for row in rows}


def test_an_exception_while_saving_is_that_submissions_report(
    new_course, grade_here, monkeypatch
):
    folder, save = new_course("class", 3), steps.save_points

    def breaks(*args):
        if args[-1]["student"] == "student-1":
            raise TypeError("\x1b[2J odd")
        return save(*args)

    monkeypatch.setattr(steps, "save_points", breaks)
    graded = grade_here(folder, options=QUICK)
    told = "its result could not be saved: TypeError: \\x1b[2J odd"
    assert graded.failed == {(ASSIGNMENT, "student-1"): told}
    assert scores(folder)["student-0"] == scores(folder)["student-2"] == FULL
    monkeypatch.undo()
    assert grade_here(folder, options=QUICK).failed == {}
    assert scores(folder)["student-1"] == FULL


def test_a_full_disk_is_nobodys_report(new_course, grade_here, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(steps, "save_points", full)
    with pytest.raises(OSError, match="No space left"):
        grade_here(new_course("class", 1), options=QUICK)


def test_names_of_folders_do_nothing_and_stop_nobody(
    new_course, grade_here, capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "400")
    folder = new_course("class", 1)
    submitted = folder / "_build/submitted"
    for name in NAMES.values():
        shutil.copytree(submitted / "student-0", submitted / name)
        (submitted / name / f"other {name[:50]}").mkdir()
    graded = grade_here(folder, options=QUICK)
    report.show(folder, graded)
    report.write_json(tmp_path / "told.json", graded)
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert shown.encode()
    assert "[red]x[bold]" in shown and "\\x1b[31mred\\x07" in shown
    text = (tmp_path / "told.json").read_text()
    assert text.isascii() and all(line.isprintable() for line in text.splitlines())
    told = {one["student"]: one for one in json.loads(text)["submitted"]}
    assert {*told} == {*NAMES.values(), "student-0"}
    # Names that are no text cannot be in a database; all others are graded.
    assert {*graded.failed} == {(ASSIGNMENT, NAMES["no text"])}
    assert {*scores(folder).values()} == {FULL}
    assert len(scores(folder)) == len(NAMES)


@pytest.mark.parametrize("why", ["the worker ended", "busy"])
def test_an_earlier_grade_does_not_stay(new_course, here, grade_here, why):
    folder = new_course("class", 2)
    grade_here(folder, options=WITH_PAGES)
    mark_by_hand(folder, "student-0", 0.5)
    (path,) = folder.glob("_build/submitted/student-0/*/*.ipynb")
    path.write_bytes(path.read_bytes() + b"\n")

    @contextlib.contextmanager
    def losing(run, jobs):
        with here(run, jobs) as found:

            def submit(item):
                lost, done = Future(), found.submit(item).result()
                if why == "busy":
                    result = replace(done.result, starved=True)
                    lost.set_result(replace(done, result=result))
                else:
                    lost.set_exception(TypeError(why))
                return lost

            yield replace(found, submit=submit)

    graded = grade(folder, options=WITH_PAGES, started=losing)
    (told,) = graded.failed.values()
    assert told == (f"TypeError: {why}" if why != "busy" else BUSY)
    assert scores(folder) == {"student-0": 0.5, "student-1": FULL}
    assert not [*folder.glob("_build/autograded/student-0/*/*.ipynb")]
    assert not [*folder.glob("_build/feedback/student-0/*/*.html")]
    with gradebook.opened(Course(folder)) as book:
        assert book.find_submission(ASSIGNMENT, "student-0").needs_manual_grade
    assert grade_here(folder, options=WITH_PAGES).failed == {}
    assert scores(folder)["student-0"] == FULL + 0.5
    assert [*folder.glob("_build/feedback/student-0/*/*.html")]
