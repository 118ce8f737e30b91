"""The plans of the instructors' part, beside the points of the exercises."""

import jupytext
import pytest

from normlib.check import EXERCISES
from normlib.grade.bridge.course import Course

FACTOR = 1.5  # as the page says
FORWARD = ("forward", "running", "inference", "images", "sequences")


@pytest.fixture
def page(root, monkeypatch):
    """What the page's cells leave behind."""
    path = root / "book/instructors/syllabus.md"
    assert "one and a half times the points" in " ".join(path.read_text().split())
    monkeypatch.chdir(path.parent)
    left = {}
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "code":
            exec(cell.source, left)
    return left


@pytest.fixture
def topics(root):
    """Points of a topic: those of its exercises, and of its questions in words."""
    course, found = Course(root), {}
    for key, exercise in EXERCISES.items():
        topic = key.partition(".")[0]
        found[topic] = found.get(topic, 0) + exercise.points
    for name in course.assignments:
        for pack in course.packs(name):
            words = [q["most"] for q in pack.questions if not q["key"]]
            found[pack.notebook] += sum(words)
    return found


def test_the_weeks_of_the_shortest_plan_are_worth_about_the_same(page, topics):
    weeks, *_ = page["weekly"]
    first = sum(EXERCISES[f"batch_norm.{name}"].points for name in FORWARD)
    assert weeks == [
        topics["feature_scaling"] + first,
        topics["batch_norm"] - first,
        topics["layer_norm"] + topics["instance_norm"],
        topics["group_norm"] + topics["choosing"],
    ]
    assert max(weeks) <= FACTOR * min(weeks)


def test_a_plan_has_the_points_of_the_notebooks_in_it(page, topics):
    """The longest has all of them."""
    assert sum(page["weekly"][2]) == sum(topics.values())
    assert [float(points) for _, _, points in page["sums"]] == [
        sum(weeks) for weeks in page["weekly"]
    ]
