"""Work on what a student wrote, done in a process with limits on time and memory.

A parser can be made to take hours or gigabytes, and some of them do not hear signals
meanwhile. So whatever parses a submission runs in a fork of the process that asks.
The kernel ends the fork when it has used up its processor time, and refuses it memory
beyond the limit. The fork serves one call of a thread after another; if one of them
fails, the next call gets a new fork.
"""

import atexit
import contextlib
import gc
import json
import multiprocessing
import os
import resource
import signal
import threading
import warnings

SECONDS = 10  # of the processor, for one call
MEMORY = 512 << 20  # bytes, beyond what the process had before
_WAIT = 6  # times as many seconds on the clock: the machine may be busy
_MOST = 64 << 20  # bytes of an answer

_forks: dict[tuple[int, int], "_Fork"] = {}  # by the process and thread it serves


class Failed(Exception):
    """The work could not be done within the limits, or met an error; says which.

    ``said`` is what the error itself said.
    """

    def __init__(self, why: str, said: str = ""):
        super().__init__(why)
        self.said = said


def call(function, *args, seconds: float = SECONDS):
    """What ``function(*args)`` returns, computed in the limited process.

    ``function`` belongs to a module. What it returns is made of what JSON knows, so
    that nothing made from a submission is unpickled here.

    Raises
    ------
    Failed
        When it takes too long, needs too much memory, or raises.
    """
    me = os.getpid(), threading.get_ident()
    fork = _forks.get(me)
    if fork is None:
        fork = _forks[me] = _Fork()
    try:
        return fork.call(function, args, seconds)
    except BaseException:
        _forks.pop(me).close()
        raise


def close() -> None:
    """End the forks that serve this process, if there are any."""
    for pid, thread in list(_forks):
        if pid == os.getpid():
            _forks.pop((pid, thread)).close()


atexit.register(close)


class _Fork:
    def __init__(self):
        self.connection, theirs = multiprocessing.Pipe()
        with warnings.catch_warnings(action="ignore"):  # of threads: none is needed
            self.pid = os.fork()
        if self.pid == 0:
            try:
                self.connection.close()
                _serve(theirs)
            finally:
                os._exit(0)
        theirs.close()

    def call(self, function, args, seconds):
        try:
            self.connection.send((function, args, seconds))
            if not self.connection.poll(_WAIT * seconds):
                raise Failed(f"took more than {_WAIT * seconds:g} seconds")
            status, *told = json.loads(self.connection.recv_bytes(_MOST))
        except (OSError, EOFError):
            raise Failed(self._ended(seconds)) from None
        if status != "done":
            raise Failed(*told)
        return told[0]

    def close(self):
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _ended(self, seconds):
        """Why no answer came."""
        os.kill(self.pid, signal.SIGKILL)  # in case it is still there
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            return f"took more than {seconds:g} seconds"
        return "ended the process that worked on it"


def _serve(connection):
    _confine(connection.fileno())
    while True:
        try:
            function, args, seconds = connection.recv()
        except EOFError:  # whoever asked has ended
            return
        _allow(seconds)
        try:
            answer = ["done", function(*args)]
        except MemoryError:
            answer = ["failed", f"needed more than {MEMORY >> 20} MB of memory"]
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:500]
            answer = ["failed", why, str(error)[:500]]
        connection.send_bytes(json.dumps(answer).encode())


def _confine(keep):
    """Keep no file open but one, and take no more memory than is allowed."""
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    gc.freeze()  # what was there before stays shared
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[5])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to hear


def _allow(seconds):
    """So many more seconds of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, most))
