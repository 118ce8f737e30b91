"""What code printed, and the value of its last line, as HTML.

The code may be somebody else's, out of a notebook that was opened. So the page trusts
nothing of this: it drops whatever could run or load something (``page/safe.js``).
"""

import html

import numpy

LONGEST = 20_000  # characters that are shown


def text(shown: str) -> str:
    """Plain text, as it is; of endless text, the beginning."""
    if len(shown) > LONGEST:
        shown = f"{shown[:LONGEST]}\n… and more."
    return f"<pre>{html.escape(shown)}</pre>" if shown.strip() else ""


def value(shown: object) -> str:
    """A value as a notebook shows it: a table if it has one, else its ``repr``."""
    if shown is None:
        return ""
    as_html = getattr(shown, "_repr_html_", None)
    if callable(as_html) and isinstance(table := as_html(), str):
        return f"<div>{table}</div>"
    if isinstance(shown, numpy.ndarray) and shown.ndim:
        return text(f"{shown!r}\nshape {shown.shape}, {shown.dtype}")
    return text(repr(shown))
