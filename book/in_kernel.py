"""What runs in a page's kernel before its code; ``book/execute.py`` starts it.

It notes which files of the course the page reads, and adds to each figure that the page
shows its version for the dark theme.
"""

import os
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ELSEWHERE = ("_build", ".venv")  # what is in ROOT and not of the course


def note_files(read):
    """Add to the set ``read`` each file that is opened, and each folder looked into."""

    def note(event, arguments):
        if event not in ("open", "os.scandir") or isinstance(arguments[0], int | None):
            return
        path = Path(os.path.abspath(os.fsdecode(arguments[0])))
        inside = path.parts[len(ROOT.parts) :]
        if ROOT not in path.parents or inside[0] in ELSEWHERE:
            return
        if path.parent.name == "__pycache__":
            path = path.parents[1] / f"{path.name.partition('.')[0]}.py"
        if path.exists():
            read.add(path.relative_to(ROOT).as_posix())

    sys.addaudithook(note)


def add_dark_versions(shell):
    draw = runpy.run_path(str(HERE / "dark_figures.py"))["draw"]
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name(
        "matplotlib.figure",
        "Figure",
        lambda fig, include=None, exclude=None: ({}, {"dark": draw(fig)}),
    )


shell = get_ipython()  # noqa: F821
shell.files_read = {"book/in_kernel.py"}
note_files(shell.files_read)
add_dark_versions(shell)
