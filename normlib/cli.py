"""The command ``normlib``."""

import argparse
import sys
from functools import partial
from pathlib import Path

from normlib.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="normlib", description="Take the course, or run a class on it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "lab",
        help="JupyterLab on the exercises, and the book beside it",
        description="Open JupyterLab on the exercises and serve the book, to which "
        "reports link. A book that is missing is built in the background. Further "
        "options are JupyterLab's.",
    )
    command.add_argument(
        "--port", type=_positive, default=8000, help="of the book; default: 8000"
    )
    command.set_defaults(run=_lab)

    command = commands.add_parser(
        "status",
        help="which exercises are solved, and what to do next",
        description="Run the notebooks of a folder and say, chapter by chapter, which "
        "exercises are solved. The notebooks stay as they are.",
    )
    command.add_argument(
        "folder", nargs="?", type=Path, default=Path("exercises"), metavar="FOLDER"
    )
    command.set_defaults(run=_status)

    command = commands.add_parser(
        "check",
        help="check one notebook and print the reports",
        description="Run one notebook, or the one in a folder, and print the report of "
        "each exercise. Exit status 0 when all of them are solved.",
    )
    command.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    command.set_defaults(run=_check)

    command = commands.add_parser(
        "mistakes",
        help="what people get wrong in an exercise",
        description="Print the mistakes that an exercise's check recognizes, or those "
        "of all exercises of a topic, each with its key and its hint.",
    )
    command.add_argument("wanted", nargs="?", default="", metavar="KEY")
    command.add_argument(
        "--diff", action="store_true", help="with the lines that differ from an answer"
    )
    command.set_defaults(run=_mistakes)

    command = commands.add_parser(
        "sample-class",
        help="write the submissions of an invented class",
        description="Write the submissions of an invented class, and planted.json: "
        "what was planted in each answer. The same seed gives the same bytes.",
    )
    add = partial(command.add_argument, help="default: %(default)s")
    add("--students", type=_positive, default=12, metavar="N")
    add("--seed", type=int, default=1, metavar="S")
    add("--output", type=Path, default=Path("_build/submitted"), metavar="DIR")
    command.set_defaults(run=_sample_class)

    command = commands.add_parser(
        "grade",
        help="grade what was submitted and print everybody's points",
        description="Grade what was submitted, as far as it is new or changed: in a "
        "sandbox, judged from outside of it. Write feedback and _build/grades.csv. "
        "Exit status 0 when every submission got its result, 1 when one could not be "
        "graded.",
    )
    add = command.add_argument
    add("assignments", nargs="*", metavar="ASSIGNMENT", help="default: all of them")
    add("--student", action="append", default=[], metavar="ID", help="only this one")
    add(
        "--jobs",
        type=_positive,
        default=0,
        metavar="N",
        help="default: as many as the cores and the memory allow",
    )
    add("--seed", type=int, default=0, metavar="S", help="draws other inputs")
    add("--json", type=Path, metavar="FILE", help="also write what was found as JSON")
    add("--scheduler", default="", metavar="ADDRESS", help="of Dask: its workers grade")
    add("--unsafe", action="store_true", help="grade even where no sandbox works")
    add("--doctor", action="store_true", help="say which sandbox works here, and stop")
    command.set_defaults(run=_grade)

    command = commands.add_parser(
        "extend",
        help="give one student more time",
        description="Let what a student handed in count as in time until then. The "
        "next `normlib grade` counts the penalty for late work anew.",
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.add_argument("student", metavar="STUDENT")
    command.add_argument(
        "--until", required=True, metavar="TIME", help="such as '2026-03-10 12:00 UTC'"
    )
    command.set_defaults(run=_extend)

    command = commands.add_parser(
        "return",
        help="pack feedback for Canvas or Moodle",
        description="Write _build/returned/ASSIGNMENT.zip: the feedback pages, named "
        "as the files in the ZIP file that Canvas or Moodle handed out.",
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    command.set_defaults(run=_return)

    command = commands.add_parser(
        "compare",
        help="what a class gets wrong, before and after",
        description="Compare two copies of _build/class/class.json, such as from "
        "before and after a lecture, or from last year. Write "
        "_build/class/comparison.html.",
    )
    command.add_argument("before", type=Path, metavar="BEFORE")
    after = Path("_build/class/class.json")
    command.add_argument(
        "after",
        type=Path,
        nargs="?",
        default=after,
        metavar="AFTER",
        help="default: %(default)s",
    )
    command.set_defaults(run=_compare)

    command = commands.add_parser(
        "pack",
        help="let Gradescope, PrairieLearn or Classroom 50 grade with this grader",
        description="Write what another system needs to grade an assignment with this "
        "grader; the page for instructors says where to put it.",
    )
    add = partial(command.add_argument, help="default: %(default)s")
    systems = ("gradescope", "prairielearn", "classroom50")
    command.add_argument(
        "system", choices=systems, metavar="SYSTEM", help=", ".join(systems)
    )
    command.add_argument("assignment", metavar="ASSIGNMENT")
    add("--output", type=Path, default=Path("_build/packs"), metavar="DIR")
    add(
        "--image",
        default="localhost/normlib-grader",
        help="container, for PrairieLearn",
    )
    command.set_defaults(run=_pack)

    for stream in (sys.stdout, sys.stderr):  # a pipe on Windows may not know a ✓
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options, others = parser.parse_known_args(arguments)
    if others and options.run is not _lab:
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


def _positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"should be 1 or more, got {text!r}")
    return int(text)


# Each imports what it needs itself, so that `normlib --help` answers at once.


def _lab(options):
    from normlib import lab

    return lab.run(Path.cwd(), options.port, options.others)


def _status(options):
    from normlib.check.status import show_status

    show_status(options.folder)


def _check(options):
    from normlib.check.status import show_reports

    return 0 if show_reports(options.notebook) else 1


def _mistakes(options):
    from normlib.check import Catalogue
    from normlib.check.exercises import TOPICS

    for wanted in [options.wanted] if options.wanted else TOPICS:
        print(Catalogue(wanted, options.diff), end="\n\n")


def _sample_class(options):
    from normlib.grade.sample_class.students import write_sample_class

    write_sample_class(Path(), options.students, options.seed, options.output)


def _extend(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.bridge.extensions import extend

    course = Course(Path().resolve())
    extend(course, options.assignment, options.student, options.until)
    print("Done. `normlib grade` writes the points and the pages anew.")


def _return(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.lms.feedback import pack

    course = Course(Path().resolve())
    path, pages, without = pack(course, options.assignment)
    for student in without:
        print(f"Left out: {student} has no feedback page")
    print(f"{path.relative_to(course.root)}: {pages} pages")


def _compare(options):
    from normlib.grade.bridge.course import Course
    from normlib.grade.class_page import page

    course = Course(Path().resolve())
    path = page.compare(course, options.before, options.after)
    print(path.relative_to(course.root))


def _grade(options):
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


def _pack(options):
    from normlib.grade.lms import packing

    what = options.system, options.assignment, options.output, options.image
    print(packing.pack(Path(), *what))


if __name__ == "__main__":
    sys.exit(main())
