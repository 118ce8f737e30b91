"""What a process gives up, once and for all, before it runs a student's code.

Linux only, and only its system calls: nothing here needs a privilege or a package.
Each step is explained by what it keeps away. All of it happens in a process just
forked, with one thread. The system calls it loses stand in ``calls``.
"""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import threading

NOBODY = 65534
FILE_SIZE = 32 << 20  # bytes of a file that a student's code writes
THREADS = 64  # with the first one; NumPy and torch use one
SCRATCH_SIZE = 64 << 20  # bytes of all of them

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _syscall(number, *arguments):
    return checked(libc.syscall(number, *arguments))


# Mounts.

_CLONE_NEWNS, _MS_PRIVATE_ALL = 0x20000, 0x40000 | 0x4000
_MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8


def own_scratch(path: str) -> None:
    """Mount an empty folder over ``path``, in memory, that this process alone sees.

    What it writes there is gone when it ends: nothing reaches the next submission.
    Needs CAP_SYS_ADMIN, which bubblewrap leaves to the process that forks.
    """
    checked(libc.unshare(_CLONE_NEWNS))
    checked(libc.mount(b"none", b"/", None, _MS_PRIVATE_ALL, None))
    options = f"size={SCRATCH_SIZE},nr_inodes=4096,mode=1777".encode()
    flags = _MS_NOSUID_NODEV_NOEXEC
    checked(libc.mount(b"tmpfs", path.encode(), b"tmpfs", flags, options))
    os.chdir(path)


# Users and capabilities.

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER = 0x10000000


def drop_privileges() -> None:
    """Stop being root; keep no capability; never get one again."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # In a user namespace of its own, threads are counted for this process alone.
    # Some machines do not allow it; `limit_threads` then counts otherwise.
    libc.unshare(_CLONE_NEWUSER)
    version_3 = struct.pack("<Ii", 0x20080522, 0)
    checked(libc.capset(version_3, bytes(24)))
    checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    # Other processes of the same user may not look into this one.
    checked(libc.prctl(_DUMPABLE, 0, 0, 0, 0))
    # It does not outlive the process that forked it.
    checked(libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


# Landlock: which files may be touched.

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def landlock_version() -> int:
    """Of the running kernel; 0 without Landlock."""
    return max(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1), 0)


def handled(version: int) -> tuple[int, int, int, int]:
    """What a version of Landlock refuses unless it is allowed, as sets of bits.

    Of files; of TCP; of what reaches other processes. And the size in bytes in which
    this version is told so: it refuses a larger one.
    """
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    tcp = 3 if version >= 4 else 0  # neither bind nor connect
    scope = 3 if version >= 6 else 0  # no signal, no abstract socket to the outside
    size = 8 if version < 4 else 16 if version < 6 else 24
    return files, tcp, scope, size


def restrict_files(
    readable: list[str], listable: list[str], writable: list[str], version: int
) -> None:
    """Files outside of these folders can be neither read nor written nor made.

    Of ``listable``, only the names of what is in them can be read. ``version`` is at
    most the kernel's. What a version does not handle yet, ``calls`` refuses:

    - before 2, files cannot be moved to another folder (nothing to refuse);
    - before 3, a file can be emptied;
    - before 4, connections can be made; before 5, devices be controlled; before 6,
      other processes be signaled.
    """
    rights, tcp, scope, size = handled(version)
    attributes = struct.pack("<QQQ", rights, tcp, scope)[:size]
    rules = _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    for paths, allowed in (
        (readable, _READ),
        (listable, _READ_DIR),
        (writable, rights & ~_EXECUTE),
    ):
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:  # not on this machine
                continue
            allowed_here = allowed if os.path.isdir(path) else allowed & _ON_FILES
            rule = struct.pack("<Qi", allowed_here & rights, fd)
            _syscall(_ADD_RULE, rules, 1, rule, 0)
            os.close(fd)
    _syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


# Limits of the resources.


def limit_resources(memory: int, seconds: float) -> None:
    """At most ``memory`` bytes more than now, and ``seconds`` of the processor.

    The limit is on addresses, so that it counts memory which is shared as well.
    """
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    for what, limit in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_CPU, int(seconds) + 5),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 256),  # also timers, in memory of the kernel
    ):
        resource.setrlimit(what, (limit, limit))


def limit_threads() -> None:
    """At most ``THREADS`` of them. Called by a process that is no longer root.

    The kernel counts the threads of a user in a user namespace. Where this process
    has none of its own, those are all threads of the user, and the limit is that
    many more.
    """
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    most = THREADS if hard < 0 else min(THREADS, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, hard))
    try:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    except RuntimeError:
        most = _threads_of(os.getuid()) + THREADS
        most = most if hard < 0 else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _threads_of(user):
    """How many threads a user's processes have, as far as they can be seen."""
    number = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == user:
                number += len(os.listdir(f"/proc/{name}/task"))
    return number


def close_files(keep: int) -> int:
    """Close every open file but ``keep``; it is number 3 afterward."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    if keep != 3:
        os.dup2(keep, 3, inheritable=False)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return 3
