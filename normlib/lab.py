"""``normlib lab``: JupyterLab on the exercises, and the book served beside it."""

import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FIRST = "exercises/01_feature_scaling/feature_scaling.ipynb"
# Not a learner's: nbgrader's buttons, and the question whether to fetch news.
FOR_INSTRUCTORS = [
    f"nbgrader.server_extensions.{name}"
    for name in ("formgrader", "validate_assignment", "assignment_list", "course_list")
]
SWITCHED_OFF = ("@jupyter/nbgrader", "@jupyterlab/apputils-extension:announcements")
NOT_YET = (
    b"<!DOCTYPE html><meta charset=utf-8><meta http-equiv=refresh content=10>"
    b"<title>Not built yet</title><p>The book is being built. This page loads it as "
    b"soon as it is there, in some minutes."
)


def run(root: Path, port: int = 8000, options: tuple[str, ...] = ()) -> int:
    """Open JupyterLab in the course's folder ``root``; returns its exit status.

    The book is served at ``port``, or at another one where that is taken. Where it has
    not been built yet, it is built in the background. Reports link to it.

    Parameters
    ----------
    options : tuple of str
        For JupyterLab, such as ``--no-browser``.
    """
    html = root / "_build/html"
    builds = not (html / "index.html").exists() and can_build()
    environment = {"JUPYTER_CONFIG_PATH": str(write_settings(root / "_build/lab"))}
    if builds or html.exists():
        server = serve(html, port)
        address = f"http://localhost:{server.server_port}"
        environment["NORMLIB_BOOK"] = f"{address}/book"
        if server.server_port != port:
            print(f"Port {port} is taken: the book has {server.server_port} instead.")
        print(f"The book: {address}")
    else:
        print("The book is not built. `pip install '.[book]'` brings what builds it.")
    build = Build(root) if builds else None
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"),
        *(f"--LabApp.default_url=/lab/tree/{FIRST}", *options),
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with subprocess.Popen(command, cwd=root, env=os.environ | environment) as process:
        try:
            return _wait(process)
        finally:
            process.terminate()
            if build:
                build.stop()


def _wait(process):
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab gets it too, and asks whether to stop
            continue


def can_build() -> bool:
    """Whether the packages that build the book are installed."""
    return importlib.util.find_spec("jupyter_book") is not None


def write_settings(folder: Path) -> Path:
    """Write settings that hide some of JupyterLab; returns their folder."""
    disabled = {"disabledExtensions": dict.fromkeys(SWITCHED_OFF, True)}
    server = {
        "ServerApp": {"jpserver_extensions": dict.fromkeys(FOR_INSTRUCTORS, False)}
    }
    (folder / "labconfig").mkdir(parents=True, exist_ok=True)
    (folder / "labconfig/page_config.json").write_text(json.dumps(disabled), "utf-8")
    (folder / "jupyter_server_config.json").write_text(json.dumps(server), "utf-8")
    return folder


def serve(html: Path, port: int) -> ThreadingHTTPServer:
    """Serve the folder ``html`` to this machine alone, in a thread."""
    handler = functools.partial(_Pages, directory=str(html))
    try:
        server = _Server(("localhost", port), handler)
    except OSError:  # taken
        server = _Server(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    # On Windows it would give two servers the same port.
    allow_reuse_address = os.name == "posix"


class _Pages(SimpleHTTPRequestHandler):
    """The built pages; while there are none, a page that waits for them."""

    def do_GET(self):
        if Path(self.directory, "index.html").exists():
            return super().do_GET()
        self.send_response(503)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(NOT_YET)

    def log_message(self, *_):
        pass


class Build:
    """Builds the book in the background, and says when it has been built."""

    def __init__(self, root: Path, say: Callable[[str], None] = print):
        say("The book is being built in the background, which takes some minutes.")
        self._say, self._stopped = say, False
        self._log = root / "_build/build.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "book/build.py"], cwd=root, stdout=log, stderr=log
            )
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the build, if it still runs."""
        self._stopped = True
        self._process.terminate()
        self._thread.join()

    def _wait(self):
        if self._process.wait() == 0:
            self._say("The book is there.")
        elif not self._stopped:
            self._say(f"The book could not be built; {self._log} says why.")
