"""The calls that have to be refused are, under the numbers of the kernel's headers."""

import ctypes
import errno
import os
import platform
import re
from pathlib import Path

import pytest

from normlib.grade.sandbox.inside import calls

HEADERS = {
    "x86-64": (0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "64-bit"),
    "aarch64": (1, "/usr/include/asm-generic/unistd.h", "generic"),
}


def numbers(architecture):
    """Of all calls, by the kernel's own headers."""
    _, path, _ = HEADERS[architecture]
    if not Path(path).exists():
        pytest.skip(f"needs {path}, of linux-libc-dev")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(path).read_text())
    return {name: int(number) for name, number in lines}


@pytest.mark.parametrize("architecture", HEADERS)
def test_every_number_is_the_kernels(architecture):
    column, known = HEADERS[architecture][0], numbers(architecture)
    table = calls.DENIED | calls.UNSEEN | calls.CONDITIONAL
    # On aarch64 the older of two calls that differ in nothing else is not there.
    wrong = {
        name: (numbers[column], known.get(name))
        for name, numbers in table.items()
        if numbers[column] != known.get(name)
    }
    assert not wrong
    assert max(n for numbers in table.values() for n in numbers if n) < 424


# Not read from the table: a call that is missing there has to be missed here.
ALWAYS = """
fork vfork execve execveat socket connect bind listen accept accept4 sendmsg sendmmsg
tkill rt_sigqueueinfo rt_tgsigqueueinfo ptrace process_vm_readv process_vm_writev kcmp
move_pages migrate_pages setpriority sched_setscheduler sched_setparam sched_setaffinity
sched_setattr ioprio_set shmget semget msgget mq_open memfd_create io_setup inotify_init
inotify_init1 fanotify_init add_key request_key keyctl unshare setns mount umount2
pivot_root chroot name_to_handle_at open_by_handle_at personality bpf perf_event_open
userfaultfd kexec_load kexec_file_load init_module finit_module delete_module reboot
swapon swapoff acct quotactl syslog vhangup settimeofday clock_settime adjtimex
clock_adjtime sethostname setdomainname modify_ldt iopl ioperm
""".split()
OF_FILES = """
chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat
setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr truncate rename
renameat renameat2 link linkat
""".split()
TRUNC, PATH = os.O_TRUNC, b"/dev/null"
# Name, arguments, and whether they are refused; the process is called "me".
DEPENDING = [
    *((name, ("me", "me", 0)[-n:], False) for name, n in (("kill", 2), ("tgkill", 3))),
    ("kill", (1, 0), True),
    ("kill", (-1, 0), True),
    ("tgkill", (1, 1, 0), True),
    ("prlimit64", (1, 0, None, None), True),
    ("prlimit64", (0, 0, None, None), False),
    *(("fcntl", (1, what, 0), True) for what in (8, 15, 1024, 1026, 1031)),
    ("fcntl", (1, 1), False),
    *(("ioctl", (1, what, 0), True) for what in (0x8901, 0x8902, 0x5412)),
    ("prctl", (1, 0), True),
    ("prctl", (4, 1), True),
    ("prctl", (3,), False),
    ("socketpair", (2, 1, 0, None), True),
    ("sendto", (-1, None, 0, 0, PATH, 16), True),
    ("sendto", (-1, None, 0, 0, 1 << 32, 16), True),  # the low half of it is 0
    ("sendto", (-1, None, 0, 0, None, 0), False),
    ("clone", (17, 0, 0, 0, 0), True),
]
OPENED = [
    *(("open", (PATH, how, 0), True) for how in (TRUNC, 3, TRUNC | 3)),
    *(("openat", (-100, PATH, how, 0), True) for how in (TRUNC, 3, TRUNC | 3)),
    ("open", (PATH, os.O_RDONLY, 0), False),
    ("openat", (-100, PATH, os.O_WRONLY | TRUNC, 0), False),
]
NOTHING = (-1,) * 6  # arguments with which no call does anything


@pytest.mark.parametrize("files_outside", [False, True])
def test_what_has_to_be_refused_is(files_outside):
    """In a fork, which is bound by it for good."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"the numbers of {platform.machine()} are not known")
    known = numbers(platform.machine().replace("_", "-"))
    tried = [(name, NOTHING, True) for name in ALWAYS] + DEPENDING
    tried += [(name, NOTHING, files_outside) for name in OF_FILES]
    tried += [(n, args, files_outside and no) for n, args, no in OPENED]
    tried = [(known[n], n, args, no) for n, args, no in tried if n in known]
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(sink, " ".join(_wrong(tried, files_outside)).encode() + b".")
        finally:
            os._exit(0)
    os.close(sink)
    with open(source, "rb") as file:
        assert file.read() == b"."
    os.waitpid(pid, 0)


def _wrong(tried, files_outside):
    """Which of the calls are not refused as they should be, or are and should not."""
    os.setsid()  # without a terminal
    calls.checked(calls.libc.prctl(38, 1, 0, 0, 0))  # or only root may restrict itself
    calls.restrict_calls(files_outside)
    for number, name, args, refused in tried:
        values = [os.getpid() if value == "me" else value for value in args]
        ctypes.set_errno(0)
        result = calls.libc.syscall(number, *map(_word, values))
        if name in ("fork", "vfork", "clone") and result == 0:
            os._exit(0)
        if (result == -1 and ctypes.get_errno() == errno.EPERM) != refused:
            yield f"{name}{args if args != NOTHING else ''}"


def _word(value):
    """An argument as wide as a register."""
    return ctypes.c_long(value) if isinstance(value, int) else value
