"""The decision tree, the table and the text of the chapter on choosing agree."""

import re
import runpy
from itertools import combinations

import pytest

from tests.conftest import ROOT

_module = runpy.run_path(str(ROOT / "book/situations.py"))
QUESTIONS, OTHERWISE = _module["QUESTIONS"], _module["OTHERWISE"]
SITUATIONS, decide = _module["SITUATIONS"], _module["decide"]

PAGE = ROOT.joinpath("book/10_choosing.md").read_text()
# "Language model", a line break, ": **RMS norm or layer norm** ..."
FOUND = dict(re.findall(r"^([A-Z][^\n]+)\n: \*\*([^*]+)\*\*", PAGE, re.MULTILINE))


def named(choice):
    """The names in "RMS norm or layer norm", in whatever order."""
    return frozenset(choice.lower().split(" or "))


ENTRIES = {network: named(choice) for network, choice in FOUND.items()}


def test_the_text_treats_each_situation_and_no_other():
    assert list(ENTRIES) == list(SITUATIONS)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_text_names_what_the_tree_leads_to(name):
    assert ENTRIES[name] == named(decide(SITUATIONS[name]))


@pytest.mark.parametrize("leaf", [*(leaf for _, leaf in QUESTIONS.values()), OTHERWISE])
def test_each_leaf_is_the_answer_for_a_situation(leaf):
    assert named(leaf) in ENTRIES.values()


def test_the_first_yes_decides_whatever_comes_after_it():
    keys = list(QUESTIONS)
    for size in range(len(keys) + 1):
        for answers in combinations(keys, size):  # in the tree's order
            expected = QUESTIONS[answers[0]][1] if answers else OTHERWISE
            assert decide(set(answers)) == expected
    assert decide({"a question that is not asked"}) == OTHERWISE
