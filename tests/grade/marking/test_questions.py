"""Every question in words of the course can be marked with its own scheme."""

import re

import pytest

from normlib.grade.bridge.course import Course
from normlib.grade.marking.questions import Question, questions


@pytest.fixture(scope="module")
def known(root):
    course = Course(root)
    return [q for name in course.assignments for q in questions(course, name)]


def test_each_has_its_question_answer_and_scheme(known):
    assert len(known) == 9
    for question in known:
        assert re.match(r"\d+ · ", question.title)
        assert "?" in question.asked and "points" not in question.asked
        assert len(question.model.split()) > 50 and "earns" not in question.model
        assert "Marking scheme" not in question.model + question.scheme
        assert len(question.scheme.split()) > 20


def test_what_a_scheme_gives_adds_up_and_can_be_given(known):
    for question in known:
        assert question.choices[0] == 0 and question.choices[-1] == question.most
        parts = re.findall(r"^- (\d[\d.]*):", question.scheme, re.MULTILINE)
        if parts:
            assert sum(map(float, parts)) == question.most
        for part in re.findall(r"earns (\d[\d.]*)\b", question.scheme):
            assert float(part.rstrip(".")) in question.choices


@pytest.mark.parametrize(
    ("scheme", "step"),
    [
        ("- 0.5: a reason", 0.5),
        ("- 0.5: both. Only one earns 0.25.", 0.25),
        ("- 1: about 0.1 to 1, or 10.5, or 0.25 · 0.001, or 0.50001", 0.25),
        ("- 1: about 0.1 to 10.5, or 0.2500001", 1),
        ("", 0.5),
    ],
)
def test_the_step_is_the_finest_that_the_scheme_mentions(scheme, step):
    question = Question("a", "n", "q", "t", "?", "", scheme, 2.0)
    assert question.step == step
    assert question.choices == [i * step for i in range(round(2 / step) + 1)]


def test_a_source_without_a_scheme_has_none(root, tmp_path):
    (tmp_path / "nbgrader_config.py").write_bytes(
        (root / "nbgrader_config.py").read_bytes()
    )
    name = "03_layer_norm"
    for step, change in (("exercises", str), ("solutions", _without_scheme)):
        (tmp_path / step / name).mkdir(parents=True)
        text = (root / step / name / "layer_norm.ipynb").read_text()
        (tmp_path / step / name / "layer_norm.ipynb").write_text(change(text))
    (question,) = questions(Course(tmp_path), name)
    assert question.scheme == "" and question.step == 0.5 and question.model


def _without_scheme(text):
    assert "**Marking scheme**" in text
    return text.replace("**Marking scheme**", "How many points?")


def test_an_unknown_assignment_is_named(root):
    with pytest.raises(ValueError, match="no assignment '99'; there are 01_feature"):
        questions(Course(root), "99")
