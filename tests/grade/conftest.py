"""A course to try things on, and a sandbox to try them in."""

import contextlib
import json
import shutil
from dataclasses import replace

import pytest

from normlib.check import EXERCISES
from normlib.grade import sandbox
from normlib.grade.answers import pasted
from normlib.grade.pack import Limits, Pack
from normlib.grade.release import release


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with _skipped_without_sandbox():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with _skipped_without_sandbox():
        return (yield)


@contextlib.contextmanager
def _skipped_without_sandbox():
    """Where no sandbox works, what needs one is skipped, and says why."""
    try:
        yield
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def course(root, tmp_path_factory):
    """A copy of the course, released; tests leave its own files as they are."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(root / "nbgrader_config.py", folder)
    shutil.copytree(root / "solutions", folder / "solutions")
    release(folder)
    return folder


@pytest.fixture(scope="session")
def packs(root):
    """Assignment -> pack."""
    limits = Limits(cell=60, call=60, submission=300, memory=1024)
    paths = sorted(root.glob("exercises/*/*.ipynb"))
    return {path.parent.name: Pack.read(path, limits) for path in paths}


@pytest.fixture(scope="session")
def scaling(packs):
    """The first assignment, with limits that a test can wait for."""
    limits = Limits(cell=4, call=4, submission=60, memory=1024, size=1)
    return replace(packs["01_feature_scaling"], limits=limits)


@pytest.fixture(scope="session")
def zygote(packs, tmp_path_factory):
    """The strongest sandbox of this machine."""
    imports = dict.fromkeys(name for pack in packs.values() for name in pack.imports)
    folder = tmp_path_factory.mktemp("grader")
    try:
        found = sandbox.strongest(folder, imports)
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))
    with found:
        yield found


@pytest.fixture(scope="session")
def handed_in():
    """Make a submission: the right answers, but for some, in their cells."""

    def make(pack, answers=(), first=None):
        notebook = json.loads(pack.template)
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            key = name.removesuffix("-answer").replace("-", ".", 1)
            if key in dict(answers):
                cell["source"] = dict(answers)[key]
            elif key in EXERCISES and name.endswith("-answer"):
                right, stub = EXERCISES[key].equivalents[0], "".join(cell["source"])
                cell["source"] = pasted(stub, right, EXERCISES[key].name)
        if first is not None:
            new = {"cell_type": "code", "metadata": {}, "source": first}
            notebook["cells"].insert(0, new)
        return json.dumps(notebook).encode()

    return make
