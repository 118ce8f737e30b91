"""What is known of a class, in one file: ``_build/class/class.json``.

A copy of it, kept before a lecture or from last year, can be compared with.
"""

import json
from pathlib import Path

from normlib.errors import CourseError
from normlib.grade.bridge.course import Course
from normlib.grade.files import printable, write_atomically

VERSION = 1


def path(course: Course) -> Path:
    return course.root / "_build/class/class.json"


def read(file: Path) -> dict:
    """The assignments of a class, by name.

    Raises
    ------
    CourseError
        When the file is something else.
    """
    try:
        told = json.loads(file.read_bytes())
        if told["version"] == VERSION:
            return told["assignments"]
        why = "it is of another version of the course"
    except (OSError, KeyError, TypeError) as error:
        why = getattr(error, "strerror", None) or "it is something else"
    except ValueError:
        why = "it is not JSON"
    raise CourseError(f"{file} should be a class.json: {why}")


def update(course: Course, graded) -> dict:
    """Put what a run, ``graded``, has found into the file; returns all that is known.

    Other submissions stay, unless their files are gone.
    """
    try:
        known = read(path(course))
    except ValueError:
        known = {}
    there = set(course.handed_in())
    for name in {name for name, _ in graded.submitted}:
        packs = course.packs(name)
        students = known.get(name, {}).get("students", {})
        known[name] = {
            "most": graded.overview.most.get(name, 0),
            "questions": [q for pack in packs for q in pack.questions],
            "students": students,
        }
    for name, student in graded.submitted:
        known[name]["students"][student] = _student(graded, name, student)
    for name, assignment in known.items():
        students = assignment["students"].items()
        kept = {s: told for s, told in sorted(students) if (name, s) in there}
        assignment["students"] = kept
    known = {name: known[name] for name in sorted(known) if known[name]["students"]}
    text = json.dumps({"version": VERSION, "assignments": known}, indent=1) + "\n"
    if not path(course).exists() or path(course).read_text() != text:
        write_atomically(path(course), text.encode())
    return known


def _student(graded, name, student):
    where, overview = (name, student), graded.overview
    return {
        "score": overview.scores.get(name, {}).get(student, 0),
        "points": overview.answers.get(name, {}).get(student, {}),
        "times": overview.times.get(name, {}).get(student, {}),
        "reports": graded.reports.get(where, {}),
        "notes": [printable(note, 300) for note in graded.notes.get(where, [])],
        "failed": graded.failed.get(where, ""),
    }
