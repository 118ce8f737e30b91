"""A chapter's "What people get wrong" holds every misconception of its topic."""

import html
import re

import pytest

from normlib.check import EXERCISES, pitfalls
from normlib.check.exercises import TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_every_title_and_hint_of_the_topic_is_there_and_no_other(topic):
    folds = pitfalls(topic)
    page = re.sub(r"<[^>]+>", "", html.unescape(folds._repr_html_()))
    of_topic = [EXERCISES[key] for key in EXERCISES if key.startswith(f"{topic}.")]
    folded = re.findall(r"In <code>(\w+)</code></summary>", folds._repr_html_())
    assert folded == [exercise.name for exercise in of_topic]
    for exercise in of_topic:
        for misconception in exercise.misconceptions:
            words = f"{misconception.title[1:]}. {misconception.hint}"
            assert words.replace("`", "") in page
            assert words in str(folds)


def test_a_title_starts_with_a_capital_but_a_variable_keeps_its_letter():
    assert "The unbiased variance" in str(pitfalls("batch_norm"))
    assert "- gamma and beta swapped" in str(pitfalls("batch_norm"))


def test_an_unknown_topic_names_those_there_are():
    with pytest.raises(
        ValueError, match=r"one of feature_scaling, batch_norm.*got 'b'"
    ):
        pitfalls("b")
