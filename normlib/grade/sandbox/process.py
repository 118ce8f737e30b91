"""The running process that student code is forked from, and how to get a fork."""

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
from pathlib import Path

import normlib
from normlib.grade.sandbox.inside import lockdown
from normlib.grade.sandbox.session import NoSandbox

_PACKAGE = Path(normlib.__file__).parent
# What stands beside a student's code, by folder; references do not.
_GIVEN = ("grade/sandbox/inside/*.py", "check/running/*.py")
_GIVEN_OF_TOPICS = "check/exercises/*/protocols.py"
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SCRATCH = "/scratch"  # where bubblewrap lets student code write
_PROCESSOR = ("/proc/cpuinfo", "/proc/meminfo", "/proc/self/statm")


class Zygote:
    """The running process, and how to get one forked from it.

    Parameters
    ----------
    backend : Backend
    imports : sequence of str
        Modules to have ready in every fork.
    """

    def __init__(self, backend, imports=()):
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
        "from normlib.grade.sandbox.inside.zygote import main; main()"
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
    stand_in = _PACKAGE / "grade/sandbox/stand_in"
    given = {
        str(path.relative_to(_PACKAGE)): path
        for pattern in (*_GIVEN, _GIVEN_OF_TOPICS)
        for path in _PACKAGE.glob(pattern)
    }
    given |= {str(path.relative_to(stand_in)): path for path in stand_in.rglob("*.py")}
    for name, path in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    for inner in [path for path in folder.rglob("*") if path.is_dir()]:
        (inner / "__init__.py").touch()
