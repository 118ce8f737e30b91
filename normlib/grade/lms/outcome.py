"""What other systems are told of a graded submission, in the form that each reads.

Each form has the points and the report of every exercise. A report quotes what a
student's code printed or raised: it is cut, and what acts in a terminal or moves text
about is written as an escape sequence. All three systems show it as plain text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import nbformat

from normlib.check.cells import grade_id, is_graded, key_of
from normlib.grade.files import printable
from normlib.grade.submission.grading import Result
from normlib.grade.submission.pack import Pack
from normlib.grade.submission.rebuild import UNREADABLE

MOST = 4000  # characters of a report; PrairieLearn takes 1 MB for all of them
SCALE = 100  # Classroom 50 counts whole points: so many of them make one of ours


@dataclass(frozen=True)
class Judged:
    """What came out of one: the key, the points, out of how many, and the report."""

    key: str
    points: float
    most: float
    report: str

    @property
    def passed(self) -> bool:
        return self.points == self.most


@dataclass(frozen=True)
class Outcome:
    """What came out of a submission.

    ``written`` answers in words wait for a person. ``unreadable`` says why there was
    nothing to grade, or is empty.
    """

    exercises: tuple[Judged, ...]
    written: int
    unreadable: str
    sandbox: str

    @classmethod
    def of(cls, pack: Pack, result: Result) -> "Outcome":
        exercises, written = [], 0
        for cell in nbformat.reads(result.notebook, as_version=4).cells:
            if (key := key_of(cell)) and (name := grade_id(cell)):
                (report,) = (
                    output.data["text/plain"]
                    for output in cell.outputs
                    if output.output_type == "display_data"
                )
                most = float(cell.metadata.nbgrader.points)
                points = result.points[name]
                exercises.append(Judged(key, points, most, _plain(report)))
            elif is_graded(cell):
                written += 1
        unreadable = [
            note.removeprefix(UNREADABLE)
            for note in result.notes
            if note.startswith(UNREADABLE)
        ]
        return cls(tuple(exercises), written, "".join(unreadable), result.sandbox)

    @property
    def told(self) -> str:
        """What is said of the whole submission."""
        if self.unreadable:
            return f"Your file was not read: {self.unreadable}."
        points = sum(exercise.points for exercise in self.exercises)
        most = sum(exercise.most for exercise in self.exercises)
        told = f"{points:g} of {most:g} points."
        if self.written:
            what = "answer" if self.written == 1 else "answers"
            told += f" A person marks {self.written} {what} in words."
        return told


def gradescope(outcome: Outcome) -> dict:
    """The content of ``results.json``."""
    return {
        "output": outcome.told,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",  # remarks for the instructor
        "extra_data": {"sandbox": outcome.sandbox},
        "tests": [
            {
                "name": exercise.key,
                "name_format": "text",
                "score": exercise.points,
                "max_score": exercise.most,
                "status": "passed" if exercise.passed else "failed",
                "output": exercise.report,
                "output_format": "text",
            }
            for exercise in outcome.exercises
        ],
    }


def prairielearn(outcome: Outcome) -> dict:
    """The content of ``results.json``. What is not a notebook costs no attempt."""
    if outcome.unreadable:
        return {"gradable": False, "format_errors": [outcome.told]}
    points = sum(exercise.points for exercise in outcome.exercises)
    return {
        "gradable": True,
        "score": points / sum(exercise.most for exercise in outcome.exercises),
        "message": outcome.told,
        "tests": [
            {
                "name": exercise.key,
                "points": exercise.points,
                "max_points": exercise.most,
                "output": exercise.report,
            }
            for exercise in outcome.exercises
        ],
    }


def classroom50(outcome: Outcome, environment: Mapping[str, str]) -> dict:
    """The content of ``result.json``.

    Whose it is comes from the environment; Classroom 50's own runner fills it in again.
    """
    tests = [
        {
            "test-name": exercise.key,
            "passed": exercise.passed,
            "score": round(SCALE * exercise.points),
            "max-score": round(SCALE * exercise.most),
            "report": exercise.report,
        }
        for exercise in outcome.exercises
    ]
    return {
        "schema": "classroom50/result/v1",
        "classroom": environment["CLASSROOM"],
        "assignment": environment["ASSIGNMENT"],
        "assignment_type": environment.get("ASSIGNMENT_TYPE", "individual"),
        "owner": environment["OWNER"],
        "submission": environment["SUBMISSION_TAG"],
        "commit": environment["COMMIT_URL"],
        "release": environment["RELEASE_URL"],
        "review": environment.get("REVIEW_URL") or environment["COMMIT_URL"],
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def release_body(outcome: Outcome) -> str:
    """The reports for Classroom 50's page of a submission, which is Markdown.

    Each is a block of code, which nothing in it can end: a report as text has no
    backticks.
    """
    blocks = [f"```text\n{exercise.report}\n```" for exercise in outcome.exercises]
    return "\n\n".join([outcome.told, *blocks]) + "\n"


def as_json(content: dict) -> bytes:
    """As JSON in ASCII; infinity and NaN, which it lacks, are refused."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _plain(report):
    if len(report) > MOST:
        report = f"{report[:MOST]}\n(cut here)"
    return "\n".join(printable(line, MOST) for line in report.split("\n"))
