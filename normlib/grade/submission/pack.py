"""What grading needs to know of a notebook: its template, its exercises, the limits.

A pack is all that a result depends on besides the submission and the seed, and its
digest says so: the same digest, the same result.
"""

import ast
import hashlib
import json
import sys
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from importlib import metadata
from pathlib import Path

import nbformat

import normlib
from normlib.check.cells import grade_id, is_graded, key_of, title_of
from normlib.check.exercises import EXERCISES
from normlib.errors import CourseError
from normlib.grade.sandbox.inside import lockdown

_PACKAGE = Path(normlib.__file__).parent
_CHANGED = 50 << 20  # bytes

# What a result is made by: whole folders. The rest of normlib/grade moves it about.
_GRADED_BY = (
    *("*.py", "torch/*.py", "check/*.py", "check/running/*.py", "check/mistakes/*.py"),
    *("grade/submission/*.py", "grade/sandbox/**/*.py", "check/*.json"),
)


@dataclass(frozen=True)
class Limits:
    """What a submission may take; honest work stays far below.

    ``c.Limits.<name> = ...`` in nbgrader_config.py sets one.

    Parameters
    ----------
    cell, call, submission : float
        Seconds for a cell, for one call by the judge, and for everything.
    memory : int
        Mebibytes of a process, beyond what the imported packages take. A notebook that
        compares its answers with torch's layers runs in two.
    size : int
        Mebibytes of a notebook.
    """

    cell: float = 15
    call: float = 10
    submission: float = 120
    memory: int = 512
    size: int = 32

    @property
    def most(self) -> int:
        """Bytes of memory that a submission can take, whatever it does.

        Two processes, each with its memory, its files, and what it changes of what was
        imported before, which then is shared no longer.
        """
        return 2 * ((self.memory << 20) + lockdown.SCRATCH_SIZE + _CHANGED)

    def __post_init__(self):
        for name, value in asdict(self).items():
            if not isinstance(value, int | float) or not value > 0:
                raise CourseError(f"Limits.{name} must be above 0, got {value!r}")

    @classmethod
    def of(cls, config) -> "Limits":
        """The limits that a course's configuration sets."""
        given = dict(config.get("Limits", {}))
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise CourseError(f"no limit {name!r}; there are {', '.join(known)}")
        return cls(**given)


@dataclass(frozen=True)
class Pack:
    """A released notebook, and what is to be done with submissions of it.

    ``template`` is the text of the notebook as students got it.
    """

    assignment: str
    notebook: str
    template: str
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def read(cls, path: Path, limits: Limits) -> "Pack":
        """The pack of the released notebook at ``path``.

        Raises
        ------
        CourseError
            When a graded cell is neither a check of an exercise nor in words.
        """
        pack = cls(path.parent.name, path.stem, path.read_text("utf-8"), limits)
        for cell in pack.cells:
            key = key_of(cell)
            if key is None and is_graded(cell) and cell.cell_type == "code":
                raise CourseError(
                    f"{path}: a graded cell of code should be `check(...)` of an "
                    f"exercise, got {cell.source!r}"
                )
            if key is not None and key not in EXERCISES:
                raise CourseError(f"{path}: no exercise {key!r}")
        return pack

    @property
    def cells(self) -> list[nbformat.NotebookNode]:
        """The template's cells, new each time."""
        return nbformat.reads(self.template, as_version=4).cells

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The exercises that it checks."""
        return tuple(filter(None, map(key_of, self.cells)))

    @cached_property
    def questions(self) -> list[dict]:
        """What is graded: its id, title, most points, and key of the exercise."""
        found, title = [], ""
        for cell in self.cells:
            if cell.cell_type == "markdown":
                title = title_of(cell) or title
            if is_graded(cell):
                most = cell.metadata.nbgrader.points
                about = {"title": title, "most": float(most), "key": key_of(cell)}
                found.append({"id": grade_id(cell), **about})
        return found

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """What every submission imports, by the first cell: worth having beforehand.

        torch as well, which students may use in any answer.
        """
        found = {"torch": None}
        first = next(cell for cell in self.cells if cell.cell_type == "code")
        for node in ast.walk(ast.parse(first.source)):
            if isinstance(node, ast.Import):
                found |= {alias.name: None for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found |= dict.fromkeys([node.module, *names])
        if "torch.nn" in found:  # the first backward would import this, for seconds
            found["torch.fx.experimental.symbolic_shapes"] = None
        return tuple(n for n in found if n.partition(".")[0] != "normlib")

    @cached_property
    def digest(self) -> str:
        """Changes with anything that a result depends on."""
        sources = {*_definitions(self.keys)}
        for pattern in _GRADED_BY:
            sources |= {*_PACKAGE.glob(pattern)} - {_PACKAGE / "cli.py"}
        known = json.dumps(
            [
                *(self.assignment, self.notebook, self.template, asdict(self.limits)),
                *(sys.version, _version("numpy"), _version("torch")),
            ]
        )
        digest = hashlib.sha256(known.encode())
        for path in sorted(sources):
            digest.update(path.read_bytes())
        return digest.hexdigest()


def _definitions(keys):
    """The files that define these exercises, and those that exercises share."""
    others = {key.replace(".", "/") for key in EXERCISES} - {
        key.replace(".", "/") for key in keys
    }
    folder = _PACKAGE / "check/exercises"
    for topic in {key.partition(".")[0] for key in keys}:
        for pattern in ("*.py", "*.md"):
            for path in (folder / topic).rglob(pattern):
                if str(path.relative_to(folder).with_suffix("")) not in others:
                    yield path


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
