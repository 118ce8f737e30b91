"""What was stopped on a busy machine is run again with nothing beside it."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from normlib.grade.classroom import Options, grade
from normlib.grade.processes import Workers, finish
from normlib.grade.submission.grading import Result
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
