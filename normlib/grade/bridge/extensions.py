"""More time for one student, as nbgrader keeps it, given as the time when it ends."""

import warnings

from normlib.errors import CourseError
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course


def extend(course: Course, assignment: str, student: str, until: str) -> float:
    """Let work count as in time ``until`` then, when the points are counted next.

    Parameters
    ----------
    course, assignment, student
    until : str
        Such as "2026-03-10 12:00 UTC". The deadline itself takes an extension back.

    Returns
    -------
    seconds : float
        Beyond the deadline.

    Raises
    ------
    CourseError
        When nothing was graded yet, there is no deadline, or ``until`` is before it.
    """
    with gradebook.writing(course), gradebook.opened(course) as book:
        with warnings.catch_warnings(action="ignore"):  # nbgrader's
            from nbgrader.api import MissingEntry
            from nbgrader.utils import parse_utc
        try:
            submission = book.find_submission(assignment, student)
        except MissingEntry:
            raise CourseError(
                f"nothing of {student!r} in {assignment!r} has been graded yet"
            ) from None
        if (due := submission.assignment.duedate) is None:
            raise CourseError(
                f"{assignment} has no deadline; `nbgrader db assignment add "
                f'{assignment} --duedate="..."` sets one'
            )
        try:
            more = parse_utc(until) - due
        except Exception as error:  # of any type: the parser is not ours
            raise CourseError(f"{until!r} is not a time: {error}") from None
        if more.total_seconds() < 0:
            raise CourseError(
                f"{until} is before the deadline, {due:%Y-%m-%d %H:%M} UTC"
            )
        submission.extension = more or None
        book.db.commit()
    return more.total_seconds()
