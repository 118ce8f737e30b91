"""Feedback goes back under the names by which Canvas and Moodle know the students."""

import re
import zipfile

import pytest

from normlib.errors import CourseError
from normlib.grade.bridge.course import Course
from normlib.grade.lms.feedback import pack
from tests.grade.lms.test_collect import (
    ASSIGNMENT,
    GRADEBOOK,
    WORKSHEET,
    canvas_name,
    zipped,
)


@pytest.fixture
def course(root, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(
        (root / "nbgrader_config.py").read_text()
    )
    return Course(tmp_path)


def returned(course, table, files, students):
    """What is packed for a download, when these students have a page."""
    archive = course.root / f"_build/downloaded/{ASSIGNMENT}/archive"
    archive.mkdir(parents=True)
    (archive / "table.csv").write_text(table)
    (archive / "submissions.zip").write_bytes(zipped(files.items()))
    for student in students:
        page = course.folder("feedback") / student / ASSIGNMENT / "scaling.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"page of {student}")
    path, pages, without = pack(course, ASSIGNMENT)
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    assert len(found) == pages
    return found, without


def moodles_user(path):
    """The participant's number, as Moodle's own importer of feedback finds it."""
    for part in path.split("/"):
        info = part.split("_", 4)
        if len(info) == 5 and info[1].isdigit():
            assert info[2:4] == ["assignsubmission", "file"]
            return int(info[1])
    return None


def test_canvas(course):
    """It finds the submission by the numbers of the student and of the file."""
    files = {
        canvas_name("Okafor Ada", 4711, 90017, "feature_scaling.ipynb"): b"1",
        canvas_name("Okafor Ada", 4711, 90020, "feature_scaling-1.ipynb"): b"2",
        canvas_name("O'Neil-Smith Zoë", 4713, 90018, "my_work.ipynb", True): b"3",
        canvas_name("Müller Jörg", 4712, 90019, "feature_scaling.ipynb"): b"4",
        "nobody_1_2_feature_scaling.ipynb": b"5",
    }
    found, without = returned(course, GRADEBOOK, files, ["ada", "zoe"])
    numbers = {tuple(re.findall(r"(?<=_)\d+(?=_)", n)): t for n, t in found.items()}
    assert numbers == {
        ("4711", "90020"): "page of ada",
        ("4713", "90018"): "page of zoe",
    }
    assert {name.removesuffix(".html") + ".ipynb" for name in found} < files.keys()
    assert without == ["joerg@uni.example"]


@pytest.mark.parametrize("between", ["_/", "_"])
def test_moodle(course, between):
    files = {
        f"{name}_{number}_assignsubmission_file{between}feature_scaling.ipynb": b""
        for name, number in (("Ada Okafor", 1288), ("Jörg Müller", 1289))
    }
    ids = ["ada@uni.example", "joerg@uni.example"]
    found, without = returned(course, WORKSHEET, files, ids)
    assert {moodles_user(name): text for name, text in found.items()} == {
        1288: "page of ada@uni.example",
        1289: "page of joerg@uni.example",
    }
    assert all(name.endswith("feature_scaling.html") for name in found)
    assert without == []


def test_without_the_download_nobody_is_known(course):
    with pytest.raises(CourseError, match="should hold one CSV file"):
        pack(course, ASSIGNMENT)
