"""Try, in a sandbox, what must not be possible there, and what must be."""

import contextlib
import inspect
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from normlib.check.exercises import EXERCISES
from normlib.check.judging import judge
from normlib.grade.sandbox import leftovers
from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.session import Session

# What must not be possible. Each line raises when it is not. None does harm where it
# is possible: they try on files that were made for it, and on copies.
ATTEMPTS = {
    "read a file of the grader": "open({canary!r}).read()",
    "write into it": "open({canary!r}, 'r+')",
    "empty it": "os.truncate({canary!r}, 0)",
    "empty it while opening it": "os.open({canary!r}, os.O_RDONLY | os.O_TRUNC)",
    "empty it by opening it for nothing": "os.open({canary!r}, 3 | os.O_TRUNC)",
    "change its mode": "os.chmod({canary!r}, 0o600)",
    "change its owner": "os.chown({canary!r}, os.getuid(), -1)",
    "change its times": "os.utime({canary!r})",
    "change its attributes": "os.setxattr({canary!r}, 'user.a', b'')",
    "rename it": "os.rename({canary!r}, {canary!r})",
    "link to it": "os.link({canary!r}, {canary!r} + '-')",
    "make a folder beside it": "os.mkdir({canary!r} + '+')",
    "delete it": "os.unlink({canary!r})",
    "write among the packages": "open(numpy.__file__, 'r+')",
    "change the mode of a package": "os.chmod(numpy.__file__, 0o644)",
    "change the times of a package": "os.utime(numpy.__file__)",
    "open a connection": "socket.create_connection(('127.0.0.1', {port}), 1)",
    "open a socket": "socket.socket(socket.AF_UNIX)",
    "send to a socket of the machine": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'', {unix!r})"
    ),
    "send a message to one": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]"
        ".sendmsg([b''], [], 0, {unix!r})"
    ),
    "connect to a socket of the machine": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].connect({unix!r})"
    ),
    "signal the process that forked it": "os.kill(os.getppid(), 0)",
    "signal everybody": "os.kill(-1, 0)",
    "start a process": "os.fork() or os._exit(0)",
    "start a program": "subprocess.run(['/bin/true'])",
    "start threads without end": (
        "[threading.Thread(target=time.sleep, args=(1,), daemon=True).start()"
        " for _ in range(200)]"
    ),
    "be root": "os.setuid(0) or os.setresuid(0, 0, 0) or 1 / (os.getuid() == 0)",
    "outgrow its memory": "numpy.ones({memory} // 8 + 1)",
    "fill the disk": (
        "[open(f'{{i}}', 'wb').write(bytes(2**24)) for i in range(9)]"
        "; [os.remove(f'{{i}}') for i in range(9)]"
    ),
    "watch files": "1 / (libc.inotify_init1(0) >= 0)",
    "reserve I/O of the kernel": (
        "1 / (libc.syscall({io_setup}, 1, ctypes.byref(ctypes.c_ulong())) == 0)"
    ),
    "read the grader's environment": "os.environ[{variable!r}]",
    "import a reference": "import normlib.batch_norm",
    "read a reference": "open({reference!r}).read()",
}
# What must be: each is to print "ok".
_NEEDS = {
    "import a module later": "import sqlite3, wave; print('ok')",
    "compute": "print('ok' if numpy.ones(3).sum() == 3 else '')",
}
_WITH_FILES = {"write files of its own": "open('own', 'x').close(); print('ok')"}
_EXERCISE = "feature_scaling.z_score"  # its right answer has to get its points
_MEMORY = 512 << 20
_VARIABLE = "NORMLIB_CANARY"
_PREPARED = (
    "import ctypes, os, socket, subprocess, threading, time, numpy\n"
    "from normlib.check.running import protocols\n"
    "libc = ctypes.CDLL(None)\n"
    "threading.stack_size(1 << 16)"  # so that it is not memory that they lack
)


@contextlib.contextmanager
def canary() -> Iterator[None]:
    """A variable in the environment, for a sandbox that starts meanwhile to leak."""
    os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


def self_test(zygote: Zygote, course: Path) -> list[str]:
    """What a student's code could do in this sandbox and must not; empty if nothing.

    The zygote should have been started with the ``canary``.

    Raises
    ------
    NoSandbox
        When no process can be had.
    Stopped
        When the process does not answer.
    """
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(leftovers.folder(course, "."))
        folder = stack.enter_context(leftovers.folder())
        file = Path(place, "canary")
        file.touch()
        for path in (place, file, folder):
            os.chmod(path, 0o777)  # so that only the sandbox is in the way
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        receiver = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        receiver.bind(f"{folder}/socket")
        os.chmod(f"{folder}/socket", 0o666)
        known = {
            "canary": str(file),
            "port": server.getsockname()[1],
            "unix": f"{folder}/socket",
            "memory": _MEMORY,
            "variable": _VARIABLE,
            "io_setup": 206 if os.uname().machine == "x86_64" else 0,
            "reference": inspect.getfile(EXERCISES[_EXERCISE].reference),
        }
        session = stack.enter_context(Session(zygote.address, _MEMORY, 60, 0))
        session.run(_PREPARED, 10)
        found = []
        for what, source in ATTEMPTS.items():
            items = session.run(f"{source.format(**known)}\nprint('could')", 10)
            if ("stdout", "could\n") in items:
                found.append(what)
        inside = zygote.backend.name == "bubblewrap"  # elsewhere no file can be written
        for what, source in (_NEEDS | (_WITH_FILES if inside else {})).items():
            if ("stdout", "ok\n") not in session.run(source, 10):
                found.append(f"not {what}")
        return found if _right_answer_is_right(session) else [*found, "not answer"]


def _right_answer_is_right(session):
    exercise = EXERCISES[_EXERCISE]
    right = exercise.equivalents[0]
    session.run("import numpy as np", 10)
    session.run(inspect.getsource(right), 10)

    def observe(run, _, inputs, own_work):
        return session.observe(right.__name__, run, inputs, 10)

    return judge(_EXERCISE, None, 0, observe).points == exercise.points
