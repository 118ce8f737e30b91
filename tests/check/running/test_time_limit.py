"""An answer that does not return is stopped, wherever it runs."""

import signal
import threading
import time

import pytest

from normlib.check import EXERCISES, judge
from normlib.check.running import in_process
from normlib.check.running import time_limit as module
from normlib.check.running.in_process import InProcess
from normlib.check.running.observing import TimeLimitExceeded
from normlib.check.running.time_limit import time_limit

KEY = "batch_norm.forward"


def endless():
    while True:
        pass


def deaf():
    """Catches whatever it is told, a few times."""
    for _ in range(3):
        try:
            endless()
        except BaseException:
            pass
    endless()


@pytest.mark.parametrize("block", [endless, deaf])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["main thread", "another"])
def test_code_that_does_not_return_is_stopped(block, elsewhere):
    stopped = []

    def limited():
        with pytest.raises(TimeLimitExceeded), time_limit(0.01):
            block()
        stopped.append(True)

    if elsewhere:
        thread = threading.Thread(target=limited, daemon=True)
        thread.start()
        thread.join(60)
    else:
        limited()
    assert stopped == [True]


def test_waiting_is_stopped_as_well():
    with pytest.raises(TimeLimitExceeded), time_limit(0.01):
        time.sleep(600)


def test_nothing_is_raised_once_the_block_is_left():
    """Also when the time is up in just that moment."""
    left = []

    def limited():
        for i in range(50):
            until = time.monotonic() + 0.01 + (i - 25) * 2e-6
            try:
                with time_limit(0.01):
                    while time.monotonic() < until:
                        pass
            except TimeLimitExceeded:
                pass
        for thread in threading.enumerate():
            if thread.name == module.WATCHER:
                thread.join()
        left.append(True)

    limited()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    thread = threading.Thread(target=limited, daemon=True)
    thread.start()
    thread.join(60)
    assert left == [True, True]


def test_an_answer_that_never_returns_is_a_report():
    """Once for all cases, so that a learner does not wait for each of them."""
    calls = []

    def answer(x, gamma, beta, eps=1e-5):
        calls.append(1)
        if len(calls) == 2:
            endless()
        return EXERCISES[KEY].answer(x, gamma, beta, eps)

    report = judge(KEY, answer, 0, InProcess(0.2))
    first, *others = report.cases
    assert first.passed and not any(case.passed for case in others)
    assert {case.message for case in others} == {in_process.TOO_LONG.problem}
    assert "within 10 s" in str(report) and report.diagnosis is None
    assert len(calls) == 2


def test_an_answer_has_that_time_by_default(monkeypatch):
    monkeypatch.setattr(in_process.InProcess.__init__, "__defaults__", (0.05,))
    report = judge("beyond.rms_norm", lambda *_: endless(), 0)
    assert report.points == 0
    assert {case.message for case in report.cases} == {in_process.TOO_LONG.problem}
