"""The report: what a learner reads, as text and as HTML."""

import json
import re
import runpy
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
from bs4 import BeautifulSoup

from normlib.check import EXERCISES, judge
from normlib.check.report import CaseResult, Report, describe_call, number, place

FAILED = Report(
    key="batch_norm.inference",
    points=1.0,
    max_points=2.0,
    cases=(
        CaseResult("one row, by hand", True, ""),
        CaseResult("a large eps", False, "row 0 should be −1.204, yours 1", "`f(x)`"),
        CaseResult("one column", False, "row 1 should be 2, yours 3", "`f(x)`"),
        CaseResult("float32", False, "row 0 should be −1.204, yours 1", "`f(x)`"),
    ),
    diagnosis="the batch's own <variance>",
    hint="At inference both `statistics` are constants.",
    section="training-and-inference",
    notes=("Python warned: a < b.",),
    shown="a large eps",
)


def test_the_text_says_the_important_thing_first():
    assert str(FAILED) == (
        "batch_norm.inference: 1 of 2 points\n"
        "\n"
        "This looks like: the batch's own <variance>.\n"
        "At inference both statistics are constants.\n"
        "See “Training and inference” in chapter 2.\n"
        "\n"
        "✗ a large eps\n"
        "  f(x): row 0 should be −1.204, yours 1\n"
        "\n"
        "✗ one column: row 1 should be 2, yours 3\n"
        "✗ float32\n"
        "\n"
        "✓ one row, by hand\n"
        "\n"
        "Python warned: a < b."
    )


def test_the_case_that_shows_the_mistake_best_comes_first():
    text = str(replace(FAILED, shown="one column"))
    assert "✗ one column\n  f(x): row 1 should be 2, yours 3\n\n✗ a large eps: " in text
    page = BeautifulSoup(
        replace(FAILED, shown="one column")._repr_html_(), "html.parser"
    )
    more, passed = page.find_all("details")
    assert more.summary.text == "2 more cases failed" and "a large eps" in more.text
    assert passed.summary.text == "1 case passed" and "one row" in passed.text
    assert "one column" in page.ul.text and not page.ul.find_parent("details")


def test_titles_of_sections_are_those_of_the_book(root):
    """`make exercises` writes them down."""
    namespace = runpy.run_path(root / "book/section_titles.py")
    assert json.loads(namespace["FILE"].read_text("utf-8")) == namespace["titles"]()


def test_every_section_that_a_report_names_has_a_title(root):
    titles = runpy.run_path(root / "book/section_titles.py")["titles"]()
    for exercise in EXERCISES.values():
        anchors = {exercise.section, *(m.section for m in exercise.misconceptions)}
        assert anchors - {None} <= titles[exercise.topic].keys(), exercise.key


def test_html_escapes_everything_that_came_from_an_answer():
    page = FAILED._repr_html_()
    assert "<variance>" not in page and "&lt;variance&gt;" in page
    assert "a &lt; b" in page
    assert re.search("<code style=[^>]+>statistics</code>", page)


def test_html_needs_neither_color_nor_theme():
    """Signs and their spoken names carry the verdict; text keeps the page's color."""
    page = FAILED._repr_html_()
    assert 'aria-label="passed"' in page and ">✓</span>" in page
    assert 'aria-label="failed"' in page and ">✗</span>" in page
    colors = set(re.findall(r"(?<!-)color: (#\w+)", page))
    assert colors and "background" not in page.replace("background: none", "")
    for color in colors:  # readable on white and on JupyterLab's dark #111
        assert contrast(color, "#ffffff") > 3 and contrast(color, "#111111") > 3


def contrast(first, second):
    """WCAG 2 contrast ratio."""

    def luminance(color):
        parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(
            parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_the_link_leads_to_the_chapters_section(monkeypatch):
    page = "02_batch_norm.html#training-and-inference"
    assert f'href="../../_build/html/book/{page}"' in FAILED._repr_html_()
    monkeypatch.setenv("NORMLIB_BOOK", "https://example.org/book")
    assert f'href="https://example.org/book/{page}"' in FAILED._repr_html_()
    assert f'href="elsewhere/{page}"' in FAILED.to_html("elsewhere")


def test_a_passing_report_has_no_advice():
    report = judge("batch_norm.forward", EXERCISES["batch_norm.forward"].answer)
    assert "✗" not in str(report) and "See" not in str(report)
    assert "<a " not in report._repr_html_()


def test_no_report_gives_an_expected_array_or_code_away():
    for misconception in EXERCISES["batch_norm.forward"].misconceptions:
        report = judge("batch_norm.forward", misconception.implementation, seed=1)
        assert "array(" not in str(report) and "[[" not in str(report)
        for line in str(report).splitlines():
            assert line.count("should be") <= 1


@pytest.mark.parametrize(
    ("want", "got", "shown"),
    [
        (-1.2041, -1.7332, ("−1.204", "−1.733")),
        (1.00001, 1.00002, ("1.00001", "1.00002")),
        (0.0, np.nan, ("0", "nan")),
        (1e-7, 1.0, ("1e−07", "1")),
    ],
)
def test_numbers_show_enough_digits_to_differ(want, got, shown):
    assert number(want, got) == shown


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ((), ""),
        ((2,), " at position 2"),
        ((0, 2), " at row 0, column 2"),
        ((1, 0, 2), " at [1, 0, 2]"),
        ((1, 0, 2, 3), " at [1, 0, 2, 3]"),
    ],
)
def test_places_are_given_in_words(index, words):
    assert place(index) == words


def test_places_are_named_by_the_axes_if_there_are_as_many():
    axes = ("sample", "head", "token", "feature")
    named = " at sample 1, head 0, token 2, feature 3"
    assert place((1, 0, 2, 3), axes) == named
    assert place((1, 0, 2), axes) == " at [1, 0, 2]"
    assert place((1, 0), axes) == " at row 1, column 0"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("architectures.qk_norm", r"y at sample \d, head \d, token \d, feature \d"),
        ("architectures.residual", r"at sample \d, token \d, feature \d"),
        ("batch_norm.fold", r"w at output \d, input \d, row \d, column \d"),
        ("batch_norm.images", r"y at sample \d, channel \d, row \d, column \d"),
        ("layer_norm.forward", r"y at \[\d, \d, \d, \d\]"),
    ],
)
def test_an_exercise_says_what_its_axes_are(key, says):
    def answer(*args):
        result = EXERCISES[key].answer(*args)
        return tuple(map(wrong, result)) if isinstance(result, tuple) else wrong(result)

    def wrong(array):
        return 1.1 * array + 0.1

    messages = [case.message for case in judge(key, answer, seed=1).failed]
    assert any(re.search(says, message) for message in messages)


def test_a_call_is_described_by_its_arguments():
    inputs = {"mean": np.ones(3), "x": np.ones((4, 3)), "eps": 0.1}
    assert (
        describe_call("batch_norm", inputs, signature(judge))
        == "`batch_norm(mean, x, eps=0.1)` with `x` of shape (4, 3)"
    )


def test_a_module_is_described_by_how_it_was_made_and_called():
    def make(num_features, eps=1e-5): ...

    inputs = {"new": (3, 0.1), "x1": np.ones((4, 3)), "parameters": {}}
    made = "`BatchNorm2d(num_features=3, eps=0.1)`"
    called = describe_call("BatchNorm2d", inputs, signature(make))
    assert called == f"{made} called with `x` of shape (4, 3)"
    assert describe_call("BatchNorm2d", {"new": (3, 0.1)}, signature(make)) == made
