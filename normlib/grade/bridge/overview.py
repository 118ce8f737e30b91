"""What the gradebook says about everybody, kept until somebody writes in it.

A run that finds nothing new takes it from there: importing nbgrader to ask the same
again would take most of its time.
"""

import hashlib
import json
import os
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from normlib.grade.bridge import gradebook, penalties
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically


@dataclass
class Overview:
    """Points and what they are made of; by assignment, then by student.

    ``most`` is what an assignment is worth, ``unmarked`` counts the answers that wait
    for somebody to mark them, and ``shown`` changes with anything that a feedback page
    shows of the gradebook. ``notebooks`` names those that are there. ``answers`` has
    the points of each, by its ``grade_id``; None where it waits. ``scores`` are those
    before a penalty. ``times`` tells of who was late or has an extension: seconds of
    both, and the penalty.
    """

    most: dict[str, float] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    unmarked: dict[str, dict[str, int]] = field(default_factory=dict)
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    notebooks: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    answers: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    times: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)


def export(course: Course) -> Overview:
    """Write everybody's points to _build/grades.csv; keep and return the overview."""
    with gradebook.opened(course) as book:
        penalties.count(course, book)
    before = _state(course)[:2]  # so that later changes are not overlooked
    with gradebook.opened(course) as book:
        gradebook.export(course, book)
        overview = read(book)
    told = {"state": before + _state(course)[2:], "overview": asdict(overview)}
    write_atomically(_path(course), json.dumps(told).encode())
    return overview


def kept(course: Course) -> Overview | None:
    """The overview of an earlier run, if it still holds."""
    try:
        told = json.loads(_path(course).read_bytes())
        before, overview = told["state"], Overview(**told["overview"])
        if told["overview"].keys() != asdict(overview).keys():
            return None  # of an earlier version
    except (OSError, ValueError, KeyError, TypeError):  # damaged, or of another version
        return None
    state = _state(course)
    return overview if None not in state and before == state else None


def _path(course):
    return course.root / "_build/overview.json"


def _state(course):
    """Changes when somebody writes to the gradebook, the configuration or grades.csv.

    None in it when that cannot be known, as of a database on a server.
    """
    database = course.db_url.removeprefix("sqlite:///")
    paths = (
        "" if database == course.db_url else database,
        course.root / "nbgrader_config.py",  # which may hold a rule for late work
        gradebook.grades(course),
    )
    return [_changed(path) for path in paths]


def _changed(path: Path | str):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [str(path), status.st_ino, status.st_size, status.st_mtime_ns]


def read(book) -> Overview:
    """What an open gradebook says."""
    from nbgrader.api import Notebook, SubmittedNotebook

    overview = Overview()
    for assignment in book.assignments:
        name, most = assignment.name, assignment.max_score
        texts, notebooks = defaultdict(list), defaultdict(list)
        waiting: Counter[str] = Counter()
        answers: defaultdict[str, dict] = defaultdict(dict)
        for student, row, waits, points in _marks(book, name):
            texts[student].append(row)
            waiting[student] += waits
            answers[student] |= points
        rows = handed_in(book, name, Notebook.name)
        for student, notebook in rows.join(
            Notebook, SubmittedNotebook.notebook_id == Notebook.id
        ):
            notebooks[student].append(notebook)
        scores, times = {}, {}
        for submission in book.assignment_submissions(name):
            student, scores[student] = submission.student_id, submission.score
            penalty = submission.late_submission_penalty
            texts[student].append(repr([submission.score, penalty, most]))
            late = submission.total_seconds_late if assignment.duedate else 0
            extension = submission.extension
            longer = extension.total_seconds() if extension else 0
            if late or longer or penalty:
                times[student] = {
                    "late": late,
                    "extension": longer,
                    "penalty": penalty or 0,
                }
        overview.most[name], overview.scores[name] = most, scores
        overview.unmarked[name] = {student: waiting[student] for student in scores}
        overview.shown[name] = {student: _digest(texts[student]) for student in scores}
        overview.notebooks[name] = dict(notebooks)
        overview.answers[name], overview.times[name] = dict(answers), times
    return overview


def _digest(rows):
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def handed_in(book, assignment, *columns):
    """A query for the student and ``columns`` of each notebook handed in."""
    from nbgrader.api import Assignment, SubmittedAssignment, SubmittedNotebook

    of = SubmittedNotebook.assignment_id == SubmittedAssignment.id
    return (
        book.db.query(SubmittedAssignment.student_id, *columns)
        .select_from(SubmittedNotebook)
        .join(SubmittedAssignment, of)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == assignment)
    )


def _marks(book, assignment):
    """Of each grade and comment: student, a text of it, whether it waits, points."""
    from nbgrader.api import BaseCell, Comment, Grade, SubmittedNotebook
    from sqlalchemy import literal

    points = Grade.auto_score, Grade.manual_score, Grade.extra_credit
    texts = Comment.auto_comment, Comment.manual_comment
    for kind, columns in (
        (Grade, (*points, Grade.needs_manual_grade)),
        (Comment, (*texts, literal(False))),
    ):
        where = SubmittedNotebook.id, BaseCell.name
        rows = handed_in(book, assignment, *where, *columns)
        for student, *row in rows.join(
            kind, kind.notebook_id == SubmittedNotebook.id
        ).join(BaseCell, kind.cell_id == BaseCell.id):
            found = {row[1]: _points(*row[2:])} if kind is Grade else {}
            yield student, repr(row), row[-1], found


def _points(auto, manual, extra, waits):
    """As nbgrader counts them; None when somebody has yet to mark the answer."""
    if waits:
        return None
    given = auto if manual is None else manual
    return (given or 0) + (extra or 0)
