"""Build the book: execute its pages, make the site, put what checks answers into it.

    python book/build.py

The logs are _build/execution.log and _build/book.log. What went wrong is shown.
"""

import contextlib
import os
import re
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AFTER = 40  # lines of a log, from one that tells of a fault


def main() -> int:
    """Build it; the exit status of the step that failed, or 0."""
    started = time.monotonic()
    say("Building the book (the pages that changed are executed, on all cores)")
    os.chdir(ROOT)
    logs = ROOT / "_build"
    logs.mkdir(exist_ok=True)
    with written_to(logs / "execution.log", sys.stderr):
        failed = status(run_script, "book/execute.py")
    if failed:
        log = (logs / "execution.log").read_text("utf-8", "replace").splitlines()
        say(*(line for line in log if "IPKernelApp. WARNING" not in line))
        return failed
    with written_to(logs / "book.log", sys.stdout, sys.stderr):
        failed = status(run_jupyter_book, "build", "-W", "-n", "--keep-going", ".")
    if failed:
        say(*faults((logs / "book.log").read_text("utf-8", "replace").splitlines()))
        return failed
    if failed := status(run_script, "book/playground"):
        return failed
    say(f"Built in {time.monotonic() - started:.0f} s")
    return 0


def status(step: Callable, *arguments: str) -> int:
    """The exit status of a step. All run in this process, so that they end with it."""
    try:
        step(*arguments)
    except SystemExit as ended:
        return (
            ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        )
    return 0


def run_script(name: str) -> None:
    path = str(ROOT / name)  # whole, as Python makes it of the script that it is given
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")


def run_jupyter_book(*arguments: str) -> None:
    from jupyter_book.cli.main import main

    sys.argv = ["jupyter-book", *arguments]
    main()


@contextlib.contextmanager
def written_to(path: Path, *streams):
    """Let these streams go to a file, also those of the processes started inside."""
    with open(path, "wb") as file, contextlib.ExitStack() as stack:
        for stream in streams:
            stream.flush()
            saved = os.dup(stream.fileno())
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, stream.fileno())
            stack.callback(stream.flush)
            os.dup2(file.fileno(), stream.fileno())
        yield


def faults(log: list[str]) -> list[str]:
    """The lines that tell of a fault, each with those after it."""
    shown, left = [], 0
    for line in log:
        if re.search("(WARNING|ERROR): |Traceback", line):
            left = AFTER
        if left > 0:
            shown.append(line)
        left -= 1
    return shown


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
