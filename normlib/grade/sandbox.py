"""Start the process that student code is forked from, in the strongest sandbox here.

Which one it is, a test decides each time, by trying what must not be possible.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import normlib
from normlib.grade import lockdown
from normlib.grade.session import NoSandbox, Session, Stopped

_PACKAGE = Path(normlib.__file__).parent
# The files of this package that stand beside a student's code; references do not.
_GIVEN = (
    *(
        f"grade/{name}.py"
        for name in ("wire", "lockdown", "operators", "shell", "child", "zygote")
    ),
    *("check/observing.py", "check/protocols.py", "check/torch_norms.py"),
)
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SCRATCH = "/scratch"  # where bubblewrap lets student code write
_PROCESSOR = ("/proc/cpuinfo", "/proc/meminfo", "/proc/self/statm")


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
        if not lockdown.seccomp_is_known():
            return "needs Linux on x86-64 or aarch64"
        if self.name == "bubblewrap" and not shutil.which("bwrap"):
            return "there is no program `bwrap`"
        if self.name == "landlock" and not lockdown.landlock_version():
            return "this kernel has no Landlock"
        if self.name == "landlock" and os.getuid() == 0:
            for path in map(Path, sorted({sys.prefix, sys.base_prefix})):
                for folder in (path, *path.parents):
                    if not folder.stat().st_mode & 0o001:  # nobody could not import
                        return f"only root may enter {folder}, where Python is"
        return ""


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


class Zygote:
    """The running process, and how to get one forked from it.

    Parameters
    ----------
    backend : Backend
    imports : sequence of str
        Modules to have ready in every fork.
    """

    def __init__(self, backend: Backend, imports=()):
        self.backend = backend
        self._folder = tempfile.mkdtemp(prefix="normlib-")  # only its owner may enter
        self.address = f"{self._folder}/zygote"
        self._log = open(f"{self._folder}/log", "w+b")
        package = Path(self._folder, "package")
        _write_package(package)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(256)
            inside = backend.name == "bubblewrap"
            home = _SCRATCH if inside else f"{self._folder}/home"
            os.makedirs(f"{self._folder}/home")
            settings = {
                "listener": listener.fileno(),
                "imports": list(imports),
                "unsafe": backend.name == "unsafe",
                "private_scratch": inside,
                "scratch": home,
                "landlock": _landlock(inside),
                "environment": {"MPLCONFIGDIR": f"{home}/matplotlib"},
                "fonts": "/fonts" if inside else _fonts(),
            }
            command = _python("/package" if inside else package, settings)
            if inside:
                command = [*_bubblewrap(package), *command]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                pass_fds=[listener.fileno()],
                env=_environment(home),
                cwd="/",
                start_new_session=True,  # a Ctrl-C is for the grader to hear
            )

    def wait(self, seconds: float = 120) -> "Zygote":
        """Return when it is ready.

        Raises
        ------
        NoSandbox
            When it is not, within ``seconds``.
        """
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        if not ready or self._process.stdout.readline() != b"ready\n":
            why = self._last_words() or "nothing was said"
            raise NoSandbox(f"{self.backend.name} did not start: {why}")
        return self

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _last_words(self):
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """End it and everything that was forked from it."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _python(package, settings):
    """The zygote's command: of Python's path, only installed packages and ``package``.

    Without `site`, whose .pth files would bring the real normlib back.
    """
    path = [str(package), *_packages()]
    program = (
        f"import sys; sys.path[:0] = {path[:1]!r}; sys.path += {path[1:]!r}; "
        "from normlib.grade.zygote import main; main()"
    )
    flags = ["-s", "-S", "-P", "-B"]
    return [sys.executable, *flags, "-c", program, json.dumps(settings)]


def _packages():
    """The folders that installed packages are imported from."""
    found = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return [path for path in dict.fromkeys(found) if os.path.isdir(path)]


def _environment(home):
    """All that is in the environment of a student's code."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **dict.fromkeys(("HOME", "TMPDIR", "IPYTHONDIR"), home),
        # One thread: the zygote could not fork with more, and graders share the cores.
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JOBLIB_MULTIPROCESSING": "0",
        "PYTHONHASHSEED": "0",  # grading twice gives the same bytes
    }


def _fonts():
    """Where matplotlib keeps its list of fonts."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("MPLCONFIGDIR") or f"{cache}/matplotlib"


def _readable():
    """What Python and its packages consist of; nothing of the course, nor of a user."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return [*_SYSTEM, *_SETTINGS, *sorted(prefixes), *_packages()]


def _landlock(inside):
    """The arguments of ``restrict_files``; None without Landlock."""
    if not lockdown.landlock_version():
        return None
    if inside:  # where there is nothing to see but what was put there
        return {"readable": ["/"], "listable": [], "writable": [_SCRATCH, "/dev/null"]}
    readable, listable = [*_DEVICES, *_PROCESSOR], []
    for path in map(os.path.realpath, _readable()):
        if os.path.isdir(f"{path}/normlib"):  # installed, not in development
            listable.append(path)
            names = [name for name in os.listdir(path) if name != "normlib"]
            readable += [f"{path}/{name}" for name in names]
        else:
            readable.append(path)
    return {"readable": readable, "listable": listable, "writable": ["/dev/null"]}


def _bubblewrap(package):
    """The command that starts another one among its own files and processes only."""
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"]
    if os.getuid() == 0:
        # Root in a user namespace would still be root to the files outside. Each
        # fork becomes nobody instead; for that, and to end it, are these three.
        kept = ("SETUID", "SETGID", "KILL")
        command += ["--cap-drop", "ALL"]
    else:
        command, kept = [*command, "--unshare-user"], ()
    for name in (*kept, "SYS_ADMIN"):  # the last one to mount `own_scratch`
        command += ["--cap-add", f"CAP_{name}"]
    bound = []
    for path in _readable():
        if os.path.islink(path) and path in _SYSTEM:
            command += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path) and not _within(path, bound):
            bound.append(path)
    for folder in sorted(
        {str(p) for path in (*bound, *_DEVICES) for p in Path(path).parents}
    ):
        if folder != "/" and not _within(folder, bound):
            # bubblewrap would make it readable for its owner alone.
            command += ["--perms", "0755", "--dir", folder]
    for path in bound:
        command += ["--ro-bind", path, path]
    for path in _packages():
        if os.path.isdir(f"{path}/normlib"):
            command += ["--tmpfs", f"{path}/normlib"]  # hides the references
    for path in _DEVICES:
        command += ["--dev-bind", path, path]
    command += ["--proc", "/proc", "--tmpfs", _SCRATCH]
    if not any(_within(path, ["/tmp"]) for path in bound):  # Python may be there
        command += ["--symlink", _SCRATCH, "/tmp"]
    if os.path.isdir(_fonts()):
        command += ["--ro-bind", _fonts(), "/fonts"]
    return [*command, "--ro-bind", str(package), "/package", "--remount-ro", "/"]


def _within(path, folders):
    return any(Path(path).is_relative_to(folder) for folder in folders)


def _write_package(folder):
    """A ``normlib`` with the given files, and stand-ins for the rest."""
    folder = folder / "normlib"
    given = {name: _PACKAGE / name for name in _GIVEN}
    given["__init__.py"] = _PACKAGE / "grade/stand_in/__init__.py"
    given["check/__init__.py"] = _PACKAGE / "grade/stand_in/check.py"
    for path in _PACKAGE.glob("check/exercises/*/protocols.py"):
        given[str(path.relative_to(_PACKAGE))] = path
    for name, path in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    for inner in [path for path in folder.rglob("*") if path.is_dir()]:
        (inner / "__init__.py").touch()


# What must not be possible. Each line raises when it is not.
_ATTEMPTS = {
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
        for what, source in _ATTEMPTS.items():
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
    faults, called = [], []

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
    zygote = Zygote(backend, imports)
    try:
        meanwhile()
        weak = self_test(zygote.wait(), course)
    except NoSandbox as error:
        weak, fault = [], str(error)
    except BaseException:
        zygote.close()
        raise
    if not weak and not fault:
        return zygote, ""
    zygote.close()
    return None, fault or f"student code could {', '.join(weak)}"


def diagnose(course: Path) -> list[tuple[Backend, str]]:
    """Each backend, and what is wrong with it here; empty where nothing is."""
    results = []
    for backend in BACKENDS:
        zygote, fault = _tested(backend, course, ())
        if zygote:
            zygote.close()
        results.append((backend, fault))
    return results
