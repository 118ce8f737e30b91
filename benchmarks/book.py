"""How long the pages' execution takes, one after the other and on all cores.

    python benchmarks/book.py [PAGE ...]

Both start from nothing, in a copy of the tree: the named pages, or four short ones.
(All of them: give `book/*.md`.) Wall time is what counts, with a bar of 0.65 for two
cores; processor time says what running side by side costs. The table goes to
benchmarks/book.md.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SHORT = ("intro", "08_beyond", "mistakes", "instructors/goals")
BAR = 0.65


def main(pages):
    load, cores = os.getloadavg()[0], os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        course = copy(Path(folder), pages)
        runs = [seconds(course, at_a_time) for at_a_time in (1, cores)]
    (serial, alone), (parallel, together) = runs
    lines = [
        "# Executing the book's pages",
        "",
        f"Written by `book.py`: {', '.join(pages)}. {cores} cores; load {load:.1f} at",
        f"the start and {os.getloadavg()[0]:.1f} at the end, other work included.",
        "",
        "|  | wall time, s | of the first | bar | processor time, s |",
        "| --- | --- | --- | --- | --- |",
        f"| one after the other | {serial:.0f} | 1 |  | {alone:.0f} |",
        f"| on all cores | {parallel:.0f} | {parallel / serial:.2f} | {BAR} "
        f"| {together:.0f} |",
    ]
    (HERE / "book.md").write_text("\n".join(lines) + "\n", "utf-8")
    print(*lines, sep="\n")


def copy(folder, pages):
    """The committed tree with a table of contents that holds these pages."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    first, *others = (f"book/{page}" for page in pages)
    toc = [f"root: {first}", "chapters:", *(f"- file: {page}" for page in others)]
    (folder / "_toc.yml").write_text("\n".join(["format: jb-book", *toc, ""]))
    return folder


def seconds(course, at_a_time):
    """Wall and processor time of executing all pages."""
    shutil.rmtree(course / "_build", ignore_errors=True)
    begun, used = time.perf_counter(), processor_time()
    subprocess.run(
        [sys.executable, "book/execute.py", str(at_a_time)],
        cwd=course,
        env=os.environ | {"PYTHONPATH": str(course)},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun, processor_time() - used


def processor_time():
    """Of the processes that have ended, and those that they waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


if __name__ == "__main__":
    names = [Path(name).with_suffix("") for name in sys.argv[1:]]
    main(
        [str(n.relative_to("book") if n.parts[0] == "book" else n) for n in names]
        or SHORT
    )
