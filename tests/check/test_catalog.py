"""The catalog holds every mistake, and no right line beside a wrong one."""

import html
import re

import pytest
from bs4 import BeautifulSoup

from normlib.check import EXERCISES, Catalog, Misconception
from normlib.check.catalog import wrong_lines
from normlib.check.exercises import TOPICS
from normlib.cli import main


@pytest.mark.parametrize("topic", TOPICS)
def test_every_title_and_hint_of_the_topic_is_there(topic):
    catalog = Catalog(topic)
    page = html.unescape(re.sub(r"<[^>]+>", "", catalog._repr_html_()))
    words = " ".join(str(catalog).split())
    of_topic = [e for e in EXERCISES.values() if e.topic == topic]
    assert catalog.exercises == of_topic
    for exercise in of_topic:
        for mistake in exercise.misconceptions:
            said = f"{mistake.title}. {mistake.hint}"
            assert said.replace("`", "") in page
            assert said in words


def test_an_exercise_has_a_fold_and_in_it_each_mistake():
    page = BeautifulSoup(Catalog("group_norm.forward")._repr_html_(), "html.parser")
    assert page.details.summary.text == "In group_norm: 23 mistakes"
    mistake = page.find("strong", string=re.compile("Statistics over the batch")).parent
    assert mistake.details.pre.text.splitlines() == [
        "mean = grouped.mean(axis=(0, 2, 3), keepdims=True)",
        "var = grouped.var(axis=(0, 2, 3), keepdims=True)",
    ]


@pytest.mark.parametrize(
    ("edit", "whole", "shown"),
    [
        ("  stays\n- right\n+ wrong", False, "wrong"),
        (
            "-     right\n+     if a:\n+         b\n\n- c\n+ d",
            False,
            "if a:\n    b\n...\nd",
        ),
        ("  stays\n- right", False, ""),
        ("def f(x):\n    return x", True, "def f(x):\n    return x"),
    ],
)
def test_wrong_lines_are_shown_alone(edit, whole, shown):
    mistake = Misconception("Title", "Hint.", None, edit=edit, whole=whole)
    assert wrong_lines(mistake) == shown


def test_what_there_is_not_is_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"'b'; the topics are feature_scaling, batch"):
        Catalog("b")


def test_the_command_prints_what_an_instructor_wants_to_know(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["mistakes", "group_norm.forward"]) == 0
    plain = capsys.readouterr().out
    assert "group_norm.forward: 23 mistakes in group_norm" in plain
    assert "  over-the-batch-too\n    Statistics over the batch as well.\n" in plain
    assert "(2, 3)" not in plain
    assert main(["mistakes", "group_norm.forward", "--diff"]) == 0
    assert "    - mean = grouped.mean(axis=(2, 3), keepdims=True)\n" in (
        capsys.readouterr().out
    )
    assert main(["mistakes"]) == 0
    everything = capsys.readouterr().out
    assert all(f"{key}: " in everything for key in EXERCISES)
