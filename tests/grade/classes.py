"""What grading a class leaves behind, and forks of this process to do it in."""

import os
import resource
import signal
import sys
import time
import warnings

from normlib.grade import gradebook
from normlib.grade.classroom import Options
from normlib.grade.course import Course

ASSIGNMENT = "01_feature_scaling"
QUICK = Options(jobs=2, feedback=False)


def written(folder):
    """What grading leaves, as bytes, and the points in the gradebook."""
    names = ("results/*/[!.]*", "autograded/*/*/[!.]*", "grades.csv")
    files = [path for name in names for path in folder.glob(f"_build/{name}")]
    found = {str(p.relative_to(folder)): p.read_bytes() for p in files}
    with gradebook.opened(Course(folder)) as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            (notebook,) = submission.notebooks
            found[submission.student_id] = (
                submission.timestamp,
                sorted((g.name, g.auto_score, g.manual_score) for g in notebook.grades),
            )
        students = {student.id for student in book.students}
        found["version"] = _version(book)
    assert students == {name for name in found if name.startswith("student-")}
    return found


def _version(book):
    from sqlalchemy import text

    return book.db.execute(text("select * from alembic_version")).all()


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def results(folder):
    return [p for p in folder.glob("_build/results/*/*") if p.name[0] != "."]


def forked(function):
    """Call ``function`` in a fork of this process; the pid."""
    with warnings.catch_warnings(action="ignore"):  # of threads, which sleep
        pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    return pid


def ended(pid):
    """Wait for it; its exit status, negative when a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_beyond(size):
    """End this process when a file grows beyond so many bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
