"""seccomp: which system calls student code has. Numbers for x86-64 and for aarch64.

The filter is assembled here, without a library: libseccomp's Python module is no
package that pip installs, and the list of calls, which is what has to be right, would
be as long with it. The tests compare every number with the kernel's own headers.
"""

import ctypes
import errno
import os
import platform
import struct

from normlib.grade.sandbox.inside.lockdown import checked, libc

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
    # The network, and every service of the machine. A pair of sockets is allowed,
    # because asyncio needs one; what would give it an address is not.
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
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
    "io_setup": (206, 0),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
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
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
}
# What Landlock does not see, or not on every kernel: refused where the files outside
# are visible. In a sandbox with files of its own, these calls work there.
UNSEEN = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "truncate": (76, 45),  # Landlock knows it since version 3
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
}
CONDITIONAL = {
    "open": (2, None),
    "openat": (257, 56),
    "sendto": (44, 206),
    "socketpair": (53, 199),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "clone": (56, 220),
}

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_IF_SET = 0x15, 0x35, 0x45
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000
_PDEATHSIG, _DUMPABLE, _SECCOMP = 1, 4, 22
_TRUNCATING = os.O_TRUNC | os.O_ACCMODE
_ALL = 0xFFFFFFFF


def restrict_calls(files_outside: bool) -> None:
    """Let the system calls above fail as if they were not permitted.

    Parameters
    ----------
    files_outside : bool
        Whether files other than the process's own can be seen, so that the calls
        which Landlock does not see have to be refused.
    """
    program = _program(files_outside)
    code = b"".join(struct.pack("<HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    checked(libc.prctl(_SECCOMP, 2, described, 0, 0))


def _program(files_outside):
    column, audit = _ARCHITECTURES[platform.machine()]
    pid = os.getpid()
    denied, absent = _FAIL | errno.EPERM, _FAIL | errno.ENOSYS
    program = [(_LOAD, 0, 0, 4)]  # the architecture
    # Calls of another architecture have other numbers.
    program += [(_JUMP_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, 0)]  # the number
    program += [(_JUMP_AT_LEAST, 0, 1, _FIRST_OF_THE_NEW), (_RETURN, 0, 0, absent)]
    refused = DENIED | UNSEEN if files_outside else DENIED
    for numbers in refused.values():
        if (number := numbers[column]) is not None:
            program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]

    def where(name, argument, jump, values, matching, otherwise, mask=_ALL, half=0):
        """Decide on a call by one half of one of its arguments, the low one is 0."""
        number = CONDITIONAL[name][column]
        if number is None:
            return
        tests = [
            line
            for value in values
            for line in ((jump, 0, 1, value), (_RETURN, 0, 0, matching))
        ]
        body = [(_LOAD, 0, 0, 16 + 8 * argument + 4 * half), (_AND, 0, 0, mask), *tests]
        # Where the argument decides nothing, the number is looked at again.
        end = (_LOAD, 0, 0, 0) if otherwise is None else (_RETURN, 0, 0, otherwise)
        program.extend([(_JUMP_EQUAL, 0, len(body) + 1, number), *body, end])

    # Signals and limits: of this process alone.
    where("kill", 0, _JUMP_EQUAL, [pid], _ALLOW, denied)
    where("tgkill", 0, _JUMP_EQUAL, [pid], _ALLOW, denied)
    where("prlimit64", 0, _JUMP_EQUAL, [0, pid], _ALLOW, denied)
    # F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP: the kernel would signal others.
    # F_SETLEASE, F_NOTIFY: others would wait for this process, or be watched by it.
    # F_SETPIPE_SZ: memory of the kernel that no limit counts.
    where("fcntl", 1, _JUMP_EQUAL, [8, 15, 1024, 1026, 1031], denied, _ALLOW)
    where("ioctl", 1, _JUMP_EQUAL, [0x8901, 0x8902, 0x5412], denied, _ALLOW)  # TIOCSTI
    where("prctl", 0, _JUMP_EQUAL, [_PDEATHSIG, _DUMPABLE], denied, _ALLOW)
    # Threads, but no processes.
    where("clone", 0, _JUMP_IF_SET, [_CLONE_THREAD], _ALLOW, denied)
    # Only to where it is connected: a datagram could go to any address.
    where("socketpair", 0, _JUMP_EQUAL, [1], _ALLOW, denied)  # AF_UNIX
    where("sendto", 4, _JUMP_AT_LEAST, [1], denied, None)
    where("sendto", 4, _JUMP_AT_LEAST, [1], denied, _ALLOW, half=1)
    if files_outside:
        # Landlock before version 3 lets a file be emptied that is opened for reading,
        # or, with the access mode 3, for neither reading nor writing.
        flags = [os.O_TRUNC, os.O_ACCMODE, _TRUNCATING]
        for name, argument in (("open", 1), ("openat", 2)):
            where(name, argument, _JUMP_EQUAL, flags, denied, _ALLOW, _TRUNCATING)
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def seccomp_is_known() -> bool:
    """Whether the numbers of this machine's system calls are in the table."""
    return platform.system() == "Linux" and platform.machine() in _ARCHITECTURES
