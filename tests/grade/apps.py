"""nbgrader's commands, run in this process: to start one takes seconds."""

import sys
import warnings
from unittest import mock


def run(name: str, arguments: list[str]) -> int:
    """Run an app of nbgrader in the current folder; its exit status."""
    # It adds the folder to the path.
    with warnings.catch_warnings(action="ignore"), mock.patch("sys.path", [*sys.path]):
        from nbgrader import apps

        app = getattr(apps, name)()
        try:
            app.initialize(arguments)
            app.start()
        except SystemExit as error:
            return error.code
    return 0
