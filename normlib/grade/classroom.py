"""Grade a class: what is new or changed, all at once, and nobody stops the others."""

import atexit
import contextlib
import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

from normlib.grade.bridge import feedback, gradebook, overview
from normlib.grade.bridge.course import Course, Submission
from normlib.grade.bridge.overview import Overview
from normlib.grade.files import printable
from normlib.grade.processes import ATTEMPTS, Workers, executor, finish
from normlib.grade.results import Results
from normlib.grade.sandbox import backends
from normlib.grade.sandbox.session import NoSandbox
from normlib.grade.submission import grading, limited
from normlib.grade.submission.grading import Result
from normlib.grade.submission.pack import Pack

BOOK = "../../../html/book"  # from _build/feedback/<student>/<assignment>/
BATCH = 16  # results that are put into the gradebook at once
BUSY = "other programs kept the processor from it; grade again when they have ended"


@dataclass
class Graded:
    """What a run of the command did.

    ``failed`` says why a submission, named by assignment and student, has no result;
    ``unfit`` why a worker of a cluster was given none. ``seconds`` adds up what the
    time of the workers went into.
    """

    submitted: list[tuple[str, str]] = field(default_factory=list)
    ran: int = 0
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    points: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    reports: dict[tuple[str, str], dict[str, dict]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    overview: Overview = field(default_factory=Overview)
    sandbox: str = ""
    unfit: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How to grade.

    Parameters
    ----------
    students : tuple of str
        Only these; all of them when empty.
    jobs : int
        Processes at a time; by default as many as there are cores.
    seed : int
        Another one draws other inputs.
    unsafe : bool
        Grade even where no sandbox works.
    feedback : bool
        Also write the pages for the students.
    scheduler : str
        Address of a Dask scheduler, whose workers grade in place of this machine.
    """

    students: tuple[str, ...] = ()
    jobs: int = 0
    seed: int = 0
    unsafe: bool = False
    feedback: bool = True
    scheduler: str = ""


def grade(
    root: Path, assignments: Sequence[str] = (), options: Options = Options()
) -> Graded:
    """Grade what has no result yet; save results in the gradebook; write feedback.

    Parameters
    ----------
    root : Path
        The course: the folder that holds nbgrader_config.py.
    assignments : sequence of str
        Names of folders in solutions/; all of them when empty.
    options : Options

    Raises
    ------
    ValueError
        When there is no such assignment or student, or nothing was submitted.
    NoSandbox
        When student code cannot be confined here.
    NbgraderError
        When an assignment's own notebook cannot be used.
    """
    course, graded = Course(root.resolve()), Graded()
    options = replace(options, seed=course.seed(options.seed))
    known = course.assignments
    for name in assignments:
        if name not in known:
            raise ValueError(f"no assignment {name!r}; there are {', '.join(known)}")
    handed_in = course.handed_in()
    for name in options.students:
        if name not in {student for _, student in handed_in}:
            raise ValueError(f"student {name!r} has handed in nothing")
    graded.submitted = [
        (assignment, student)
        for assignment, student in handed_in
        if assignment in (assignments or known)
        and student in (options.students or [student])
    ]
    where = course.folder("submitted").relative_to(course.root)
    if not graded.submitted:
        raise ValueError(f"nothing lies in {where}/<student>/<assignment>/")
    graded.unknown = [
        printable(f"{where}/{s}/{a}", 200) for a, s in handed_in if a not in known
    ]
    packs = {name: course.packs(name) for name in dict(graded.submitted)}
    with contextlib.chdir(course.root), _quiet():  # nbgrader's folders count from it
        kept = overview.kept(course)
        wrote = _grade_all(course, packs, options, graded, kept)
        graded.overview = overview.export(course) if wrote or not kept else kept
        if options.feedback:
            _write_feedback(course, options, graded)
    return graded


def _grade_all(course, packs, options, graded, kept):
    """Grade and save what has not been; whether there was anything."""
    results, todo, done = Results(course.root / "_build/results"), [], []
    for assignment, student in graded.submitted:
        graded.notes[assignment, student] = []
        for pack in packs[assignment]:
            submission = course.submission(assignment, student, pack)
            key = _key(submission, options.seed, options.unsafe)
            if (result := results.load(key)) is None:
                todo.append((student, pack))
            else:
                _note(graded, submission, result)
                done.append((student, pack, key))

    def unsaved(there):
        return [
            (student, pack, key)
            for student, pack, key in done
            if pack.notebook not in there.get(pack.assignment, {}).get(student, ())
            or gradebook.saved(course, student, pack) != key
        ]

    def catch_up():
        """Open the gradebook; save what an earlier run has graded and not saved."""
        nonlocal book
        gradebook.create(course)
        book = stack.enter_context(gradebook.opened(course))
        stack.callback(flush)
        late = unsaved(overview.read(book).notebooks)
        for assignment in {pack.assignment for _, pack, *_ in [*todo, *late]}:
            gradebook.prepare(course, packs[assignment])
        for student, pack, key in late:
            save(student, pack, key)

    def save(student, pack, key, result=None):
        """Keep a new result at once; put it into the gradebook along with others."""
        with spared(student, pack):
            if result is None:
                result = results.load(key)
            else:
                results.save(key, result)
            waiting.append((student, pack, key, result))
        if len(waiting) == BATCH:
            flush()

    def flush():
        start = time.perf_counter()
        batch, waiting[:] = list(waiting), []
        try:
            put(batch)
        except Exception as error:
            if gradebook.concerns_everybody(error):
                raise
            for student, pack, *what in batch:  # each alone: then it costs no other
                with spared(student, pack):
                    put([(student, pack, *what)])
        spent = time.perf_counter() - start
        graded.seconds["save"] = graded.seconds.get("save", 0) + spent

    def put(batch):
        told = gradebook.save(book, course, batch) if batch else []
        for (student, pack, *_), notes in zip(batch, told, strict=True):
            graded.notes[pack.assignment, student] += notes

    @contextlib.contextmanager
    def spared(student, pack):
        """What fails inside is this submission's report, if it is its alone."""
        try:
            yield
        except Exception as error:  # of any type
            if gradebook.concerns_everybody(error):
                raise
            told = f"{type(error).__name__}: {error}"
            fail(student, pack, f"its result could not be saved: {told}")

    def fail(student, pack, why):
        """Report a submission without a result; no earlier one stays in its place."""
        graded.failed[pack.assignment, student] = printable(why, 500)
        graded.points.pop((pack.assignment, student), None)
        gradebook.withdraw(book, course, student, pack)

    if not todo and kept and not unsaved(kept.notebooks):
        return False
    book, waiting = None, []
    with contextlib.ExitStack() as stack:
        if not todo:
            catch_up()
            return True
        start, graded.ran = time.perf_counter(), len(todo)
        for (student, pack), result in _progress(
            _run_all(course, todo, options, graded, catch_up), len(todo)
        ):
            if isinstance(result, str):
                fail(student, pack, result)
                continue
            submission, key, result = result
            if result.starved:
                fail(student, pack, BUSY)
                continue
            _note(graded, submission, result)
            save(student, pack, key, result)
        graded.seconds["all"] = time.perf_counter() - start
    return True


def _key(submission: Submission, seed, unsafe):
    return grading.key(
        submission.pack, submission.file, submission.problem, seed, unsafe
    )


def _note(graded, submission, result):
    where = submission.assignment, submission.student
    graded.notes[where] += [*submission.notes, *result.notes]
    graded.points.setdefault(where, {}).update(result.points)
    graded.reports.setdefault(where, {}).update(result.reports)
    graded.sandbox = graded.sandbox or result.sandbox
    for what, seconds in result.seconds.items():
        graded.seconds[what] = graded.seconds.get(what, 0) + seconds


def _run_all(course, todo, options, graded, meanwhile) -> Iterator:
    """Yield each of ``todo`` with its result, or with why there is none.

    ``meanwhile`` is called while processes start.
    """
    imports = dict.fromkeys(name for _, pack in todo for name in pack.imports)
    keys = {key for _, pack in todo for key in pack.keys}
    start = time.perf_counter()

    def took():
        graded.seconds.setdefault("start", time.perf_counter() - start)

    @contextlib.contextmanager
    def here(jobs):
        nonlocal meanwhile
        with (
            executor(jobs, _modules(keys, imports)) as pool,
            backends.strongest(
                course.root, imports, options.unsafe, meanwhile
            ) as zygote,
        ):
            graded.sandbox, meanwhile = zygote.backend.name, _nothing
            took()

            def submit(item):
                where = zygote.address, zygote.backend.name
                return pool.submit(
                    _grade_one, _handed_in(course, item), options, *where
                )

            yield Workers(submit, jobs)

    @contextlib.contextmanager
    def there(_):
        nonlocal meanwhile
        from normlib.grade import cluster

        packs = list(dict.fromkeys(pack for _, pack in todo))
        with cluster.connected(
            options.scheduler, packs, tuple(imports), options.unsafe
        ) as (pool, fit, graded.unfit, left):
            meanwhile()
            meanwhile = _nothing
            took()

            def submit(item):
                submission = _handed_in(course, item)
                what = _grade_one, submission, options, tuple(imports)
                return pool.submit(cluster.grade_here, *what)

            yield Workers(submit, len(fit), left)

    started = there if options.scheduler else here
    return finish(todo, options.jobs, started, _was_stopped)


def _was_stopped(done):
    return isinstance(done, tuple) and done[2].stopped


def _handed_in(course, item):
    student, pack = item
    return course.submission(pack.assignment, student, pack)


def _nothing():
    pass


def _modules(keys, imports):
    """What every process that judges would import."""
    exercises = [f"normlib.check.exercises.{key}" for key in sorted(keys)]
    torch = [name for name in imports if name.startswith("torch.")]
    return [__name__, *exercises, *torch]


def _grade_one(submission, options, address, backend):
    """The submission without its bytes, the key of its result, and the result."""
    os.environ["NORMLIB_BOOK"] = BOOK  # what links in reports lead to
    key = _key(submission, options.seed, options.unsafe)
    result = grading.grade(
        *(submission.pack, submission.file, submission.problem),
        *(options.seed, address, backend),
    )
    return replace(submission, file=b""), key, result


_standing = {}  # course -> pool and zygote, for one submission after another


def grade_one(course: Course, student: str, pack: Pack) -> tuple[str, Result]:
    """The key and the result of one submission, new or kept.

    The sandbox stays for the next one, until this process ends.

    Raises
    ------
    NoSandbox
        When student code cannot be confined here.
    """
    results = Results(course.root / "_build/results")
    submission = course.submission(pack.assignment, student, pack)
    options = Options(seed=course.seed(0))
    key = _key(submission, options.seed, options.unsafe)
    if result := results.load(key):
        return key, result
    for attempt in range(ATTEMPTS):
        where = course.root, pack.digest
        if where not in _standing:
            stack = contextlib.ExitStack()
            zygote = stack.enter_context(backends.strongest(course.root, pack.imports))
            pool = stack.enter_context(executor(1, _modules(pack.keys, pack.imports)))
            atexit.register(stack.close)
            _standing[where] = pool, zygote
        pool, zygote = _standing[where]
        try:
            _, key, result = pool.submit(
                _grade_one, submission, options, zygote.address, zygote.backend.name
            ).result()
            if result.starved:
                raise NoSandbox(BUSY)
            break
        except (BrokenProcessPool, NoSandbox):
            del _standing[where]
            if attempt == ATTEMPTS - 1:
                raise
    results.save(key, result)
    return key, result


def _write_feedback(course, options, graded):
    """The pages for students, where a notebook or somebody's marks changed."""
    todo = [
        (assignment, student, marks)
        for assignment, student in graded.submitted
        if (assignment, student) not in graded.failed
        and (marks := graded.overview.marks[assignment][student])
        and feedback.outdated(course, assignment, student, marks)
    ]
    if not todo:
        return

    @contextlib.contextmanager
    def started(jobs):
        # Each has a fork of this process, which has imported what that takes.
        with ThreadPoolExecutor(jobs) as pool:

            def submit(item):
                return pool.submit(feedback.write, course.root, *item)

            yield Workers(submit, jobs)
        limited.close()

    feedback.load()
    written = finish(todo, options.jobs, started)
    for (assignment, student, _), why in _progress(written, len(todo), "Feedback"):
        if why:
            told = f"the feedback page of {assignment} shows the points alone: {why}"
            graded.notes[assignment, student].append(told)


def _progress(results, total, what="Grading"):
    """The results, under a bar that says how long it will take."""
    if not total:
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        what,
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(elapsed_when_finished=True),
    )
    with Progress(*columns) as progress:
        yield from progress.track(results, total=total)


@contextlib.contextmanager
def _quiet():
    """nbgrader logs what is said in the table, and warns about its own insides."""
    log = logging.getLogger("traitlets")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        try:
            yield
        finally:
            log.setLevel(level)
