"""A hub as the page on JupyterHub sets it up."""

import contextlib
import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hub import recipe
from tests.hub.machine import Machine, machine
from tests.jupyterlab import free_port, wait_for

COURSE = "/opt/normalization"
COPIED = ("nbgrader_config.py", "solutions", "exercises")
PROGRAMS = ("alembic", "jupyterhub", "jupyterhub-singleuser", "nbgrader", "normlib")
PEOPLE = ("instructor", "ada", "ben", "chi")  # whom the page makes users
PASSWORD = "correct horse"


@dataclass(frozen=True)
class Hub:
    machine: Machine
    address: str


@pytest.fixture(scope="session")
def proxy(root):
    """The hub's proxy, of the version that the page names."""
    found = root / "_build/hub/node_modules/.bin/configurable-http-proxy"
    if not (shutil.which("node") and found.exists()):
        version = recipe.PROXY.search(recipe.PAGE.read_text())[0]
        pytest.skip(f"needs node and: npm install --prefix _build/hub {version}")
    return found


@pytest.fixture(scope="module")
def hub(root, proxy, tmp_path_factory):
    """A running one, on a machine of its own."""
    pytest.importorskip("jupyterhub", reason="needs JupyterHub: pip install '.[hub]'")
    folder = tmp_path_factory.mktemp("hub")
    with machine(folder) as own:
        _install(own, root, proxy)
        *steps, start = recipe.steps()
        for step in steps:
            if step.path:
                own.write(step.user, step.path, step.text)
            else:
                own.run(step.user, "\n".join(["set -e", *step.lines]))
        passwords = "".join(f"{name}:{PASSWORD}\n" for name in PEOPLE)
        own.run("root", "chpasswd", input=passwords)
        with _started(own, start, folder / "log") as address:
            yield Hub(own, address)


def _install(own, root, proxy):
    """What the page has typed under "Install", from what is installed here.

    Any of it may lie in a home that only its owner may enter; here, everybody may.
    """
    environment = f"{COURSE}/.venv"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = f"{environment}/lib/{version}/site-packages"
    python = Path(sys.base_prefix, "bin", version)
    used = (root, python, Path(sysconfig.get_path("purelib")))
    ways = {parent for path in used for parent in path.parents}
    closed = [way for way in ways if not way.stat().st_mode & 0o001]
    links = [
        *((f"{sys.prefix}/{name}", environment) for name in ("share", "etc")),
        (sysconfig.get_path("purelib"), packages),
        (proxy, f"{environment}/bin"),
        (shutil.which("node"), f"{environment}/bin"),
    ]
    lines = [
        "set -e",
        *(f"chmod o+x {way}" for way in closed),
        f"mkdir {COURSE}",
        f"cp --recursive {' '.join(str(root / name) for name in COPIED)} {COURSE}",
        f"{python} -m venv --without-pip {environment}",
        f"rmdir {packages}",
        *(f"ln -s {of} {at}" for of, at in links),
    ]
    own.run("root", "\n".join(lines))
    for program in importlib.metadata.entry_points(group="console_scripts"):
        if program.name in PROGRAMS:
            path = f"{environment}/bin/{program.name}"
            script = (
                f"#!{environment}/bin/python\nimport sys\n"
                f"from {program.module} import {program.attr} as main\n"
                'if __name__ == "__main__":\n    sys.exit(main())\n'
            )
            own.write("root", path, script)
            own.run("root", f"chmod +x {path}")


@contextlib.contextmanager
def _started(own, start, log):
    """The hub's address, on free ports instead of its own."""
    (line,) = start.lines
    address, api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    line += f" --JupyterHub.bind_url={address} --JupyterHub.hub_port={free_port()}"
    line += f" --ConfigurableHTTPProxy.api_url={api}"
    line += " --Spawner.start_timeout=300 --Spawner.http_timeout=300"  # a busy machine
    with open(log, "wb") as file:
        process = subprocess.Popen(own.command("root", line), stdout=file, stderr=file)
        try:
            wait_for(f"{address}/hub/health")
            yield address
        finally:
            process.terminate()
            process.wait()
