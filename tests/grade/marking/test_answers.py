"""Distinct answers, and what is given for them in nbgrader's gradebook."""

import contextlib
import fcntl

import pytest

from normlib.grade import preprocessor
from normlib.grade.bridge import gradebook, steps
from normlib.grade.bridge.course import Course
from normlib.grade.marking.answers import Answers, Gone, Part
from tests.grade.classes import ASSIGNMENT
from tests.grade.marking.conftest import WORDS, given, put
from tests.grade.processes import ended, forked
from tests.grade.test_interruptions import postgres, use  # noqa: F401

SAME = ("It  cancels.\nReally.", "It cancels. Really.\n\n")
DOT = {"a.png": {"image/png": "iVBORw0KGgo="}}
FIVE = {"ada": SAME[0], "bob": "No.", "cy": SAME[1], "di": None, "ed": "It cancels."}


@pytest.fixture
def class_(class_of):
    return class_of(FIVE)


@pytest.fixture
def opened(class_):
    """``Answers`` of the class, for a part of it."""
    with gradebook.opened(class_) as book:
        yield lambda *part: Answers(class_, book, Part(*part))


def who(answers):
    return [sorted(mark.student for mark in a.marks) for a in answers.values()]


def found(answers, question, student):
    return next(
        a
        for a in answers.of(question)[0].values()
        if student in {mark.student for mark in a.marks}
    )


def test_answers_that_differ_in_white_space_are_one(opened, question):
    """What was left blank is none."""
    answers, lost = opened().of(question)
    assert sorted(who(answers)) == [["ada", "cy"], ["bob"], ["ed"]] and not lost
    assert all(answer.waits and not answer.points for answer in answers.values())


def test_nothing_stays_locked(class_, question):
    """A page may be open for days."""
    with gradebook.opened(class_) as book:
        answers = Answers(class_, book)
        for key in answers.of(question)[0]:
            assert not book.db().in_transaction()
            answers.save(question, key, "", {"points": 1, "comment": "So."})
            assert not book.db().in_transaction()


def test_another_picture_is_another_answer(class_of, question):
    class_ = class_of({"ada": ("See.", DOT), "bob": "See.", "cy": ("See.", DOT)})
    with gradebook.opened(class_) as book:
        answers, _ = Answers(class_, book).of(question)
    assert sorted(who(answers)) == [["ada", "cy"], ["bob"]]


def test_the_order_says_nothing_about_the_students(class_of, question):
    texts = [f"Reason {i}." for i in range(12)]
    orders = []
    for turn in (1, -1):
        class_ = class_of(
            {f"student-{i:02}": t for i, t in enumerate(texts[::turn])}, f"c{turn}"
        )
        with gradebook.opened(class_) as book:
            answers = Answers(class_, book).of(question)[0].values()
        orders.append([answer.source for answer in answers])
    assert orders[0] == orders[1] != texts and sorted(orders[0]) == sorted(texts)


def test_what_is_given_is_everybodys_who_gave_the_answer(opened, class_, question):
    answers = opened()
    one = found(answers, question, "ada")
    change = {"points": 1.5, "comment": " And why? "}
    told = answers.save(question, one.key, one.version, change)
    assert told["meanwhile"] is None
    for student in ("ada", "cy"):
        assert given(class_, student) == (1.5, False, "And why?")
    for student in ("bob", "ed"):
        assert given(class_, student) == (None, True, None)
    assert found(answers, question, "cy").version == told["version"] != one.version
    with gradebook.opened(class_) as book:
        graded = book.find_submission("01_feature_scaling", "cy")
        assert graded.written_score == 1.5 and not graded.needs_manual_grade


def test_a_comment_alone_gives_no_points_and_points_leave_it(opened, class_, question):
    answers = opened()
    one = found(answers, question, "bob")
    for change, wanted in (
        ({"comment": "Why?"}, (None, True, "Why?")),
        ({"points": 0}, (0, False, "Why?")),
        ({"comment": ""}, (0, False, None)),
        ({"points": None}, (None, True, None)),
    ):
        version = found(answers, question, "bob").version
        told = answers.save(question, one.key, version, change)
        assert told["meanwhile"] is None
        assert given(class_, "bob") == wanted


def test_who_is_later_wins_and_is_told(opened, class_, question):
    first, second = opened(), opened()
    one = found(first, question, "ada")
    first.save(question, one.key, one.version, {"points": 1, "comment": "Hm."})
    told = second.save(question, one.key, one.version, {"points": 2})
    assert told["meanwhile"] == {"points": 1, "comment": "Hm."}
    assert given(class_, "ada") == (2, False, "Hm.")
    again = second.save(question, one.key, told["version"], {"points": 1.5})
    assert again["meanwhile"] is None


def test_parts_have_each_answer_once(class_of, question):
    texts = [f"Reason {i // 2}." for i in range(40)]
    class_ = class_of({f"student-{i:02}": text for i, text in enumerate(texts)})
    with gradebook.opened(class_) as book:
        parts = [Answers(class_, book, Part(k, 3)).of(question)[0] for k in (1, 2, 3)]
        whole, _ = Answers(class_, book).of(question)
    assert sorted(key for part in parts for key in part) == sorted(whole)
    assert len(whole) == 20 and all(len(part) >= 3 for part in parts)
    assert all(len(a.marks) == 2 for part in parts for a in part.values())


def test_a_part_shows_nothing_of_the_others_marks(class_of, question):
    class_ = class_of({f"student-{i}": f"Reason {i}." for i in range(8)})
    with gradebook.opened(class_) as book:
        one, two = (Answers(class_, book, Part(k, 2)) for k in (1, 2))
        for key, answer in one.of(question)[0].items():
            one.save(question, key, answer.version, {"points": 1, "comment": "Mine."})
        theirs, _ = two.of(question)
        assert theirs and all(a.waits and not a.comment for a in theirs.values())
        assert two.comments(theirs) == []
        (key, *_) = one.of(question)[0]
        with pytest.raises(Gone):
            two.save(question, key, "", {"points": 2})


def test_comments_are_there_to_say_again_the_most_frequent_first(class_of, question):
    class_ = class_of({f"student-{i}": f"Reason {i}." for i in range(5)})
    with gradebook.opened(class_) as book:
        answers = Answers(class_, book)
        for said, key in zip(("b", "a\nb", "c"), answers.of(question)[0], strict=False):
            answers.save(question, key, "", {"comment": said})
        first, *others = answers.comments(answers.of(question)[0])
        assert first == "b" and sorted(others) == ["a", "c"]


def test_who_was_marked_alone_is_seen(opened, class_, question):
    """As in formgrader."""
    place = WORDS, "feature_scaling", "01_feature_scaling", "cy"
    with gradebook.opened(class_) as book:
        grade = book.find_grade(*place)
        grade.manual_score, grade.needs_manual_grade = 0.3, False
        book.db.commit()
    one = found(opened(), question, "ada")
    assert one.points == {0.3: 1} and one.waits and one.earlier == []


def test_what_formgrader_resolves_without_a_number_is_worth_nothing(
    opened, class_, question
):
    with gradebook.opened(class_) as book:
        place = WORDS, "feature_scaling", "01_feature_scaling", "bob"
        book.find_grade(*place).needs_manual_grade = False
        book.db.commit()
    one = found(opened(), question, "bob")
    assert one.points == {0: 1} and not one.waits


def test_what_was_changed_since_tells_what_it_had(opened, class_, question):
    answers = opened()
    one = found(answers, question, "bob")
    answers.save(question, one.key, one.version, {"points": 0.5})
    put(class_, {"bob": "No, because of the units."})
    assert given(class_, "bob") == (0.5, True, None)
    now = found(answers, question, "bob")
    assert now.waits and now.earlier == [0.5] and now.key != one.key
    with pytest.raises(Gone, match="graded anew"):
        answers.save(question, one.key, one.version, {"points": 2})
    assert given(class_, "bob") == (0.5, True, None)


def test_a_notebook_that_is_missing_is_counted(opened, class_, question):
    """And one that nbgrader has not written to its end."""
    (path,) = class_.folder("autograded").glob("bob/*/*.ipynb")
    path.write_bytes(path.read_bytes()[:1000])
    assert opened().of(question)[1] == ["bob"]
    path.unlink()
    answers, lost = opened().of(question)
    assert lost == ["bob"] and ["bob"] not in who(answers)


def test_nobody_marks_while_formgraders_button_saves(class_, monkeypatch):
    """Or a mark for the old text could become one for the new."""
    held = []

    def save_points(*_):
        with open(class_.root / "_build/gradebook.lock") as lock:
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.append(True)

    monkeypatch.chdir(class_.root)
    monkeypatch.setattr(steps, "save_points", save_points)
    where = {"assignment": ASSIGNMENT, "student": "ada"}
    preprocessor.save_points(None, {"nbgrader": where})
    assert held


@pytest.mark.parametrize("old", ["It cancels.", ("New.", DOT)])
def test_an_old_text_is_not_marked_as_the_new_one(class_of, question, old):
    """A run was killed when it had saved, and not yet written the notebooks."""
    class_ = class_of({"ada": old, "bob": "It cancels."})
    with gradebook.opened(class_) as book:
        answers = Answers(class_, book)
        one = found(answers, question, "ada")
        (path,) = class_.folder("autograded").glob("ada/*/*.ipynb")
        before = path.read_bytes()
        put(class_, {"ada": "New."})
        new = path.read_bytes()
        path.write_bytes(before)
        assert answers.of(question)[1] == ["ada"]
        mark = one.key, one.version, {"points": 2}
        with contextlib.suppress(Gone):
            answers.save(question, *mark)
        assert given(class_, "ada") == (None, True, None)
        path.write_bytes(new)
        assert answers.of(question)[1] == []
        assert found(answers, question, "ada").source == "New."


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_people_at_once_lose_nothing(class_of, question, request, database):
    """Each marks half of the answers, while the other does."""
    students = {f"student-{i:02}": f"Reason {i}." for i in range(16)}
    if database == "sqlite":
        class_ = class_of(students)
    else:
        class_ = class_of({})
        use(class_.root, request.getfixturevalue("postgres")())
        class_ = Course(class_.root)
        put(class_, students)

    def mark(number):
        with gradebook.opened(class_) as book:
            mine = Answers(class_, book, Part(number, 2))
            for key, answer in mine.of(question)[0].items():
                told = mine.save(question, key, answer.version, {"points": number})
                assert told["meanwhile"] is None

    pids = [forked(lambda k=k: mark(k)) for k in (1, 2)]
    assert [ended(pid) for pid in pids] == [0, 0]
    with gradebook.opened(class_) as book:
        for k in (1, 2):
            for answer in Answers(class_, book, Part(k, 2)).of(question)[0].values():
                assert answer.points == {k: 1} and not answer.waits
