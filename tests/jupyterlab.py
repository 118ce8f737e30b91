"""A JupyterLab of its own for a test, on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def running(folder, home, **environment):
    """Its address; it serves ``folder`` and keeps its own files in ``home``."""
    port = free_port()
    own = {
        f"JUPYTER_{n}": str(home / n) for n in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="),
                f"--ServerApp.root_dir={folder}",
            ],
            cwd=folder,
            env=os.environ | own | environment,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status")
        yield address
    finally:
        server.terminate()
        server.wait()


def close_dialogs(tab):
    """Close what JupyterLab asks; a busy one says that its server does not answer."""
    dialog = tab.locator("dialog.jp-Dialog")
    tab.add_locator_handler(
        dialog,
        lambda: dialog.locator(".jp-mod-accept").last.click(),
        no_wait_after=True,  # it may say two things at once
    )


def wait_for(address, seconds=300):
    end = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
