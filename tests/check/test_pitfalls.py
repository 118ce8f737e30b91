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
    for key, exercise in EXERCISES.items():
        assert (f"In {exercise.name}" in page) == key.startswith(f"{topic}.")
        for misconception in exercise.misconceptions:
            if key.startswith(f"{topic}."):
                title = misconception.title[0].upper() + misconception.title[1:]
                words = f"{title}. {misconception.hint}"
                assert words.replace("`", "") in page
                assert f"- {words}" in str(folds)


def test_an_unknown_topic_names_those_there_are():
    with pytest.raises(
        ValueError, match=r"one of feature_scaling, batch_norm.*got 'b'"
    ):
        pitfalls("b")
