"""What other systems need to grade an assignment with this grader, as files.

Each gets the same grader: the package, the released notebook, the course's limits and
the pinned versions. Added to it are the scripts that the system starts.
"""

import hashlib
import io
import json
import shutil
import tomllib
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import normlib
from normlib.errors import CourseError
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically

_PACKAGE = Path(normlib.__file__).parent
_EXECUTABLE = ("setup.sh", "run_autograder", "run.sh")
_MOST_SECONDS = 600  # that PrairieLearn allows

_SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the image.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
here=${here%/source}
apt-get update
apt-get install -y --no-install-recommends bubblewrap python3 python3-venv
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  apt-get install -y --no-install-recommends python3.11 python3.11-venv
  python=python3.11
fi
"$python" -m venv "$here/venv"
# torch's CPU build: the default one for Linux brings gigabytes of CUDA along.
export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
"$here/venv/bin/python" -m pip install --no-cache-dir \\
  --constraint "$here/source/requirements.txt" \\
  --requirement "$here/source/grading.txt"
chmod 700 "$here/source"  # nothing that runs as another user looks into it
"""

_RUN = """\
#!/usr/bin/env bash
# Gradescope runs its copy of this, as root, for each submission.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/source"
export PYTHONPATH=$PWD PYTHONSAFEPATH=1
exec "$here/venv/bin/python" -m normlib.grade.lms.autograde gradescope \\
  "$PWD" "$here/submission" "$here/results/results.json"
"""

_ENTRYPOINT = """\
#!/bin/sh
# PrairieLearn runs this in the container, for each submission.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
export PYTHONPATH="$here" PYTHONSAFEPATH=1
exec python3 -m normlib.grade.lms.autograde prairielearn \\
  "$here" "$here/../student" "$here/../results/results.json"
"""

_QUESTION = """\
<pl-question-panel>
  <p>Upload your notebook <code>{notebook}.ipynb</code>.</p>
  <pl-file-upload file-names="{notebook}.ipynb"></pl-file-upload>
</pl-question-panel>
<pl-submission-panel>
  <pl-external-grader-results></pl-external-grader-results>
  <pl-file-preview></pl-file-preview>
</pl-submission-panel>
"""


def pack(root: Path, system: str, assignment: str, output: Path, image: str) -> Path:
    """Write what ``system`` needs for an assignment; returns where it is.

    A folder by the name of the assignment in ``output``, or a ZIP file. What was there
    under that name is replaced.
    """
    course = Course(root)
    if assignment not in course.assignments:
        there = ", ".join(course.assignments)
        raise CourseError(f"no assignment {assignment!r}; there are {there}")
    files = _FILES[system](course, assignment, image)
    path = output / system / assignment
    if system == "gradescope":
        path = path.with_name(f"{assignment}.zip")
        write_atomically(path, _zipped(files))
        return path
    shutil.rmtree(path, ignore_errors=True)
    for name, content in files.items():
        write_atomically(path / name, content)
        (path / name).chmod(_mode(name))
    return path


def _gradescope(course, assignment, _):
    files = _grader(course, assignment)
    files["secret"] = _secret(course, "gradescope", assignment)
    return files | {"setup.sh": _SETUP.encode(), "run_autograder": _RUN.encode()}


def _prairielearn(course, assignment, image):
    files = _grader(course, assignment)
    files["secret"] = _secret(course, "prairielearn", assignment)
    files["run.sh"] = _ENTRYPOINT.encode()
    (notebook,) = (pack.notebook for pack in course.packs(assignment))
    name = f"{course.course_id}/{assignment}"
    info = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"normlib:{name}")),
        "title": notebook.replace("_", " ").capitalize(),
        "topic": "Normalization",
        "type": "v3",
        "gradingMethod": "External",
        "externalGradingOptions": {
            "enabled": True,
            "image": image,
            "entrypoint": "/grade/tests/run.sh",
            "timeout": _MOST_SECONDS,
            "enableNetworking": False,
        },
    }
    return {
        "info.json": (json.dumps(info, indent=2) + "\n").encode(),
        "question.html": _QUESTION.format(notebook=notebook).encode(),
        **{f"tests/{name}": content for name, content in files.items()},
    }


def _classroom50(course, assignment, _):
    """Without a secret: the files are published where anybody may read them."""
    files = _grader(course, assignment)
    script = Path(__file__).with_name("classroom50.py")
    return files | {"autograder.py": script.read_bytes()}


def _grader(course, assignment):
    """The files that are the same everywhere, by name."""
    course.packs(assignment)  # says what is wrong with them
    files = {"grading.txt": _requirements(course.root)}
    for name in ("nbgrader_config.py", "requirements.txt", "LICENSE"):
        files[name] = course.root / name
    release = course.folder("release") / assignment
    for path in sorted(release.rglob("*")):
        inner = path.relative_to(release)
        if path.is_file() and not any(part[0] == "." for part in inner.parts):
            files[f"exercises/{assignment}/{inner.as_posix()}"] = path
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[f"normlib/{path.relative_to(_PACKAGE).as_posix()}"] = path
    return {
        name: content if isinstance(content, bytes) else content.read_bytes()
        for name, content in files.items()
    }


def _requirements(root):
    """What grading needs, and what a learner's notebook may import."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {*project["dependencies"], *extras["learn"], *extras["grade"]}
    return ("\n".join(sorted(wanted)) + "\n").encode()


def _secret(course, system, assignment):
    """Grading the same file again gives the same points: see ``Course.seed``."""
    told = f"{course.seed(0)}|{system}|{assignment}"
    return hashlib.sha256(told.encode()).digest()


def _zipped(files):
    """The same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | _mode(name)) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _mode(name):
    name = name.rpartition("/")[2]
    return 0o755 if name in _EXECUTABLE else 0o600 if name == "secret" else 0o644


_FILES: dict[str, Callable] = {
    "gradescope": _gradescope,
    "prairielearn": _prairielearn,
    "classroom50": _classroom50,
}
