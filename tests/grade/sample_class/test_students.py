"""An invented class is what planted.json says it is."""

import ast
import inspect
import json
import os

import nbformat
import numpy as np
import pytest

from normlib.check import EXERCISES, judge
from normlib.check.running.observing import observe
from normlib.grade.sample_class.answers import pasted
from normlib.grade.sample_class.students import KINDS, write_sample_class
from tests.check.mutants import NETWORKS

STYLED = set(KINDS) - {"misconception", "unwritten"}


@pytest.fixture(scope="module")
def class_of_ten(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "submitted"
    write_sample_class(course, 10, 3, folder)
    return folder


def planted(folder):
    """Every answer: its notebook's path, its exercise, and what was planted."""
    class_ = json.loads((folder / "planted.json").read_text())
    return [
        (next((folder / student / assignment).glob("*.ipynb")), question, plan)
        for student, assignments in class_.items()
        for assignment, questions in assignments.items()
        for question, plan in questions.items()
    ]


def cells(path, grade_id):
    return [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    ]


def answer(path, key):
    return cells(path, key.replace(".", "-") + "-answer")


def executed(source, name):
    """What ``source`` defines, in a namespace like the notebooks'."""
    import torch

    namespace = {"np": np, "torch": torch, "nn": torch.nn}
    exec(source, namespace)
    return namespace[name]


def without_hurry(run, implementation, inputs, own_work):
    """Observe an answer; on a busy machine, the learner's time limit would decide."""
    return observe(run, implementation, inputs)


def seen(run, implementation, inputs):
    """What it brings back, with the same random numbers each time."""
    import torch

    torch.manual_seed(0)
    return observe(run, implementation, inputs)


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(course, class_of_ten, tmp_path):
    write_sample_class(course, 10, 3, tmp_path / "again")
    assert tree(tmp_path / "again") == tree(class_of_ten)
    write_sample_class(course, 10, 4, tmp_path / "other")
    assert tree(tmp_path / "other") != tree(class_of_ten)


def test_it_has_the_layout_that_nbgrader_expects(course, class_of_ten):
    notebooks = {p.relative_to(class_of_ten) for p in class_of_ten.rglob("*.ipynb")}
    released = {
        p.relative_to(course / "exercises") for p in course.glob("exercises/*/*")
    }
    assert {path.relative_to(path.parts[0]) for path in notebooks} == released
    assert len({path.parts[0] for path in notebooks}) == 10
    for path in notebooks:
        timestamp = (class_of_ten / path.parent / "timestamp.txt").read_text()
        assert timestamp.startswith("2026-03-0") and timestamp.endswith(" UTC\n")


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_ten_has_every_kind_of_answer(course, tmp_path, seed):
    write_sample_class(course, 10, seed, tmp_path / "class")
    assert {plan["kind"] for *_, plan in planted(tmp_path / "class")} >= set(KINDS)


@pytest.mark.slow
def test_each_answer_is_of_the_kind_that_was_planted(course, class_of_ten):
    for path, key, plan in planted(class_of_ten):
        if plan["kind"] == "in words":
            continue
        kind, found = plan["kind"], answer(path, key)
        assert len(found) == {"answer cell deleted": 0, "answer cell copied": 2}.get(
            kind, 1
        )
        checks = cells(path, key.replace(".", "-"))
        assert len(checks) == (kind != "graded cell deleted")
        if not found:
            continue
        source, name = found[0].source, EXERCISES[key].name
        if kind == "syntax error":
            with pytest.raises(SyntaxError):
                ast.parse(source)
        elif kind == "endless loop":
            assert "while step < 10:" in source and "step +=" not in source
        elif kind == "unwritten":
            assert source == stub(course, path, key)
        elif kind in ("right", "misconception"):
            # What these are worth, others tell: they bring back what they do in their
            # own files (below), where each is judged (tests/check/test_strength.py).
            assert source == pasted(stub(course, path, key), known(key, plan), name)
        else:
            report = judge(key, executed(source, name), 0, without_hurry)
            full = kind not in ("half-finished", "raises")
            assert (report.points == report.max_points) == full, (kind, str(report))
        if kind in STYLED:
            assert plan["style"] in {e.__name__ for e in EXERCISES[key].equivalents}


def stub(course, path, key):
    release = next(course.glob(f"exercises/{path.parent.name}/*.ipynb"))
    return answer(release, key)[0].source


def known(key, plan):
    """The implementation that a plan names."""
    mistakes, styles = EXERCISES[key].misconceptions, EXERCISES[key].equivalents
    if plan["kind"] == "misconception":
        (found,) = (m.implementation for m in mistakes if m.title == plan["title"])
    else:
        (found,) = (style for style in styles if style.__name__ == plan["style"])
    return found


def test_noise_is_heard(class_of_ten):
    """A spoiled answer makes the noise that its kind promises."""
    heard = {}
    for path, key, plan in planted(class_of_ten):
        if plan["kind"] in ("prints", "warns", "writes to stderr"):
            source = answer(path, key)[0].source
            written = executed(source, EXERCISES[key].name)
            report = judge(key, written, 0, without_hurry)
            heard[plan["kind"]] = " ".join(report.notes)
    assert "It printed" in heard["prints"]
    assert "divide by zero" in heard["warns"]
    assert "It printed" in heard["writes to stderr"]


@pytest.mark.slow
@pytest.mark.parametrize("key", EXERCISES)
def test_every_known_answer_can_be_pasted_into_the_notebook(course, key):
    """Its text alone defines it, and it brings back what it does in its own file.

    Which names it may use, test_answers.py says, so that the first and the last case
    will do. (Of those that train a network, every third: their texts differ little.)
    """
    exercise = EXERCISES[key]
    release = next(course.glob(f"exercises/*/{exercise.topic}.ipynb"))
    wrong = [mistake.implementation for mistake in exercise.misconceptions]
    answers = [*exercise.equivalents, *wrong]
    for implementation in answers[:: 3 if key in NETWORKS else 1]:
        source = pasted(stub(course, release, key), implementation, exercise.name)
        copied = executed(source, exercise.name)
        assert inspect.signature(copied) == inspect.signature(implementation)
        for case in exercise.cases[:: max(1, len(exercise.cases) - 1)]:  # the ends
            inputs, _ = case.draw(np.random.default_rng(0))
            run = case.run or exercise.run
            one, other = (seen(run, f, inputs) for f in (implementation, copied))
            where = implementation, case.name
            assert one.kind == other.kind, where
            np.testing.assert_equal(other.outputs, one.outputs, str(where))


@pytest.mark.slow
def test_answers_in_words_are_of_varying_quality(course, tmp_path):
    write_sample_class(course, 40, 0, tmp_path / "class")
    written = {}
    for path, question, plan in planted(tmp_path / "class"):
        if plan["kind"] == "in words":
            (cell,) = cells(path, question)
            written.setdefault(question, {})[plan["quality"]] = cell.source
    assert len(written) >= 2
    blanks = {by_quality.get("blank") for by_quality in written.values()}
    assert blanks - {None} == {"YOUR ANSWER HERE"}
    for question, by_quality in written.items():
        assert len(by_quality) >= 4, question
        assert len(set(by_quality.values())) == len(by_quality)


def test_a_new_class_replaces_the_earlier_one(course, tmp_path):
    folder = tmp_path / "class"
    write_sample_class(course, 12, 1, folder)
    write_sample_class(course, 4, 2, folder)
    write_sample_class(course, 4, 2, tmp_path / "alone")
    assert tree(folder) == tree(tmp_path / "alone")


def test_what_stays_the_same_is_not_touched(course, tmp_path):
    folder = tmp_path / "class"
    write_sample_class(course, 3, 1, folder)
    for path in folder.rglob("*.*"):
        os.utime(path, (1, 1)) if path.is_file() else None
    write_sample_class(course, 3, 1, folder)
    assert {p.stat().st_mtime for p in folder.rglob("*") if p.is_file()} == {1}


def test_a_real_class_is_not_overwritten(course, tmp_path):
    (tmp_path / "real.student").mkdir()
    with pytest.raises(ValueError, match="holds something that is not a sample class"):
        write_sample_class(course, 3, 1, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["real.student"]


@pytest.mark.slow
def test_names_do_not_repeat_in_a_large_class(course, tmp_path):
    write_sample_class(course, 45, 1, tmp_path / "class")
    names = list(json.loads((tmp_path / "class/planted.json").read_text()))
    assert len(names) == 45
    assert all(name.isascii() and name.count(".") == 1 for name in names)
    with pytest.raises(ValueError, match="at most 1600 students, got 1601"):
        write_sample_class(course, 1601, 1, tmp_path / "larger")


def test_without_exercises_it_says_how_to_get_them(tmp_path):
    with pytest.raises(ValueError, match="make exercises"):
        write_sample_class(tmp_path, 3, 1, tmp_path / "class")
