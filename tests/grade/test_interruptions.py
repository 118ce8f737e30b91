"""Killed at any moment, grading loses nothing: what ran stays, the rest runs again."""

import contextlib
import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from normlib.grade import processes
from normlib.grade.bridge import feedback
from normlib.grade.bridge.converters import NbgraderError
from normlib.grade.bridge.course import Course
from normlib.grade.classroom import grade
from normlib.grade.results import Results
from normlib.grade.submission import limited
from tests.grade.classes import ASSIGNMENT, QUICK, results, written
from tests.grade.processes import ended, family, forked, kill_beyond, wait_for
from tests.samples import every

pytestmark = pytest.mark.slow


def at_each_write(call):
    """``call`` before anything on the disk changes, from now on, in this process."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    changing = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}

    def hook(name, args):
        if name in changing or (name == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)):
            call()

    def statement(connection, cursor, text, *_):
        if text.lstrip().lower().startswith("create"):
            call()

    event.listen(Engine, "commit", lambda _: call())
    event.listen(Engine, "before_cursor_execute", statement)
    sys.addaudithook(hook)


@pytest.fixture
def uninterrupted(new_course, grade_here):
    folder = new_course("uninterrupted", 2)
    grade_here(folder, options=QUICK)
    return written(folder)


def test_killed_between_any_two_writes(new_course, grade_here, uninterrupted):
    """Every fifth of about a hundred; ``make samples`` tries them all."""
    points, step = 0, every(5)
    for last in range(1, 1000, step):
        folder, left = new_course(f"killed-{last}", 2), [last]

        def until_killed(folder=folder, left=left):
            def count():
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

            at_each_write(count)
            grade_here(folder, options=QUICK)

        if ended(forked(until_killed)) != -signal.SIGKILL:
            break
        points += 1
        grade_here(folder, options=QUICK)
        assert written(folder) == uninterrupted, last
    assert points > 100 / step


@pytest.mark.parametrize("size", [0, 50_000, 120_000])
def test_a_full_disk(new_course, grade_here, uninterrupted, size):
    """No file grows beyond ``size``: the first ones, or the gradebook, do not fit."""
    folder = new_course("full", 2)

    def without_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            grade_here(folder, options=QUICK)
        except (OSError, NbgraderError):
            os._exit(3)

    assert ended(forked(without_room)) == 3
    grade_here(folder, options=QUICK)
    assert written(folder) == uninterrupted


@pytest.fixture
def page(new_course, grade_here):
    """The feedback page of a graded submission, and how to write it again."""
    folder = new_course("feedback", 1)
    where = ASSIGNMENT, "student-0", "marks"
    grade_here(folder, options=QUICK)
    assert feedback.write(folder, *where) == ""
    (path,) = folder.glob("_build/feedback/*/*/*.html")
    outdated = partial(feedback.outdated, Course(folder), *where)
    return path, partial(feedback.write, folder, *where), outdated


def test_feedback_is_there_as_a_whole_or_not_at_all(page, monkeypatch):
    """Everything ends in the middle of the page."""
    path, write, outdated = page
    wanted = path.read_text()

    def until_half():
        monkeypatch.setattr(limited, "call", lambda call, *args, seconds: call(*args))
        kill_beyond(len(wanted) // 2)
        write()

    for before in (wanted, None):
        assert ended(forked(until_half)) == -signal.SIGXFSZ
        assert (path.read_text() if path.exists() else None) == before
        assert outdated() == (before is None)
        path.unlink(missing_ok=True)
    assert write() == ""
    assert path.read_text() == wanted


def test_feedback_whose_process_ends_alone_is_reported(page):
    """No half page is left, nor an earlier one, but one with the points alone."""
    path, write, _ = page
    wanted, (say, told) = path.read_text(), os.pipe()

    def until_half():
        kill_beyond(len(wanted) // 2)
        os.write(told, write().encode())

    assert ended(forked(until_half)) == 0
    assert os.read(say, 100) == b"making the page ended the process that worked on it"
    assert "<p>Your notebook was graded, but it could not be shown" in path.read_text()
    assert write() == "" and path.read_text() == wanted


STOPPING = """
import os, signal
from normlib.grade.results import Results

save = Results.save

def save_and_stop(*args):
    save(*args)
    os.kill(os.getpid(), signal.SIGSTOP)

Results.save = save_and_stop
"""
COMMAND = "import sys; from normlib.cli import main; sys.exit(main())"


def start(folder, before="", **environment):
    """The command; ``before`` it is what happens to it."""
    return subprocess.Popen(
        [sys.executable, "-c", before + COMMAND, "grade", "--jobs", "2"],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def killed_in_the_middle(folder, **environment):
    """The command, killed when it has its first result."""
    process = start(folder, STOPPING, **environment)
    wait_for(lambda: state(process.pid) == "T")
    others = family(process.pid)
    process.kill()
    process.communicate(timeout=300)
    assert len(others) > 3
    wait_for(lambda: not {*others} & {*family(1)})


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_command_is_killed(new_course, grade_here):
    folder = new_course("command", 4)
    killed_in_the_middle(folder)
    ((first, when),) = [(path, path.stat().st_mtime) for path in results(folder)]
    outcome = grade_here(folder, options=QUICK)
    assert outcome.ran == 3 and not outcome.failed
    assert first.stat().st_mtime == when
    again = new_course("again", 4)
    grade_here(again, options=QUICK)
    assert written(folder) == written(again)


@pytest.fixture
def place():
    """A folder for temporary files, of a short name: sockets allow no long one."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_killed_command_leaves_nothing_after_the_next(new_course, place):
    folder = new_course("leaving", 2)
    killed_in_the_middle(folder, TMPDIR=str(place))
    assert [*place.iterdir()]  # or the rest proves nothing
    (folder / ".normlib-killed").mkdir()  # as in the middle of a self-test
    (folder / "_build/feedback/.normlib-killed").mkdir(parents=True)  # or of a page
    (left,) = results(folder)[:1]
    part = left.with_name(f".{left.name}.killed.part")
    part.touch()
    left.unlink()
    process = start(folder, TMPDIR=str(place))
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert [*place.iterdir()] == []
    hidden = {*folder.rglob(".*")} - {folder / "_build/exchange"}
    assert not [path for path in hidden if "killed" in path.name]
    assert not [path for path in hidden if path.suffix == ".part"]


def beneath(pid, name, but):
    """Descendants of ``pid`` whose command has ``name``, without those in ``but``."""
    commands = family(pid).items()
    return [other for other, line in commands if name in line and other not in but]


def test_a_sandbox_and_a_worker_are_killed(new_course, zygote, monkeypatch):
    """One after the first result, the other after the second."""
    folder, killed, save = new_course("killed", 5), [], Results.save
    me, before = os.getpid(), {*family(os.getpid())}

    def sandboxes():
        return beneath(me, "normlib.grade.sandbox.inside.zygote", before)

    def workers():
        server = "multiprocessing.forkserver"  # they are forked from it, named like it
        return [
            pid
            for one in beneath(me, server, ())
            for pid in beneath(one, server, before)
        ]

    victims = iter((sandboxes, workers))

    def save_and_kill(*args):
        save(*args)
        for pid in next(victims, list)()[:1]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    monkeypatch.setattr(Results, "save", save_and_kill)
    outcome = grade(folder, options=QUICK)
    assert len(killed) == 2
    assert outcome.failed == {} and len(results(folder)) == 5
    assert {sum(points.values()) for points in outcome.points.values()} == {17}
    assert grade(folder, options=QUICK).ran == 0


LEAVE = """
import multiprocessing, os, signal
from normlib.grade.processes import executor

with executor(2) as pool:
    list(pool.map(abs, range(20)))
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGSTOP)
"""


def test_a_worker_that_no_longer_answers_does_not_hold_up_the_end():
    """As if it were killed with the lock of the queue, for which others wait."""
    subprocess.run([sys.executable, "-c", LEAVE], check=True, timeout=300)


def test_who_ends_workers_is_given_up_and_nobody_else(monkeypatch):
    """An answer that kills whoever judges it, which none is known to do."""
    monkeypatch.setattr(processes, "ATTEMPTS", 2)

    @contextlib.contextmanager
    def started(jobs):
        with processes.executor(jobs) as pool:
            yield processes.Workers(lambda code: pool.submit(exec, code), jobs)

    todo = [f"{i} and 0" for i in range(30)]
    todo[3] = "import os; os._exit(1)"
    outcome = dict(processes.finish(todo, 2, started))
    assert outcome.pop(todo[3]).why.endswith("(2 attempts)")
    assert outcome == {code: None for code in todo if code != todo[3]}


# Several at a time.


@pytest.fixture(scope="session")
def postgres():
    """Of a server of our own: a new, empty database, as a URL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    as_user, home = [], tempfile.mkdtemp(prefix="pg-")
    if os.getuid() == 0:  # who may not run it
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(home, "postgres")

    def run(program, *arguments):
        command = [*as_user, str(programs[-1] / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    run("initdb", "--auth=trust", "--username=grader", "--no-sync", "-D", f"{home}/db")
    quiet = f"-c listen_addresses= -c fsync=off -k {home}"
    run("pg_ctl", "-D", f"{home}/db", "-o", quiet, "-l", f"{home}/log", "-w", "start")
    names = itertools.count()

    def new():
        name = f"gradebook{next(names)}"
        run("createdb", "-h", home, "-U", "grader", name)
        return f"postgresql+psycopg2://grader@/{name}?host={home}"

    yield new
    run("pg_ctl", "-D", f"{home}/db", "-m", "immediate", "stop")
    shutil.rmtree(home)


def use(folder, url):
    with open(folder / "nbgrader_config.py", "a") as config:
        config.write(f"\nc.CourseDirectory.db_url = {url!r}\n")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_several_at_a_time(new_course, grade_here, database, request):
    """Four begin together, with a new gradebook and everything to save."""
    alone, folder = new_course("alone", 5), new_course("together", 5)
    if database == "postgresql":
        new = request.getfixturevalue("postgres")
        use(alone, new())
        use(folder, new())
    grade_here(alone, options=QUICK)
    pids = [forked(lambda: grade_here(folder, options=QUICK)) for _ in range(4)]
    assert [ended(pid) for pid in pids] == [0, 0, 0, 0]
    assert grade_here(folder, options=QUICK).ran == 0
    assert written(folder) == written(alone)


def test_two_machines_with_one_database(new_course, grade_here, postgres):
    """Each has the same class in a folder of its own, so no lock of files helps."""
    one, two, alone = (new_course(name, 5) for name in ("one", "two", "alone"))
    url = postgres()
    use(one, url)
    use(two, url)
    use(alone, postgres())
    grade_here(alone, options=QUICK)
    pids = [
        forked(lambda folder=folder: grade_here(folder, options=QUICK))
        for folder in (one, two)
    ]
    assert [ended(pid) for pid in pids] == [0, 0]
    assert written(one) == written(two) == written(alone)
