"""The questions that a person marks, each with its scheme from the source notebook."""

import re
from dataclasses import dataclass

import nbformat

from normlib.check.cells import HEADING, grade_id, is_answer, is_graded, title_of
from normlib.errors import CourseError
from normlib.grade.bridge.course import Course

_SCHEME = re.compile(r"^\*\*Marking scheme\*\*\s*$", re.MULTILINE)
_STEPS = ("0.25", "0.5", "1")  # the finest that a scheme mentions is its step


@dataclass(frozen=True)
class Question:
    """What is asked, how it is marked, and where.

    ``asked``, ``model`` and ``scheme`` are the course's own Markdown: the cells since
    the heading, the answer in the source notebook, and what stands below its line
    "**Marking scheme**". The last two are empty where the source has none.
    """

    assignment: str
    notebook: str
    id: str
    title: str
    asked: str
    model: str
    scheme: str
    most: float

    @property
    def step(self) -> float:
        """By how much points can differ."""
        said = self.scheme or "0.5"
        for step in _STEPS:
            if re.search(rf"(?<![\d.]){re.escape(step)}(?!\.?\d)", said):
                return float(step)
        return float(_STEPS[-1])

    @property
    def choices(self) -> list[float]:
        """The points that can be given."""
        return [i * self.step for i in range(int(self.most / self.step) + 1)]


def questions(course: Course, assignment: str) -> list[Question]:
    """Those of an assignment that are answered in words.

    Raises
    ------
    CourseError
        When there is no such assignment.
    """
    known = course.assignments
    if assignment not in known:
        raise CourseError(f"no assignment {assignment!r}; there are {', '.join(known)}")
    found = []
    for pack in course.packs(assignment):
        sources = _sources(course, assignment, pack.notebook)
        title, asked = "", []
        for cell in pack.cells:
            if not (is_answer(cell) and is_graded(cell)):
                if cell.cell_type == "markdown" and title_of(cell):
                    title, asked = title_of(cell), [HEADING.sub("", cell.source, 1)]
                elif cell.cell_type == "markdown":
                    asked.append(cell.source)
                continue
            name = str(grade_id(cell))
            model, *scheme = _SCHEME.split(sources.get(name, ""), maxsplit=1)
            found.append(
                Question(
                    assignment,
                    pack.notebook,
                    name,
                    title,
                    "\n\n".join(asked),
                    model.strip(),
                    "".join(scheme).strip(),
                    float(cell.metadata.nbgrader.points),
                )
            )
    return found


def _sources(course, assignment, notebook):
    """Text of a cell in the source notebook, by its ``grade_id``."""
    path = course.folder("source") / assignment / f"{notebook}.ipynb"
    if not path.exists():
        return {}
    cells = nbformat.read(path, as_version=4).cells
    return {grade_id(cell): cell.source for cell in cells if grade_id(cell)}
