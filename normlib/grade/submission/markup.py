"""HTML that a student's code shows, reduced to its text and its tables.

Everything is text but bare tags of the list below, opened and closed in order. So
nothing acts, loads or covers the page, however a browser reads what came in. Each
character is looked at a fixed number of times.
"""

import re
from html import escape, unescape

_DEEP = 50  # tags within tags; deeper ones are left out
_TABLE = ("caption", "thead", "tbody", "tfoot", "tr", "th", "td")
_EMPTY = ("br", "hr")
_TAGS = {
    *("table", "ul", "ol", "li", *_TABLE, *_EMPTY),
    *("div", "span", "p", "pre", "code", "b", "i", "em", "strong", "sub", "sup"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
# What may only stand in certain others. A browser would move or close things
# elsewhere, and then our closing tags would close its own.
_WITHIN = {
    **{name: {"table"} for name in ("caption", "thead", "tbody", "tfoot")},
    "tr": {"table", "thead", "tbody", "tfoot"},
    **{name: {"tr"} for name in ("th", "td")},
    "li": {"ul", "ol"},
}
_ONLY_THOSE = {"table", "thead", "tbody", "tfoot", "tr", "ul", "ol"}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)\b([^<>]*)>|<!--")
_SPAN = re.compile(r"""\b(colspan|rowspan)=["']?(\d{1,3})\b""")
# What follows these is not text, up to its end, or else up to the end of all.
_ENDS = {
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
    "": re.compile("-->"),  # of a comment
}


def clean(html: str) -> str:
    """``html`` with its text and its tables, without anything that acts.

    MathJax leaves it alone, whose formulas can hold links.
    """
    written, at = _Written(), 0
    while found := _TAG.search(html, at):
        written.text(html[at : found.start()])
        at, name = found.end(), (found[2] or "").lower()
        if name in _ENDS and not found[1]:
            end = _ENDS[name].search(html, at)
            at = end.end() if end else len(html)
        elif found[1]:
            written.close(name)
        else:
            written.open(name, found[3])
    written.text(html[at:])
    written.close_to(0)
    body = "".join(written.parts)
    return without_formulas(body)


def without_formulas(html: str) -> str:
    """``html`` in a place that MathJax leaves alone."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'


class _Written:
    def __init__(self):
        self.parts, self.stack = [], []

    def text(self, text):
        self.parts.append(escape(unescape(text), quote=False))

    def open(self, name, attributes):
        if name not in _TAGS:
            return
        if name in _WITHIN:
            place = self._innermost(_WITHIN[name])
            if place is None:
                return
            self.close_to(place + 1)
        elif self.stack and self.stack[-1] in _ONLY_THOSE:
            return
        if len(self.stack) == _DEEP:
            return
        spans = _SPAN.findall(attributes) if name in ("th", "td") else ()
        shown = "".join(f' {kind}="{n}"' for kind, n in dict(spans).items())
        self.parts.append(f"<{name}{shown}>")
        if name not in _EMPTY:
            self.stack.append(name)

    def close(self, name):
        place = self._innermost({name})
        if place is not None:
            self.close_to(place)

    def close_to(self, depth):
        while len(self.stack) > depth:
            self.parts.append(f"</{self.stack.pop()}>")

    def _innermost(self, names):
        """The place of the last open tag of these; nothing reaches out of a table."""
        parts = names <= {"table", *_TABLE}
        for place in reversed(range(len(self.stack))):
            if self.stack[place] in names:
                return place
            if self.stack[place] == "table" or (
                not parts and self.stack[place] in ("td", "th", "caption")
            ):
                return None
        return None
