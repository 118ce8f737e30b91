"""A course to try things on, and a sandbox to try them in."""

import contextlib
import json
import shutil
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

import pytest

from normlib.check import EXERCISES
from normlib.grade import workers
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from normlib.grade.processes import Workers
from normlib.grade.sample_class.answers import pasted
from normlib.grade.sandbox import backends
from normlib.grade.submission.pack import Limits, Pack
from tests.grade.sandboxes import skipped_where_missing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with skipped_where_missing():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with skipped_where_missing():
        return (yield)


@pytest.fixture(scope="session")
def course(root, tmp_path_factory):
    """A copy of the course, released; tests leave its own files as they are."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(root / "nbgrader_config.py", folder)
    for step in ("solutions", "exercises"):
        hidden = shutil.ignore_patterns(".*")  # what JupyterLab leaves
        shutil.copytree(root / step, folder / step, ignore=hidden)
    return folder


@pytest.fixture(scope="session")
def packs(root):
    """Assignment -> pack: with a course's memory, and time for a busy machine."""
    limits = Limits(cell=60, call=60, submission=300)
    paths = sorted(root.glob("exercises/[!.]*/*.ipynb"))
    return {path.parent.name: Pack.read(path, limits) for path in paths}


@pytest.fixture(scope="session")
def scaling(packs):
    """The first assignment, with limits that a test can wait for."""
    limits = Limits(cell=4, call=4, submission=60, size=1)
    return replace(packs["01_feature_scaling"], limits=limits)


@pytest.fixture(scope="session")
def zygote(packs, tmp_path_factory):
    """The strongest sandbox of this machine."""
    imports = dict.fromkeys(name for pack in packs.values() for name in pack.imports)
    folder = tmp_path_factory.mktemp("grader")
    # Set before it starts: later, it could not be seen even if everything leaked.
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRADER_SECRET", "secret")
        with backends.strongest(folder, imports) as found:
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


@pytest.fixture
def new_course(course, handed_in, tmp_path):
    """Make a course in which so many right answers wait, each for some seconds."""

    def make(name, students, seconds=0, assignments=1):
        folder = tmp_path / name
        later = (f"0[{assignments + 1}-9]_*", "1[0-9]_*")
        others = shutil.ignore_patterns("_build", *later)
        shutil.copytree(course, folder, ignore=others)
        (folder / "_build").mkdir()
        (folder / "_build/secret").write_bytes(bytes(range(32)))
        for assignment in Course(folder).assignments:
            (pack,) = Course(folder).packs(assignment)
            for i in range(students):
                where = folder / f"_build/submitted/student-{i}" / assignment
                where.mkdir(parents=True)
                slow = f"import time; time.sleep({seconds})  # student {i}"
                file = handed_in(pack, first=slow)
                (where / f"{pack.notebook}.ipynb").write_bytes(file)
                (where / "timestamp.txt").write_text(f"2026-03-08 12:00:0{i} UTC")
        return folder

    return make


_known = {}  # key -> what a worker says: each submission runs once in all these tests


@pytest.fixture
def here(zygote):
    """In place of workers: this process. A fork of it can grade, too."""

    def submit(run, item):
        submission, seed = run.handed_in(item), run.options.seed
        key, done = workers.result_key(submission, seed, False), Future()
        if key not in _known:
            where = zygote.address, zygote.backend.name
            _known[key] = workers.grade(submission, seed, False, *where)
        done.set_result(replace(_known[key], submission=submission))
        return done

    @contextlib.contextmanager
    def started(run, jobs):
        run.open()
        run.began(zygote.backend.name)
        yield Workers(partial(submit, run), 1)

    return started


@pytest.fixture
def grade_here(here):
    """``classroom.grade``, in this process."""
    return partial(grade, started=here)
