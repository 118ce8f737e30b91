"""``normlib lab``: JupyterLab at once, and the book beside it."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from normlib import lab
from tests.jupyterlab import free_port, wait_for


def read(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def course(tmp_path_factory, root):
    """A course with a built page, in which somebody has worked."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(root / "nbgrader_config.py", folder)
    shutil.copytree(root / "exercises", folder / "exercises")
    (folder / "_build/html").mkdir(parents=True)
    (folder / "_build/html/index.html").write_text("<p>The book")
    return folder


@pytest.fixture(scope="module")
def started(course, root):
    """The command's output and addresses, with a port that is taken."""
    taken = socket.create_server(("localhost", 0))
    wanted, own = taken.getsockname()[1], free_port()
    command = [sys.executable, "-m", "normlib.cli", "lab", f"--port={wanted}"]
    command += [f"--ServerApp.port={own}", "--no-browser", "--allow-root"]
    command += ["--IdentityProvider.token="]
    process = subprocess.Popen(
        command,
        cwd=course,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = [process.stdout.readline() for _ in range(2)]
        wait_for(f"http://localhost:{own}/api/status")
        yield "".join(said), wanted, f"http://localhost:{own}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
        taken.close()


@pytest.mark.slow
def test_a_taken_port_is_noticed_and_another_one_said(started):
    said, wanted, _ = started
    other = re.search(rf"Port {wanted} is taken: the book has (\d+) instead", said)[1]
    assert f"The book: http://localhost:{other}" in said
    assert read(f"http://localhost:{other}/") == "<p>The book"


@pytest.mark.slow
def test_what_is_for_instructors_is_switched_off(started):
    _, _, address = started
    page = read(f"{address}/lab")
    config = re.search(
        r'id="jupyter-config-data"[^>]*>\s*(.+?)\s*</script>', page, re.S
    )
    config = json.loads(config[1])
    assert set(lab.SWITCHED_OFF) <= set(config["disabledExtensions"])
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(f"{address}/formgrader")


def test_a_book_that_is_missing_is_served_as_soon_as_it_is_there(tmp_path):
    server = lab.serve(tmp_path, 0)
    address = f"http://localhost:{server.server_port}/"
    with pytest.raises(urllib.error.HTTPError, match="503") as error:
        read(address)
    assert b"being built" in error.value.read()
    (tmp_path / "index.html").write_text("there")
    assert read(address) == "there"
    server.shutdown()
    server.server_close()


def test_a_build_that_fails_says_where_to_look(tmp_path):
    said = []
    build = lab.Build(tmp_path, said.append)
    build._thread.join()
    log = tmp_path / "_build/build.log"
    assert said[-1] == f"The book could not be built; {log} says why."
    assert log.read_text()


def test_a_build_is_ended_with_the_command(tmp_path):
    said = []
    build = lab.Build(tmp_path, said.append)
    build.stop()
    assert not build._thread.is_alive() and "could not" not in said[-1]
