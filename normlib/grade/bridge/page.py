"""How a graded notebook becomes the student's page; nbgrader_config.py names it.

First comes a table of the exercises, then each with its report. Nothing on the page
runs or loads anything, whatever a student wrote.
"""

import base64
import os
import re
import warnings
from functools import lru_cache
from html import escape

from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbconvert.filters import Highlight2HTML, ansi2html

from normlib.check.cells import HEADING, is_answer, is_graded, key_of, title_of
from normlib.grade import templates
from normlib.grade.bridge import steps
from normlib.grade.bridge.course import book_of
from normlib.grade.bridge.markdown import from_release, page_html

with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own insides
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import GetGrades

TEMPLATE = "feedback.html"
_NO_ANSWER = "No response."  # nbgrader's comment on what was left as handed out
MOST = 10_000  # characters of a cell that is worth keeping for the next page
_FAILED = re.compile(r"^✗ (.+?)(?:: .*)?$", re.MULTILINE)
_BOOK = re.compile(r'<a href="[^"]*?(\d\d_\w+\.html(?:#[^"]*)?)"[^>]*>(.*?)</a>')
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")

templates.template(TEMPLATE)  # once, and for all forks of this process


class Grades(GetGrades):
    """Points and comments, and which answers still have to be marked."""

    def preprocess(self, nb, resources):
        gradebook = _gradebook(resources["nbgrader"]["db_url"])
        try:
            return steps.read_points(self, gradebook, nb, resources)
        finally:
            gradebook.db.rollback()  # locks nothing, and forgets what it has read

    def preprocess_cell(self, cell, resources, cell_index):
        super().preprocess_cell(cell, resources, cell_index)
        meta = cell.metadata.get("nbgrader", {})
        grade = self.gradebook.grades.get(meta.get("grade_id"))
        meta["waits"] = bool(grade and grade.needs_manual_grade)
        return cell, resources


def _gradebook(db_url):
    """Open for one page after another, unless the file is another one by now."""
    path = db_url.removeprefix("sqlite:///")
    return _opened(db_url, os.stat(path).st_ino if os.path.exists(path) else 0)


@lru_cache(maxsize=1)
def _opened(db_url, _):
    return Gradebook(db_url)


class FeedbackPage(Exporter):
    """nbgrader's exporter for feedback: the page as its template has it."""

    file_extension = ".html"
    output_mimetype = "text/html"
    optimistic_validation = True  # once, when all has been put into the notebook

    def from_notebook_node(self, nb, resources=None, **options):
        nb, resources = super().from_notebook_node(nb, resources, **options)
        where, book = resources["nbgrader"], book_of(self.config)
        title, sections = _sections(nb.cells, book)
        rows = [row for section in sections for row in section["rows"]]
        waiting = [row for row in rows if row["waits"]]
        page = templates.render(
            TEMPLATE,
            title=title or where["notebook"],
            student=where["student"],
            score=where["score"],
            most=where["max_score"],
            penalty=where["late_penalty"],
            waiting=len(waiting),
            open=sum(row["most"] for row in waiting),
            rows=rows,
            sections=sections,
        )
        return page, resources


def _sections(cells, book):
    """The notebook's title, and its parts from one heading to the next."""
    title, parts = "", list[list]([[]])
    for cell in cells:
        if from_release(cell) and cell.cell_type == "markdown":
            if cell.source.startswith("## "):
                parts.append([])
            elif cell.source.startswith("# "):
                title = title_of(cell)
        parts[-1].append(cell)
    found = [_section(f"part-{i}", part, book) for i, part in enumerate(parts)]
    return title, [section for section in found if section["parts"]]


def _section(name, cells, book):
    title = "Before the exercises" if name == "part-0" else title_of(cells[0])
    rows = [_row(name, title, cell) for cell in cells if is_graded(cell)]
    kinds = {row["kind"] for row in rows}
    return {
        "id": name,
        "title": title,
        "rows": rows,
        "points": sum(row["points"] for row in rows),
        "most": sum(row["most"] for row in rows),
        "waits": any(row["waits"] for row in rows),
        "kind": next((k for k in ("bad", "wait", "good") if k in kinds), ""),
        "open": bool(kinds - {"good"}),
        "parts": _parts(cells, book),
    }


def _row(name, title, cell):
    meta = cell.metadata.nbgrader
    row = {
        "id": name,
        "title": title,
        "points": meta.score,
        "most": meta.points,
        "waits": meta.waits,
    }
    if meta.waits:
        return row | {"kind": "wait", "says": "Not marked yet"}
    kind = "good" if meta.score >= meta.points else "bad"
    if key_of(cell):
        says = _verdict(cell) if kind == "bad" else "Right"
    else:
        says = "Marked by hand" if is_answer(cell) else ""
        if is_answer(cell) and not meta.score and meta.get("comment") == _NO_ANSWER:
            says = "No answer"
    return row | {"kind": kind, "says": says}


def _verdict(cell):
    """What the report says first, below its headline."""
    for output in cell.outputs:
        text = output.get("data", {}).get("text/plain", "")
        if output.output_type == "display_data" and "\n\n" in text:
            if " is not written yet. " in text:
                return "Not written yet"
            says = text.split("\n\n")[1].partition("\n")[0]
            if says.startswith("See ") and (failed := _FAILED.search(text)):
                return f"Wrong in “{failed[1]}”"
            return says.removeprefix("✗ ")
    return ""


def _parts(cells, book):
    """The report, the answer, what was asked, and the cells that follow."""
    first = next((i for i, c in enumerate(cells) if is_graded(c) or is_answer(c)), None)
    if first is None:
        return [_part("", _shown(cells, book))] if cells else []
    marked = [c for c in cells if is_graded(c) or is_answer(c)]
    reports = [Markup("").join(_outputs(c, book)) for c in marked if key_of(c)]
    parts = [_part("", html) for html in reports]
    for cell in marked:
        if is_answer(cell):
            parts.append(_part("Your answer", _shown([cell], book)))
            comment = cell.metadata.nbgrader.get("comment")
            if comment and not (comment == _NO_ANSWER and reports):
                told = (
                    f'<div class="comment">{page_html(comment, {}, False, book)}</div>'
                )
                parts.append(_part("Comment", Markup(told)))
    parts.append(_part("What was asked", _shown(cells[:first], book), fold=True))
    others = [c for c in cells[first:] if c not in marked]
    if others:
        parts.append(_part("The cells after it", _shown(others, book), fold=True))
    return parts


def _part(label, html, fold=False):
    return {"label": label, "html": html, "fold": fold}


def _shown(cells, book):
    parts = []
    for cell in cells:
        if cell.cell_type == "markdown":
            source = cell.source
            if from_release(cell):
                source = (
                    HEADING.sub("", source, count=1) if source[:1] == "#" else source
                )
            attached = cell.get("attachments", {})
            parts.append(page_html(source, attached, from_release(cell), book))
        else:
            if cell.source.strip():
                parts.append(_colored(cell.source))
            parts += _outputs(cell, book)
    return Markup("\n".join(parts))


def _outputs(cell, book):
    """What a cell shows; its HTML has been made safe when it was graded."""
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            yield Markup(f"<pre>{ansi2html(output.text)}</pre>")
        elif output.output_type == "error":
            yield Markup(f"<pre>{ansi2html(chr(10).join(output.traceback))}</pre>")
        elif not (key_of(cell) and output.output_type == "execute_result"):
            yield Markup(_data(output.data, book))


def _data(data, book):
    if "text/html" in data:
        return _BOOK.sub(
            rf'<a href="{escape(book)}/\1">\2</a>' if book else r"\2", data["text/html"]
        )
    for kind in _PICTURES:
        if kind in data:
            text = data[kind]
            if kind == "image/svg+xml":  # as a picture, in which nothing runs
                text = base64.b64encode(text.encode()).decode()
            alt = "A picture that this cell shows"
            return f'<img alt="{alt}" src="data:{kind};base64,{escape(text.strip())}">'
    return f"<pre>{escape(data.get('text/plain', ''))}</pre>"


def _colored(source):
    return (_seen if len(source) < MOST else Highlight2HTML())(source)


@lru_cache(maxsize=256)
def _seen(source):
    return Highlight2HTML()(source)
