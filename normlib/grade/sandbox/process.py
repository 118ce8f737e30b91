"""The running process that student code is forked from, and how to get a fork."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from normlib.grade.sandbox import leftovers, visible
from normlib.grade.sandbox.session import NoSandbox


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
        # Only its owner may connect, but the user who runs student code may enter it.
        self._lock: int | None
        self._folder, self._lock = leftovers.new_folder()
        os.chmod(self._folder, 0o711)
        self.address = f"{self._folder}/zygote"
        self._log = tempfile.TemporaryFile()
        package, fonts = Path(self._folder, "package"), Path(self._folder, "fonts")
        visible.write_package(package)
        visible.write_fonts(fonts)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            os.chmod(self.address, 0o600)
            listener.listen(256)
            inside = backend.name == "bubblewrap"
            home = visible.SCRATCH if inside else f"{self._folder}/home"
            os.makedirs(f"{self._folder}/home")
            settings = {
                "listener": listener.fileno(),
                "imports": list(imports),
                "unsafe": backend.name == "unsafe",
                "private_scratch": inside,
                "scratch": home,
                "landlock": visible.landlock(None if inside else package),
                "environment": {"MPLCONFIGDIR": f"{home}/matplotlib"},
                "fonts": "/fonts" if inside else str(fonts),
            }
            command = _python("/package" if inside else package, settings)
            if inside:
                command = [*visible.bubblewrap(package, fonts), *command]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                pass_fds=[listener.fileno()],
                env=_environment(home),
                # What nothing confines may write where it starts.
                cwd=home if settings["unsafe"] else "/",
                start_new_session=True,  # a Ctrl-C is for the grader to hear
            )
        assert self._process.stdin and self._process.stdout  # both are pipes
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def wait(self, seconds: float = 120) -> "Zygote":
        """Return when it is ready.

        Raises
        ------
        NoSandbox
            When it is not, within ``seconds``.
        """
        ready, _, _ = select.select([self._stdout], [], [], seconds)
        if not ready or self._stdout.readline() != b"ready\n":
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
            self._stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._stdout.close()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _python(package, settings):
    """The zygote's command: of Python's path, only installed packages and ``package``.

    Without `site`, whose .pth files would bring the real normlib back.
    """
    path = [str(package), *visible.packages()]
    program = (
        f"import sys; sys.path[:0] = {path[:1]!r}; sys.path += {path[1:]!r}; "
        "from normlib.grade.sandbox.inside.zygote import main; main()"
    )
    flags = ["-s", "-S", "-P", "-B"]
    return [sys.executable, *flags, "-c", program, json.dumps(settings)]


def _environment(home):
    """All that is in the environment of a student's code."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **dict.fromkeys(("HOME", "TMPDIR", "IPYTHONDIR"), home),
        # Torch makes this folder when an optimizer is made, unless it is there.
        "TORCHINDUCTOR_CACHE_DIR": home,
        # One thread: the zygote could not fork with more, and graders share the cores.
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JOBLIB_MULTIPROCESSING": "0",
        "PYTHONHASHSEED": "0",  # grading twice gives the same bytes
    }
