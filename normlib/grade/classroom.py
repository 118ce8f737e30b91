"""Grade a class with nbgrader's own autograde.

The submissions lie in _build/submitted/<student>/<assignment>/. nbgrader executes
each in a kernel of its own and keeps the points in its gradebook. That trusts the
students: their code runs as the person who grades.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import normlib
from normlib.grade.converters import NbgraderError, convert, course_config
from normlib.grade.gradebook import export, show
from normlib.grade.preprocessor import BOOK


def grade(root: Path, assignments: Sequence[str] = ()) -> None:
    """Grade what is new or outdated, and print everybody's points.

    Feedback goes to _build/feedback/, the points to _build/grades.csv. When
    somebody has marked by hand since, feedback is written anew.

    Parameters
    ----------
    root : Path
        The course: the folder that holds nbgrader_config.py.
    assignments : sequence of str
        Names of folders in solutions/; all of them when empty.

    Raises
    ------
    ValueError
        When there is no such assignment, or nothing was submitted.
    NbgraderError
        When an assignment's own notebook cannot be used.
    """
    known = [path.name for path in sorted(root.glob("solutions/[!.]*/"))]
    for name in assignments:
        if name not in known:
            raise ValueError(f"no assignment {name!r}; there are {', '.join(known)}")
    folders = sorted(root.glob("_build/submitted/[!.]*/[!.]*/"))
    submitted = [
        (path.name, path.parent.name)
        for path in folders
        if path.name in (assignments or known)
    ]
    if not submitted:
        raise ValueError("nothing lies in _build/submitted/<student>/<assignment>/")
    with contextlib.chdir(root):  # nbgrader_config.py names folders from there
        marked_by_hand = _changed("_build/gradebook.db") > _changed("_build/grades.csv")
        jobs = []
        for assignment, student in submitted:
            if _outdated(assignment, student):
                jobs.append((assignment, student, ("Autograde", "GenerateFeedback")))
            elif marked_by_hand:
                jobs.append((assignment, student, ("GenerateFeedback",)))
        for assignment in sorted({job[0] for job in jobs}):
            _put_in_gradebook(assignment)
        failed = _run_all(jobs)
        export()
        show(submitted, failed)
    for path in folders:
        if path.name not in known:
            print(f"Left out:  {path.relative_to(root)}, no assignment has that name")


def _changed(path):
    """When ``path`` was changed; 0 when there is none."""
    return os.path.getmtime(path) if os.path.exists(path) else 0


def _outdated(assignment, student):
    """Whether something that the points depend on changed after they were given.

    Feedback is written last. Where there is none, grading was cut short.
    """
    package = Path(normlib.__file__).parent
    sources = [
        *Path("_build/submitted", student, assignment).iterdir(),
        *Path("solutions", assignment).glob("*.ipynb"),
        *package.glob("*.py"),
        *package.glob("check/**/*.py"),
        "nbgrader_config.py",
    ]
    results = [
        Path("_build/autograded", student, assignment),
        Path("_build/feedback", student, assignment),
    ]
    lost = not os.path.exists("_build/gradebook.db")
    return lost or max(map(_changed, sources)) > min(map(_changed, results))


def _put_in_gradebook(assignment):
    config = course_config(Path(), release_directory="_build/release")
    config.BaseConverter.force = True
    convert("GenerateAssignment", config, assignment)


def _run_all(jobs):
    """Run the jobs under a progress bar; why nbgrader gave up, where it did."""
    if not jobs:
        return {}
    from rich.progress import BarColumn, MofNCompleteColumn, Progress
    from rich.progress import TimeElapsedColumn as Elapsed

    with Progress("Grading", BarColumn(), MofNCompleteColumn(), Elapsed()) as progress:
        results = dict(progress.track(_in_processes(jobs), total=len(jobs)))
    return {job[:2]: why for job, why in results.items() if why}


def _in_processes(jobs):
    """Yield each job with its result; a process that dies takes no job along."""
    lost = []
    with ProcessPoolExecutor(
        # sqlite has been seen to cope with 8 writers.
        max_workers=min(len(jobs), os.cpu_count() or 1, 8),
        # A fork of a process with threads, such as the progress bar's, may hang.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(os.getcwd(),),
    ) as pool:
        futures = {pool.submit(_run, *job): job for job in jobs}
        try:
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    lost.append(futures[future])
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()
            raise
    if len(jobs) == 1 and lost:
        yield jobs[0], "its code ended the process that graded it"
    elif lost:  # one of them is guilty: halve until it is alone
        for half in filter(None, (lost[::2], lost[1::2])):
            yield from _in_processes(half)


def _start_worker(root):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to hear
    os.chdir(root)
    os.environ["NORMLIB_BOOK"] = BOOK
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the submissions share the cores


def _run(assignment, student, converters):
    """Why nbgrader gave up on a submission; empty when it did not."""
    config = course_config(Path())
    config.BaseConverter.force = True
    try:
        for converter in converters:
            convert(converter, config, assignment, student)
    except NbgraderError as error:
        return str(error)
    return ""
