"""Markdown that a student wrote, shown without its HTML and without what it loads."""

import re
from functools import cache
from html import escape

import jinja2

# Commands of MathJax that make links or load and restyle things.
_LINKS_IN_FORMULAS = re.compile(r"\\(?=(href|url|require|style|class|cssId|unicode)\b)")


@jinja2.pass_context
def markdown_to_html(context, source: str) -> str:
    """For nbconvert, in place of its own: HTML only in cells that the release has.

    nbgrader's formgrader shows Markdown as it is, and so would run its scripts.
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    cell = context.get("cell") or {}
    attachments = cell.get("attachments", {})
    if from_release(cell):
        renderer = IPythonRenderer(escape=False, attachments=attachments)
    else:
        source = _LINKS_IN_FORMULAS.sub(r"\\backslash ", source)
        renderer = _students_renderer()(
            escape=True, allow_harmful_protocols=False, attachments=attachments
        )
    return MarkdownWithMath(renderer=renderer).render(source)


def from_release(cell: dict) -> bool:
    """Whether the text of a graded notebook's cell is the course's own."""
    mark = cell.get("metadata", {}).get("nbgrader", {})
    return "id" in cell and not (
        mark.get("solution") or cell["id"].startswith("added-")
    )


@cache
def _students_renderer():
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    class Renderer(IPythonRenderer):
        """Shows pasted pictures; names the others, which a browser would fetch."""

        def image(self, text, url, title=None):
            name = url.removeprefix("attachment:")
            if name != url and name in self.attachments:
                return super().image(text, url, title)
            return f"<em>[picture not shown: {escape(text or url)}]</em>"

        def block_mermaidjs(self, code):
            """As text: its diagrams can hold links and pictures."""
            return f"<pre>{escape(code)}</pre>"

    return Renderer
