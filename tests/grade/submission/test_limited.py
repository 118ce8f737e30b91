"""Work that takes too long or needs too much ends; the next is done all the same."""

import ast
import contextlib
import json
import os
import re
import signal
import symtable
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from normlib.grade import workers
from normlib.grade.processes import executor
from normlib.grade.submission import limited
from tests.grade.processes import forked, wait_for


def double(x):
    return 2 * x


def whoami():
    return os.getpid()


def parse(kind, text):
    {"json": json.loads, "ast": ast.parse}[kind](text)


def search(pattern, text):
    """Backtracking in C, which hears no signals of Python's until it is done."""
    return bool(re.match(pattern, text))


def die():
    os.abort()


def sleep():
    time.sleep(600)


def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    return "went on"


def unusual():
    raise ArithmeticError("odd " * 1000)


def test_it_is_done_elsewhere_and_one_process_serves_all_calls():
    assert limited.call(double, "ab") == "abab"
    first = limited.call(whoami)
    assert first == limited.call(whoami) != os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "args", "seconds", "why"),
    [
        (search, ("(a|aa)+$", "a" * 80 + "b"), 1, "took more than (1|6) seconds"),
        (sleep, (), 0.1, "took more than 0.6 seconds"),
        (parse, ("json", "[" + "{}," * 12_000_000 + "1]"), 10, "512 MB of memory"),
        (parse, ("ast", "x = [" + "a.b," * 2_000_000 + "]"), 20, "512 MB of memory"),
        (die, (), 10, "ended the process"),
        (unusual, (), 10, "ArithmeticError: odd odd"),
        (double, (float,), 10, "TypeError"),
    ],
)
def test_what_fails_says_why_and_the_next_call_works(function, args, seconds, why):
    with pytest.raises(limited.Failed, match=why) as failed:
        limited.call(function, *args, seconds=seconds)
    assert len(str(failed.value)) < 600
    assert limited.call(double, 4) == 8


@pytest.mark.slow
def test_many_calls_may_take_longer_than_one(monkeypatch):
    monkeypatch.setattr(limited, "_WAIT", 300)  # whatever else the machine does
    for _ in range(3):
        limited.call(busy, 0.6, seconds=1)


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_threads_do_not_wait_for_each_other():
    """Each has a fork; ``close`` ends all of them."""
    together = threading.Barrier(2, timeout=300)

    def ask(_):
        together.wait()
        first = limited.call(whoami)
        together.wait()
        return first, limited.call(whoami)

    with ThreadPoolExecutor(2) as pool:
        (one, again), (other, _) = pool.map(ask, range(2))
    assert one == again != other
    limited.close()
    for pid in (one, other):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_ctrl_c_is_for_whoever_asked():
    assert limited.call(interrupted) == "went on"


def test_it_ends_with_whoever_asked(tmp_path):
    def ask():
        (tmp_path / "pid.part").write_text(str(limited.call(whoami)))
        (tmp_path / "pid.part").rename(tmp_path / "pid")
        time.sleep(600)

    pid = forked(ask)
    wait_for((tmp_path / "pid").exists)
    worker = int((tmp_path / "pid").read_text())
    os.kill(worker, 0)
    os.kill(pid, 9)
    os.waitpid(pid, 0)

    def gone():
        try:
            with open(f"/proc/{worker}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_for(gone)


def bomb(kind):
    """The memory of this process before it parses one, and at most, in bytes."""
    before = _memory("VmRSS")
    with contextlib.suppress(MemoryError):
        if kind == "json":
            json.loads("[" + "{}," * 12_000_000 + "1]")
        elif kind == "ast":
            ast.parse("x = [" + "a.b," * 2_000_000 + "]")
        else:
            names = ",".join(f"a{i}" for i in range(2_000_000))
            symtable.symtable(f"({names})", "bomb", "exec")
    return before, _memory("VmHWM")


def _memory(name):
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) << 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "ast", "symtable"])
def test_two_bombs_leave_room_on_a_machine_of_4_gb(kind):
    """Both at once, each in the process that a worker has for such work."""
    with executor(2, workers.modules(["batch_norm.forward"], ["torch"])) as pool:
        bombs = [pool.submit(_bomb_within_limits, kind) for _ in range(2)]
        used = [one.result(300) for one in bombs]
    for before, peak in used:
        assert before + limited.MEMORY / 2 < peak  # or it is no bomb
        assert peak < before + limited.MEMORY + (32 << 20)
    # Besides there are the workers, the grader, and what student code is forked from.
    others = 4 * used[0][0]
    assert sum(peak for _, peak in used) + others < 4 << 30


def _bomb_within_limits(kind):
    return limited.call(bomb, kind, seconds=60)
