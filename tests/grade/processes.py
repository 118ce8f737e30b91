"""Processes of a test: forks of its own, those of others, and waiting for them."""

import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def family(pid):
    """Processes that descend from ``pid``: their command lines."""
    parents, commands = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            command = (path / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.name)], commands[int(path.name)] = int(fields[1]), command
    found = {pid}
    while new := {p for p, parent in parents.items() if parent in found} - found:
        found |= new
    return {p: commands[p] for p in sorted(found - {pid})}


def forked(function):
    """Call ``function`` in a fork of this process; the pid."""
    with warnings.catch_warnings(action="ignore"):  # of threads, which sleep
        pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    return pid


def ended(pid):
    """Wait for it; its exit status, negative when a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_beyond(size):
    """End this process when a file grows beyond so many bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
