"""How long grading takes, beside nbgrader's own autograder.

    python benchmarks/grading.py [--students N] [--large N] [--record]

Prints tables and writes them to _build/grading.md and .json; with --record also to
benchmarks/grading.md. Both graders get the same invented class for one assignment, on
all cores, one process at a time for nbgrader, which has no other way. Endless loops are
left out: they cost their time limit on both sides. Neither side's time counts what
comes once: nbgrader's import and its gradebook. Times are those of the clock, so the
load of the machine is printed too.

The first table is of grading alone, the second of the whole command as somebody types
it, with gradebook, feedback pages and grades.csv: several times, with the median and
the range. nbgrader's side of it is the time of some submissions, for all of which its
time is the same. Then a class ten times as large is graded, of copies that differ by a
byte: time should grow as the class does, memory not at all. The last line is what a
cluster's scheduler adds to a task.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from normlib.grade import classroom, run
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.converters import convert, course_config
from normlib.grade.bridge.course import Course
from normlib.grade.results import Results
from normlib.grade.sample_class.students import write_sample_class
from normlib.grade.workers import result_key

ROOT = Path(__file__).parents[1]
ASSIGNMENT = "02_batch_norm"
STOCK = 8  # submissions that nbgrader's own autograder is given
TASKS = 400
PARTS = {
    "start": "start, once: imports, sandbox and its test",
    "rebuild": "rebuild the notebook, and write it",
    "sandbox": "a process of its own, locked down",
    "cells": "the student's cells, and those that they need",
    "calls": "calls of the answers: the arithmetic, and its way there and back",
    "judge": "inputs, references, comparison, diagnosis",
    "save": "save: gradebook and graded notebook (in the parent)",
}
MOST = {
    **{"share": 1 / 30, "whole": 1 / 40, "nothing new": 1.5, "save": 10},
    **{"growth": 1.1, "parent": 400, "worker": 300, "task": 5},
}
TIMES = 3  # that the whole command is run


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--large", type=int, default=2000)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder, "course")
        handed_in = set_up(course, options.students)
        ours = measured(course)
        saved = saving(course)
        whole = whole_command(course)
        stock = by_nbgrader(course, handed_in)
        growth = []
        for size in (options.large // 10, options.large):
            larger = Path(folder, f"course-{size}")
            copy_class(course, larger, handed_in, size)
            growth.append(measured(larger))
    report = {
        "ours": ours,
        "save": saved,
        "whole": whole,
        "nbgrader": stock,
        "growth": growth,
        "cluster": {"ms": 1e3 * cluster_overhead()},
        "load": [*load, os.getloadavg()[0]],
    }
    text = page(report)
    print(text)
    here, build = Path(__file__).parent, ROOT / "_build"
    build.mkdir(exist_ok=True)
    (build / "grading.json").write_text(json.dumps(report, indent=1))
    for place in (build, here) if options.record else (build,):
        (place / "grading.md").write_text(text)


def set_up(course, students):
    """A course of one assignment; the students of its class, with what is planted."""
    for step in ("solutions", "exercises"):
        shutil.copytree(ROOT / step / ASSIGNMENT, course / step / ASSIGNMENT)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    submitted = course / "_build/submitted"
    write_sample_class(course, students, 1, submitted)
    planted = json.loads((submitted / "planted.json").read_text())
    handed_in = {}
    for student, assignments in planted.items():
        kinds = {plan["kind"] for by in assignments.values() for plan in by.values()}
        if "endless loop" in kinds:
            shutil.rmtree(submitted / student)
        else:
            handed_in[student] = kinds
    return handed_in


def copy_class(course, larger, handed_in, size):
    """A class of ``size`` whose submissions are copies, each with another byte."""
    ignored = shutil.ignore_patterns("_build")
    shutil.copytree(course, larger, ignore=ignored)
    names = list(handed_in)
    for i in range(size):
        (path,) = (course / "_build/submitted" / names[i % len(names)]).glob(
            "*/*.ipynb"
        )
        where = larger / f"_build/submitted/student-{i:05d}" / ASSIGNMENT
        where.mkdir(parents=True)
        (where / path.name).write_text(f"{path.read_text()}{' ' * i}\n")


def whole_command(course):
    """Seconds of the command: with everything to do, and with nothing new.

    The gradebook knows the assignment before, and nobody's points.
    """
    new, nothing = [], []
    for _ in range(TIMES):
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder, "course")
            ignored = shutil.ignore_patterns("_build")
            shutil.copytree(course, fresh, ignore=ignored)
            shutil.copytree(course / "_build/submitted", fresh / "_build/submitted")
            here = Course(fresh)
            gradebook.create(here)
            gradebook.prepare(here, here.packs(ASSIGNMENT))
            for seconds in (new, nothing):
                start = time.perf_counter()
                command = [sys.executable, "-m", "normlib.cli", "grade"]
                subprocess.run(command, cwd=fresh, check=True, stdout=2)
                seconds.append(time.perf_counter() - start)
            pages = len(list(fresh.glob("_build/feedback/*/*/*.html")))
            assert pages == len(list(fresh.glob("_build/autograded/*/*/*.ipynb"))) > 0
    return {"new": new, "nothing new": nothing}


def saving(course):
    """Seconds to save a result, with nothing else running; the results are there."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "course")
        shutil.copytree(
            course,
            fresh,
            ignore=shutil.ignore_patterns("results", "autograded", "*.db"),
        )
        here, kept = Course(fresh), Results(course / "_build/results")
        gradebook.create(here)
        (pack,) = here.packs(ASSIGNMENT)
        gradebook.prepare(here, [pack])
        done = []
        for _, student in here.handed_in():
            handed_in = here.submission(ASSIGNMENT, student, pack)
            key = result_key(handed_in, here.seed(0), False)
            done.append((student, pack, key, kept.load(key)))
        results = Results(fresh / "_build/results")
        start = time.perf_counter()
        with gradebook.opened(here) as book:
            for i in range(0, len(done), run.BATCH):
                for _, _, key, result in done[i : i + run.BATCH]:
                    results.save(key, result)
                gradebook.save(book, here, done[i : i + run.BATCH])
        return (time.perf_counter() - start) / len(done)


def measured(course):
    """What `normlib grade` takes, without feedback, in a process of its own."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import grading; "
        "grading.measure(sys.argv[2])"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(course)]
    return json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    )


def measure(course):
    """Grade, and print as JSON: seconds, parts, the memory of each kind of process."""
    memory, over = {"parent": 0, "worker": 0}, threading.Event()

    def watch():
        while not over.wait(0.3):
            memory["parent"] = max(memory["parent"], unshared(os.getpid()))
            for pid in workers():
                memory["worker"] = max(memory["worker"], unshared(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out = os.dup(1)
    os.dup2(2, 1)  # the progress bar
    here = Course(Path(course))  # nbgrader knows the assignment, too, before it begins
    gradebook.create(here)
    gradebook.prepare(here, here.packs(ASSIGNMENT))
    start = time.perf_counter()
    try:
        options = classroom.Options(feedback=False)
        graded = classroom.grade(Path(course), [ASSIGNMENT], options)
    finally:
        over.set()
        watcher.join()
    assert not graded.failed, graded.failed
    found = {
        "submissions": graded.ran,
        "seconds": time.perf_counter() - start,
        "sandbox": graded.sandbox,
        "parts": graded.seconds,
        "memory": memory,
    }
    os.write(out, json.dumps(found).encode())


def unshared(pid):
    """Mebibytes that the process shares with no other."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if "Private_" in line) / 1024


def workers():
    """Processes that judge: forked by the one that multiprocessing forks from."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            if b"forkserver" in command and int(parent) != os.getpid():
                yield int(path.name)
        except OSError:
            continue


def by_nbgrader(course, handed_in):
    """Seconds of each submission, with nothing of ours configured; points compared."""
    config = course_config(course)
    for section in ("Autograde", "GenerateFeedback", "HTMLExporter", "Limits"):
        config.pop(section, None)
    config.CourseDirectory.db_url = f"sqlite:///{course}/_build/stock.db"
    config.CourseDirectory.autograded_directory = "_build/stock"
    config.CourseDirectory.feedback_directory = "_build/stock-feedback"
    config.CourseDirectory.release_directory = "_build/stock-release"
    config.Execute.timeout = 60
    # Without those that it cannot grade, or takes points from for a warning.
    odd = ("deleted", "copied", "warns", "stderr")
    students = [
        student
        for student, kinds in handed_in.items()
        if not any(word in kind for kind in kinds for word in odd)
    ][:STOCK]
    before = Path.cwd()
    os.chdir(course)
    convert("GenerateAssignment", config, ASSIGNMENT)
    seconds = {}
    for step in ("Autograde", "GenerateFeedback"):
        seconds[step] = []
        for student in students:
            start = time.perf_counter()
            convert(step, config, ASSIGNMENT, student)
            seconds[step].append(time.perf_counter() - start)
    os.chdir(before)
    from nbgrader.api import Gradebook

    with (
        gradebook.opened(Course(course)) as ours,
        Gradebook(config.CourseDirectory.db_url, "normalization") as stock,
    ):
        scores = {
            student: [
                b.find_submission(ASSIGNMENT, student).score for b in (ours, stock)
            ]
            for student in students
        }
    return {"seconds": seconds, "scores": scores}


def cluster_overhead():
    """Seconds that a scheduler adds to a task as large as a submission; two workers."""
    from distributed import Client, LocalCluster

    work, file = 0.005, b"x" * 6000
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
        client.get_executor(pure=False) as pool,
    ):
        for _ in pool.map(task, [file] * 20, [work] * 20):
            pass
        start = time.perf_counter()
        for _ in pool.map(task, [file] * TASKS, [work] * TASKS):
            pass
        return (time.perf_counter() - start) / TASKS - work / 2


def task(file, seconds):
    time.sleep(seconds)
    return file * 2


def page(report):
    ours, stock = report["ours"], report["nbgrader"]
    each, number = ours["seconds"] / ours["submissions"], ours["submissions"]
    started = (ours["seconds"] - ours["parts"]["start"]) / number
    same = sum(a == b for a, b in stock["scores"].values())
    small, large = report["growth"]
    growth = large["seconds"] / small["seconds"]
    factor = large["submissions"] / small["submissions"]
    autograde = statistics.mean(stock["seconds"]["Autograde"])
    both = list(map(sum, zip(*stock["seconds"].values(), strict=True)))
    new = [seconds / number for seconds in report["whole"]["new"]]
    nothing = report["whole"]["nothing new"]
    rows = [
        ("nbgrader autograde", f"{1e3 * autograde:.0f} ms", "1", ""),
        *(
            (name, f"{1e3 * s:.0f} ms", f"1/{autograde / s:.0f}", bar)
            for name, s, bar in (
                ("normlib grade, without feedback", each, f"1/{1 / MOST['share']:.0f}"),
                ("and without its start", started, ""),
            )
        ),
    ]
    ratio = statistics.median(both) / statistics.median(new)
    whole = [
        ("nbgrader autograde and generate_feedback", spread(both), "1", ""),
        ("normlib grade", spread(new), f"1/{ratio:.0f}", f"1/{1 / MOST['whole']:.0f}"),
    ]
    parts = [
        (told, f"{1e3 * ours['parts'].get(name, 0) / number:.1f}")
        for name, told in PARTS.items()
    ]
    sizes = [
        (
            run["submissions"],
            f"{run['seconds']:.1f}",
            f"{1e3 * run['seconds'] / run['submissions']:.0f}",
            f"{run['memory']['parent']:.0f}",
            f"{run['memory']['worker']:.0f}",
        )
        for run in report["growth"]
    ]
    return PAGE.format(
        number=number,
        sandbox=ours["sandbox"],
        processors=os.cpu_count(),
        load=report["load"],
        times=table(("", "a submission", "of nbgrader's", "bar"), rows),
        whole=table(("", "a submission", "of nbgrader's", "bar"), whole),
        sample=len(both),
        repeats=len(new),
        nothing=f"{statistics.median(nothing):.1f}",
        save=f"{1e3 * report['save']:.1f}",
        same=f"{same} of {len(stock['scores'])}",
        parts=table(("of the processes' time, a submission", "ms"), parts),
        sizes=table(("submissions", "s", "ms each", "parent MB", "worker MB"), sizes),
        growth=f"{growth:.1f} times the time for {factor:.0f} times the submissions",
        most=MOST,
        cluster=f"{report['cluster']['ms']:.1f}",
    )


def spread(seconds):
    """Median and range, in milliseconds."""
    low, middle, high = (1e3 * f(seconds) for f in (min, statistics.median, max))
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f})"


def table(heads, rows):
    lines = (heads, ["---"] * len(heads), *rows)
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


PAGE = """\
# Speed of the grader

Written by `grading.py`, which says how it measures. {number} submissions of
`02_batch_norm`, sandbox: {sandbox}; {processors} cores; load {load[0]:.1f} at the start
and {load[1]:.1f} at the end.

{times}

Points of honest submissions that are the same: {same}.

The whole command, {repeats} times: median and range, beside those of {sample}
submissions that nbgrader was given one by one.

{whole}

With nothing new, the command takes {nothing} s (bar: {most[nothing new]} s).
Saving takes {save} ms a result (bar: {most[save]} ms), with nothing else running.

{parts}

{sizes}

That is {growth} (bar: {most[growth]} times as much as that).
Memory is what a process shares with no other (bars: {most[parent]} and
{most[worker]} MB).

A cluster's scheduler adds {cluster} ms to a task (bar: {most[task]} ms).
"""


if __name__ == "__main__":
    main()
