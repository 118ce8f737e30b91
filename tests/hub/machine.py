"""A machine of its own for a hub: users, homes and processes that end with the test.

It is this machine, in namespaces. What is written to the folders that a recipe changes
stays in memory, and the kernel ends every process in it with the first one. So whatever
happens to the test, no user, no home and no process is left.
"""

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PLACES = ("etc", "home", "opt", "root", "srv", "tmp", "var")  # /var: notes logins
# In the new namespaces; the first process ends when nobody holds its input any more.
START = rf"""
set -e
mount -t tmpfs tmpfs "$1"
for place in {" ".join(PLACES)}; do
  mkdir -p "$1/$place/written" "$1/$place/work"
  chmod --reference="/$place" "$1/$place/written"
done
cd "$1"
for place in {" ".join(PLACES)}; do
  mount -t overlay -o "lowerdir=/$place,upperdir=$place/written,workdir=$place/work" \
    overlay "/$place"
done
cd /
echo ready
read -r || true
"""


@dataclass(frozen=True)
class Machine:
    """Runs commands inside; ``first`` is its first process, seen from outside."""

    first: int

    def command(self, user, text):
        """What runs a command of the shell inside, as this user in her home."""
        inside = ("nsenter", f"--target={self.first}", "--mount", "--pid", "--wd=/")
        shell = ("runuser", "--login", user, "--command", text)
        return [*inside, *shell]

    def run(self, user, text, **options):
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            self.command(user, text), capture_output=True, text=True, **options
        )
        assert done.returncode == 0, f"{user}$ {text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, user, path, text):
        self.run(user, f"mkdir -p {Path(path).parent} && cat > {path}", input=text)


@contextlib.contextmanager
def machine(folder):
    """One, or the reason why this machine cannot have any as a skipped test."""
    if os.getuid() != 0:
        pytest.skip("only root can make users")
    for program in ("unshare", "nsenter", "useradd", "runuser"):
        if not shutil.which(program):
            pytest.skip(f"needs {program}, of util-linux or passwd")
    namespaces = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    process = subprocess.Popen(
        ["unshare", *namespaces, "bash", "-c", START, "bash", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:  # at the end, its input is closed
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"no namespaces here: {process.stderr.read()}")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        yield Machine(int(children.read_text()))
