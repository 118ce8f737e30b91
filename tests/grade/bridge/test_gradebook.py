"""What nbgrader's gradebook holds after grading, and what grading leaves alone."""

import csv
import datetime
import sqlite3
from dataclasses import replace

import nbformat
import pytest

from normlib.check import EXERCISES
from normlib.grade import run
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.results import Results
from tests.grade import apps
from tests.grade.classes import ASSIGNMENT, QUICK, results

CHECKED, WORDS = "feature_scaling-z_score", "feature_scaling-why-models"
PLACE = "feature_scaling", ASSIGNMENT, "student-0"
EXISTS = "select 1 from sqlite_master where name = 'grade'"


def hand_in_again(folder, student, text):
    (path,) = folder.glob(f"_build/submitted/{student}/*/*.ipynb")
    changed = path.read_text().replace("time.sleep", f"{text}; time.sleep")
    assert changed != path.read_text()
    path.write_text(changed)


def test_points_are_there_cell_by_cell(new_course, grade_here):
    folder = new_course("class", 1)
    outcome = grade_here(folder, options=QUICK)
    with gradebook.opened(Course(folder)) as book:
        submission = book.find_submission(ASSIGNMENT, "student-0")
        (notebook,) = submission.notebooks
        found = {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades}
        most = {g.name: g.max_score for g in notebook.grades}
    checked = {name: points for name, points in found.items() if points[0]}
    names = {k.replace(".", "-"): e for k, e in EXERCISES.items()}
    for name, (points, waits) in checked.items():
        assert points == most[name] == names[name].points and not waits
    assert outcome.points[ASSIGNMENT, "student-0"] == {
        n: p[0] for n, p in checked.items()
    }
    # An answer in words that was not begun is worth nothing, and nobody has to look.
    assert found[WORDS] == (0, False)


def test_what_was_given_by_hand_survives_a_regrade(new_course, grade_here):
    folder = new_course("class", 1)
    grade_here(folder, options=QUICK)
    with gradebook.opened(Course(folder)) as book:
        for cell, points in ((WORDS, 1.5), (CHECKED, 0.5)):
            book.find_grade(cell, *PLACE).manual_score = points
        book.find_grade(WORDS, *PLACE).extra_credit = 0.25
        book.find_comment(WORDS, *PLACE).manual_comment = "Well said."
        book.db.commit()
    hand_in_again(folder, "student-0", "raise_ = 1")
    assert grade_here(folder, options=QUICK).ran == 1
    with gradebook.opened(Course(folder)) as book:
        words, checked = (book.find_grade(cell, *PLACE) for cell in (WORDS, CHECKED))
        assert (words.manual_score, words.extra_credit, words.score) == (
            1.5,
            0.25,
            1.75,
        )
        assert (checked.manual_score, checked.score) == (0.5, 0.5)
        assert checked.auto_score == EXERCISES["feature_scaling.z_score"].points
        assert not words.needs_manual_grade and not checked.needs_manual_grade
        assert book.find_comment(WORDS, *PLACE).comment == "Well said."


def give_deadline(folder):
    course = Course(folder)
    gradebook.create(course)
    gradebook.prepare(course, course.packs(ASSIGNMENT))
    with gradebook.opened(course) as book:
        due = datetime.datetime(2026, 3, 8, 12)
        book.update_or_create_assignment(ASSIGNMENT, duedate=due)


@pytest.mark.parametrize("again", [False, True])
def test_who_is_late_is_charged_once(new_course, grade_here, again):
    """The second one, by a second; nbgrader's own plug-in takes all its points."""
    folder = new_course("class", 2)
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    give_deadline(folder)
    grade_here(folder, options=QUICK)
    if again:
        for student in ("student-0", "student-1"):
            hand_in_again(folder, student, "again = 1")
        assert grade_here(folder, options=QUICK).ran == 2
    with gradebook.opened(Course(folder)) as book:
        in_time, late = (
            book.find_submission(ASSIGNMENT, f"student-{i}") for i in range(2)
        )
        assert (in_time.late_submission_penalty or 0) == 0 < in_time.score
        assert late.late_submission_penalty == late.score == in_time.score
        assert late.total_seconds_late == 1
        wanted = {"student-0": in_time.score, "student-1": 0}
    with open(folder / "_build/grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["student_id"]: float(row["score"]) for row in rows} == wanted


def test_a_rule_that_cannot_be_loaded_is_named_and_loses_nothing(
    new_course, grade_here
):
    folder = new_course("class", 1)
    config = folder / "nbgrader_config.py"
    before = config.read_text()
    rule = '\nc.AssignLatePenalties.plugin_class = "nowhere.TenPercentADay"\n'
    config.write_text(before + rule)
    give_deadline(folder)
    with pytest.raises(ValueError, match=r"^nbgrader_config.py: .*nowhere\."):
        grade_here(folder, options=QUICK)
    config.write_text(before)
    assert grade_here(folder, options=QUICK).ran == 0
    with gradebook.opened(Course(folder)) as book:
        assert book.find_submission(ASSIGNMENT, "student-0").score > 0


def test_the_exchange_hands_out_the_feedback(new_course, grade_here, monkeypatch):
    """nbgrader names it by a secret that came with the submission."""
    folder = new_course("class", 1)
    (submitted,) = folder.glob("_build/submitted/student-0/*")
    (submitted / "submission_secret.txt").write_text("a secret")
    (submitted / "timestamp.txt").write_text("2026-03-08 10:00:00 UTC")
    assert not grade_here(folder, options=replace(QUICK, feedback=True)).failed
    exchange = folder / "_build/exchange"
    exchange.chmod(0o777)
    monkeypatch.chdir(folder)
    course = ["--course=c", f"--Exchange.root={exchange}"]
    assert apps.run("ReleaseFeedbackApp", [ASSIGNMENT, *course]) == 0
    (released,) = exchange.glob("c/feedback/*.html")
    page = folder / "_build/feedback/student-0" / ASSIGNMENT / "feature_scaling.html"
    assert released.read_bytes() == page.read_bytes()


def test_a_graded_notebook_is_as_nbformat_writes_it(new_course, grade_here):
    """Though only its end is read and written anew."""
    folder = new_course("class", 1)
    grade_here(folder, options=QUICK)
    (path,) = folder.glob("_build/autograded/*/*/*.ipynb")
    text = path.read_text()
    assert text == nbformat.writes(nbformat.reads(text, as_version=4)) + "\n"
    (kept,) = results(folder)
    without = nbformat.reads(text, as_version=4)
    assert without.metadata.pop(gradebook.RESULT_KEY) == kept.name
    assert without.metadata.pop("normlib_sandbox")
    assert (
        nbformat.writes(without) + "\n"
        == Results(kept.parents[1]).load(kept.name).notebook
    )


def test_results_are_saved_together(new_course, grade_here, monkeypatch):
    """With one commit for each batch; the last one is smaller."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    monkeypatch.setattr(run, "BATCH", 2)
    folder, points = new_course("class", 5), []
    with_points = "select count(*) from grade where auto_score is not null"

    def count(connection):
        if connection.exec_driver_sql(EXISTS).all():
            points.append(connection.exec_driver_sql(with_points).scalar())

    event.listen(Engine, "commit", count)
    try:
        grade_here(folder, options=QUICK)
    finally:
        event.remove(Engine, "commit", count)
    each = points[-1] // 5
    assert each > 1 and sorted({*points}) == [0, 2 * each, 4 * each, 5 * each]


def test_the_gradebook_is_made_as_nbgrader_makes_it(new_course, tmp_path):
    """With the same tables and the same version, though no program is run for it."""
    from nbgrader.api import Gradebook

    folder = new_course("class", 0)
    gradebook.create(Course(folder))
    with Gradebook(f"sqlite:///{tmp_path}/stock.db"):
        pass
    ours, stock = (
        sqlite3.connect(path)
        for path in (folder / "_build/gradebook.db", tmp_path / "stock.db")
    )
    for query in (
        "select name, sql from sqlite_master where name != 'alembic_version'",
        "select * from alembic_version",
    ):
        found, wanted = (set(book.execute(query)) for book in (ours, stock))
        assert found == wanted and found
