"""exercises/ made from solutions/: what is written, and what is left alone."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from normlib.grade.bridge.converters import NbgraderError
from normlib.grade.bridge.release import (
    in_normal_form,
    normal_form,
    normalize_sources,
    release,
)
from normlib.grade.sample_class.students import write_sample_class


@pytest.fixture
def course(root, tmp_path):
    """A course of one chapter, with nothing released yet."""
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    source = "solutions/01_feature_scaling"
    shutil.copytree(root / source, tmp_path / source)
    return tmp_path


@pytest.fixture
def source(course):
    return next(course.glob("solutions/*/*.ipynb"))


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_the_normal_form_forgets_the_run_and_keeps_the_work(source):
    notebook = nbformat.read(source, as_version=4)
    before = normal_form(notebook)
    notebook.metadata.update(language_info={"name": "python"}, widgets={})
    notebook.metadata.kernelspec.display_name = "Python 3 (ipykernel)"
    for i, cell in enumerate(notebook.cells):
        cell.id = f"random{i}"
        cell.metadata["execution"] = {"iopub.execute_input": "2026-03-01"}
        if cell.cell_type == "code":
            cell.execution_count = i + 1
            cell.outputs = [nbformat.v4.new_output("stream", text="hello")]
    assert normal_form(notebook) == before
    notebook.cells[0].source += "\nOne more line."
    assert normal_form(notebook) != before


def test_a_cell_is_called_by_its_grade_id_or_by_its_place(source):
    notebook = nbformat.reads(
        normal_form(nbformat.read(source, as_version=4)), as_version=4
    )
    for i, cell in enumerate(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        assert cell.id == grade_id or cell.id == f"cell-{i:02d}"


def test_a_source_that_was_run_is_put_in_normal_form_once(course, source):
    assert normalize_sources(course) == []
    edit(source, lambda notebook: notebook.metadata.update(language_info={"name": "x"}))
    assert not in_normal_form(source)
    assert normalize_sources(course) == [source]
    assert in_normal_form(source)
    assert normalize_sources(course) == []


def test_what_has_not_changed_is_not_touched(course, source):
    (written,) = release(course)
    os.utime(written, (1, 1))
    assert release(course) == []
    assert written.stat().st_mtime == 1
    edit(source, lambda notebook: notebook.cells[0].update(source="# Another title"))
    assert release(course) == [written]
    assert "Another title" in written.read_text()


def test_a_release_without_a_source_is_removed(course):
    release(course)
    stale = course / "exercises/09_gone/gone.ipynb"
    stale.parent.mkdir()
    shutil.copy(next(course.glob("exercises/*/*.ipynb")), stale)
    assert release(course) == [stale]
    assert not stale.parent.exists()


def test_data_travels_and_the_authors_texts_do_not(course, source):
    (source.parent / "wine.csv").write_text("alcohol,ash\n14.2,2.4\n")
    (source.parent / "notes.md").write_text("the answers")
    (source.parent / "helper.py").write_text("answers = 1")
    release(course)
    names = {path.name for path in course.glob("exercises/*/*")}
    assert names == {"feature_scaling.ipynb", "wine.csv"}


@pytest.mark.parametrize("is_stale", [False, True])
def test_somebodys_work_is_not_overwritten(course, source, is_stale):
    (written,) = release(course)
    edit(written, lambda notebook: notebook.metadata.update(language_info={"name": ""}))
    work = written.read_bytes()
    if is_stale:
        shutil.rmtree(source.parent)
    else:
        edit(source, lambda notebook: notebook.cells[0].update(source="# Another"))
    with pytest.raises(FileExistsError, match=f"{written.name} holds somebody's work"):
        release(course)
    assert written.read_bytes() == work


def test_a_faulty_source_is_named_with_its_fault(course, source):
    def forget_points(notebook):
        for cell in notebook.cells:
            cell.metadata.get("nbgrader", {}).pop("points", None)

    edit(source, forget_points)
    with pytest.raises(
        NbgraderError,
        match=r"solutions/01_.*: ValidationError: .* does not have points",
    ):
        release(course)
    assert not list(course.glob("exercises/*/*"))


def test_the_program_speaks_only_of_what_it_wrote(course):
    def run():
        return subprocess.run(
            [sys.executable, "-m", "normlib.grade.bridge.release"],
            cwd=course,
            env={**os.environ, "PATH": "/usr/bin:/bin"},  # nothing is activated
            capture_output=True,
            text=True,
        )

    first, second = run(), run()
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "exercises/01_feature_scaling/feature_scaling.ipynb\n"
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_what_jupyterlab_leaves_beside_notebooks_changes_nothing(course, tmp_path):
    folder = tmp_path / "course"
    shutil.copytree(course, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    for name in ("exercises", "solutions", "exercises/01_feature_scaling"):
        (folder / name / ".ipynb_checkpoints").mkdir(parents=True)
        left = folder / name / ".ipynb_checkpoints/feature_scaling-checkpoint.ipynb"
        left.write_text("{")
    release(folder)
    assert {path: path.read_bytes() for path in before} == before
    write_sample_class(folder, 3, 1, folder / "_build/submitted")
