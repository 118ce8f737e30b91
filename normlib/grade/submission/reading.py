"""Read the file that a student handed in: texts and pictures of its cells, no more.

It may be anything at all. ``read`` is called in a process with limits, which hold
against what no rule here foresees; see ``limited``.
"""

import base64
import binascii
import json
import re

MOST_CELLS = 5000
MOST_TEXT = 1 << 18  # characters of a cell
MOST_TEXTS = 1 << 20  # of all of them
MOST_PICTURES = 16 << 20  # characters of all pictures in Base64

# How a file begins that is something else.
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a compressed file",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16, while notebooks are in UTF-8",
    b"\xfe\xff": "text in UTF-16, while notebooks are in UTF-8",
    b"<": "a web page",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_PICTURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


def picture(kind: str, text: str) -> str | None:
    """``text`` in Base64 if it is a picture of this kind, or None."""
    if kind not in _PICTURES:
        return None
    try:
        data = base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(data).decode() if _PICTURES[kind].match(data) else None


def read(submission: bytes) -> dict:
    """What the file holds.

    Returns
    -------
    cells : list of dict
        Of each cell, its ``kind``, ``text``, ``pictures`` and ``names``: grade_id and
        id, by which it may be recognized.
    notes : list of str
        What was too large to be taken over.
    unreadable : str
        Why there are no cells; empty when all is well.
    """
    try:
        cells = _cells(json.loads(submission.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        return {"cells": [], "notes": [], "unreadable": _why(error, submission)}
    notes, kept, taken = [], [], _Taken()
    if len(cells) > MOST_CELLS:
        notes.append(f"has {len(cells)} cells; the first {MOST_CELLS} were read")
    for cell in cells[:MOST_CELLS]:
        if isinstance(cell, dict):
            kept.append(taken.of(cell))
    return {"cells": kept, "notes": notes + taken.notes, "unreadable": ""}


def _cells(notebook):
    if not isinstance(notebook, dict):
        raise ValueError("it is not a notebook")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # format 3
        sheets = [s for s in notebook["worksheets"] if isinstance(s, dict)]
        cells = [
            c for s in sheets if isinstance(s.get("cells"), list) for c in s["cells"]
        ]
    if not isinstance(cells, list):
        raise ValueError("it is not a notebook")
    return cells


class _Taken:
    """What is taken over, as far as there is room."""

    def __init__(self):
        self.notes, self.texts, self.pictures = [], MOST_TEXTS, MOST_PICTURES

    def of(self, cell):
        meta = cell.get("metadata")
        meta = meta.get("nbgrader") if isinstance(meta, dict) else None
        grade_id = meta.get("grade_id") if isinstance(meta, dict) else None
        attached = cell.get("attachments")
        return {
            "kind": cell["cell_type"] if isinstance(cell.get("cell_type"), str) else "",
            "text": self._text(_text(cell.get("source", cell.get("input", "")))),
            "names": [n for n in (grade_id, cell.get("id")) if isinstance(n, str)],
            "pictures": self._pictures(attached) if isinstance(attached, dict) else {},
        }

    def _text(self, text):
        if len(text) > min(MOST_TEXT, self.texts):
            self.notes.append(f"has a cell of {len(text):,} characters: it is left out")
            return f"# This cell held {len(text):,} characters, which are too many."
        self.texts -= len(text)
        return text

    def _pictures(self, attached):
        """The pictures that were pasted into a text; nothing else can be attached."""
        kept = {}
        for name, bundle in attached.items():
            for kind, data in bundle.items() if isinstance(bundle, dict) else ():
                data = _text(data)
                if len(data) > self.pictures:
                    self.notes.append("has pictures that are too large to be shown")
                elif safe := picture(kind, data):
                    self.pictures -= len(data)
                    kept[_text(name)] = {kind: safe}
        return kept


def _text(source):
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # A lone surrogate could not be written to any file.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _why(error, submission):
    start = submission[:1000].lstrip()
    if not start and not submission.strip():
        return "the file is empty"
    for sign, what in _OTHERS.items():
        if start.startswith(sign):
            return f"the file is {what}"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "the file is damaged, or no notebook"
    return str(error)
