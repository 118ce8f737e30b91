"""Nobody can compute on which inputs an answer will be judged."""

from normlib.grade.bridge.course import Course
from normlib.grade.results import Results
from normlib.grade.submission import grading
from tests.grade.classes import QUICK


def test_inputs_do_not_follow_from_what_is_public(new_course, grade_here):
    """The file's bytes and the number of the command do not lead to the seed."""
    folder = new_course("course", 1)
    course = Course(folder)
    (pack,) = course.packs(course.assignments[0])
    file = course.submission(pack.assignment, "student-0", pack).file
    grade_here(folder, options=QUICK)
    results = Results(folder / "_build/results")
    assert results.load(grading.result_key(pack, file, "", 0, False)) is None
    assert results.load(grading.result_key(pack, file, "", course.seed(0), False))
    secret = folder / "_build/secret"
    assert grade_here(folder, options=QUICK).ran == 0
    secret.write_bytes(bytes(32))
    assert grade_here(folder, options=QUICK).ran == 1
