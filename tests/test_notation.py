"""The letters of the displayed formulas, beside the page that lists them."""

import re

import jupytext
import pytest

from tests.pages import CHAPTERS, NOTEBOOKS

GREEK = """alpha beta gamma delta Delta epsilon varepsilon zeta eta theta iota kappa
    lambda mu nu xi pi rho sigma tau upsilon phi varphi chi psi omega""".split()
WORDS = re.compile(r"\\(text|operatorname|mathrm|begin|end) ?\{[^}]*\}|\\\\\[\w+\]")
LETTER = re.compile(r"\\math\w+ ?\{?\w|\\[A-Za-z]+|[A-Za-z]")


def letters(formula):
    found = LETTER.findall(WORDS.sub("", formula))
    commands = rf"\\(?!math|({'|'.join(GREEK)})$)"
    return {letter for letter in found if not re.match(commands, letter)}


@pytest.fixture(scope="module")
def listed(root):
    text = root.joinpath("book/notation.md").read_text("utf-8")
    rows = re.findall(r"^\| \$(.+?)\$ \|", text.partition("(letters)=")[2], re.M)
    return [letter for row in rows for letter in letters(row)]


def test_a_letter_has_one_row(listed):
    assert len(listed) > 40
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    "name", [f"{c}.md" for c in CHAPTERS] + [f"{n}.ipynb" for n in NOTEBOOKS]
)
def test_each_letter_of_the_formulas_is_listed(name, listed, root):
    cells = jupytext.read(root / name).cells
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    formulas = re.findall(r"\$\$(.+?)\$\$", text, re.S)
    assert set().union(*map(letters, formulas)) <= set(listed)
