"""The ways to confine student code, and which of them is the strongest here.

A test decides each time, by trying what must not be possible.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from normlib.grade.sandbox.inside import calls, lockdown
from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.self_test import canary, self_test
from normlib.grade.sandbox.session import NoSandbox, Stopped


@dataclass(frozen=True)
class Backend:
    """A way to confine student code, and what to install for it."""

    name: str
    what: str
    needs: str

    def lacks(self) -> str:
        """What is missing on this machine, as far as it shows without trying."""
        if self.name == "unsafe":
            return ""
        if not calls.seccomp_is_known():
            return "needs Linux on x86-64 or aarch64"
        if self.name == "bubblewrap":
            return _bubblewrap_lacks()
        if self.name == "landlock" and not lockdown.landlock_version():
            return "this kernel has no Landlock"
        if self.name == "landlock" and os.getuid() == 0:
            for path in map(Path, sorted({sys.prefix, sys.base_prefix})):
                for folder in (path, *path.parents):
                    if not folder.stat().st_mode & 0o001:  # nobody could not import
                        return f"only root may enter {folder}, where Python is"
        return ""


def _bubblewrap_lacks():
    """Whether it may make namespaces: some systems and containers forbid it."""
    if not (program := shutil.which("bwrap")):
        return "there is no program `bwrap`"
    user = [] if os.getuid() == 0 else ["--unshare-user"]
    command = [program, *user, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else tried.stderr.strip() or "`bwrap` fails"


# The strongest first.
BACKENDS = (
    Backend(
        "bubblewrap",
        "namespaces of its own (files, processes, network), seccomp, Landlock",
        "the package bubblewrap, and user namespaces for those who are not root",
    ),
    Backend(
        "landlock",
        "Landlock and seccomp; no file can be written at all",
        "Linux 5.13 or newer, started with Landlock",
    ),
)
UNSAFE = Backend("unsafe", "nothing but limits on memory and time", "nothing")


def strongest(
    course: Path, imports=(), unsafe: bool = False, meanwhile=lambda: None
) -> Zygote:
    """The zygote of the strongest sandbox that passes its test.

    ``meanwhile`` is called once, while the first one starts.

    Raises
    ------
    NoSandbox
        When there is none, and ``unsafe`` does not ask for grading without.
    """
    faults, called = list[str](), list[bool]()

    def once():
        if not called:
            called.append(True)
            meanwhile()

    for backend in BACKENDS:
        zygote, fault = _tested(backend, course, imports, once)
        if zygote:
            return zygote
        faults.append(f"  {backend.name}: {fault}\n")
    if not unsafe:
        raise NoSandbox(
            "no sandbox works here, and untrusted code is not run without one:\n"
            + "".join(faults)
            + "`normlib grade --doctor` says what to install; `--unsafe` grades anyway"
        )
    if os.getuid() == 0:
        raise NoSandbox(
            "without a sandbox, student code would run as root; grade as another user"
        )
    once()
    return Zygote(UNSAFE, imports).wait()


def _tested(backend, course, imports, meanwhile=lambda: None):
    """The zygote of a backend, or None and why not."""
    if fault := backend.lacks():
        return None, fault
    zygote = None
    try:
        with canary():  # before it starts, or a leak of the environment has none
            zygote = Zygote(backend, imports)
        meanwhile()
        if not (weak := self_test(zygote.wait(), course)):
            return zygote, ""
        fault = f"student code could {', '.join(weak)}"
    except (NoSandbox, Stopped) as error:
        fault = f"the self-test {error}" if isinstance(error, Stopped) else str(error)
    except BaseException:
        if zygote:
            zygote.close()
        raise
    if zygote:
        zygote.close()
    return None, fault


def diagnose(course: Path) -> list[tuple[Backend, str]]:
    """Each backend, and what is wrong with it here; empty where nothing is."""
    results = []
    for backend in BACKENDS:
        zygote, fault = _tested(backend, course, ())
        if zygote:
            zygote.close()
        results.append((backend, fault))
    return results
