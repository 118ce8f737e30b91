"""Other systems, as they run a grader: their folders, under one that is temporary.

What they would install is this environment: a script stands in for its interpreter,
so that the package which was packed is the one that grades.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@dataclass
class System:
    """``packed`` is what `normlib pack` wrote; ``root`` stands for the system's /."""

    packed: Path
    root: Path
    python: str = sys.executable

    def __post_init__(self):
        self.install()
        self.submission.mkdir(parents=True, exist_ok=True)

    def run(self, *command, cwd, before=(), **environment):
        """Run a command in a small environment; the process when it has ended."""
        known = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "HOME": str(self.root),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.run(
            [*before, *map(str, command)],
            cwd=cwd,
            env=known | environment,
            capture_output=True,
            text=True,
        )

    @property
    def content(self):
        return json.loads(self.result.read_text("ascii"))


class Gradescope(System):
    def install(self):
        """As Gradescope builds the image: unpack, copy one script, run the other."""
        self.submission = self.root / "autograder/submission"
        self.result = self.root / "autograder/results/results.json"
        source = self.root / "autograder/source"
        with zipfile.ZipFile(self.packed) as archive:
            archive.extractall(source)
        (source.parent / "results").mkdir()
        shutil.copy(source / "run_autograder", source.parent)
        (source.parent / "run_autograder").chmod(0o755)
        # What setup.sh calls: apt-get does nothing, and an environment is this one.
        script(self.root / "bin/apt-get", f'echo "$@" >> {self.root}/installed')
        script(
            self.root / "bin/python3",
            '[ "$1 $2" = "-m venv" ] || exit 0\nmkdir -p "$3/bin"\n'
            'cp "$(dirname "$0")/venv-python" "$3/bin/python"',
        )
        script(
            self.root / "bin/venv-python",
            'if [ "$1 $2" = "-m pip" ]; then\n'
            f'  echo "$@" >> {self.root}/installed\n'
            f'else\n  exec {self.python} "$@"\nfi',
        )
        done = self.run("bash", source / "setup.sh", cwd=source.parent)
        assert done.returncode == 0, done.stderr

    def grade(self, before=()):
        return self.run(
            "/".join((str(self.root), "autograder/run_autograder")),
            cwd=self.root / "autograder",
            before=before,
        )


class PrairieLearn(System):
    def install(self):
        grade = self.root / "grade"
        self.submission = grade / "student"
        self.result = grade / "results/results.json"
        shutil.copytree(self.packed / "tests", grade / "tests")
        (grade / "data").mkdir()
        (grade / "data/data.json").write_text('{"submitted_answers": {}}')
        script(self.root / "bin/python3", f'exec {self.python} "$@"')
        info = json.loads((self.packed / "info.json").read_text())
        entrypoint = info["externalGradingOptions"]["entrypoint"]
        self.entrypoint = Path(f"{self.root}{entrypoint}")
        self.entrypoint.chmod(0o755)

    def grade(self):
        return self.run(self.entrypoint, cwd=self.root)


class Classroom50(System):
    def install(self):
        self.submission = self.root / "checkout"
        self.result = self.submission / "result.json"
        self.bundle = self.root / "bundle"
        shutil.copytree(self.packed, self.bundle)

    def grade(self, *flags):
        url = "https://github.com/university/ada-scaling"
        return self.run(
            *(self.python, *flags, self.bundle / "autograder.py"),
            cwd=self.submission,
            CLASSROOM="norms",
            ASSIGNMENT="scaling",
            ASSIGNMENT_TYPE="individual",
            OWNER="ada",
            USERNAME="ada",
            SUBMISSION_TAG="submit/2026-06-01T14-32-05Z-a1b2c3d",
            COMMIT_URL=f"{url}/commit/a1b2c3d",
            RELEASE_URL=f"{url}/releases/tag/submit",
            REVIEW_URL="",
            PIP_NO_INDEX="1",
        )
