"""Several machines grade one class, as one machine would."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from tests.grade.classes import QUICK, results, written
from tests.grade.processes import wait_for

# What takes long is made once: in one process, not in each that runs tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("scheduler")]

pytest.importorskip("distributed", reason="needs distributed: the extra `cluster`")

# A worker that opens a file of the course ends: the machines share none.
NOTHING_SHARED = """
import os, sys

def hook(name, args):
    if name in ("open", "os.listdir", "os.scandir") and {course!r} in str(args[0]):
        print("looked into the course:", args, file=sys.stderr, flush=True)
        os._exit(1)

sys.addaudithook(hook)
"""
# Without any sandbox, and with another normlib.
UNCONFINED = """
import os
import normlib.grade.sandbox.backends

normlib.grade.sandbox.backends.BACKENDS = ()
os.getuid = lambda: 1000  # root would refuse in any case
"""
OTHER = "import normlib.grade.submission.pack as p; p._version = lambda _: 'another'"


class Cluster:
    """Processes that work together; ``start`` and ``run`` start them."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []

    def start(self, *preloads):
        """A scheduler and workers; returns its address and their processes."""
        file = self.folder / "scheduler.json"
        quiet = "--no-dashboard", f"--scheduler-file={file}"
        self._machine("dask_scheduler", *quiet, "--port=0", "--host=127.0.0.1")
        alone = "--nthreads=1", "--no-nanny", "--local-directory=."
        workers = [
            self._machine("dask_worker", *quiet, *alone, "--preload", text)
            for text in preloads
        ]
        wait_for(file.exists)
        return json.loads(file.read_text())["address"], workers

    def _machine(self, program, *arguments):
        where = self.folder / f"machine-{len(self.processes)}"
        where.mkdir()
        with open(where / "log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
                cwd=where,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def run(self, folder, *arguments, **environment):
        """`normlib grade`, just started."""
        process = subprocess.Popen(
            [sys.executable, "-m", "normlib.cli", "grade", *arguments],
            cwd=folder,
            env=os.environ | {"COLUMNS": "200"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()


@pytest.fixture
def cluster(tmp_path):
    found = Cluster(tmp_path)
    yield found
    found.end()


def test_two_workers_give_the_same_though_one_is_lost(new_course, grade_here, cluster):
    alone, folder = (new_course(name, 6, seconds=0.5) for name in ("alone", "class"))
    grade_here(alone, options=QUICK)
    watched = NOTHING_SHARED.format(course=str(folder))
    address, (one, two) = cluster.start(watched, watched)
    process = cluster.run(folder, "--scheduler", address, "--json", "found.json")
    wait_for(lambda: results(folder))
    assert one.poll() is two.poll() is None
    one.kill()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "was not graded" not in output and "Traceback" not in output
    assert json.loads((folder / "found.json").read_text())["ran"] == 6
    assert two.poll() is None
    assert written(folder) == written(alone)


def test_a_worker_that_is_not_fit_is_given_nothing(new_course, grade_here, cluster):
    folder = new_course("class", 2)
    address, _ = cluster.start(UNCONFINED, OTHER)
    process = cluster.run(folder, "--scheduler", address)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"no worker of {address} is fit to grade" in output
    assert "no sandbox works here, and untrusted code is not run without" in output
    assert "it has another version of Python, NumPy, torch or normlib" in output
    assert results(folder) == []
    process = cluster.run(folder, "--scheduler", address, "--unsafe")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert re.search(r"Not used: .*: it has another version of Python", output)
    assert "Graded without a sandbox: do not trust these points." in output
    assert len(results(folder)) == 2


def test_without_a_scheduler_nothing_is_lost(new_course, grade_here, cluster):
    folder = new_course("class", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    environment = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    process = cluster.run(folder, "--scheduler", address, **environment)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "Traceback" not in output
    assert address.removeprefix("tcp://") in output
    assert grade_here(folder, options=QUICK).ran == 1
