"""A course to try things on: the sources of this one, in a folder of its own."""

import shutil

import pytest

from normlib.grade.release import release


@pytest.fixture(scope="session")
def course(root, tmp_path_factory):
    """A copy of the course, released; tests leave its own files as they are."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(root / "nbgrader_config.py", folder)
    shutil.copytree(root / "solutions", folder / "solutions")
    release(folder)
    return folder
