"""What a student's code shows does nothing in the browser of whoever looks at it."""

import base64

import nbformat
import pytest

from normlib.grade.submission.outputs import MOST, MOST_TEXT, cut, size, to_notebook

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


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
    ],
)
def test_what_could_act_is_not_shown(kind, value):
    assert displayed(kind, value) is None


def test_what_a_cell_shows_is_cut_before_it_is_parsed():
    """As in a student's five tables of 40,000 rows each."""
    row = "<tr><td>1.25</td><td>2.5</td></tr>"
    table = f"<table>{row * 40_000}</table>"
    items = [("display", ""), ("text/plain", "x" * 10**6), ("text/html", table)] * 5
    kept = cut(items)
    assert [name for name, _ in kept] == [name for name, _ in items]
    assert kept[1] == ("text/plain", "x" * MOST_TEXT) and size(kept) < MOST
    outputs = to_notebook(items)
    assert len(outputs) == 5 and "<td>1.25</td>" in outputs[4].data["text/html"]


def test_a_forged_message_has_no_more_room():
    many = [("stdout", "x" * MOST_TEXT)] * 10_000
    assert size(cut(many)) <= MOST and size(cut(many, 1000)) == 1000
    assert cut([("image/png", b"x" * (MOST + 1)), ("stdout", "y")]) == [("stdout", "y")]
