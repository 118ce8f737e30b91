"""How far a learner has come, from the notebooks themselves.

A notebook is run in a kernel of its own, in a copy of its folder, so that it stays as
it is; what its cells do ends with that kernel.
"""

import re
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from normlib.check.cells import grade_id, is_answer, key_checked, title_of
from normlib.check.exercises import EXERCISES, TOPICS
from normlib.check.needed import names, needed
from normlib.errors import CourseError

SECONDS = 120  # for one cell; the slowest of the course takes 20
COLORS = re.compile(r"\x1b\[[\d;]*m")  # in a traceback
NUMBER = re.compile(r"^\d+ · ")  # of an exercise, in its heading
NOT_WRITTEN = "", "YOUR ANSWER HERE"  # the second is nbgrader's


@dataclass(frozen=True)
class Attempt:
    """One exercise as it stands in a notebook.

    ``begun`` is False while the answer raises ``NotImplementedError``. ``report`` is
    the check's own, or says why there is none. ``note`` says in a few words what else
    is wrong: a cell that was deleted or changed, or the error of one.
    """

    key: str
    points: float
    begun: bool
    report: str
    note: str = ""

    @property
    def max_points(self) -> float:
        return EXERCISES[self.key].points

    @property
    def solved(self) -> bool:
        return self.points == self.max_points


@dataclass(frozen=True)
class Question:
    """A question of a notebook that is answered in words and graded by hand."""

    title: str
    points: float
    written: bool


def notebooks(folder: Path) -> list[Path]:
    """The course's notebooks in ``folder``, in the course's order."""
    found = [sorted(folder.glob(f"[0-9][0-9]_{t}/{t}.ipynb")) for t in TOPICS]
    return [path for paths in found for path in paths]


def attempts(
    path: Path, on_cell: Callable[[float], None] | None = None
) -> list[Attempt]:
    """Run the notebook at ``path``; how far each exercise of its topic is.

    Each is checked whatever became of its check cell, which grading puts back as well.

    Parameters
    ----------
    path : Path
        A notebook of ``exercises/``.
    on_cell : callable, optional
        Is told, after each cell, which part of the notebook has run.

    Raises
    ------
    CourseError
        When ``path`` holds no notebook, or one without an exercise of the course.
    """
    notebook = _read(path)
    topic = _topic(notebook)
    if topic is None:
        raise CourseError(f"{path} has no cell of an exercise")
    exercises = [_Cells(notebook, k) for k in EXERCISES if k.startswith(f"{topic}.")]
    places = {e.key: _place(e.check, notebook.cells) for e in exercises}
    del notebook.cells[max(places.values()) + 1 :]  # a reading may follow
    given = _given(path)
    if any(exercise.begun for exercise in exercises):
        _leave_out(notebook, given)
        execute(notebook, path.parent, on_cell)
    return [e.attempt(_unmarked(notebook.cells[: places[e.key]])) for e in exercises]


def questions(path: Path) -> list[Question]:
    """The questions of the notebook at ``path`` that are answered in words."""
    found, title = [], ""
    for cell in _read(path).cells:
        if cell.cell_type != "markdown":
            continue
        if is_answer(cell):
            written = cell.source.strip() not in NOT_WRITTEN
            most = cell.metadata["nbgrader"].get("points", 0)
            found.append(Question(title, most, written))
        elif heading := title_of(cell):
            title = NUMBER.sub("", heading)
    return found


def _read(path):
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:
        raise CourseError(f"{path} cannot be read as a notebook: {error}") from None


def _topic(notebook):
    """The topic of most cells that belong to an exercise."""
    known = {n: k for k in EXERCISES for n in (_check_id(k), f"{_check_id(k)}-answer")}
    keys = [_called(cell) or known.get(grade_id(cell)) for cell in notebook.cells]
    topics = Counter(key.partition(".")[0] for key in keys if key)
    return topics.most_common(1)[0][0] if topics else None


class _Cells:
    """An exercise's cells in a notebook, in which its check is put back."""

    def __init__(self, notebook, key):
        self.key, self._notes = key, []
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        name = _check_id(key)
        answers = [cell for cell in code if grade_id(cell) == f"{name}-answer"]
        checks = [c for c in code if grade_id(c) == name or _called(c) == key]
        self.check = checks[-1] if checks else nbformat.v4.new_code_cell()
        if checks:
            before = _place(self.check, notebook.cells)
            if not answers and "nbgrader" not in self.check.metadata:
                answers = notebook.cells[:before][-1:]  # written by hand
            if _called(self.check) != key:
                self._notes.append("check cell changed")
        else:
            self._notes.append("check cell deleted")
            cells = notebook.cells
            place = 1 + _place(answers[-1], cells) if answers else len(cells)
            cells.insert(place, self.check)
        self.check.source = f'check("{key}")'
        if not answers:
            self._notes.append("answer cell deleted")
        self.answer = answers[-1] if answers else None  # of copies, the last is graded

    @property
    def begun(self):
        return (
            self.answer is None or "raise NotImplementedError" not in self.answer.source
        )

    def attempt(self, others):
        """What the check said, and the errors of the cells that it depends on.

        ``others`` are the cells above that belong to no exercise.
        """
        shown, points, notes = "", 0.0, list(self._notes)
        for output in self.check.get("outputs", ()):
            text = output.get("data", {}).get("text/plain", "")
            if output.output_type == "display_data":
                shown = text
            elif output.output_type == "execute_result":
                points = float(text)
        if not self.begun:
            shown = f"{self.key}: not begun"
        elif points < EXERCISES[self.key].points:
            candidates = [self.answer, *others, self.check]
            error = next(filter(None, map(_error, filter(None, candidates))), None)
            if error:
                notes.append(f"{error.ename}: {error.evalue}".partition("\n")[0])
                traceback = COLORS.sub("", "\n".join(error.traceback))
                shown = shown or f"{self.key}: not checked"
                shown += f"\n\nA cell ended with an error:\n\n{traceback}"
        if not shown:
            why = "nothing came back; its kernel stopped before it ran, or while"
            shown = f"{self.key}: {why}"
        for note in self._notes:
            shown += f"\n\nIn the notebook: {note}."
        return Attempt(self.key, points, self.begun, shown, "; ".join(notes))


def execute(notebook, folder: Path, on_cell=None):
    """Run every cell in a new kernel, in a copy of ``folder``, whatever errors occur.

    A kernel that dies or a cell that does not end leaves the rest without outputs.
    """
    manager = AsyncKernelManager(kernel_name="python3", **_transport())
    client = NotebookClient(
        notebook,
        km=manager,
        allow_errors=True,
        timeout=SECONDS,
        interrupt_on_timeout=True,
    )
    client.owns_km = True
    client.shutdown_kernel = "immediate"
    if on_cell:
        total = len(notebook.cells)
        client.on_cell_complete = lambda cell, cell_index: on_cell(
            (cell_index + 1) / total
        )
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch) / folder.name)
        try:
            client.execute(cwd=str(copy))
        except (DeadKernelError, CellTimeoutError):
            pass  # what has run by then has its outputs
    return notebook


def _transport(platform=sys.platform):
    """Files to talk to the kernel, where the system has them, instead of ports.

    Over ports, ipykernel warns that anybody may listen.
    """
    if platform == "win32":
        return {}
    name = f"kernel-{secrets.token_hex(8)}"
    return {"transport": "ipc", "ip": f"{tempfile.gettempdir()}/{name}"}


def _check_id(key):
    """What nbgrader calls the cell that checks an exercise."""
    return key.replace(".", "-")


def _called(cell):
    key = key_checked(cell.source)
    return key if key in EXERCISES else None


def _place(cell, cells):
    """Where ``cell`` itself is, and not one that is equal."""
    return next(i for i, other in enumerate(cells) if other is cell)


def _unmarked(cells):
    """Those that belong to no exercise: the course's own, and what a learner added."""
    return [cell for cell in cells if "nbgrader" not in cell.metadata]


def _error(cell):
    """The error that a cell ended with, unless that is a stub's."""
    outputs = cell.get("outputs", ())
    errors = [output for output in outputs if output.output_type == "error"]
    return next((e for e in errors if e.ename != "NotImplementedError"), None)


def _given(path):
    """The cells that the course itself put into the notebook, if it is at hand."""
    source = path.resolve().parents[2] / "solutions" / path.parent.name / path.name
    if not source.exists():
        return set()
    cells = nbformat.read(source, as_version=4).cells
    return {cell.source for cell in _unmarked(cells)}


def _leave_out(notebook, given):
    """Drop those of the ``given`` cells that nothing a learner wrote depends on."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    theirs = [cell.source not in given for cell in code]
    wanted = needed([names(cell.source) for cell in code], theirs)
    for cell, runs in zip(code, wanted, strict=True):
        if not runs:
            cell.update(source="", outputs=[])
