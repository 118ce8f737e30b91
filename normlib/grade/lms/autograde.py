"""Grade one submission where another system has put it, and answer in its form.

``python -m normlib.grade.lms.autograde SYSTEM COURSE SUBMISSION RESULT``: COURSE is the
folder that `normlib pack` has written; SUBMISSION is where the student's files lie;
RESULT is the file to write. Remarks for the instructor are printed. When the grader
itself fails, there is no result and the exit status is not 0: each system then tells
the instructor, and no student gets 0 points for it.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from normlib.errors import CourseError
from normlib.grade import workers
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically
from normlib.grade.lms import outcome
from normlib.grade.lms.outcome import Outcome
from normlib.grade.sandbox.session import NoSandbox

_STUDENT = "student"  # a name is needed, and means nothing here


@dataclass(frozen=True)
class OneSubmission(Course):
    """A course whose only submission lies in ``place``."""

    place: Path = Path()

    def submission_folder(self, assignment: str, student: str) -> Path:
        """Also in a folder as the repository has it, where students clone one."""
        (pack,) = self.packs(assignment)
        for inside in (".", f"exercises/{assignment}", assignment):
            folder = self.place / inside
            file = folder / f"{pack.notebook}.ipynb"
            # A link could lead to another file of this machine.
            inner = folder.resolve().is_relative_to(self.place.resolve())
            if inner and os.path.lexists(file):
                return folder
        return self.place


def grade(packed: Path, place: Path) -> tuple[Outcome, list[str]]:
    """The outcome of the submission in ``place``, and remarks on it.

    Raises
    ------
    NoSandbox
        When student code cannot be confined here.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)  # where results may be written
        shutil.copy(packed / "nbgrader_config.py", root)
        shutil.copytree(packed / "exercises", root / "exercises")
        if (packed / "secret").exists():
            (root / "_build").mkdir()
            shutil.copy(packed / "secret", root / "_build/secret")
        course = OneSubmission(root, place)
        (assignment,) = (path.name for path in (root / "exercises").iterdir())
        (pack,) = course.packs(assignment)
        submission = course.submission(assignment, _STUDENT, pack)
        _, result = workers.grade_one(course, _STUDENT, pack)
    return Outcome.of(pack, result), [*submission.notes, *result.notes]


def main(system: str, packed: str, place: str, result: str) -> int:
    try:
        found, remarks = grade(Path(packed), Path(place))
    except (CourseError, NoSandbox) as error:
        print(error, file=sys.stderr)
        return 1
    if system == "classroom50":
        content = outcome.classroom50(found, os.environ)
        body = outcome.release_body(found).encode()
        write_atomically(Path(result).with_name("release-body.md"), body)
    else:
        content = {
            "gradescope": outcome.gradescope,
            "prairielearn": outcome.prairielearn,
        }[system](found)
    write_atomically(Path(result), outcome.as_json(content))
    for remark in remarks:
        # Indented: a line that begins with :: would be a command to GitHub's runner.
        print(f"  remark: {remark}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
