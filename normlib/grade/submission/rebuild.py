"""The notebook to grade: the released one, with what the student wrote put into it.

Of a submission nothing is taken over but texts: of the cells to write in, and of
cells that the student added or changed. What a cell is, what it is worth and when
it runs is the release's to say, so nothing that happened to the cells matters.
"""

from dataclasses import dataclass, field

import nbformat

from normlib.check.cells import grade_id, is_answer, is_graded
from normlib.grade.submission import limited
from normlib.grade.submission.pack import Pack
from normlib.grade.submission.reading import read

MOST_ADDED = 500  # cells
UNREADABLE = "could not be read: "  # how a remark begins that says why
_GONE = "# This cell is not in the notebook that was handed in."


@dataclass
class Rebuilt:
    """The notebook to grade, and what somebody should know about it.

    ``added`` are the ids of the student's own cells. ``unreadable`` says why nothing
    could be taken over; it is empty when all is well.
    """

    notebook: nbformat.NotebookNode
    notes: list[str] = field(default_factory=list)
    added: frozenset[str] = frozenset()
    unreadable: str = ""


@dataclass
class _Cell:
    """What is left of a submitted cell; see ``read``."""

    kind: str
    text: str
    names: list[str]
    pictures: dict


def rebuild(pack: Pack, submission: bytes, problem: str = "") -> Rebuilt:
    """Put the texts of ``submission``, the bytes of a file, into the template.

    ``problem`` says why there is no such file.
    """
    template = pack.cells
    found: dict = {"cells": [], "notes": [], "unreadable": problem}
    if not problem:
        try:
            found = limited.call(read, submission)
        except limited.Failed as failed:
            found["unreadable"] = f"reading the file {failed}"
    cells, unreadable = [_Cell(**cell) for cell in found["cells"]], found["unreadable"]
    answers, added, notes = _sort(template, cells)
    notes = [*dict.fromkeys(found["notes"]), *notes]
    result = [*added.get(None, ())]
    for cell in template:
        name = grade_id(cell)
        if is_answer(cell) and name in answers:
            cell.source = answers[name].text
            _attach(cell, answers[name].pictures)
        elif is_answer(cell) and cells:
            notes.append(f"{name} was deleted")
            if cell.cell_type == "code":
                # The stub would overwrite what the student may have written elsewhere.
                cell.source = _GONE
        elif name and not is_answer(cell) and cells and _gone(cell, cells):
            notes.append(f"{name} was deleted")
        result += [*added.get(f"before {name}", ()), cell, *added.get(cell.id, ())]
    theirs = {cell.id for cells in added.values() for cell in cells}
    own = [cell for cell in result if cell.id in theirs]
    for i, cell in enumerate(own):
        cell.id = f"added-{i:03d}"
    if len(own) > MOST_ADDED:
        notes.append(f"has {len(own)} cells of its own; {MOST_ADDED} were kept")
        late = {cell.id for cell in own[MOST_ADDED:]}
        result = [cell for cell in result if cell.id not in late]
    if not cells and not unreadable:
        notes.append("has no cells")
    if unreadable:
        notes.append(f"{UNREADABLE}{unreadable}")
    notebook = nbformat.reads(pack.template, as_version=4)
    notebook.cells = result
    return Rebuilt(notebook, notes, frozenset(c.id for c in own), unreadable)


def runs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells of code up to the last graded one: what follows earns nothing.

    There the notebooks end with an experiment, which takes longer than all checks.
    """
    last = max((i for i, c in enumerate(notebook.cells) if is_graded(c)), default=-1)
    return [c for c in notebook.cells[: last + 1] if c.cell_type == "code"]


def _sort(template, cells):
    """The answers by name; what else was written, by its place in the template.

    Of copies the last counts, as the last definition does. The others are ordinary
    cells.
    """
    known = {name: cell for cell in template for name in {cell.id, grade_id(cell)}}
    texts = {c.source.strip(): c for c in template if not is_answer(c)}
    found = [
        next((known[name] for name in cell.names if name in known), None)
        or texts.get(cell.text.strip())
        for cell in cells
    ]
    last = {grade_id(f): i for i, f in enumerate(found) if f and is_answer(f)}
    answers: dict[str | None, _Cell] = {}
    added: dict[str | None, list] = {}
    notes, before = [], None
    for i, (cell, original) in enumerate(zip(cells, found, strict=True)):
        same = original and cell.text.strip() == original.source.strip()
        name, place = grade_id(original) if original else None, before
        if name in last and last[name] != i:
            notes.append(f"{name} was copied; the last one counts")
            place = f"before {name}"  # what counts is defined last
        elif original:
            place = before = original.id
            if name in last:
                answers[name] = cell
            if name:  # a check is the release's
                continue
        if cell.text.strip() and not same and cell.kind in ("code", "markdown"):
            new = getattr(nbformat.v4, f"new_{cell.kind}_cell")(cell.text)
            _attach(new, cell.pictures)
            added.setdefault(place, []).append(new)
    return answers, added, list(dict.fromkeys(notes))


def _gone(check, cells):
    names = {grade_id(check), check.id}
    return not any(
        names & {*cell.names} or cell.text.strip() == check.source.strip()
        for cell in cells
    )


def _attach(cell, pictures):
    """Pasted pictures, which only a cell of text can show."""
    if pictures and cell.cell_type == "markdown":
        cell.attachments = pictures
