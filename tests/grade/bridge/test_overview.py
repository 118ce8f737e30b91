"""What is kept of the gradebook holds until somebody writes in it."""

import pytest

from normlib.grade.bridge import gradebook, overview
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from tests.grade.classes import ASSIGNMENT, QUICK

CHECKED, WORDS = "feature_scaling-z_score", "feature_scaling-why-models"
PLACE = "feature_scaling", ASSIGNMENT, "student-0"


@pytest.fixture
def folder(new_course, grade_here):
    folder = new_course("class", 2)
    grade_here(folder, options=QUICK)
    return folder


def test_it_says_what_the_gradebook_says(folder):
    found = overview.kept(Course(folder))
    with gradebook.opened(Course(folder)) as book:
        assert found == overview.read(book)
        assert found.most == {ASSIGNMENT: book.find_assignment(ASSIGNMENT).max_score}
        for submission in book.assignment_submissions(ASSIGNMENT):
            student = submission.student_id
            assert found.scores[ASSIGNMENT][student] == submission.score
            (notebook,) = submission.notebooks
            assert found.notebooks[ASSIGNMENT][student] == [notebook.name]
            waiting = [g for g in notebook.grades if g.needs_manual_grade]
            assert found.unmarked[ASSIGNMENT][student] == len(waiting)


CHANGES = {
    "points": lambda book: setattr(book.find_grade(WORDS, *PLACE), "manual_score", 1),
    "extra": lambda book: setattr(book.find_grade(CHECKED, *PLACE), "extra_credit", 1),
    "comment": lambda book: setattr(
        book.find_comment(WORDS, *PLACE), "manual_comment", "Well said."
    ),
    "waits": lambda book: setattr(
        book.find_grade(WORDS, *PLACE), "needs_manual_grade", True
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_somebody_writes_changes_the_marks_of_one_student(folder, change):
    before = overview.kept(Course(folder)).shown[ASSIGNMENT]
    with gradebook.opened(Course(folder)) as book:
        change(book)
        book.db.commit()
    assert overview.kept(Course(folder)) is None
    after = overview.export(Course(folder)).shown[ASSIGNMENT]
    assert {s for s in after if after[s] != before[s]} == {"student-0"}
    assert overview.kept(Course(folder)).shown[ASSIGNMENT] == after


@pytest.mark.parametrize("name", ["grades.csv", "overview.json"])
def test_what_is_lost_is_written_again(folder, name):
    path = folder / "_build" / name
    before = path.read_bytes()
    for damage in (
        path.unlink,
        lambda: path.write_text("{"),
        lambda: path.write_text("{}"),
    ):
        damage()
        assert overview.kept(Course(folder)) is None
        assert grade(folder, options=QUICK).ran == 0
        assert overview.kept(Course(folder))
        if name == "grades.csv":
            assert path.read_bytes() == before


def test_a_database_on_a_server_is_always_asked(folder, monkeypatch):
    monkeypatch.setattr(Course, "db_url", "postgresql://somewhere/gradebook")
    assert overview.kept(Course(folder)) is None
