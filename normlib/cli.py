"""The command ``normlib``: what each command takes, and what it calls.

Each imports what it needs itself, so that ``normlib --help`` answers at once.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from normlib.errors import CourseError


class Command(NamedTuple):
    """A command in the list of ``normlib --help``; ``run`` gives its exit status."""

    name: str
    help: str
    description: str
    arguments: tuple[tuple[tuple, dict], ...]
    run: Callable[[argparse.Namespace], int | None]


COMMANDS: list[Command] = []  # as they are defined below, and listed by --help


def command(name: str, help: str, description: str, *arguments) -> Callable:
    """Make a function of the options a command."""

    def add(run):
        COMMANDS.append(Command(name, help, description, arguments, run))
        return run

    return add


def argument(*names: str, **settings) -> tuple[tuple, dict]:
    """What ``argparse`` is told of an argument."""
    return names, settings


with_default = partial(argument, help="default: %(default)s")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"should be 1 or more, got {text!r}")
    return int(text)


def part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"should be such as 1/2, got {text!r}")
    return int(number), int(of)


# For learners.


@command(
    "lab",
    "JupyterLab on the exercises, and the book beside it",
    "Open JupyterLab on the exercises and serve the book, to which reports link. A "
    "book that is missing is built in the background. Further options are "
    "JupyterLab's.",
    argument("--port", type=positive, default=8000, help="of the book; default: 8000"),
)
def lab(options):
    from normlib import lab

    return lab.run(Path.cwd(), options.port, options.others)


@command(
    "status",
    "which exercises are solved, and what to do next",
    "Run the notebooks of a folder and say, chapter by chapter, which exercises are "
    "solved. The notebooks stay as they are.",
    argument(
        "folder", nargs="?", type=Path, default=Path("exercises"), metavar="FOLDER"
    ),
)
def status(options):
    from normlib.check.status import show_status

    show_status(options.folder)


@command(
    "check",
    "check one notebook and print the reports",
    "Run one notebook, or the one in a folder, and print the report of each exercise. "
    "Exit status 0 when all of them are solved.",
    argument("notebook", type=Path, metavar="NOTEBOOK"),
)
def check(options):
    from normlib.check.status import show_reports

    return 0 if show_reports(options.notebook) else 1


@command(
    "mistakes",
    "what people get wrong in an exercise",
    "Print the mistakes that an exercise's check recognizes, or those of all exercises "
    "of a topic, each with its key and its hint.",
    argument("wanted", nargs="?", default="", metavar="KEY"),
    argument(
        "--diff", action="store_true", help="with the lines that differ from an answer"
    ),
)
def mistakes(options):
    from normlib.check import Catalog
    from normlib.check.exercises import TOPICS

    for wanted in [options.wanted] if options.wanted else TOPICS:
        print(Catalog(wanted, options.diff), end="\n\n")


# For instructors.


@command(
    "sample-class",
    "write the submissions of an invented class",
    "Write the submissions of an invented class, and planted.json: what was planted in "
    "each answer. The same seed gives the same bytes.",
    with_default("--students", type=positive, default=12, metavar="N"),
    with_default("--seed", type=int, default=1, metavar="S"),
    with_default(
        "--output", type=Path, default=Path("_build/submitted"), metavar="DIR"
    ),
)
def sample_class(options):
    from normlib.grade.sample_class.students import write_sample_class

    write_sample_class(Path(), options.students, options.seed, options.output)


@command(
    "grade",
    "grade what was submitted and print everybody's points",
    "Grade what was submitted, as far as it is new or changed: in a sandbox, judged "
    "from outside of it. Write feedback and _build/grades.csv. Exit status 0 when "
    "every submission got its result, 1 when one could not be graded.",
    argument(
        "assignments", nargs="*", metavar="ASSIGNMENT", help="default: all of them"
    ),
    argument(
        "--student", action="append", default=[], metavar="ID", help="only this one"
    ),
    argument(
        "--jobs",
        type=positive,
        default=0,
        metavar="N",
        help="default: as many as the cores and the memory allow",
    ),
    argument("--seed", type=int, default=0, metavar="S", help="draws other inputs"),
    argument(
        "--json", type=Path, metavar="FILE", help="also write what was found as JSON"
    ),
    argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="of Dask: its workers grade",
    ),
    argument("--unsafe", action="store_true", help="grade even where no sandbox works"),
    argument(
        "--doctor",
        action="store_true",
        help="say which sandbox works here, and stop",
    ),
)
def grade(options):
    from normlib.grade import classroom, report
    from normlib.grade.bridge.converters import NbgraderError
    from normlib.grade.bridge.course import Course
    from normlib.grade.class_page import page
    from normlib.grade.sandbox.session import NoSandbox

    if options.doctor:
        return report.doctor(Path())
    how = classroom.Options(
        tuple(options.student),
        options.jobs,
        options.seed,
        options.unsafe,
        scheduler=options.scheduler,
    )
    try:
        graded = classroom.grade(Path(), options.assignments, how)
    except (NbgraderError, NoSandbox) as error:
        print(error, file=sys.stderr)
        return 1
    report.show(Path(), graded, page.write(Course(Path().resolve()), graded))
    if options.json:
        report.write_json(options.json, graded)
    return 1 if graded.failed else 0


@command(
    "mark",
    "mark the answers in words by hand",
    "Serve a page to this machine, on which one question after another is marked for "
    "the whole class, each distinct answer once. Points and comments go into the "
    "gradebook at once.",
    argument("assignment", nargs="?", default="", metavar="ASSIGNMENT"),
    argument(
        "--share",
        type=part,
        default=(1, 1),
        metavar="K/N",
        help="only the K-th of N parts of the answers, for one of N people",
    ),
    with_default("--port", type=positive, default=8010, metavar="PORT"),
)
def mark(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.marking import server
    from normlib.grade.marking.answers import Part

    course = Course(Path().resolve())
    server.run(course, options.assignment, Part(*options.share), options.port)


@command(
    "extend",
    "give one student more time",
    "Let what a student handed in count as in time until then. The next `normlib "
    "grade` counts the penalty for late work anew.",
    argument("assignment", metavar="ASSIGNMENT"),
    argument("student", metavar="STUDENT"),
    argument(
        "--until", required=True, metavar="TIME", help="such as '2026-03-10 12:00 UTC'"
    ),
)
def extend(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.bridge.extensions import extend

    course = Course(Path().resolve())
    extend(course, options.assignment, options.student, options.until)
    print("Done. `normlib grade` writes the points and the pages anew.")


@command(
    "return",
    "pack feedback for Canvas or Moodle",
    "Write _build/returned/ASSIGNMENT.zip: the feedback pages, named as the files in "
    "the ZIP file that Canvas or Moodle handed out.",
    argument("assignment", metavar="ASSIGNMENT"),
)
def return_feedback(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.lms.feedback import pack

    course = Course(Path().resolve())
    path, pages, without = pack(course, options.assignment)
    for student in without:
        print(f"Left out: {student} has no feedback page")
    print(f"{path.relative_to(course.root)}: {pages} pages")


@command(
    "compare",
    "what a class gets wrong, before and after",
    "Compare two copies of _build/class/class.json, such as from before and after a "
    "lecture, or from last year. Write _build/class/comparison.html.",
    argument("before", type=Path, metavar="BEFORE"),
    with_default(
        "after",
        type=Path,
        nargs="?",
        default=Path("_build/class/class.json"),
        metavar="AFTER",
    ),
)
def compare(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.class_page import page

    course = Course(Path().resolve())
    path = page.compare(course, options.before, options.after)
    print(path.relative_to(course.root))


SYSTEMS = ("gradescope", "prairielearn", "classroom50")


@command(
    "pack",
    "let Gradescope, PrairieLearn or Classroom 50 grade with this grader",
    "Write what another system needs to grade an assignment with this grader; the page "
    "for instructors says where to put it.",
    argument("system", choices=SYSTEMS, metavar="SYSTEM", help=", ".join(SYSTEMS)),
    argument("assignment", metavar="ASSIGNMENT"),
    with_default("--output", type=Path, default=Path("_build/packs"), metavar="DIR"),
    argument(
        "--image",
        default="localhost/normlib-grader",
        help="container, for PrairieLearn",
    ),
)
def pack(options):
    from normlib.grade.lms import packing

    what = options.system, options.assignment, options.output, options.image
    print(packing.pack(Path(), *what))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    for stream in (sys.stdout, sys.stderr):  # a pipe on Windows may not know a ✓
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if others and options.run is not lab:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = tuple(others)
    if not Path("nbgrader_config.py").exists():
        parser.error("run it in the course's folder, which holds nbgrader_config.py")
    try:
        return options.run(options) or 0
    except (CourseError, OSError) as error:
        parser.error(str(error))
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise  # a package that the command itself needs
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="normlib", description="Take the course, or run a class on it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for one in COMMANDS:
        added = commands.add_parser(
            one.name, help=one.help, description=one.description
        )
        for names, settings in one.arguments:
            added.add_argument(*names, **settings)
        added.set_defaults(run=one.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
