"""Stop an answer that does not return."""

import contextlib
import ctypes
import signal
import sys
import threading
from collections.abc import Iterator

from normlib.check.running.observing import TimeLimitExceeded

AGAIN = 0.5  # seconds until an answer that catches the interruption is told again
WATCHER = "time limit"  # the name of the thread that watches


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeLimitExceeded`` in this thread when the block takes longer.

    The main thread gets a signal where there is one, which also ends a call that waits.
    Elsewhere another thread watches, and Python raises the exception between two
    instructions. Where there are no threads either, as in a browser, there is no limit.
    """
    main = threading.current_thread() is threading.main_thread()
    if main and hasattr(signal, "setitimer") and sys.platform != "emscripten":
        with _by_signal(seconds):
            yield
    elif sys.platform != "emscripten":
        with _by_watching(seconds):
            yield
    else:
        yield


@contextlib.contextmanager
def _by_signal(seconds):
    def tell(*_):
        raise TimeLimitExceeded

    def end():
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    before = signal.signal(signal.SIGALRM, tell)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        # No function of its own: the signal may come while that one is being called.
        try:
            end()
        except TimeLimitExceeded:  # the time is up just now; it is told again later
            end()


@contextlib.contextmanager
def _by_watching(seconds):
    ended, telling = threading.Event(), threading.Lock()
    watched = ctypes.c_ulong(threading.get_ident())
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch():
        wait = seconds
        while not ended.wait(wait):
            with telling:
                if not ended.is_set():
                    raise_in(watched, ctypes.py_object(TimeLimitExceeded))
            wait = AGAIN

    def end():
        with telling:
            ended.set()
            raise_in(watched, None)  # takes back one that has not arrived yet

    watcher = threading.Thread(target=watch, name=WATCHER, daemon=True)
    try:
        watcher.start()
        yield
    finally:
        try:
            end()
        except TimeLimitExceeded:  # the time is up just now; it is told again later
            end()
