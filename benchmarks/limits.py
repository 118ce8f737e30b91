"""What the limits on a submission cost, beside grading the same one without them.

    python benchmarks/limits.py [--times N]

Each limit is taken away alone, in turn with runs that have all of them; the table says
by how much grading is slower with it (bar: 1.05), as the median and the range over
submissions. Not listed are the limits that are one system call at the start of a
process: its session, its threads, its memory. The table goes to benchmarks/limits.md.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from grading import ASSIGNMENT, set_up, table

from normlib.grade.bridge.course import Course
from normlib.grade.sandbox import backends, session
from normlib.grade.submission import grading, limited

SUBMISSIONS = 12
BAR = 1.05


class Unlimited:
    """An allowance that never ends and counts nothing."""

    ran_out = starved = False

    def __init__(self, *_):
        pass

    def left(self):
        return 60


def at_once(function, *args, seconds=0):
    """What parses a submission, in the process that asks."""
    return function(*args)


WITHOUT = {
    "what parses runs in a process of its own": lambda: mock.patch.object(
        limited, "call", at_once
    ),
    "the processor's time counts, not the clock's": lambda: mock.patch.object(
        session, "Allowance", Unlimited
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder, "course"))
        students = sorted(set_up(course.root, 60))[:SUBMISSIONS]
        (pack,) = course.packs(ASSIGNMENT)
        files = [course.submission(ASSIGNMENT, s, pack).file for s in students]
        with backends.strongest(course.root, pack.imports) as zygote:
            where = zygote.address, zygote.backend.name

            def seconds(file, limit):
                with WITHOUT[limit]() if limit else contextlib.nullcontext():
                    start = time.perf_counter()
                    grading.grade(pack, file, "", 0, *where)
                    return time.perf_counter() - start

            ratios = {limit: [] for limit in WITHOUT}
            for file in files:
                runs = {limit: [] for limit in (None, *WITHOUT)}
                for _ in range(options.times):
                    for limit, taken in runs.items():
                        taken.append(seconds(file, limit))
                typical = {limit: statistics.median(s) for limit, s in runs.items()}
                for limit, found in ratios.items():
                    found.append(typical[None] / typical[limit])
    rows = [
        (limit, f"{statistics.median(r):.3f} ({min(r):.3f} to {max(r):.3f})", BAR)
        for limit, r in ratios.items()
    ]
    lines = [
        "# What the limits cost",
        "",
        f"Written by `limits.py`: {len(files)} submissions of `{ASSIGNMENT}`, "
        f"{options.times} times",
        f"each; sandbox: {where[1]}; {os.cpu_count()} cores; load {load:.1f} at the "
        f"start and {os.getloadavg()[0]:.1f} at",
        "the end.",
        "",
        table(("limit", "time relative to without it", "bar"), rows),
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
