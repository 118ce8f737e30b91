"""The distinct answers to a question, and what somebody gives for them.

Answers that differ in white space alone are one: they are marked together. What each
is worth stands in nbgrader's gradebook and nowhere else.
"""

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from normlib.grade.bridge import gradebook, unchanged
from normlib.grade.bridge.course import Course
from normlib.grade.bridge.overview import handed_in
from normlib.grade.marking.questions import Question


class Gone(ValueError):
    """Nobody has given this answer any more."""


@dataclass(frozen=True)
class Part:
    """A part of the answers, for one of several people who mark: 1 of 2, say."""

    number: int = 1
    of: int = 1

    def has(self, key: str) -> bool:
        """Whether an answer belongs to it; each belongs to exactly one."""
        return int(key, 16) % self.of == self.number - 1


@dataclass
class Answer:
    """One answer, of one or more students.

    ``marks`` has a row of the gradebook for each: student, points by hand or None,
    whether somebody has yet to mark it, and the comment.
    """

    key: str
    source: str
    attachments: dict
    marks: list["Mark"]

    @property
    def waits(self) -> bool:
        return any(mark.waits for mark in self.marks)

    @property
    def points(self) -> dict[float, int]:
        """How many students have how many points, of those that are marked.

        What formgrader resolves without a number is worth nothing.
        """
        return dict(Counter(m.points or 0.0 for m in self.marks if not m.waits))

    @property
    def earlier(self) -> list[float]:
        """Points that were given before the answer was changed."""
        return sorted(
            {m.points for m in self.marks if m.waits and m.points is not None}
        )

    @property
    def comment(self) -> str:
        """The first of them; they differ only if somebody marked one alone."""
        return next((mark.comment for mark in self.marks if mark.comment), "")

    @property
    def version(self) -> str:
        """Another one as soon as somebody gives or takes anything."""
        rows = sorted([m.student, m.points, m.waits, m.comment] for m in self.marks)
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


@dataclass(frozen=True)
class Mark:
    student: str
    points: float | None
    waits: bool
    comment: str


class Answers:
    """Of a course; texts that have been read are kept as long as the files stay."""

    def __init__(self, course: Course, book, part: Part | None = None):
        self._course, self._book, self.part = course, book, part or Part()
        self._texts: dict[Path, tuple] = {}

    def of(self, question: Question) -> tuple[dict[str, Answer], list[str]]:
        """The distinct answers, and the students whose answer cannot be read.

        Nor can one whose notebook is not what the gradebook has: a run was ended when
        it had saved the points of a newer one, and not yet written it.

        Their order depends on the answers alone, so that it says nothing about who
        wrote them, and stays the same from one day to the next.
        """
        try:
            rows = list(self._rows(question))
        finally:
            self._book.db.rollback()  # locks nothing, and forgets what it has read
        found: dict[str, Answer] = {}
        lost = []
        for student, points, waits, comment, saved in rows:
            mark = Mark(student, points, waits, comment or "")
            cell = self._cells(question, student).get(question.id)
            if cell is None or saved not in (cell[2], None):
                lost.append(student)
                continue
            source, attachments, _ = cell
            key = key_for(question.id, source, attachments)
            if self.part.has(key):
                new = Answer(key, source, attachments, [])
                found.setdefault(key, new).marks.append(mark)
        return dict(sorted(found.items())), lost

    def save(self, question: Question, key: str, seen: str, change: dict) -> dict:
        """Give points or a comment for an answer, to all who gave it.

        The later of two people wins, and is told so.

        Parameters
        ----------
        question, key
        seen : str
            The answer's ``version`` when this was decided.
        change : dict
            ``points``, None to take them back, or ``comment``, or both.

        Returns
        -------
        told : dict
            The new ``version``, and what somebody had given ``meanwhile``: points and
            comment, or None.

        Raises
        ------
        Gone
            When there is no such answer: somebody graded anew what was handed in.
        """
        with gradebook.writing(self._course):
            answer = self.of(question)[0].get(key)
            if answer is None:
                raise Gone(
                    "This answer is no longer there: what was handed in has been "
                    "graded anew. Load the question again."
                )
            self._write(question, {mark.student for mark in answer.marks}, change)
            now = self.of(question)[0][key]
        meanwhile = None
        if seen != answer.version:
            points = None if answer.waits else max(answer.points)
            meanwhile = {"points": points, "comment": answer.comment}
        return {"version": now.version, "meanwhile": meanwhile}

    def comments(self, answers: dict[str, Answer]) -> list[str]:
        """The lines of what was said about these answers, the most frequent first."""
        lines = [line for a in answers.values() for line in a.comment.splitlines()]
        said = Counter(line.strip() for line in lines if line.strip())
        return [line for line, _ in said.most_common()]

    def _rows(self, question):
        """Student, what the gradebook has for the answer, comment, digest of it."""
        from nbgrader.api import Comment, Grade, SubmittedNotebook

        texts = dict(self._of(question, Comment, Comment.manual_comment))
        saved = unchanged.digests(self._book.db, question.id)
        known = SubmittedNotebook.id, Grade.auto_score
        points = Grade.manual_score, Grade.needs_manual_grade
        for student, row, auto, *grade in self._of(question, Grade, *known, *points):
            if auto is None:  # else nothing was written
                yield student, *grade, texts.get(student), saved.get(row)

    def _of(self, question, kind, *columns):
        from nbgrader.api import BaseCell, Notebook, SubmittedNotebook

        return (
            handed_in(self._book, question.assignment, *columns)
            .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
            .join(kind, kind.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, kind.cell_id == BaseCell.id)
            .filter(Notebook.name == question.notebook, BaseCell.name == question.id)
        )

    def _write(self, question, students, change):
        from nbgrader.api import Comment, Grade

        try:
            if "points" in change:
                for student, grade in self._of(question, Grade, Grade):
                    if student in students:
                        grade.manual_score = change["points"]
                        grade.needs_manual_grade = change["points"] is None
            if "comment" in change:
                for student, comment in self._of(question, Comment, Comment):
                    if student in students:
                        comment.manual_comment = change["comment"].strip() or None
            self._book.db.commit()
        finally:
            self._book.db.rollback()

    def _cells(self, question, student):
        """Text, pictures and digest of what is answered in words, by ``grade_id``."""
        folder = self._course.folder("autograded") / student / question.assignment
        path = folder / f"{question.notebook}.ipynb"
        try:
            status = os.stat(path)
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            if self._texts.get(path, [None])[0] != stamp:
                self._texts[path] = stamp, _in_words(path)
        except (OSError, ValueError):  # gone, or nbgrader is writing it
            return {}
        return self._texts[path][1]


def key_for(question: str, source: str, attachments: dict) -> str:
    """The same for answers that differ in white space alone."""
    what = [question, source.split(), attachments]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _in_words(path):
    """Of a graded notebook, which is ours, and so is well formed."""
    found = {}
    for cell in json.loads(path.read_bytes())["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("grade") and meta.get("solution"):
            text = "".join(cell["source"])
            pictures = cell.get("attachments", {})
            digest = unchanged.in_words(text, pictures)
            found[meta["grade_id"]] = text, pictures, digest
    return found
