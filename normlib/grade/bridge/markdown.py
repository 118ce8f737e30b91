"""Markdown that a student wrote, shown without its HTML and without what it loads."""

import re
from functools import lru_cache
from html import escape

import jinja2
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from normlib.grade.bridge.formulas import mathml

# Commands of MathJax that make links or load and restyle things.
_LINKS_IN_FORMULAS = re.compile(r"\\(?=(href|url|require|style|class|cssId|unicode)\b)")
# How a notebook refers to a chapter.
_CHAPTER = re.compile(r"(?:\.\./)+book/(\w+)\.md((?:#[\w-]+)?)")


@jinja2.pass_context
def markdown_to_html(context, source: str) -> str:
    """For nbconvert, in place of its own: HTML only in cells that the release has.

    nbgrader's formgrader shows Markdown as it is, and so would run its scripts.
    """
    cell = context.get("cell") or {}
    attachments = cell.get("attachments", {})
    if not from_release(cell):
        source = _LINKS_IN_FORMULAS.sub(r"\\backslash ", source)
        safe = {"escape": True, "allow_harmful_protocols": False}
        return _html(_StudentsRenderer, source, attachments, **safe)
    if attachments:
        return _html(IPythonRenderer, source, attachments, escape=False)
    return _released(source)


@lru_cache(maxsize=256)
def _released(source):
    """The same in everybody's page."""
    return _html(IPythonRenderer, source, {}, escape=False)


def _html(renderer, source, attachments, **options):
    renderer = renderer(attachments=attachments, **options)
    return MarkdownWithMath(renderer=renderer).render(source)


def from_release(cell: dict) -> bool:
    """Whether the text of a graded notebook's cell is the course's own."""
    meta = cell.get("metadata", {}).get("nbgrader", {})
    return "id" in cell and not (
        meta.get("solution") or cell["id"].startswith("added-")
    )


def page_html(source: str, attachments: dict, released: bool, book: str) -> str:
    """For the student's page: formulas as MathML, chapters at the book's address."""
    if released and not attachments:
        return _released_page(source, book)
    options = {"escape": not released, "allow_harmful_protocols": released}
    kind = _ReleasedPage if released else _StudentsPage
    return _page(kind, source, book, attachments=attachments, **options)


@lru_cache(maxsize=256)
def _released_page(source, book):
    """The same in everybody's page."""
    return _page(_ReleasedPage, source, book, escape=False)


def _page(kind, source, book, **options):
    renderer = kind(exclude_anchor_links=True, **options)
    renderer.book = book
    return MarkdownWithMath(renderer=renderer).render(source)


class _StudentsRenderer(IPythonRenderer):
    """Shows pasted pictures; names the others, which a browser would fetch."""

    def image(self, text, url, title=None):
        name = url.removeprefix("attachment:")
        if name != url and name in self.attachments:
            return super().image(text, url, title)
        return f"<em>[picture not shown: {escape(text or url)}]</em>"

    def block_mermaidjs(self, code):
        """As text: its diagrams can hold links and pictures."""
        return f"<pre>{escape(code)}</pre>"


class _Formulas:
    """MathML in place of what a script would find."""

    book: str  # its address

    def block_math(self, body):
        return mathml(body, block=True)

    def inline_math(self, body):
        return mathml(body)

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)


class _ReleasedPage(_Formulas, IPythonRenderer):
    def link(self, text, url, title=None):
        """A chapter at the book's address; without one, its name alone."""
        if not (chapter := _CHAPTER.fullmatch(url)):
            return super().link(text, url, title)
        if not self.book:
            return text
        return f'<a href="{escape(self.book)}/{chapter[1]}.html{chapter[2]}">{text}</a>'


class _StudentsPage(_Formulas, _StudentsRenderer):
    pass
