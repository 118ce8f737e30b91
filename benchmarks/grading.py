"""How long grading takes, beside nbgrader's own autograder, in one run.

    python benchmarks/grading.py [STUDENTS]

Both grade the same invented class for one assignment. Endless loops are left out:
they cost their time limit on both sides.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from normlib.grade import classroom, gradebook
from normlib.grade.converters import convert, course_config
from normlib.grade.course import Course
from normlib.grade.sample_class import write_sample_class

ROOT = Path(__file__).parents[1]
ASSIGNMENT = "02_batch_norm"
STOCK = 5  # submissions that nbgrader's own autograder is given


def main(students: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder, "course")
        _set_up(course, students)
        start = time.perf_counter()
        options = classroom.Options(feedback=False)
        graded = classroom.grade(course, [ASSIGNMENT], options)
        ours = (time.perf_counter() - start) / graded.ran
        stock, compared = _stock(course, graded)
    print(f"{graded.ran} submissions of {ASSIGNMENT}, sandbox: {graded.sandbox}")
    print(f"  nbgrader autograde  {1e3 * stock:8.0f} ms a submission, of {compared}")
    print(f"  normlib grade       {1e3 * ours:8.0f} ms, 1/{stock / ours:.0f}")
    print("where the time of normlib's processes goes, a submission:")
    for what, seconds in sorted(graded.seconds.items(), key=lambda item: -item[1]):
        print(f"  {what:10} {1e3 * seconds / graded.ran:8.1f} ms")


def _set_up(course, students):
    for step in ("solutions", "exercises"):
        shutil.copytree(ROOT / step / ASSIGNMENT, course / step / ASSIGNMENT)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    write_sample_class(course, students, 1, course / "_build/submitted")
    for student, kinds in _planted(course):
        if "endless loop" in kinds:
            shutil.rmtree(course / "_build/submitted" / student)


def _planted(course):
    """Each student, with the kinds of answers that were planted."""
    planted = json.loads((course / "_build/submitted/planted.json").read_text())
    for student, assignments in planted.items():
        plans = [plan for by in assignments.values() for plan in by.values()]
        yield student, {plan["kind"] for plan in plans}


def _stock(course, graded):
    """Seconds a submission, with nothing of ours configured; points are compared."""
    config = course_config(course)
    for section in ("Autograde", "HTMLExporter", "Limits"):
        config.pop(section, None)
    config.CourseDirectory.db_url = f"sqlite:///{course}/_build/stock.db"
    config.CourseDirectory.autograded_directory = "_build/stock"
    config.Execute.timeout = 60
    config.CourseDirectory.release_directory = "_build/stock-release"
    convert("GenerateAssignment", config, ASSIGNMENT)
    # Without those that it cannot grade, or takes points from: cells were moved about.
    students = [
        student
        for student, kinds in _planted(course)
        if (ASSIGNMENT, student) in graded.submitted
        and not any("deleted" in kind or "copied" in kind for kind in kinds)
    ][:STOCK]
    start, done = time.perf_counter(), []
    for student in students:
        try:
            convert("Autograde", config, ASSIGNMENT, student)
            done.append(student)
        except RuntimeError as error:  # a copied answer cell, and the like
            print(f"  nbgrader does not grade {student}: {error}"[:80])
    seconds = (time.perf_counter() - start) / len(students)
    _compare(course, config, done)
    return seconds, len(students)


def _compare(course, config, students):
    from nbgrader.api import Gradebook

    with (
        gradebook.opened(Course(course)) as ours,
        Gradebook(config.CourseDirectory.db_url, "normalization") as stock,
    ):
        for student in students:
            pair = [b.find_submission(ASSIGNMENT, student).score for b in (ours, stock)]
            same = "the same points" if pair[0] == pair[1] else "OTHER POINTS"
            print(f"  {student}: {pair[0]:g} and {pair[1]:g}, {same}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
