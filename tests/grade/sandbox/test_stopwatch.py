"""Time is what the kernel says a process used, whatever else the machine does."""

import os
import time

import pytest

from normlib.grade.sandbox import session as session_
from normlib.grade.sandbox import stopwatch
from normlib.grade.sandbox.inside.wire import Late
from normlib.grade.sandbox.session import Session, Stopped
from normlib.grade.sandbox.stopwatch import PATIENCE, Allowance, Stopwatch

SPIN = (
    "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"
)
HASHING = (
    "import hashlib, threading\n"
    "def work():\n"
    "    while True: hashlib.sha256(bytes(1 << 20))\n"
    "for _ in range({}): threading.Thread(target=work, daemon=True).start()\n"
)


@pytest.fixture
def open_session(zygote):
    return lambda: Session(zygote.address, 1 << 30, 60, 0)


@pytest.fixture
def patient(monkeypatch):
    """The clock decides nothing: whatever else the machine does, time is the process's.

    Of what only waits, it says how long that is waited for.
    """
    for module in (session_, stopwatch):
        monkeypatch.setattr(module, "PATIENCE", 500)


def test_it_shows_what_another_process_used():
    pid = os.fork()
    if pid == 0:
        exec(SPIN.format(0.3))
        time.sleep(60)
    watch = Stopwatch(os.pidfd_open(pid))
    end = time.monotonic() + 60
    while watch.used() < 0.3:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert 0.3 <= watch.used() < 1  # also after its end
    watch.close()
    assert 0.3 <= watch.used() < 1


def test_waiting_does_not_use_up_the_limit_but_ends(open_session, patient):
    with open_session() as session:
        session.run("import time; time.sleep(1)", 0.5)
        assert session.used < 0.5
        with pytest.raises(Stopped) as caught:
            session.run("time.sleep(600)", 0.01)
    assert caught.value.late and not caught.value.starved
    assert "stopped after 5 seconds" in str(caught.value)


def test_threads_use_up_the_limit_together(open_session, patient):
    with open_session() as session:
        with pytest.raises(Stopped, match=r"stopped after 1 seconds") as caught:
            session.run(HASHING.format(8) + "work()", 1)
        assert caught.value.late and not caught.value.starved
        assert session.used >= 1


@pytest.mark.slow
def test_a_neighbor_of_many_threads_costs_nothing(open_session, patient):
    with open_session() as greedy, open_session() as honest:
        greedy.run(HASHING.format(60), 10)
        honest.run(SPIN.format(1), 2)
        assert honest.used < 2


def test_threads_are_bounded_each_process_for_itself(open_session):
    many = (
        "import threading, time\nthreading.stack_size(1 << 16)\n"
        "def start(n):\n"
        "    for _ in range(n):\n"
        "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    with open_session() as one, open_session() as other:
        told = dict(one.run(many + "start(200)", 10))
        assert "can't start new thread" in told["message"]
        told = dict(other.run(many + "start(40); print('ok')", 10))
        assert told == {"stdout": "ok\n"}


class Told:
    """A stopwatch that says what it is told to."""

    def __init__(self):
        self.cpu = self.delay = 0.0

    def used(self):
        return self.cpu

    def waited(self):
        return self.delay


@pytest.mark.parametrize(
    ("cpu", "wall", "delay", "late", "starved"),
    [
        (0.5, 2, 0, False, False),
        (1.1, 2, 0, True, False),  # it computed
        (0.1, 5, 0, True, False),  # it slept
        (0.5, 5, 4, True, True),  # others had the processor
        (1.1, 5, 3, True, False),  # they had, and it had its share
    ],
)
def test_who_is_late_and_why(monkeypatch, cpu, wall, delay, late, starved):
    now, told = [0.0], Told()
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now[0])
    allowance = Allowance(told, 1)
    now[0], told.cpu, told.delay = wall, cpu, delay
    if late:
        with pytest.raises(Late):
            allowance.left()
        assert allowance.starved == starved
    else:
        assert 0 < allowance.left() <= PATIENCE
