"""What a process gives up, once and for all, before it runs a student's code.

Linux only, and only its system calls: nothing here needs a privilege or a package.
Each step is explained by what it keeps away. ``lock_down`` is called in a process
just forked, with one thread.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct

NOBODY = 65534
FILE_SIZE = 32 << 20  # bytes of a file that a student's code writes
SCRATCH_SIZE = "64m"  # of all of them

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _syscall(number, *arguments):
    return _check(_libc.syscall(number, *arguments))


# Mounts.

_CLONE_NEWNS, _MS_PRIVATE_ALL = 0x20000, 0x40000 | 0x4000
_MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8


def own_scratch(path: str) -> None:
    """Mount an empty folder over ``path``, in memory, that this process alone sees.

    What it writes there is gone when it ends: nothing reaches the next submission.
    Needs CAP_SYS_ADMIN, which bubblewrap leaves to the process that forks.
    """
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, _MS_PRIVATE_ALL, None))
    options = f"size={SCRATCH_SIZE},nr_inodes=4096,mode=1777".encode()
    flags = _MS_NOSUID_NODEV_NOEXEC
    _check(_libc.mount(b"tmpfs", path.encode(), b"tmpfs", flags, options))
    os.chdir(path)


# Users and capabilities.

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS, _SECCOMP = 1, 4, 38, 22


def drop_privileges() -> None:
    """Stop being root; keep no capability; never get one again."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    version_3 = struct.pack("<Ii", 0x20080522, 0)
    _check(_libc.capset(version_3, bytes(24)))
    _check(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    # Other processes of the same user may not look into this one.
    _check(_libc.prctl(_DUMPABLE, 0, 0, 0, 0))
    # It does not outlive the process that forked it.
    _check(_libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


# Landlock: which files may be touched.

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def landlock_version() -> int:
    """Of the running kernel; 0 without Landlock."""
    return max(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1), 0)


def restrict_files(readable: list[str], listable: list[str], writable: list[str]):
    """Files outside of these folders can be neither read nor written nor made.

    Of ``listable``, only the names of what is in them can be read.
    """
    version = landlock_version()
    rights = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    tcp = 3 if version >= 4 else 0  # neither bind nor connect
    scope = 3 if version >= 6 else 0  # no signal, no abstract socket to the outside
    size = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}.get(version, 24)
    handled = struct.pack("<QQQ", rights, tcp, scope)[:size]
    rules = _syscall(_CREATE_RULESET, handled, ctypes.c_size_t(size), 0)
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


# seccomp: which system calls there are. Numbers for x86-64 and for aarch64.

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

# From here on numbers are the same everywhere, and every call has an older one that
# the C library falls back to. Among them: clone3, pidfd_*, io_uring_*, the newer
# calls for mounts, memfd_secret, process_madvise, and what is yet to be invented.
_FIRST_OF_THE_NEW = 424

DENIED = {
    # Another process would outlive this one, and multiply.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # The network, and every service of the machine.
    "socket": (41, 198),
    # Signals: those to itself are allowed below.
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    # Into other processes of the same user.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "setpriority": (141, 140),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    # Memory that outlives the process, or that no limit counts.
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Out of the sandbox, and parts of the kernel that nobody needs here.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
}
CONDITIONAL = {
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "clone": (56, 220),
}

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000


def restrict_calls() -> None:
    """Let the system calls above fail as if they were not permitted."""
    column, audit = _ARCHITECTURES[platform.machine()]
    pid = os.getpid()
    denied, absent = _FAIL | errno.EPERM, _FAIL | errno.ENOSYS
    program = [(_LOAD, 0, 0, 4)]  # the architecture
    # Calls of another architecture have other numbers.
    program += [(_JUMP_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, 0)]  # the number
    program += [(_JUMP_AT_LEAST, 0, 1, _FIRST_OF_THE_NEW), (_RETURN, 0, 0, absent)]
    for numbers in DENIED.values():
        if numbers[column] is not None:
            number = numbers[column]
            program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]

    def where(name, argument, jump, values, matching, otherwise):
        """Decide on a call by the low half of one of its arguments."""
        tests = [
            line
            for value in values
            for line in ((jump, 0, 1, value), (_RETURN, 0, 0, matching))
        ]
        body = [(_LOAD, 0, 0, 16 + 8 * argument), *tests, (_RETURN, 0, 0, otherwise)]
        program.extend([(_JUMP_EQUAL, 0, len(body), CONDITIONAL[name][column]), *body])

    # Signals and limits: of this process alone.
    where("kill", 0, _JUMP_EQUAL, [pid], _ALLOW, denied)
    where("tgkill", 0, _JUMP_EQUAL, [pid], _ALLOW, denied)
    where("prlimit64", 0, _JUMP_EQUAL, [0, pid], _ALLOW, denied)
    # F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP: the kernel would signal others.
    where("fcntl", 1, _JUMP_EQUAL, [8, 15], denied, _ALLOW)
    where("ioctl", 1, _JUMP_EQUAL, [0x8901, 0x8902, 0x5412], denied, _ALLOW)  # TIOCSTI
    where("prctl", 0, _JUMP_EQUAL, [_PDEATHSIG, _DUMPABLE], denied, _ALLOW)
    # Threads, but no processes.
    where("clone", 0, _JUMP_IF_SET, [_CLONE_THREAD], _ALLOW, denied)
    program += [(_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("<HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    _check(_libc.prctl(_SECCOMP, 2, described, 0, 0))


def seccomp_is_known() -> bool:
    """Whether the numbers of this machine's system calls are in the table."""
    return platform.system() == "Linux" and platform.machine() in _ARCHITECTURES


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
    ):
        resource.setrlimit(what, (limit, limit))


def close_files(keep: int) -> int:
    """Close every open file but ``keep``; it is number 3 afterwards."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    if keep != 3:
        os.dup2(keep, 3, inheritable=False)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return 3
