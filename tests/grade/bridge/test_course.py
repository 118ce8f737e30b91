"""What was handed in is read as a file, or not at all."""

import json
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


def test_outputs_do_not_count(here):
    picture = {"output_type": "display_data", "data": {"image/png": "A" * (25 << 20)}}
    tricky = {"text": ['"outputs": [', "]}\\", "\\"]}
    cells = [
        {"cell_type": "code", "source": '"outputs": [1]', "outputs": [picture, tricky]},
        {"outputs": [[]], "source": "[{", "cell_type": "code"},
        {"outputs": [picture], "source": ['"outputs"', ":", "é"]},
    ]
    text = json.dumps({"cells": cells, "nbformat": 4}, ensure_ascii=False)
    (here[1] / "feature_scaling.ipynb").write_text(text)
    found = read(here)
    assert (found.problem, found.notes) == ("", ())
    wanted = [cell | {"outputs": []} for cell in cells]
    assert json.loads(found.file) == {"cells": wanted, "nbformat": 4}


def test_what_macos_leaves_beside_a_notebook_is_none(here):
    (here[1] / "._feature_scaling.ipynb").write_bytes(b"\0\5\x16\7")
    (here[1] / "feature_scaling (2).ipynb").write_bytes(b"{}")
    found = read(here)
    assert (found.file, found.problem) == (b"{}", "")
    assert found.notes == ("was handed in as feature_scaling (2).ipynb",)


def test_a_copy_beside_the_notebook_is_told(here):
    for name in ("feature_scaling.ipynb", "feature_scaling-Copy1.ipynb"):
        (here[1] / name).write_text(name)
    found = read(here)
    assert found.file == b"feature_scaling.ipynb"
    told = "not graded, beside feature_scaling.ipynb: feature_scaling-Copy1.ipynb"
    assert found.notes == (told,)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["feature_scaling.ipynb.txt"], "feature_scaling.ipynb.txt"),
        (["work.zip"], "work.zip"),
        (["work/feature_scaling.ipynb"], "work/"),
        (["a.ipynb", "b.ipynb"], "a.ipynb, b.ipynb"),
        (["\x1b[2J\u202e.txt"], "\\x1b[2J\\u202e.txt"),
        (["\udcff.txt"], "\\udcff.txt"),
        (
            [f"{i}.txt" for i in range(9)],
            "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, and 4 more",
        ),
    ],
)
def test_what_lies_there_in_place_of_a_notebook_is_told(here, names, told):
    for name in names:
        (here[1] / name).parent.mkdir(exist_ok=True)
        (here[1] / name).write_text("x")
    found = read(here)
    assert found.file == b""
    wanted = f"there is no file feature_scaling.ipynb; there lies {told}"
    assert found.problem == wanted


def test_a_name_that_acts_on_a_terminal_is_written_out(here):
    (here[1] / "\x1b[31m.ipynb").write_bytes(b"{}")
    assert read(here).notes == ("was handed in as \\x1b[31m.ipynb",)


def link(folder):
    (folder.parents[1] / "secret").write_text("secret")
    (folder / "feature_scaling.ipynb").symlink_to(folder.parents[1] / "secret")
    return "it is a link"


def pipe(folder):
    os.mkfifo(folder / "feature_scaling.ipynb")
    return "is not a file"


def another_folder(folder):
    (folder / "feature_scaling.ipynb").mkdir()
    return "is not a file"


def too_large(folder):
    with open(folder / "feature_scaling.ipynb", "wb") as file:
        file.truncate(300 << 20)
    return "has 300 MB; 32 are allowed"


def too_large_without_outputs(folder):
    cell = '{"source": "' + "x" * (40 << 20) + '"}'
    (folder / "feature_scaling.ipynb").write_text(f'{{"cells": [{cell}]}}')
    return "has more than 32 MB, and has 40 MB without its outputs; 32 are allowed"


def a_linked_folder(folder):
    folder.rename(folder.parent / "elsewhere")
    (folder.parent / "elsewhere/feature_scaling.ipynb").write_text("{}")
    folder.symlink_to(folder.parent / "elsewhere")
    return "the folder is a link"


@pytest.mark.parametrize(
    "trick",
    [
        *(link, pipe, another_folder, a_linked_folder),
        *(too_large, too_large_without_outputs),
    ],
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


def test_the_gradebook_is_the_courses_wherever_nbgrader_runs(here):
    course, _ = here
    assert course.config.CourseDirectory.db_url == course.db_url


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
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="should hold 32 bytes, it holds 31"):
        Course(folder).seed(0)
    path.unlink()
    assert Course(folder).seed(0) not in seeds


def test_with_a_database_server_the_secret_lies_in_the_course(course, tmp_path):
    folder = shutil.copytree(course, tmp_path / "course")
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write('\nc.CourseDirectory.db_url = "postgresql://grader@localhost/x"\n')
    Course(folder).seed(0)
    assert (folder / "_build/secret").exists()
