"""HTML of students loses all that acts, and stays in its place on the page."""

import time

import pytest
from bleach._vendor import html5lib
from hypothesis import given
from hypothesis import strategies as st

from normlib.grade.submission.markup import clean

_PAGE = "<!DOCTYPE html><html><body><div id=out>{}</div><div id=next></div>"
_NAMES = ["table", "tr", "td", "th", "tbody", "ul", "li", "div", "p", "b", "h1", "pre"]
_NAMES += ["script", "style", "a", "svg", "caption", "select", "template", "br"]


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
    wrapper = '<div class="tex2jax_ignore mathjax_ignore">'
    assert clean(html).startswith(wrapper)
    cleaned = clean(html).removeprefix(wrapper)
    for sign in ("<script", "<img", "<iframe", "<a", "<style", "<form", "<svg", "="):
        assert sign not in cleaned.replace("onerror=alert(1)&gt;", "")


def test_a_table_stays_a_table():
    html = "<table><tr><th colspan='2'>a</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert clean(html).count("<td>") == 2 and 'colspan="2"' in clean(html)


def parsed(html):
    """By the rules of browsers: where the page's own parts have come to lie."""
    tree = html5lib.parse(_PAGE.format(html), namespaceHTMLElements=False)
    return tree, [child.get("id") for child in tree.find("body")]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([f"<{n}>" for n in _NAMES] + [f"</{n}>" for n in _NAMES]),
            st.sampled_from(
                ["x", "&lt;", "<", ">", "<!--", "-->", "<td colspan=2 x=1>"]
            ),
        ),
        max_size=30,
    )
)
def test_whatever_it_is_it_stays_in_its_place_and_has_no_other_tags(parts):
    tree, places = parsed(clean("".join(parts)))
    assert places == ["out", "next"]
    allowed = {*_NAMES} - {"script", "style", "a", "svg", "select", "template"}
    for element in tree.find("body/div"):
        for inner in element.iter():
            assert inner.tag in allowed | {"colgroup"}
            assert {*inner.attrib} <= {"class", "colspan", "rowspan"}


def test_a_table_as_pandas_writes_it_keeps_its_cells():
    row = "<tr><th>{}</th><td>1 &lt; 2</td></tr>"
    html = f"<div><table border=1><tbody>{row * 3}</tbody></table></div>"
    tree, _ = parsed(clean(html))
    assert [cell.text for cell in tree.iter("td")] == ["1 < 2"] * 3


@pytest.mark.parametrize(
    "unit",
    (
        "<style |<script>|<!--|<b>|<div>|<table><b>|<h1><b><table>|<a |<i><div>|&#|"
        "</p>|<td a=b |</style|<table><tr><td>|<|</"
    ).split("|"),
)
def test_the_time_grows_with_the_length(unit):
    def seconds(n):
        html = (unit * n)[:n]
        start = time.process_time()
        clean(html)
        return time.process_time() - start

    seconds(10_000)
    assert seconds(400_000) < 30 * max(seconds(40_000), 0.01)
