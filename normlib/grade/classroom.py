"""Grade a class: all that is new or changed, in parallel, each by itself."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from normlib.errors import CourseError
from normlib.grade import workers
from normlib.grade.bridge import overview
from normlib.grade.bridge.course import Course
from normlib.grade.files import printable
from normlib.grade.run import Graded, Options, Run


def grade(
    root: Path,
    assignments: Sequence[str] = (),
    options: Options | None = None,
    started: Callable | None = None,
) -> Graded:
    """Grade what has no result yet; save results in the gradebook; write feedback.

    Parameters
    ----------
    root : Path
        The course: the folder that holds nbgrader_config.py.
    assignments : sequence of str
        Names of folders in solutions/; all of them when empty.
    options : Options, optional
    started : callable, optional
        Starts workers; by default those of this machine, or of a scheduler if the
        options name one. See ``workers``.

    Raises
    ------
    CourseError
        When there is no such assignment or student, or nothing was submitted.
    NoSandbox
        When student code cannot be confined here.
    NbgraderError
        When an assignment's own notebook cannot be used.
    """
    course, graded, options = Course(root.resolve()), Graded(), options or Options()
    options = replace(options, seed=course.seed(options.seed))
    known = course.assignments
    for name in assignments:
        if name not in known:
            raise CourseError(f"no assignment {name!r}; there are {', '.join(known)}")
    handed_in = course.handed_in()
    for name in options.students:
        if name not in {student for _, student in handed_in}:
            raise CourseError(f"student {name!r} has handed in nothing")
    graded.submitted = [
        (assignment, student)
        for assignment, student in handed_in
        if assignment in (assignments or known)
        and student in (options.students or [student])
    ]
    where = course.folder("submitted").relative_to(course.root)
    if not graded.submitted:
        raise CourseError(f"nothing lies in {where}/<student>/<assignment>/")
    graded.unknown = [
        printable(f"{where}/{s}/{a}", 200) for a, s in handed_in if a not in known
    ]
    packs = {name: course.packs(name) for name in dict(graded.submitted)}
    if started is None:
        here, there = workers.of_this_machine, workers.of_a_cluster
        started = there if options.scheduler else here
    run = Run(course, packs, options, graded)
    with contextlib.chdir(course.root), _quiet():  # nbgrader's folders count from it
        kept = overview.kept(course)
        wrote = run.grade(kept, started)
        graded.overview = overview.export(course) if wrote or not kept else kept
        if options.feedback:
            run.write_feedback()
    return graded


@contextlib.contextmanager
def _quiet():
    """Silence nbgrader, which logs what the table says and warns about itself."""
    log = logging.getLogger("traitlets")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        try:
            yield
        finally:
            log.setLevel(level)
