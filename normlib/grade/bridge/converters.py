"""nbgrader's converters, run in this process with the course's configuration."""

import os
import re
import sys
import warnings
from pathlib import Path


class NbgraderError(RuntimeError):
    """nbgrader gave up; the message says why."""


def course_config(root: Path, **course_directory):
    """The configuration in nbgrader_config.py, for the course in ``root``."""
    from traitlets.config import PyFileConfigLoader

    # nbgrader calls the program `alembic`, which lies beside this interpreter.
    programs = os.path.dirname(sys.executable)
    if programs not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + os.environ["PATH"]
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root.resolve())
    for name, value in course_directory.items():
        setattr(config.CourseDirectory, name, value)
    return config


def convert(converter: str | type, config, assignment: str, student: str = "*") -> str:
    """Run one of nbgrader's converters in this process; returns what it logged.

    ``converter`` is the name of one, or a class made of one.

    Raises
    ------
    NbgraderError
        When the converter gives up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's, about its own insides
        from nbgrader import converters
        from nbgrader.coursedir import CourseDirectory
        from nbgrader.utils import capture_log

        course = CourseDirectory(config=config)
        course.assignment_id, course.student_id = assignment, student
        if isinstance(converter, str):
            kind = getattr(converters, converter)
        else:
            kind = converter
        app = kind(coursedir=course, config=config)
        result = capture_log(app)
    log = result.get("log", "")
    if not result["success"]:
        told = re.findall(
            r"^ *(?:\w+\.)*(\w*(?:Error|Exception): .+)",
            f"{log}\n{result['error']}",
            re.MULTILINE,
        )
        # The first is the cause, which nbgrader wraps in others.
        raise NbgraderError(told[0] if told else result["error"].split()[-1])
    return log
