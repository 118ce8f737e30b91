"""Markdown of students does nothing in the browser of whoever looks at it."""

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

FILTER = {"markdown2html": "normlib.grade.bridge.markdown.markdown_to_html"}


def page(cell):
    notebook = nbformat.v4.new_notebook(cells=[cell])
    return HTMLExporter(filters=FILTER).from_notebook_node(notebook)[0]


@pytest.mark.parametrize("id", ["added-003", "words"])
def test_markdown_of_students_is_shown_without_its_html(id):
    source = "**bold** <script>alert(41)</script> $a<b$ $\\href{javascript:42}{x}$"
    source += "\n\n[x](javascript:alert(43)) <img src=x onerror=alert(44)>"
    mark = {"nbgrader": {"solution": True}} if id == "words" else {}
    html = page(nbformat.v4.new_markdown_cell(source, id=id, metadata=mark))
    assert "<strong>bold</strong>" in html and "a&lt;b" in html
    assert "<script>alert(41)" not in html
    assert "\\href" not in html
    assert 'href="javascript:alert(43)' not in html
    assert "<img src=x" not in html


def test_markdown_of_the_release_keeps_its_html():
    source = "<details><summary>more</summary>x</details>"
    assert source in page(nbformat.v4.new_markdown_cell(source, id="cell-01"))


def test_the_course_shows_markdown_this_way(course):
    from normlib.grade.bridge.converters import course_config

    assert course_config(course).HTMLExporter.filters == FILTER
