"""Grade one submission: a pure function of its bytes, the pack and the seed."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from functools import cache

import nbformat

from normlib.check.cells import grade_id, is_answer, key_of
from normlib.check.exercises import EXERCISES
from normlib.check.judging import judge
from normlib.check.needed import names, needed
from normlib.check.report import Report
from normlib.grade.files import printable
from normlib.grade.sandbox.session import NoSandbox, Session, Stopped
from normlib.grade.submission import limited, outputs
from normlib.grade.submission.markup import without_formulas
from normlib.grade.submission.pack import Pack
from normlib.grade.submission.rebuild import rebuild, runs
from normlib.grade.submission.running import Running
from normlib.grade.submission.suspicion import suspicions

BOOK = "../../../html/book"  # from _build/feedback/<student>/<assignment>/
_PAGE = 5 << 20  # characters that all cells of a notebook may show together
_NOTES, _NOTE = 20, 300  # remarks on a submission, and characters of one


@dataclass
class Result:
    """A graded notebook, and what somebody should know about the submission.

    ``points`` are those of the checks, by ``grade_id``, and ``reports`` what they
    found: see ``_kept``. ``sandbox`` names the one it ran in. ``seconds``, by what they
    were spent on, are not part of the result. ``stopped`` says that something was ended
    before it had finished: on a busy machine it should be tried again, alone.
    ``starved`` says that this was not the submission's fault, so that the result must
    not be kept.
    """

    notebook: str
    points: dict[str, float]
    notes: list[str]
    sandbox: str
    reports: dict[str, dict] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    stopped: bool = field(default=False, compare=False)
    starved: bool = field(default=False, compare=False)


def seed_of(submission: bytes, seed: int, key: str) -> int:
    """The seed of an exercise's inputs: it cannot be known while writing an answer."""
    return int.from_bytes(_sha(f"{seed}|{_digest(submission)}|{key}")[:8])


def result_key(
    pack: Pack, submission: bytes, problem: str, seed: int, unsafe: bool
) -> str:
    """What names a result: the hash of all that it depends on."""
    # Any sandbox gives the same result; without one, who knows.
    inputs = [pack.digest, _digest(submission), problem, seed, unsafe]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def grade(
    pack: Pack, submission: bytes, problem: str, seed: int, address: str, sandbox: str
) -> Result:
    """Run the notebook of ``submission`` and judge its answers.

    Parameters
    ----------
    pack : Pack
    submission : bytes
        Of the file.
    problem : str
        Why there is no such file, or empty.
    seed : int
        Another one draws other inputs.
    address, sandbox : str
        Where processes for it are forked, and what confines them.

    Raises
    ------
    NoSandbox
        When there is no process to run it in. Everything that the submission itself
        does wrong is in the result.
    """
    return _Grading(pack, submission, problem, seed, address, sandbox).result()


class _Missing(Exception):
    """The notebook has no function or class of the exercise's name."""


class _Grading:
    def __init__(self, pack, submission, problem, seed, address, sandbox):
        self.clock = _Clock()
        self.pack, self.limits = pack, pack.limits
        self.submission, self.seed = submission, seed
        self.address, self.sandbox = address, sandbox
        self.rebuilt = rebuild(pack, submission, problem)
        self.cells = runs(self.rebuilt.notebook)
        self.own = [self._own(cell) for cell in self.cells]
        self.notes = list(self.rebuilt.notes)
        self.names = self._looked_at()
        self.needed = needed(self.names, self.own)
        self.points, self.reports, self.withdrawn = {}, {}, {}
        self.lacking = set()  # names that the answer looked at last did not find
        self.unexplained = []  # (place of the check, key)
        self.room, self.shown = _PAGE, {}
        self.stopped, self.starved = False, False
        # Two kinds of processes: without torch's own normalization, and with it, for
        # cells that compare. Most notebooks need one of them.
        self.running = {own: self._new(own) for own in (True, False)}
        self.first = any(EXERCISES[k].own_work for k in pack.keys) or not pack.keys
        self.clock.spent("rebuild")

    def _new(self, own_work):
        def start():
            self.clock.spent("cells")
            session = Session(
                self.address,
                self.limits.memory << 20,
                self.limits.submission,
                seed_of(self.submission, self.seed, ""),
                own_work,
            )
            self.clock.spent("sandbox")
            return session

        sources = [cell.source for cell in self.cells]
        return Running(start, sources, self.limits)

    def result(self) -> Result:
        try:
            for i, cell in enumerate(self.cells):
                if key_of(cell):
                    report = self._judged(i, key_of(cell))
                    if self._lacked():
                        report = self._judged(i, key_of(cell))
                    self._show(cell, report)
                    if report.failed and not report.diagnosis:
                        self.unexplained.append((i, key_of(cell)))
                elif self.needed[i] and not self.rebuilt.unreadable:
                    self._run(i)
            self._compare_unexplained()
        finally:
            self._close()
        self._show_outputs()
        notebook = self.rebuilt.notebook
        text = nbformat.v4.writes(notebook) + "\n"  # ours: is valid
        self.clock.spent("rebuild")
        seconds = self.clock.seconds
        notes = bounded(self.notes)
        how = self.sandbox, self.reports, seconds, self.stopped, self.starved
        return Result(text, self.points, notes, *how)

    def _looked_at(self):
        """The names in each cell, and a remark on what a person should look at."""
        theirs = [c for c, own in zip(self.cells, self.own, strict=True) if own]
        try:
            found = limited.call(_look_at, [cell.source for cell in theirs])
        except limited.Failed as failed:
            self.notes.append(f"looking through its code {failed}")
            found = [_ANYTHING] * len(theirs)
        for cell, look in zip(theirs, found, strict=True):
            uses = [f"uses {what}" for what in look["suspicions"]]
            self.notes += [f"{grade_id(cell) or cell.id} {told}" for told in uses]
        looks = iter(found)
        return [
            next(looks) if own else _look_at_given(cell.source)
            for cell, own in zip(self.cells, self.own, strict=True)
        ]

    def _lacked(self):
        """Whether the answer lacked a name that a cell of the release defines.

        That an answer uses it may show only when it runs. Then that cell is run.
        """
        before = self.needed
        self.needed = needed(self.names, self.own, self.lacking)
        self.needed = [a or b for a, b in zip(self.needed, before, strict=True)]
        if self.needed == before:
            return False
        self._close()
        return True

    def _own(self, cell):
        return is_answer(cell) or cell.id in self.rebuilt.added

    def _run(self, i):
        """Run a cell; the others go on if it ends the process."""
        if not self.cells[i].source.strip():
            return
        items = self._run_in(self.first, i)
        if ("refused", "") in items:  # it compares: what it shows is another's to say
            items = self._run_in(False, i)
        shown = outputs.cut(items)
        if outputs.size(shown) > self.room:
            told = "What this cell shows was left out: the notebook shows too much.\n"
            shown = outputs.cut([("stderr", told)])
        self.shown[i] = shown
        self.room -= outputs.size(shown)

    def _run_in(self, own_work, i):
        try:
            self._prepare(own_work, i)
            return self.running[own_work].run(i)
        except Stopped as error:
            self._blame(own_work, i, error)
            items = [("error", "Stopped"), ("message", f"This cell {error}.")]
            return [*items, ("traceback", f"Stopped: this cell {error}.")]
        finally:
            self.clock.spent("cells")

    def _show_outputs(self):
        """Put what the cells have shown into the notebook, once all are judged."""
        try:
            made = limited.call(_to_notebook, list(self.shown.values()))
        except limited.Failed as failed:
            self.notes.append(f"making what its cells show safe to look at {failed}")
            told = "What this cell shows was left out: it could not be made safe.\n"
            made = [_to_notebook([[("stderr", told)]])[0] for _ in self.shown]
        for i, shown in zip(self.shown, made, strict=True):
            self.cells[i].outputs = [nbformat.from_dict(output) for output in shown]
        self.clock.spent("rebuild")

    def _judged(self, i, key):
        """The report on an exercise; there always is one."""
        exercise = EXERCISES[key]
        if why := self.rebuilt.unreadable:
            return Report.without_cases(exercise, f"Your file was not read: {why}.")

        try:
            report = self._asked(i, key, seed_of(self.submission, self.seed, key))
        except _Missing:
            return Report.without_cases(
                exercise,
                f"There is no `{exercise.name}` in your notebook when it runs from top "
                "to bottom. Look whether the cell above ends with an error.",
            )
        except Stopped as error:
            self._blame(exercise.own_work, i, error)
            self.withdrawn[exercise.name] = f"{exercise.name} {error} before"
            return Report.without_cases(
                exercise,
                f"`{exercise.name}` {error}. Is there a loop that never ends?"
                if error.late
                else f"`{exercise.name}` {error}.",
            )
        except NoSandbox:
            raise
        except Exception as error:  # of any type: it becomes the report
            told = f"{type(error).__name__}: {error}"[:_NOTE]
            self.notes.append(f"{exercise.name} could not be judged: {told}")
            return Report.without_cases(
                exercise, f"`{exercise.name}` could not be judged: {told}"
            )
        finally:
            self.clock.spent("judge")
        return report

    def _asked(self, i, key, seed, explain=True):
        """The report on what the answer returns for the inputs of a seed."""
        exercise = EXERCISES[key]
        running = self.running[exercise.own_work]

        def observe_answer(run, _, inputs, own_work):
            self.clock.spent("judge")
            asked = exercise.name, run, inputs, self.limits.call
            seen = running.ask(running.session.observe, *asked)
            self.clock.spent("calls")
            if seen is None:
                raise _Missing
            if seen.lacking:
                self.lacking.add(seen.lacking)
            return seen

        self.lacking = set()
        self._prepare(exercise.own_work, i)
        return judge(key, None, seed, observe_answer, explain)

    def _compare_unexplained(self):
        """Run answers that no mistake explains on inputs that the whole class shares.

        So it shows which of them return the same. No points depend on it, and it comes
        last, so that no time is taken from other answers.
        """
        for i, key in self.unexplained:
            if self.running[EXERCISES[key].own_work].session is None:
                continue
            try:
                shared = seed_of(b"", self.seed, key)
                report = self._asked(i, key, shared, explain=False)
            except NoSandbox:
                raise
            except Exception:  # of any type: it may behave differently the second time
                self._close()
                break
            self.reports[grade_id(self.cells[i])]["alike"] = _failures(report)
        self.clock.spent("judge")

    def _show(self, cell, report):
        """Put the report where ``check`` would, and the points where nbgrader looks."""
        points = float(report.points)
        self.points[grade_id(cell)] = points
        self.reports[grade_id(cell)] = _kept(report)
        # Without formulas: what a student printed or raised may look like some.
        html = without_formulas(report.to_html(BOOK))
        shown = {"text/plain": str(report), "text/html": html}
        cell.execution_count = 1
        value = {"text/plain": repr(points)}
        cell.outputs = [
            _output("display_data", data=shown),
            _output("execute_result", data=value, execution_count=1),
        ]

    def _prepare(self, own_work, i):
        """A process of this kind, in which the cells before the ``i``-th have run."""
        running = self.running[own_work]
        wanted = [
            needed and not key_of(cell) and bool(cell.source.strip())
            for cell, needed in zip(self.cells, self.needed, strict=True)
        ]
        while True:
            running.left()
            try:
                running.catch_up(i, wanted, self.withdrawn)
                break
            except Stopped as error:
                if running.reached == i:
                    raise
                self._blame(own_work, running.reached, error)  # it went well before
        self.clock.spent("cells")

    def _blame(self, own_work, i, stopped):
        """Go on without a cell: with other processes, which have not seen it.

        What an answer is judged in has seen it all the same if it ended only where it
        compares.
        """
        self.stopped = True
        self.starved = self.starved or stopped.starved
        if i not in self.running[own_work].guilty:
            cell = self.cells[i]
            why = "ran out of time" if stopped.late else str(stopped)
            self.notes.append(f"{grade_id(cell) or cell.id} {why}")
        for kind in {own_work, False}:
            self.running[kind].guilty.add(i)
        self._close()

    def _close(self):
        for running in self.running.values():
            running.close()


def _kept(report):
    """What is worth knowing of a report when those of a class are looked at together.

    ``failed`` names the cases, and says of each what is wrong. ``alike`` says the same
    of an answer that no mistake explains, on inputs that the whole class shares.
    """
    return {
        "key": report.key,
        "points": float(report.points),
        "most": float(report.max_points),
        "diagnosis": report.diagnosis,
        "hint": report.hint and printable(report.hint, _NOTE),
        "section": report.section,
        "failed": _failures(report),
        "alike": [],
    }


def _failures(report):
    return [[case.name, printable(case.message, _NOTE)] for case in report.failed]


def bounded(notes: list[str]) -> list[str]:
    """Few enough remarks, and short enough, that those on others can be read too."""
    notes = [printable(note, _NOTE) for note in dict.fromkeys(notes)]
    if len(notes) > _NOTES:
        notes[_NOTES - 1 :] = [f"and {len(notes) - _NOTES + 1} more remarks"]
    return notes


# Of a cell that could not be looked at.
_ANYTHING = {
    **{"uses": [], "defines": [], "always": True, "unclear": True},
    "suspicions": [],
}


def _look_at(sources):
    return [names(source) | {"suspicions": suspicions(source)} for source in sources]


@cache  # they are the same for everybody, and can be trusted
def _look_at_given(source):
    return _look_at([source])[0]


def _output(kind, **content):
    """As ``nbformat.v4.new_output`` makes it, which also looks whether it is valid."""
    return nbformat.from_dict({"output_type": kind, "metadata": {}, **content})


def _to_notebook(shown):
    return [outputs.to_notebook(items) for items in shown]


class _Clock:
    """Seconds, by what they were spent on."""

    def __init__(self):
        self.seconds, self.last = {}, time.perf_counter()

    def spent(self, what):
        now = time.perf_counter()
        self.seconds[what] = self.seconds.get(what, 0) + now - self.last
        self.last = now


def _sha(text):
    return hashlib.sha256(text.encode()).digest()


def _digest(submission):
    return hashlib.sha256(submission).hexdigest()
