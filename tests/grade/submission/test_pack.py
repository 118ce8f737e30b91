"""What is graded again after a change: what the change concerns, and nothing else."""

import json
import shutil
from dataclasses import replace

import pytest

from normlib.grade.bridge.course import Course
from normlib.grade.submission import pack as pack_
from normlib.grade.submission.pack import Limits
from tests.grade.classes import QUICK

ONE = "check/exercises/feature_scaling/z_score.py"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of normlib whose files may be changed; packs are made of it."""
    copy = tmp_path / "normlib"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(pack_._PACKAGE, copy, ignore=ignored)
    monkeypatch.setattr(pack_, "_PACKAGE", copy)
    return copy


def digests(packs):
    """Anew, from the files as they are now."""
    return {name: replace(pack).digest for name, pack in packs.items()}


def changed(packs, path):
    before = digests(packs)
    path.write_text(path.read_text() + "\n# changed\n")
    after = digests(packs)
    return {name for name in packs if before[name] != after[name]}


def test_a_changed_definition_concerns_the_assignments_that_have_it(packs, package):
    assert changed(packs, package / ONE) == {"01_feature_scaling"}
    shared = package / "check/exercises/choosing/networks/digits.py"
    assert changed(packs, shared) == {"10_choosing"}
    assert changed(packs, package / "grade/bridge/release.py") == set()


def test_what_people_get_wrong_belongs_to_the_definition(packs, package):
    mistakes = package / "check/exercises/group_norm/forward.md"
    assert changed(packs, mistakes) == {"05_group_norm"}


def test_what_decides_all_points_concerns_all(packs, package):
    for name in (
        "batch_norm.py",
        "check/judging.py",
        "check/mistakes/edits.py",
        "grade/submission/grading.py",
    ):
        assert changed(packs, package / name) == {*packs}, name


def test_an_assignment_without_it_is_not_concerned(packs, package):
    """Even of the same chapter."""
    scaling = packs["01_feature_scaling"]
    notebook = json.loads(scaling.template)
    notebook["cells"] = [
        cell
        for cell in notebook["cells"]
        if "feature_scaling.z_score" not in "".join(cell["source"])
    ]
    some = replace(scaling, template=json.dumps(notebook))
    assert "feature_scaling.z_score" not in some.keys
    assert changed({"some": some}, package / ONE) == set()


def test_a_course_sets_other_limits_in_its_configuration(root, tmp_path):
    assert Course(root).limits == Limits()
    text = (root / "nbgrader_config.py").read_text()
    (tmp_path / "nbgrader_config.py").write_text(text.replace("# c.Limits", "c.Limits"))
    assert Course(tmp_path).limits == Limits(submission=240, memory=1024)


def test_template_and_limits_count(packs):
    scaling = packs["01_feature_scaling"]
    for other in (
        replace(scaling, template=scaling.template + "\n"),
        replace(scaling, limits=Limits(cell=1)),
        replace(scaling, notebook="another"),
    ):
        assert other.digest != scaling.digest


@pytest.mark.slow
def test_only_that_is_graded_again(new_course, grade_here, package):
    """Two assignments of two students each: a change of one exercise runs two."""
    folder = new_course("class", 2, assignments=2)
    first = grade_here(folder, options=QUICK)
    assert first.ran == 4
    (package / ONE).write_text((package / ONE).read_text() + "\n# changed\n")
    again = grade_here(folder, options=QUICK)
    assert again.ran == 2 and again.points == first.points
    assert grade_here(folder, options=QUICK).ran == 0
