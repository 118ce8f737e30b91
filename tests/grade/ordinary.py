"""An ordinary user with Debian's Python and no bubblewrap, as most newcomers are."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

PYTHON = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
USER = 54321  # of nobody; the folder's owner


@dataclass(frozen=True)
class Ordinary:
    """A home with an environment in it that has the packages of this one.

    The packages are not copied: the environment's folder for them is a link.
    """

    home: Path

    @property
    def python(self):
        return f"{self.home}/venv/bin/python"

    def run(self, *command, cwd=None, **environment):
        """Run a command as this user; its output and its exit status."""
        names = {
            "PATH": f"{self.home}/venv/bin",
            "HOME": str(self.home),
            "TMPDIR": f"{self.home}/tmp",
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            command,
            cwd=cwd or self.home,
            env=names | environment,
            user=USER,
            group=USER,
            extra_groups=[],
            umask=0o022,
            capture_output=True,
            text=True,
        )

    def own(self, folder):
        """Give a folder and all that is in it to this user."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER, follow_symlinks=False)


def ordinary(home):
    """One, unless this machine cannot have any: the test is then skipped."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}, which everybody may run")
    packages = sysconfig.get_path("purelib")
    for folder in Path(packages).parents:
        if not folder.stat().st_mode & 0o001:
            pytest.skip(f"only root may enter {folder}, where the packages are")
    command = [PYTHON, "-m", "venv", "--without-pip", f"{home}/venv"]
    subprocess.run(command, check=True)
    (inside,) = Path(home, "venv/lib").glob("python*/site-packages")
    inside.rmdir()
    inside.symlink_to(packages)
    Path(home, "venv/share").symlink_to(f"{sys.prefix}/share")  # nbconvert's templates
    alembic = Path(home, "venv/bin/alembic")  # nbgrader runs it for the gradebook
    alembic.write_text(
        f"#!{home}/venv/bin/python\nfrom alembic.config import main\nmain()\n"
    )
    alembic.chmod(0o755)
    (home / "tmp").mkdir()
    found = Ordinary(home)
    found.own(home)
    return found
