"""The notebook to grade: the released one, with what the student wrote put into it.

Of a submission nothing is taken over but texts: of the cells to write in, and of
cells that the student added or changed. What a cell is, what it is worth and when
it runs is the release's to say, so nothing that happened to the cells matters.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field

import nbformat

from normlib.grade.submission.pack import Pack, grade_id, is_answer, is_graded

MOST_ADDED = 500  # cells
_PICTURES = ("image/png", "image/jpeg")
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
    """What is left of a submitted cell."""

    kind: str
    text: str
    names: tuple[str, ...]  # grade_id and id: what it may be recognized by
    pictures: dict


def rebuild(pack: Pack, submission: bytes, problem: str = "") -> Rebuilt:
    """Put the texts of ``submission``, the bytes of a file, into the template.

    ``problem`` says why there is no such file.
    """
    template = pack.cells
    try:
        cells, unreadable = [] if problem else _read(submission), problem
    except (ValueError, RecursionError, MemoryError) as error:
        cells, unreadable = [], _why(error, submission)
    answers, added, notes = _sort(template, cells)
    result = [*added.get(None, ())]
    for cell in template:
        name = grade_id(cell)
        if is_answer(cell) and name in answers:
            cell.source = answers[name].text
            if answers[name].pictures and cell.cell_type == "markdown":
                cell.attachments = answers[name].pictures
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
        notes.append(f"could not be read: {unreadable}")
    notebook = nbformat.reads(pack.template, as_version=4)
    notebook.cells = result
    return Rebuilt(notebook, notes, frozenset(c.id for c in own), unreadable)


def runs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells of code up to the last graded one: what follows earns nothing.

    There the notebooks end with an experiment, which takes longer than all checks.
    """
    last = max((i for i, c in enumerate(notebook.cells) if is_graded(c)), default=-1)
    return [c for c in notebook.cells[: last + 1] if c.cell_type == "code"]


def _read(submission):
    """The submitted cells, whatever the format; ``ValueError`` when there are none."""
    data = json.loads(submission.decode("utf-8-sig"))
    if not isinstance(data, dict):
        raise ValueError("it is no notebook")
    cells = data.get("cells")
    if cells is None and isinstance(data.get("worksheets"), list):  # format 3
        sheets = [s for s in data["worksheets"] if isinstance(s, dict)]
        cells = [
            c for s in sheets if isinstance(s.get("cells"), list) for c in s["cells"]
        ]
    if not isinstance(cells, list):
        raise ValueError("it is no notebook")
    return [_Cell(*_fields(cell)) for cell in cells if isinstance(cell, dict)]


def _fields(cell):
    marks = cell.get("metadata")
    marks = marks.get("nbgrader") if isinstance(marks, dict) else None
    names = (marks.get("grade_id") if isinstance(marks, dict) else None, cell.get("id"))
    names = tuple(name for name in names if isinstance(name, str))
    pictures = cell.get("attachments")
    pictures = pictures if isinstance(pictures, dict) else {}
    text = _text(cell.get("source", cell.get("input", "")))
    return cell.get("cell_type"), text, names, _pictures(pictures)


def _text(source):
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # A lone surrogate could not be written to any file.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _pictures(attachments):
    """Pictures pasted into an answer in words; nothing else can be attached."""
    kept = {}
    for name, bundle in attachments.items():
        for kind in _PICTURES:
            data = bundle.get(kind) if isinstance(bundle, dict) else None
            try:
                base64.b64decode(_text(data or "*"), validate=True)
            except (binascii.Error, ValueError):
                continue
            kept[_text(name)] = {kind: _text(data)}
    return kept


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
    answers, added, notes, before = {}, {}, [], None
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
            added.setdefault(place, []).append(new)
    return answers, added, list(dict.fromkeys(notes))


def _gone(check, cells):
    names = {grade_id(check), check.id}
    return not any(
        names & {*cell.names} or cell.text.strip() == check.source.strip()
        for cell in cells
    )


def _why(error, submission):
    if not submission.strip():
        return "the file is empty"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "the file is damaged, or no notebook"
    return str(error) or type(error).__name__
