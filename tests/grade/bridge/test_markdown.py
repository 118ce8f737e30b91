"""Markdown of students does nothing in the browser of whoever looks at it."""

import re

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


PNG = "iVBORw0KGgo="


def test_a_pasted_picture_is_shown_and_no_other_is_loaded():
    source = (
        "![mine](attachment:a.png) ![gone](attachment:b.png)\n\n"
        "![x](https://tracker.example/1.png) ![y](//tracker.example/2) [![z](3.png)](4)"
        "\n\n![w][ref]\n\n[ref]: https://tracker.example/5.png\n\n"
        "```mermaid\nA --> B\n```\n"
    )
    cell = nbformat.v4.new_markdown_cell(source, id="added-001")
    cell.attachments = {"a.png": {"image/png": PNG}}
    html = page(cell)
    found = re.findall(r"<img[^>]*>", html)
    assert len(found) == 1 and f'src="data:image/png;base64,{PNG}"' in found[0]
    for alt in ("gone", "x", "y", "z", "w"):
        assert f"[picture not shown: {alt}]" in html
    assert 'class="mermaid"' not in html
