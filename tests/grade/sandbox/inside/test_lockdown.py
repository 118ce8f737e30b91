"""What is given up is gone, and each Landlock is asked for what it has, in its form."""

import ctypes
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from normlib.grade.sandbox.inside import lockdown

REFER, TRUNCATE, IOCTL = 1 << 13, 1 << 14, 1 << 15


# As in the kernel's Documentation/userspace-api/landlock.rst.
@pytest.mark.parametrize(
    ("version", "files", "tcp", "scope", "size"),
    [
        (1, 0, False, False, 8),
        (2, REFER, False, False, 8),
        (3, REFER | TRUNCATE, False, False, 8),
        (4, REFER | TRUNCATE, True, False, 16),
        (5, REFER | TRUNCATE | IOCTL, True, False, 16),
        (6, REFER | TRUNCATE | IOCTL, True, True, 24),
        (7, REFER | TRUNCATE | IOCTL, True, True, 24),
    ],
)
def test_what_is_asked_for(version, files, tcp, scope, size):
    found = lockdown.handled(version)
    assert found == ((1 << 13) - 1 | files, 3 * tcp, 3 * scope, size)


def in_a_fork(function):
    """What ``function`` returns in a fork of this process, which is bound by it."""
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(sink, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(sink)
    with open(source, "rb") as file:
        told = file.read()
    os.waitpid(pid, 0)
    assert told, "it ended before it said anything"
    return json.loads(told)


def status(*names):
    """Of this process, as the kernel says."""
    lines = Path("/proc/self/status").read_text().splitlines()
    known = dict(line.split(":", 1) for line in lines)
    return [known[name].strip() for name in names]


# Not read from the code: a limit that is missing there has to be missed here.
LIMITS = {
    "CPU": 12,  # seconds: 5 more than what the judge waits for
    "FSIZE": 32 << 20,
    "NOFILE": 256,
    "CORE": 0,
    "MEMLOCK": 0,
    "MSGQUEUE": 0,
    "SIGPENDING": 256,
}


def test_every_resource_is_limited_for_good():
    def limited():
        lockdown.limit_resources(memory=1 << 30, seconds=7.5)
        found = {
            name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
            for name in ("AS", *LIMITS)
        }
        (size,) = status("VmSize")
        return found, int(size.removesuffix(" kB")) << 10

    found, size = in_a_fork(limited)
    soft, hard = found.pop("AS")
    assert soft == hard and abs(soft - size - (1 << 30)) < 16 << 20
    assert found == {name: [limit, limit] for name, limit in LIMITS.items()}


def test_no_privilege_is_left_nor_comes_back():
    """Where no user namespace can be had, which would hide that a step is missing."""
    prctl = lockdown.libc.prctl

    def dropped():
        if os.getuid() == 0:  # to become another user would do for what is below
            os.setgroups([])
            os.setresgid(1234, 1234, 1234)
            os.setresuid(1234, 1234, 1234)
        prctl(4, 1, 0, 0, 0)  # dumpable, as a program is that its user starts
        lockdown.libc.unshare = lambda _: -1
        lockdown.drop_privileges()
        dies = ctypes.c_int()
        prctl(2, ctypes.byref(dies))
        return prctl(3), prctl(39, 0, 0, 0, 0), dies.value

    dumpable, no_new_privileges, dies_with_parent = in_a_fork(dropped)
    assert (dumpable, no_new_privileges) == (0, 1)
    assert dies_with_parent == signal.SIGKILL


@pytest.mark.skipif(os.getuid() != 0, reason="only root can stop being root")
@pytest.mark.parametrize("namespaces", [True, False])
def test_root_becomes_nobody(namespaces):
    def dropped():
        if not namespaces:
            lockdown.libc.unshare = lambda _: -1
        lockdown.drop_privileges()
        users = [*os.getresuid(), *os.getresgid()]
        return users, os.getgroups(), status("CapEff", "CapPrm", "CapInh")

    users, groups, capabilities = in_a_fork(dropped)
    assert {*users} == {65534} and {*groups} <= {65534}
    assert {int(bits, 16) for bits in capabilities} == {0}
