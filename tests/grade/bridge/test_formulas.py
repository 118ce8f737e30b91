"""Formulas as MathML: the course's own all become some, and a student's do no harm."""

import re

import nbformat
import pytest

from normlib.grade.bridge.formulas import mathml
from tests.grade.pages import parsed

_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)


def test_every_formula_of_the_notebooks_becomes_mathml(root):
    found = set()
    for path in root.glob("exercises/[!.]*/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                text = _CODE.sub("", cell.source)
                found |= {"".join(f) for f in _FORMULA.findall(text)}
    assert len(found) > 100
    for formula in found:
        made = mathml(formula)
        assert made.startswith("<math") and made.endswith("</math>"), formula
        tree = parsed(made)
        assert "\\" not in tree.get_text(), formula  # each command was understood
        assert "&" not in tree.get_text(), formula


def test_lines_that_are_aligned_are_a_table():
    tree = parsed(mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}"))
    assert [len(row("mtd")) for row in tree("mtr")] == [2, 2]


@pytest.mark.parametrize(
    "formula",
    [
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{</math><script>alert(1)</script>}",
        r"\text{<mi onclick=\"alert(1)\">x}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{position: fixed}{x}",
        r"\class{cover}{x}",
        '\\color{red" onclick="alert(1)}{x}',
        "<script>alert(1)</script>",
    ],
)
def test_a_students_formula_acts_in_nothing(formula):
    tree = parsed(f"<p>{mathml(formula)}</p><i>after</i>")
    known = {"html", "head", "body", "p", "i", "math", "code", "mstyle"}
    for tag in tree(True):
        assert tag.name in known or re.fullmatch("m(row|i|o|n|text)", tag.name), tag
        assert set(tag.attrs) <= {"display", "stretchy", "mathvariant"}, tag
    assert tree.i.parent.name == "body"  # the formula has ended where it ends


@pytest.mark.parametrize("formula", ["{" * 3000, r"\frac{" * 300, "x" * 5000])
def test_what_cannot_be_read_is_shown_as_it_was_typed(formula):
    assert mathml(formula) == f"<code>{formula}</code>"
