"""A run of the command: what it has to grade, and what becomes of each submission."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from normlib.grade import workers
from normlib.grade.bridge import feedback, gradebook, overview
from normlib.grade.bridge.course import Course, Submission
from normlib.grade.bridge.overview import Overview
from normlib.grade.files import printable
from normlib.grade.processes import GivenUp, Workers, at_once, finish
from normlib.grade.results import Results
from normlib.grade.submission import limited
from normlib.grade.submission.pack import Pack

BATCH = 16  # results that are put into the gradebook at once


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
        Processes at a time; by default as many as there are cores, and as the memory
        of the machine holds.
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


class Run:
    """One run: its state, from the first look at what was handed in to the last page.

    Parameters
    ----------
    course : Course
    packs : dict
        Assignment -> its notebooks.
    options : Options
        With the seed that the course's secret is in.
    graded : Graded
        Says what was handed in, and is told what is done.
    """

    def __init__(
        self,
        course: Course,
        packs: dict[str, list[Pack]],
        options: Options,
        graded: Graded,
    ):
        self.course, self.options, self.graded = course, options, graded
        self._of = packs
        self._jobs = options.jobs or at_once(course.limits.most)
        self._results = Results(course.root / "_build/results")
        self._todo: list[tuple] = []  # (student, pack)
        self._done: list[tuple] = []  # the same, with the key of the result
        self._waiting: list[tuple] = []
        self._book: Any = None  # nbgrader's gradebook, once it is open
        self._stack = contextlib.ExitStack()
        self._start = time.perf_counter()

    # What it grades with.

    @cached_property
    def packs(self) -> list[Pack]:
        """Those that something new was handed in for."""
        return list(dict.fromkeys(pack for _, pack in self._todo))

    @cached_property
    def imports(self) -> list[str]:
        """What their submissions import."""
        return list(dict.fromkeys(name for pack in self.packs for name in pack.imports))

    @cached_property
    def keys(self) -> set[str]:
        """The exercises in them."""
        return {key for pack in self.packs for key in pack.keys}

    def handed_in(self, item: tuple[str, Pack]) -> Submission:
        student, pack = item
        return self.course.submission(pack.assignment, student, pack)

    def began(self, sandbox: str = "", unfit: dict[str, str] | None = None) -> None:
        """Is called when workers have started, the first ones or others after them."""
        spent = time.perf_counter() - self._start
        self.graded.seconds.setdefault("start", spent)
        self.graded.sandbox = sandbox or self.graded.sandbox
        self.graded.unfit = unfit or self.graded.unfit

    # Grading.

    def grade(self, kept: Overview | None, started: Callable) -> bool:
        """Grade and save what has not been; whether there was anything.

        Parameters
        ----------
        kept : Overview, optional
            What is known of the gradebook without asking it.
        started : callable
            Starts workers, given this run and their number; see ``workers``.
        """
        self._sort_out()
        if not self._todo and kept and not self._unsaved(kept):
            return False
        with self._stack:
            if self._todo:
                self._grade_new(started)
            else:
                self.open()
        return True

    def _sort_out(self):
        """Tell what has a result already from what is to be graded."""
        for assignment, student in self.graded.submitted:
            self.graded.notes[assignment, student] = []
            for pack in self._of[assignment]:
                submission = self.handed_in((student, pack))
                key = workers.result_key(
                    submission, self.options.seed, self.options.unsafe
                )
                if (result := self._results.load(key)) is None:
                    self._todo.append((student, pack))
                else:
                    self._note(submission, result)
                    self._done.append((student, pack, key))

    def _grade_new(self, started):
        self._start, self.graded.ran = time.perf_counter(), len(self._todo)
        found = finish(
            self._todo,
            self._jobs,
            partial(started, self),
            doubtful=lambda done: done.result.stopped,
        )
        for (student, pack), done in progress(found, len(self._todo)):
            if isinstance(done, GivenUp):
                self._fail(student, pack, done.why)
            elif done.result.starved:
                self._fail(student, pack, workers.BUSY)
            else:
                self._note(done.submission, done.result)
                self._save(student, pack, done.result_key, done.result)
        self.graded.seconds["all"] = time.perf_counter() - self._start

    def _note(self, submission, result):
        """What the command says about a result."""
        graded, where = self.graded, (submission.assignment, submission.student)
        graded.notes[where] += [*submission.notes, *result.notes]
        graded.points.setdefault(where, {}).update(result.points)
        graded.reports.setdefault(where, {}).update(result.reports)
        graded.sandbox = graded.sandbox or result.sandbox
        for what, seconds in result.seconds.items():
            graded.seconds[what] = graded.seconds.get(what, 0) + seconds

    # The gradebook.

    def open(self) -> None:
        """Open the gradebook; save what an earlier run has graded and not saved.

        It takes a while, so it is done while workers start; the second time, nothing.
        """
        if self._book:
            return
        gradebook.create(self.course)
        self._book = self._stack.enter_context(gradebook.opened(self.course))
        self._stack.callback(self._flush)
        late = self._unsaved(overview.read(self._book))
        for assignment in {pack.assignment for _, pack, *_ in [*self._todo, *late]}:
            gradebook.prepare(self.course, self._of[assignment])
        for student, pack, key in late:
            self._save(student, pack, key)

    def _unsaved(self, there):
        return [
            (student, pack, key)
            for student, pack, key in self._done
            if pack.notebook
            not in there.notebooks.get(pack.assignment, {}).get(student, ())
            or gradebook.saved(self.course, student, pack) != key
        ]

    def _save(self, student, pack, key, result=None):
        """Keep a new result at once; put it into the gradebook along with others."""
        with self._spared(student, pack):
            if result is None:
                result = self._results.load(key)
            else:
                self._results.save(key, result)
            self._waiting.append((student, pack, key, result))
        if len(self._waiting) == BATCH:
            self._flush()

    def _flush(self):
        start, batch, self._waiting = time.perf_counter(), self._waiting, []
        try:
            self._put(batch)
        except Exception as error:
            if gradebook.concerns_everybody(error):
                raise
            for student, pack, *what in batch:  # each alone: then it costs no other
                with self._spared(student, pack):
                    self._put([(student, pack, *what)])
        seconds = self.graded.seconds
        seconds["save"] = seconds.get("save", 0) + time.perf_counter() - start

    def _put(self, batch):
        told = gradebook.save(self._book, self.course, batch) if batch else []
        for (student, pack, *_), notes in zip(batch, told, strict=True):
            self.graded.notes[pack.assignment, student] += notes

    @contextlib.contextmanager
    def _spared(self, student, pack):
        """A failure inside becomes the submission's report, if it concerns it alone."""
        try:
            yield
        except Exception as error:  # of any type
            if gradebook.concerns_everybody(error):
                raise
            told = f"{type(error).__name__}: {error}"
            self._fail(student, pack, f"its result could not be saved: {told}")

    def _fail(self, student, pack, why):
        """Report a submission without a result; no earlier one stays in its place."""
        self.graded.failed[pack.assignment, student] = printable(why, 500)
        self.graded.points.pop((pack.assignment, student), None)
        gradebook.withdraw(self._book, self.course, student, pack)

    # The pages for students.

    def write_feedback(self) -> None:
        """Write those whose notebook, or somebody's marks, have changed."""
        graded = self.graded
        todo = [
            (assignment, student, shown)
            for assignment, student in graded.submitted
            if (assignment, student) not in graded.failed
            and (shown := graded.overview.shown[assignment][student])
            and feedback.outdated(self.course, assignment, student, shown)
        ]
        if not todo:
            return
        feedback.load()
        written = finish(todo, self._jobs, self._writers)
        for (assignment, student, _), why in progress(written, len(todo), "Feedback"):
            if why:
                why = why.why if isinstance(why, GivenUp) else why
                told = f"the feedback page of {assignment} shows the points alone"
                graded.notes[assignment, student].append(f"{told}: {why}")

    @contextlib.contextmanager
    def _writers(self, jobs):
        # Each has a fork of this process, which has imported what that takes.
        with ThreadPoolExecutor(jobs) as pool:
            write, root = feedback.write, self.course.root
            yield Workers(lambda item: pool.submit(write, root, *item), jobs)
        limited.close()


def progress(results: Iterator, total: int, what: str = "Grading") -> Iterator:
    """The results, under a bar that says how long it will take."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        what,
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(elapsed_when_finished=True),
    )
    with Progress(*columns) as bar:
        yield from bar.track(results, total=total)
