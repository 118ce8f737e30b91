"""What a student's cell shows, made safe to open in a grader's browser.

Whatever comes is cut to a size first. Only then is it parsed, in a process with
limits: see ``limited``.
"""

import base64

import nbformat

from normlib.grade.submission.markup import clean
from normlib.grade.submission.reading import picture

MOST = 4 << 20  # characters and bytes of one cell
MOST_TEXT = 100_000  # characters of one text
MOST_HTML = 300_000  # characters of one text with HTML
MOST_VALUES = 300  # of one cell


def cut(items: list, room: int = MOST) -> list:
    """What there is room for of ``items``, the values of a message.

    Of a text, the beginning is kept. Nothing is parsed.
    """
    kept, room = [], min(room, MOST)
    for name, value in items[:MOST_VALUES]:
        if isinstance(value, str) and not name.startswith("image/"):
            most = MOST_HTML if name == "text/html" else MOST_TEXT
            value = value[: min(most, room)]
        elif not isinstance(value, str | bytes) or len(value) > room:
            continue
        room -= len(value)
        kept.append((name, value))
    return kept


def size(items: list) -> int:
    """How much of the room ``items`` take."""
    return sum(len(value) for _, value in items)


def to_notebook(items: list) -> list[nbformat.NotebookNode]:
    """A cell's outputs, from the values of a message; see ``shell.Shown``."""
    outputs = []
    for name, value in cut(items):
        if isinstance(value, bytes):  # pictures, of some formatters
            value = base64.b64encode(value).decode()
        if name in ("stdout", "stderr"):
            outputs.append(nbformat.v4.new_output("stream", name=name, text=value))
        elif name == "display":
            outputs.append(nbformat.v4.new_output("display_data"))
        elif name == "error":
            outputs.append(nbformat.v4.new_output("error", ename=value))
        elif outputs and outputs[-1].output_type == "error":
            if name == "message":
                outputs[-1].evalue = value
            elif name == "traceback":
                outputs[-1].traceback = value.split("\n")
        elif outputs and outputs[-1].output_type == "display_data":
            if safe := _safe(name, value):
                outputs[-1].data[name] = safe
    return [out for out in outputs if out.output_type != "display_data" or out.data]


def _safe(kind, value):
    if kind == "text/plain":
        return value
    if kind == "text/html":
        return clean(value)
    return picture(kind, value)
