"""What a student's code shows does nothing in the browser of whoever looks at it."""

import base64

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from normlib.grade.submission.outputs import MOST, clean, to_notebook

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
FILTER = {"markdown2html": "normlib.grade.bridge.markdown.markdown_to_html"}


def displayed(kind, value):
    outputs = to_notebook([("display", ""), (kind, value)])
    return outputs[0].data if outputs else None


def test_text_errors_and_pictures_come_through():
    outputs = to_notebook(
        [
            ("stdout", "a"),
            ("display", ""),
            ("text/plain", "b"),
            ("image/png", PNG),
            ("error", "ValueError"),
            ("message", "c"),
            ("traceback", "d\ne"),
        ]
    )
    stream, shown, error = outputs
    assert (stream.name, stream.text) == ("stdout", "a")
    assert shown.data == {"text/plain": "b", "image/png": PNG}
    assert (error.ename, error.evalue, error.traceback) == (
        "ValueError",
        "c",
        ["d", "e"],
    )
    nbformat.validate(nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("", outputs=outputs)]))  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("image/png", "PHN2Zz4="),  # no picture
        ("image/png", f'{PNG}"><script>'),
        ("image/svg+xml", "<svg onload='alert(1)'>"),
        ("application/javascript", "alert(1)"),
        ("text/markdown", "<script>alert(1)</script>"),
        ("text/latex", r"\href{javascript:alert(1)}{x}"),
        ("application/vnd.jupyter.widget-view+json", "{}"),
        ("text/plain", 3.0),
        ("text/plain", "x" * (MOST + 1)),
    ],
)
def test_what_could_act_is_not_shown(kind, value):
    assert displayed(kind, value) is None


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<SCRIPT\n>alert(1)</SCRIPT >",
        "<img src=x onerror=alert(1)>",
        "<iframe src='//evil'></iframe>",
        "<a href='javascript:alert(1)'>x</a>",
        "<style>body {display: none}</style>",
        "<div style='position: fixed' onclick='alert(1)' class='btn' id='save'>x</div>",
        "<form action='//evil'><input name=password></form>",
        "<base href='//evil'><link rel=stylesheet href='//evil'>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<scr<script></script>ipt>alert(1)</script>",
    ],
)
def test_html_loses_everything_that_acts(html):
    cleaned = clean(html)
    for sign in ("<script", "<img", "<iframe", "<a", "<style", "<form", "<svg", "="):
        assert sign not in cleaned.replace("onerror=alert(1)&gt;", "")


def test_a_table_stays_a_table():
    html = "<table><tr><th colspan='2'>a</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert clean(html).count("<td>") == 2 and 'colspan="2"' in clean(html)


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
