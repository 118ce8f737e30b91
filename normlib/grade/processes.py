"""Processes that work off a list, though any of them may end.

A lost worker's item is tried again, and the others go on with theirs.
"""

import atexit
import contextlib
import functools
import multiprocessing
import os
import shutil
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from normlib.grade.sandbox import leftovers
from normlib.grade.sandbox.session import NoSandbox

_BESIDE = 1 << 30  # bytes: the command, and what was imported for all processes
ATTEMPTS = 3  # for an item whose worker or sandbox ended
LOST = (BrokenProcessPool, NoSandbox, CancelledError)


def at_once(each: int) -> int:
    """How many items to work on at a time when one may take ``each`` bytes.

    As many as there are cores, and as fit into the memory.
    """
    fit = (memory() - _BESIDE) // each
    return max(min(os.cpu_count() or 1, fit), 1)


def memory(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of this machine, or of the container in which this process is."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such file, or it says "max"
            most = min(most, int((groups / name).read_text()))
    return most


@dataclass(frozen=True)
class Workers:
    """``submit`` hands an item to one of them; ``left`` says which are still there.

    ``lost`` are the exceptions, besides ours, which say that one of them has ended.
    """

    submit: Callable
    number: int
    left: Callable = lambda: True
    lost: tuple[type[Exception], ...] = ()


@dataclass(frozen=True)
class GivenUp:
    """In place of a result: why there is none."""

    why: str


def finish(todo, jobs, started, doubtful=lambda result: False):
    """Yield each of ``todo`` with its result, or with `GivenUp`.

    When a worker or a sandbox ends, its item is tried again after the others, alone.
    So an item is given up only if its worker ends each time. ``started`` starts a
    number of workers, at most ``jobs``.

    A result that is ``doubtful`` counts only if nothing else ran at the same time.
    Otherwise that item, too, is tried again alone.
    """
    todo, suspects, tries = deque(todo), deque[Any](), Counter[Any]()
    while todo or suspects:
        items = todo or suspects
        with started(min(jobs, len(todo)) or 1) as workers:
            most = 4 * workers.number if todo else 1
            alone = most == 1 or workers.number == 1
            for item, result in _as_completed(items, workers, most):
                if not isinstance(result, Exception):
                    given_up = isinstance(result, GivenUp)
                    if not given_up and not alone and doubtful(result):
                        suspects.append(item)
                    else:
                        yield item, result
                    continue
                tries[item] += 1
                if tries[item] < ATTEMPTS:
                    suspects.append(item)
                else:
                    yield item, GivenUp(f"{result} ({ATTEMPTS} attempts)")


def _as_completed(items, workers, most):
    """Take ``items`` and yield each with its result, or with why there is none.

    At most ``most`` are at work at a time, so memory stays flat. An item that was lost
    with its process is yielded with the exception that says so, and no more are taken.
    """
    waiting, lost = dict[Future, Any](), False
    while True:
        while items and not lost and len(waiting) < most:
            item = items.popleft()
            try:
                waiting[workers.submit(item)] = item
            except BrokenProcessPool as error:
                lost = True
                yield item, error
        if not waiting:
            return
        done, _ = wait(waiting, timeout=10, return_when=FIRST_COMPLETED)
        if not done and not workers.left():
            raise NoSandbox("all workers have gone; what was finished is kept")
        for future in done:
            item = waiting.pop(future)
            try:
                yield item, future.result()
            except (*LOST, *workers.lost) as error:
                lost = True
                yield item, error
            except Exception as error:  # a defect of ours, met by this submission
                yield item, GivenUp(f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def executor(jobs, modules=()):
    """Processes of this machine. They share the ``modules``, imported only once."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the submissions share the cores
    _own_sockets()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    forkserver.ensure_running()  # it imports while something else starts
    others = {*multiprocessing.active_children()}
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_start_worker, initargs=(os.getcwd(),)
    )
    try:
        yield pool
    finally:
        # Not asked to end: one that was killed may have left the queue locked, and the
        # others would wait for that lock, and the pool for them, forever.
        for process in {*multiprocessing.active_children()} - others:
            process.kill()
        pool.shutdown(cancel_futures=True)


@functools.cache
def _own_sockets():
    """A folder for multiprocessing's sockets that the next run can tell and remove.

    The folder that it makes itself would stay if this process were killed.
    """
    folder, _ = leftovers.new_folder()
    this: Any = multiprocessing.current_process()  # it has no public way to say so
    this._config["tempdir"] = folder
    atexit.register(_remove, folder, os.getpid())


def _remove(folder, owner):
    if os.getpid() == owner:  # and no fork of it
        shutil.rmtree(folder, ignore_errors=True)


def _start_worker(root):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to hear
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(root)


def _end_with_parent():
    """A worker would wait forever for a parent that was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
