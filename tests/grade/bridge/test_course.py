"""What was handed in is read as a file, or not at all."""

import os
import shutil

import pytest

from normlib.grade.bridge.course import Course


@pytest.fixture
def here(course, tmp_path):
    """A course, and the folder of a submission."""
    shutil.copy(course / "nbgrader_config.py", tmp_path)
    for step in ("solutions", "exercises"):
        source = course / step / "01_feature_scaling"
        shutil.copytree(source, tmp_path / step / "01_feature_scaling")
    folder = tmp_path / "_build/submitted/ada/01_feature_scaling"
    folder.mkdir(parents=True)
    return Course(tmp_path), folder


def read(here):
    course, _ = here
    (pack,) = course.packs("01_feature_scaling")
    return course.submission("01_feature_scaling", "ada", pack)


def test_a_notebook_is_read(here):
    (here[1] / "feature_scaling.ipynb").write_bytes(b"{}")
    found = read(here)
    assert (found.file, found.problem, found.notes) == (b"{}", "", ())


def test_a_notebook_under_another_name_is_found(here):
    (here[1] / "feature_scaling (2).ipynb").write_bytes(b"{}")
    found = read(here)
    assert found.file == b"{}"
    assert found.notes == ("was handed in as feature_scaling (2).ipynb",)


def test_an_empty_folder_is_a_problem(here):
    assert read(here).problem == "there is no file feature_scaling.ipynb"


def link(folder):
    (folder.parents[1] / "secret").write_text("secret")
    (folder / "feature_scaling.ipynb").symlink_to(folder.parents[1] / "secret")
    return "it is a link"


def pipe(folder):
    os.mkfifo(folder / "feature_scaling.ipynb")
    return "is no file"


def another_folder(folder):
    (folder / "feature_scaling.ipynb").mkdir()
    return "is no file"


def too_large(folder):
    with open(folder / "feature_scaling.ipynb", "wb") as file:
        file.truncate(100 << 20)
    return "has 100 MB; 32 are allowed"


def a_linked_folder(folder):
    folder.rename(folder.parent / "elsewhere")
    (folder.parent / "elsewhere/feature_scaling.ipynb").write_text("{}")
    folder.symlink_to(folder.parent / "elsewhere")
    return "the folder is a link"


@pytest.mark.parametrize(
    "trick", [link, pipe, another_folder, too_large, a_linked_folder]
)
def test_what_is_no_file_of_the_student_is_not_read(here, trick):
    why = trick(here[1])
    found = read(here)
    assert found.file == b"" and why in found.problem


def test_an_unknown_limit_is_refused(here):
    course, _ = here
    with open(course.root / "nbgrader_config.py", "a") as file:
        file.write("\nc.Limits.cel = 3\n")
    with pytest.raises(ValueError, match="no limit 'cel'; there are cell, call"):
        _ = Course(course.root).limits


def test_a_relative_gradebook_counts_from_the_course(here):
    course, _ = here
    assert course.db_url == f"sqlite:///{course.root}/_build/gradebook.db"


def test_the_secret_is_made_once_for_its_owner_alone(course, tmp_path):
    folder = shutil.copytree(course, tmp_path / "course")
    one = Course(folder)
    seeds = one.seed(0), one.seed(1)
    path = folder / "_build/secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir() if p.is_file()] == ["secret"]
    assert (Course(folder).seed(0), Course(folder).seed(1)) == seeds
    assert len(set(seeds)) == 2
    path.unlink()
    assert Course(folder).seed(0) not in seeds


def test_with_a_database_server_the_secret_lies_in_the_course(course, tmp_path):
    folder = shutil.copytree(course, tmp_path / "course")
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write('\nc.CourseDirectory.db_url = "postgresql://grader@localhost/x"\n')
    Course(folder).seed(0)
    assert (folder / "_build/secret").exists()
