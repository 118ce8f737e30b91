"""The command ``normlib``."""

import argparse
import sys
from functools import partial
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="normlib", description="Take the course, or run a class on it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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
        description="Grade _build/submitted/<student>/<assignment>/, as far as it is "
        "new or changed, with nbgrader. Write feedback and _build/grades.csv.",
    )
    command.add_argument(
        "assignments", nargs="*", metavar="ASSIGNMENT", help="default: all of them"
    )
    command.set_defaults(run=_grade)

    options = parser.parse_args(arguments)
    if not Path("nbgrader_config.py").exists():
        parser.error("run it in the course's folder, which holds nbgrader_config.py")
    try:
        return options.run(options) or 0
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except RuntimeError as error:
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


def _status(options):
    from normlib.check.status import show_status

    show_status(options.folder)


def _check(options):
    from normlib.check.status import show_reports

    return 0 if show_reports(options.notebook) else 1


def _sample_class(options):
    from normlib.grade.sample_class import write_sample_class

    write_sample_class(Path(), options.students, options.seed, options.output)


def _grade(options):
    from normlib.grade.classroom import grade

    grade(Path(), options.assignments)


if __name__ == "__main__":
    sys.exit(main())
