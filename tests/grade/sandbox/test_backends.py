"""A sandbox is used only if it holds, and nothing outlives it."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from normlib.check.exercises import EXERCISES
from normlib.check.running.protocol import Protocol
from normlib.check.running.protocol import protocol as in_another_process
from normlib.check.running.protocols import call
from normlib.grade.sandbox import backends, leftovers, process, session, visible
from normlib.grade.sandbox.backends import BACKENDS, UNSAFE, strongest
from normlib.grade.sandbox.inside import lockdown
from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.self_test import self_test
from normlib.grade.sandbox.session import NoSandbox, Session, Stopped, address_of
from tests.grade.processes import family, wait_for


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def each_backend(request):
    """Each sandbox that this machine has."""
    if lacks := request.param.lacks():
        pytest.skip(f"{request.param.name}: {lacks}")
    return request.param


@pytest.fixture
def each(each_backend, tmp_path):
    """A zygote of each."""
    zygote, fault = backends._tested(each_backend, tmp_path, ["numpy"])
    assert zygote is not None, f"{each_backend.name}: {fault}"
    with zygote:
        yield zygote


def open_session(zygote):
    return Session(zygote.address, 1 << 30, 60, 0)


def printed(session, source):
    return dict(session.run(source, 20)).get("stdout", "")


def test_the_self_test_finds_what_is_possible_without_a_sandbox(tmp_path):
    with Zygote(UNSAFE, ["numpy"]).wait() as zygote:
        weak = self_test(zygote, tmp_path)
    assert {
        "read a file of the grader",
        "write into it",
        "open a connection",
        "start a process",
        "start a program",
        "signal the process that forked it",
    } <= set(weak)
    assert not list(tmp_path.iterdir())


def test_without_a_sandbox_files_are_written_in_a_folder_of_its_own(tmp_path):
    """In the root of the machine, two tests at once would see each other's."""
    with Zygote(UNSAFE, ["numpy"]).wait() as zygote, open_session(zygote) as session:
        session.run("import os; open('own', 'x').close()", 20)
        written = printed(session, "print(os.path.abspath('own'))").strip()
        assert os.path.exists(written)
    assert not os.path.exists(written)
    assert not os.path.exists("/own")


def test_a_sandbox_that_passes_is_used(each, tmp_path):
    assert self_test(each, tmp_path) == []


def test_without_a_sandbox_nothing_is_graded(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "BACKENDS", ())
    with pytest.raises(NoSandbox, match=r"no sandbox works here.*--doctor"):
        raise_flat(lambda: strongest(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with strongest(tmp_path, unsafe=True) as zygote:
        assert zygote.backend is UNSAFE


def test_root_does_not_grade_without_a_sandbox(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "BACKENDS", ())
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(NoSandbox, match="student code would run as root"):
        strongest(tmp_path, unsafe=True)


def raise_flat(function):
    """Messages of several lines as one, for `match`."""
    try:
        return function()
    except NoSandbox as error:
        raise NoSandbox(" ".join(str(error).split())) from None


def test_one_that_fails_its_test_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "BACKENDS", (UNSAFE,))
    with pytest.raises(NoSandbox, match="student code could read a file"):
        raise_flat(lambda: strongest(tmp_path))


@pytest.fixture
def leaky(monkeypatch):
    """Sandboxes in which student code sees the whole environment of the grader."""
    shown = process._environment
    monkeypatch.setattr(
        process, "_environment", lambda home: dict(os.environ) | shown(home)
    )


def test_a_leak_of_the_environment_is_found(leaky, each_backend, tmp_path):
    zygote, fault = backends._tested(each_backend, tmp_path, ["numpy"])
    assert zygote is None
    assert "read the grader's environment" in fault


def test_one_that_stops_in_its_self_test_leads_to_the_next(tmp_path, monkeypatch):
    """A child that ends at once is a reason to try another backend."""
    real, tried = backends.self_test, []

    def first_stops(zygote, course):
        tried.append(zygote.backend.name)
        if len(tried) == 1:
            raise Stopped("ended the process that ran it")
        return real(zygote, course)

    monkeypatch.setattr(backends, "self_test", first_stops)
    (usable, *_) = [backend for backend in BACKENDS if not backend.lacks()]
    monkeypatch.setattr(backends, "BACKENDS", (usable, usable))
    with strongest(tmp_path, ["numpy"]) as zygote:
        assert zygote.backend is usable
    assert len(tried) == 2


def test_bubblewrap_that_may_not_make_namespaces_is_lacking(tmp_path, monkeypatch):
    refuses = tmp_path / "bwrap"
    refuses.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: no' >&2; exit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "setting up uid map: no" in BACKENDS[0].lacks()


@pytest.fixture(params=range(1, 7), ids=lambda version: f"landlock {version}")
def older(request, monkeypatch):
    """Landlock alone, used as a kernel of this version would let it be used."""
    (backend,) = (b for b in BACKENDS if b.name == "landlock")
    if lacks := backend.lacks():
        pytest.skip(f"landlock: {lacks}")
    if request.param > lockdown.landlock_version():
        pytest.skip(f"this kernel's Landlock has no version {request.param}")
    monkeypatch.setattr(lockdown, "landlock_version", lambda: request.param)
    return backend


def test_what_an_older_kernel_does_not_refuse_is_refused_all_the_same(older, tmp_path):
    zygote, fault = backends._tested(older, tmp_path, ["numpy"])
    assert zygote is not None, fault
    zygote.close()


def test_a_kernel_without_landlock_is_lacking(monkeypatch):
    monkeypatch.setattr(lockdown, "landlock_version", lambda: 0)
    (backend,) = (b for b in BACKENDS if b.name == "landlock")
    assert backend.lacks() == "this kernel has no Landlock"
    assert visible.landlock(None) is None


FULL = """
import os
fork = os.fork
def fork_unless_full():
    if os.path.exists({!r}):
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = fork_unless_full
"""


def test_a_fork_that_fails_is_no_fault_of_what_runs(tmp_path, monkeypatch):
    """As under a low limit on processes, which the kernel does not apply to root."""
    full, made = tmp_path / "full", process._python

    def patched(package, settings):
        *flags, program, told = made(package, settings)
        return [*flags, FULL.format(str(full)) + program, told]

    monkeypatch.setattr(process, "_python", patched)
    with Zygote(UNSAFE, ["numpy"]).wait() as zygote, open_session(zygote) as flying:
        full.touch()
        with monkeypatch.context() as patched:
            patched.setattr(session, "START", 0.3)
            with pytest.raises(NoSandbox):  # which is tried again, and nobody's fault
                open_session(zygote)
        monkeypatch.setattr(session, "START", 300)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(open_session, zygote)
            for i in range(5):
                assert printed(flying, f"print({i})") == f"{i}\n"
            assert not waiting.done()
            full.unlink()
            with waiting.result(300) as late:
                assert printed(late, "print('late')") == "late\n"
        assert printed(flying, "print('still')") == "still\n"
        assert zygote.alive


def test_student_code_never_is_root(each):
    with open_session(each) as session:
        users = printed(session, "import os; print(*os.getresuid(), *os.getresgid())")
    assert "0" not in users.split()


def test_there_is_no_reference_beside_student_code(each):
    source = (
        "import sys\n"
        "print(sorted(n for n in sys.modules if n.startswith('normlib')))\n"
        "import os\n"
        "names = 'layer_norm.py', 'feature_scaling.py', 'judging.py'\n"
        "print([r for p in sys.path for r, _, found in os.walk(p)\n"
        "       if {*names} & {*found} and 'torch' not in r])"
    )
    with open_session(each) as session:
        modules, found = printed(session, source).splitlines()
    assert found == "[]"
    running = ("running", "running.observing")
    running += ("running.protocol", "running.protocols")
    allowed = {
        *("normlib", "normlib.check", "normlib.grade", "normlib.grade.sandbox"),
        *(f"normlib.check.{n}" for n in (*running, "running.torch_norms")),
        *("normlib.grade.sandbox.inside", "normlib.grade.sandbox.inside.zygote"),
        *(
            f"normlib.grade.sandbox.inside.{n}"
            for n in (
                "wire",
                "calls",
                "lockdown",
                "operators",
                "shell",
                "child",
                "zygote",
            )
        ),
    }
    assert set(eval(modules)) <= allowed


def test_nothing_of_the_grader_is_in_its_environment(each):
    with open_session(each) as session:
        names = printed(session, "import os; print(*os.environ)").split()
    # Not read from the code: what is let in there by mistake has to be missed here.
    assert {*names} - {"PWD"} == {
        *("PATH", "LANG", "HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR"),
        "TORCHINDUCTOR_CACHE_DIR",
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_NUM_THREADS"),
        *("MPLBACKEND", "JOBLIB_MULTIPROCESSING", "PYTHONHASHSEED"),
    }


def test_closing_a_session_ends_its_process_whatever_it_does(each):
    before = {*family(each._process.pid)}
    session = open_session(each)
    (new,) = {*family(each._process.pid)} - before
    with pytest.raises(Stopped, match=r"was stopped after (0\.3|1\.2) seconds"):
        session.run("import signal\nfor n in (2, 15): signal.signal(n, lambda *_: 0)\n"
                    "while True: pass", 0.3)  # fmt: skip
    session.close()
    wait_for(lambda: new not in family(each._process.pid))


def test_a_process_that_ends_is_noticed_at_once(each):
    with open_session(each) as session:
        # Otherwise it would be stopped, when the seconds are over.
        with pytest.raises(Stopped, match="ended the process that ran it"):
            session.run("import os; os._exit(3)", 20)


def test_nothing_outlives_the_zygote(tmp_path):
    zygote = strongest(tmp_path, ["numpy"])
    session = open_session(zygote)
    pids = {*family(zygote._process.pid), zygote._process.pid}
    os.kill(zygote._process.pid, 9)
    wait_for(lambda: not zygote.alive)
    wait_for(lambda: not any(Path(f"/proc/{pid}/environ").exists() for pid in pids))
    with pytest.raises(NoSandbox):  # so nobody says that the student's code ended it
        session.run("1", 5)
    session.close()
    with pytest.raises(NoSandbox):
        open_session(zygote)
    zygote.close()


def test_two_at_a_time_do_not_see_each_other(each):
    with open_session(each) as one, open_session(each) as other:
        one.run("import numpy as np; np.mark = 1\n"
                "try: open('mark', 'w').close()\nexcept OSError: pass", 10)  # fmt: skip
        source = "import os; print(hasattr(np, 'mark'), os.path.exists('mark'))"
        other.run("import numpy as np", 10)
        assert printed(other, source) == "False False\n"


def test_random_numbers_are_the_same_each_time(each):
    source = "import random, numpy as np; print(random.random(), np.random.rand())"
    drawn = []
    for seed in (1, 1, 2):
        with Session(each.address, 1 << 30, 60, seed) as session:
            drawn.append(printed(session, source))
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_protocol_is_named_not_sent():
    protocol = call("a", "b", only=("a",))
    module = "normlib.check.running.protocols"
    assert address_of(protocol) == (module, "call", ("a", "b"), {"only": ("a",)})

    @in_another_process()
    def local(implementation, inputs):
        return {}

    for unknown in (local, Protocol(lambda implementation, inputs: {})):
        refused = "a protocol should be a function of normlib"
        with pytest.raises(ValueError, match=refused):
            address_of(unknown)


def test_every_protocol_is_found_again_at_its_address():
    for exercise in EXERCISES.values():
        for run in {case.run or exercise.run for case in exercise.cases}:
            address = address_of(run)
            found = getattr(import_module(address.module), address.name)
            if address.args is not None:
                found = found(*address.args, **address.kwargs)
            assert found.address == address


def test_what_a_killed_grader_left_is_removed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "normlib-killed").mkdir()
    (tmp_path / "normlib-killed/package").touch()
    (tmp_path / "somebody's").mkdir()
    one, lock = leftovers.new_folder()
    other, other_lock = leftovers.new_folder()
    assert {str(path) for path in tmp_path.iterdir()} == {
        one, other, f"{tmp_path}/somebody's"
    }  # fmt: skip
    os.close(lock)
    os.close(other_lock)


def test_settings_of_the_grader_are_not_shown(tmp_path, monkeypatch):
    theirs = tmp_path / "settings"
    theirs.mkdir()
    (theirs / "matplotlibrc").write_text("# secret")
    (theirs / "fontlist-v1.json").write_text(
        '{"afmlist": [], "ttflist": [{"fname": "fonts/a.ttf"}, '
        '{"fname": "/usr/share/b.ttf"}, {"fname": "/home/me/c.ttf"}]}'
    )
    monkeypatch.setenv("MPLCONFIGDIR", str(theirs))
    visible.write_fonts(tmp_path / "shown")
    (shown,) = (tmp_path / "shown").iterdir()
    assert "a.ttf" in shown.read_text() and "b.ttf" in shown.read_text()
    assert "home" not in shown.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["/tmp", "/var/tmp"])
def test_it_does_not_matter_where_the_course_and_its_environment_are(root, where):
    """Not even in the folder for temporary files, behind a link."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        Path(folder).chmod(0o755)  # nobody, who runs student code for root, enters it
        Path(folder, ".venv").symlink_to(sys.prefix)
        shutil.copy(root / "nbgrader_config.py", folder)
        python = f"{folder}/.venv/bin/python"
        command = [python, "-m", "normlib.cli", "grade", "--doctor"]
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert found.stderr == ""
    for backend, fault in backends.diagnose(root):
        assert f"{backend.name}: {fault or 'works'}\n" in found.stdout
