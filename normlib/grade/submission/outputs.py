"""What a student's cell shows, made safe to open in a grader's browser.

All of it is text or a picture. HTML keeps what tables need, and nothing that runs,
loads or covers the page.
"""

import base64
import binascii
import re

import bleach
import nbformat

MOST = 8 << 20  # characters of one cell, which holds against a forged message
_TAGS = (
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "br", "hr"),
    *("div", "span", "p", "pre", "code", "b", "i", "em", "strong", "sub", "sup"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
)
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def to_notebook(items: list) -> list[nbformat.NotebookNode]:
    """A cell's outputs, from the values of a message; see ``shell.Outputs``."""
    outputs, room = [], MOST
    for name, value in items:
        if isinstance(value, bytes):  # pictures, of some formatters
            value = base64.b64encode(value).decode()
        if not isinstance(value, str) or len(value) > room:
            continue
        room -= len(value)
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
    if kind in _SIGNATURES:
        try:
            picture = base64.b64decode(value.replace("\n", ""), validate=True)
        except (binascii.Error, ValueError):
            return None
        if picture.startswith(_SIGNATURES[kind]):
            return base64.b64encode(picture).decode()
    return None


def clean(html: str) -> str:
    """``html`` with its text and its tables, without anything that acts."""
    html = re.sub(r"<(style|script)\b.*?</\1\s*>", "", html, flags=re.I | re.S)
    spans = {"th": ["colspan", "rowspan"], "td": ["colspan", "rowspan"]}
    return bleach.clean(html, tags=_TAGS, attributes=spans, strip=True)
