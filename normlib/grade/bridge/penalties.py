"""What late work costs, counted from the points, the deadline and the rule there are.

nbgrader counts it once, when it saves points; marks by hand and extensions come later.
"""

from normlib.grade.bridge import gradebook, steps
from normlib.grade.bridge.course import Course


def count(course: Course, book) -> None:
    """Count the penalties of everybody who was late, or was and is no longer.

    Raises
    ------
    CourseError
        When the course's rule for late work cannot be loaded.
    """
    found = [
        (submission, late)
        for assignment in book.assignments
        for submission in book.assignment_submissions(assignment.name)
        for late in [submission.total_seconds_late if assignment.duedate else 0]
        if late or submission.late_submission_penalty
    ]
    if not found:
        return
    rule = steps.late_rule(course.config)
    for submission, late in found:
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = _penalty(
                rule, submission, notebook, late
            )
    with gradebook.writing(course):
        book.db.commit()


def _penalty(rule, submission, notebook, late):
    if not late:
        return None
    penalty = rule(submission.student_id, notebook.score, late)
    return None if penalty is None else min(max(penalty, 0), notebook.score)
