"""How far a learner has come, from the notebooks themselves.

A notebook is run in a kernel of its own, in a copy of its folder, so that it stays as
it is; whatever its cells do ends with that kernel.
"""

import ast
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from normlib.check.exercises import EXERCISES, TOPICS
from normlib.errors import CourseError

SECONDS = 120  # for one cell; the slowest of the course takes 20


@dataclass(frozen=True)
class Result:
    """One exercise as it stands in a notebook.

    ``begun`` is False while the answer raises ``NotImplementedError``. ``report`` is
    the check's own, or says why there is none.
    """

    key: str
    points: float
    begun: bool
    report: str

    @property
    def max_points(self) -> float:
        return EXERCISES[self.key].points

    @property
    def solved(self) -> bool:
        return self.points == self.max_points


def notebooks(folder: Path) -> list[Path]:
    """The course's notebooks in ``folder``, in the course's order."""
    names = [f"{i:02d}_{topic}/{topic}.ipynb" for i, topic in enumerate(TOPICS, 1)]
    return [folder / name for name in names if (folder / name).exists()]


def results(path: Path, on_cell: Callable[[float], None] | None = None) -> list[Result]:
    """Run the notebook at ``path``; one result for each of its exercises.

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
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        raise CourseError(f"{path} cannot be read as a notebook: {error}") from None
    keys = {i: _key(cell) for i, cell in enumerate(notebook.cells) if _key(cell)}
    if not keys:
        raise CourseError(f"{path} has no cell that calls check(...)")
    notebook.cells = notebook.cells[: max(keys) + 1]  # a reading may follow
    if any(_begun(notebook.cells[i - 1]) for i in keys):
        _leave_out(notebook, _given(path))
        execute(notebook, path.parent, on_cell)
    return [
        _result(key, notebook.cells[i], notebook.cells[i - 1])
        for i, key in keys.items()
    ]


def execute(notebook, folder: Path, on_cell=None):
    """Run every cell in a new kernel, in a copy of ``folder``, whatever errors occur.

    A kernel that dies or a cell that does not end leaves the rest without outputs.
    """
    manager = AsyncKernelManager(
        kernel_name="python3",
        transport="ipc",  # over TCP, ipykernel warns that anybody may listen
        ip=f"{tempfile.gettempdir()}/kernel-{secrets.token_hex(8)}",
    )
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


def _key(cell):
    called = re.fullmatch(r'\s*check\("([\w.]+)"\)\s*', cell.source)
    return called[1] if called and called[1] in EXERCISES else None


def _begun(answer):
    return "raise NotImplementedError" not in answer.source


def _result(key, cell, answer):
    shown, points = "", 0.0
    for output in cell.get("outputs", ()):
        text = output.get("data", {}).get("text/plain", "")
        if output.output_type == "display_data":
            shown = text
        elif output.output_type == "execute_result":
            points = float(text)
    if not _begun(answer):
        shown = f"{key}: not begun"
    elif not shown:
        shown = f"{key}: nothing came back; its kernel stopped before it ran, or while"
    return Result(key, points, _begun(answer), shown)


def _given(path):
    """The cells that the course itself put into the notebook, if it is at hand."""
    source = path.resolve().parents[2] / "solutions" / path.parent.name / path.name
    if not source.exists():
        return set()
    cells = nbformat.read(source, as_version=4).cells
    return {cell.source for cell in cells if "nbgrader" not in cell.metadata}


def _leave_out(notebook, given):
    """Drop the cells that only show something; what they define nobody needs."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source in given and not _defines(cell):
            cell.source = ""


def _defines(cell):
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:  # a magic
        return True
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in body)
