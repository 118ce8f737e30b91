"""Killed at any moment, grading loses nothing: what ran stays, the rest runs again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from normlib.grade.classroom import Options, grade
from normlib.grade.course import Course

ASSIGNMENT = "01_feature_scaling"
STUDENTS = [f"student-{i}" for i in range(6)]


@pytest.fixture
def classroom(course, zygote, handed_in, tmp_path):
    """Six right submissions that take a second each."""
    folder = tmp_path / "course"
    one = shutil.ignore_patterns("_build", "0[2-9]_*")
    shutil.copytree(course, folder, ignore=one)
    (pack,) = Course(folder).packs(ASSIGNMENT)
    for student in STUDENTS:
        where = folder / "_build/submitted" / student / ASSIGNMENT
        where.mkdir(parents=True)
        slow = f"import time; time.sleep(1)  # {student}"
        (where / f"{pack.notebook}.ipynb").write_bytes(handed_in(pack, first=slow))
    return folder


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "normlib.cli", "grade", "--jobs", "2"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results(folder):
    return [p for p in folder.glob("_build/results/*/*") if p.name[0] != "."]


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def family(pid):
    """Processes that descend from ``pid``: their command lines."""
    parents, commands = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            commands[int(path.name)] = (path / "cmdline").read_bytes().decode()
            parents[int(path.name)] = int(fields[1])
        except OSError:
            continue
    found = {pid}
    while new := {p for p, parent in parents.items() if parent in found} - found:
        found |= new
    return {p: commands[p] for p in sorted(found - {pid})}


def finished(folder):
    """Grading it once more finds nothing to do, and everybody has full points."""
    outcome = grade(folder, options=Options(feedback=False))
    assert outcome.ran == 0 and outcome.failed == {}
    assert {tuple(p.values()) for p in outcome.points.values()} == {(3, 3, 3, 4, 2)}
    assert len(outcome.points) == len(STUDENTS)
    pages = folder.glob("_build/autograded/*/*/*.ipynb")
    assert len([*pages]) == len(STUDENTS)


def test_the_command_can_be_killed(classroom):
    process = start(classroom)
    wait_for(lambda: results(classroom))
    others = family(process.pid)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}/environ").exists() and alive(pid)
                             for pid in others), 30)  # fmt: skip
    done = {path: path.stat().st_mtime for path in results(classroom)}
    assert 0 < len(done) < len(STUDENTS)
    again = start(classroom)
    output, _ = again.communicate()
    assert again.returncode == 0, output
    assert {path: path.stat().st_mtime for path in done} == done
    finished(classroom)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("victim", ["normlib.grade.zygote", "forkserver"])
def test_a_sandbox_or_a_worker_can_be_killed(classroom, victim):
    process = start(classroom)
    wait_for(lambda: results(classroom))
    pid = [p for p, command in family(process.pid).items() if victim in command][-1]
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "was not graded" not in output
    finished(classroom)


def test_two_at_a_time_do_not_disturb_each_other(classroom):
    both = [start(classroom), start(classroom)]
    for process in both:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    finished(classroom)
