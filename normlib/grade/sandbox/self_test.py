"""Try, in a sandbox, what must not be possible there, and what must be."""

import contextlib
import os
import socket
import tempfile
from pathlib import Path

from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.session import Session, Stopped

# What must not be possible. Each line raises when it is not.
ATTEMPTS = {
    "read a file of the grader": "open({canary!r}).read()",
    "write into it": "open({canary!r}, 'r+')",
    "write among the packages": "open(numpy.__file__, 'r+')",
    "open a connection": "socket.create_connection(('127.0.0.1', {port}), 1)",
    "open a socket": "socket.socket(socket.AF_UNIX)",
    "signal the process that forked it": "os.kill(os.getppid(), 0)",
    "signal everybody": "os.kill(-1, 0)",
    "start a process": "os.fork() or os._exit(0)",
    "start a program": "subprocess.run(['/bin/true'])",
    "be root": "os.setuid(0) or os.setresuid(0, 0, 0) or 1 / (os.getuid() == 0)",
    "outgrow its memory": "numpy.ones({memory} // 8 + 1)",
    "fill the disk": "[open(f'{{i}}', 'wb').write(bytes(2**24)) for i in range(9)]",
    "read the grader's environment": "os.environ[{variable!r}]",
    "import a reference": "import normlib.batch_norm",
}
# What must be: each is to print "ok".
_NEEDS = {
    "import a module later": "import sqlite3, wave; print('ok')",
    "compute": "print('ok' if numpy.ones(3).sum() == 3 else '')",
}
_MEMORY = 512 << 20


def self_test(zygote: Zygote, course: Path) -> list[str]:
    """What a student's code could do in this sandbox and must not; empty if nothing.

    Raises
    ------
    NoSandbox
        When no process can be had.
    """
    variable = "NORMLIB_CANARY"
    os.environ[variable] = "1"
    with contextlib.ExitStack() as stack:
        canary = stack.enter_context(tempfile.NamedTemporaryFile(dir=course))
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        session = Session(zygote.address, _MEMORY, 20, 0)
        stack.enter_context(session)
        known = {
            "canary": canary.name,
            "port": server.getsockname()[1],
            "memory": _MEMORY,
            "variable": variable,
        }
        session.run("import os, socket, subprocess, numpy", 10)
        found = []
        for what, source in ATTEMPTS.items():
            source = source.format(**known)
            try:
                items = session.run(f"{source}\nprint('could')", 10)
            except Stopped as error:
                return [*found, f"{what}: {error}"]
            if ("stdout", "could\n") in items:
                found.append(what)
        for what, source in _NEEDS.items():
            if ("stdout", "ok\n") not in session.run(source, 10):
                found.append(f"not {what}")
    return found
