"""As much at a time as the machine holds; what it stopped, being busy, again alone."""

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from normlib.grade import processes
from normlib.grade.classroom import Options, grade
from normlib.grade.processes import Workers, finish
from normlib.grade.submission.grading import Result
from normlib.grade.submission.pack import Limits
from normlib.grade.workers import BUSY, Done
from tests.grade.classes import results


class Load:
    """Workers that know how many of them are at work."""

    def __init__(self):
        self.running, self.lock = 0, threading.Lock()
        self.together = threading.Barrier(3, timeout=300)

    def work(self, item):
        with self.lock:
            self.running += 1
        if self.together:  # all three at once, the first time
            self.together.wait()
        alone = self.running == 1
        if self.together:
            self.together.wait()
        with self.lock:
            self.running -= 1
        return item, alone

    @contextlib.contextmanager
    def started(self, jobs):
        with ThreadPoolExecutor(jobs) as pool:
            yield Workers(lambda item: pool.submit(self.work, item), jobs)
        self.together = None


@pytest.mark.parametrize("stopped", ["", "a", "abc"])
def test_what_is_doubtful_runs_again_alone_and_then_counts(stopped):
    load = Load()
    found = dict(finish("abc", 3, load.started, lambda result: result[0] in stopped))
    assert {item for item, (_, alone) in found.items() if alone} == {*stopped}
    assert {*found} == {*"abc"}


@pytest.mark.parametrize(
    ("gigabytes", "cores", "limit", "number"),
    [
        (4, 2, Limits().memory, 2),  # the smallest machine that a class is graded on
        (4, 8, Limits().memory, 2),
        (16, 8, Limits().memory, 8),
        (8, 8, 2048, 1),
        (16, 8, 2048, 3),
        (1, 2, Limits().memory, 1),  # one has to do
    ],
)
def test_the_memory_holds_all_at_once(monkeypatch, gigabytes, cores, limit, number):
    # A machine of 4 GB has some of it for itself, before anything has started.
    monkeypatch.setattr(processes, "memory", lambda: int(gigabytes * 0.95 * 2**30))
    monkeypatch.setattr(processes.os, "cpu_count", lambda: cores)
    assert processes.at_once(Limits(memory=limit).most) == number


def test_a_container_has_what_it_may_take(tmp_path):
    (whole,) = {processes.memory(tmp_path), processes.memory(tmp_path / "none")}
    text = Path("/proc/meminfo").read_text()
    assert whole == int(re.search(r"MemTotal: +(\d+) kB", text)[1]) << 10
    (tmp_path / "memory.max").write_text("max\n")
    assert processes.memory(tmp_path) == whole
    (tmp_path / "memory.max").write_text(f"{3 << 20}\n")
    assert processes.memory(tmp_path) == 3 << 20
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text(f"{2 << 20}\n")
    assert processes.memory(tmp_path) == 2 << 20


def test_what_was_lost_to_load_is_not_kept(new_course):
    """And the next run grades it anew."""
    folder = new_course("busy", students=1)
    lost = Result("", {}, [], "bubblewrap", stopped=True, starved=True)

    @contextlib.contextmanager
    def started(run, jobs):
        run.open()
        with ThreadPoolExecutor(jobs) as pool:
            yield Workers(
                lambda item: pool.submit(Done, run.handed_in(item), "0" * 64, lost),
                jobs,
            )

    graded = grade(folder, (), Options(feedback=False), started)
    assert graded.failed == {("01_feature_scaling", "student-0"): BUSY}
    assert not results(folder)
