"""What a run of the command has to say: on the screen, and as JSON."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from normlib.grade.bridge.course import Course
from normlib.grade.class_page.findings import Findings
from normlib.grade.class_page.page import duration, frequent
from normlib.grade.files import printable
from normlib.grade.run import Graded
from normlib.grade.sandbox import backends


def show(root: Path, graded: Graded, found: Sequence[Findings] = ()) -> None:
    """Print everybody's points, what needs somebody's eye, and frequent mistakes."""
    course, submitted, failed = Course(root.resolve()), graded.submitted, graded.failed
    assignments = sorted({assignment for assignment, _ in submitted})
    rows, totals, told, overview = [], {}, [], graded.overview
    most = {name: overview.most[name] for name in assignments}
    for student in sorted({student for _, student in submitted}):
        scores, unmarked = {}, 0
        for name in assignments:
            if (name, student) in failed:
                why = f"{name} was not graded: {failed[name, student]}"
                told.append((student, why))
            elif (name, student) in submitted:
                times = overview.times.get(name, {}).get(student, {})
                scores[name] = overview.scores[name][student] - times.get("penalty", 0)
                if times:
                    came = _came(times, overview.scores[name][student])
                    told.append((student, f"{name} {came}"))
                unmarked += overview.unmarked[name][student]
                told += [(student, note) for note in graded.notes[name, student]]
        totals[student] = sum(scores.values())
        points = [f"{scores[n]:g}" if n in scores else "" for n in assignments]
        name = escape(printable(student))
        rows.append((name, *points, f"{totals[student]:g}", str(unmarked or "")))
    console = Console(highlight=False)
    _print_table(console, most, rows)
    for student, note in told:
        remark = f"{printable(student)}: {note}"
        console.print(remark, soft_wrap=True, markup=False)
    for worker, why in graded.unfit.items():
        console.print(f"Not used:  {worker}: {why}", soft_wrap=True, markup=False)
    if graded.sandbox == "unsafe":
        console.print("Graded without a sandbox: do not trust these points.")
    for assignment in found:
        if assignment.name in most and (lines := frequent(assignment)):
            console.print(f"Most frequent mistakes in {assignment.name}:")
            for line in lines:
                shown = printable(line, 300)
                console.print(f"  {shown}", soft_wrap=True, markup=False)
    console.print("Points:    _build/grades.csv")
    if found:
        console.print("The class: _build/class/index.html")
    middling = sorted(totals, key=totals.__getitem__)[len(totals) // 2]
    feedback = course.folder("feedback")
    pages = [p for a in assignments for p in (feedback / middling / a).glob("*.html")]
    for path in sorted(pages)[-1:]:
        shown = printable(str(path.relative_to(course.root)), 200)
        console.print(f"Feedback:  {shown}, for example", soft_wrap=True, markup=False)
    for folder in graded.unknown:
        why = f"Left out:  {folder}, no assignment has that name"
        console.print(why, soft_wrap=True, markup=False)


def _came(times, score):
    """When something was handed in, and what that cost."""
    late, extension = times["late"], times["extension"]
    said = f"came {duration(late)} late" if late else "came in time"
    if extension:
        said += f", with an extension of {duration(extension)}"
    if times["penalty"]:
        said += f": {times['penalty']:g} of {score:g} points were taken off"
    return said


def _print_table(console, most, rows):
    """Everybody's points, with no number cut off.

    Where the assignments' names do not fit, what they begin with has to do, and where
    the columns do not, there are several tables.
    """
    long = [name.replace("_", "\n") for name in most]
    short = [name.partition("_")[0] for name in most]
    for names, parts in [(long, 1), *((short, n) for n in range(1, len(most) + 3))]:
        heads = [
            f"{name}\nof {most[key]:g}" for name, key in zip(names, most, strict=True)
        ]
        heads += [f"total\nof {sum(most.values()):g}", "to\nmark"]
        step = -(-len(heads) // parts)
        tables = [
            _table(
                heads[i : i + step], [(row[0], *row[1 + i :][:step]) for row in rows]
            )
            for i in range(0, len(heads), step)
        ]
        anything = console.options.update(max_width=10_000)
        needed = [console.measure(table, options=anything).maximum for table in tables]
        if max(needed) <= console.width:
            break
    console.print(*tables)


def _table(heads, rows):
    table = Table(box=SIMPLE)
    table.add_column("student", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def write_json(path: Path, graded: Graded) -> None:
    """Everything that was found, for other programs."""
    told = asdict(graded) | {
        "submitted": [
            {
                "assignment": assignment,
                "student": student,
                "failed": graded.failed.get((assignment, student)),
                "points": graded.points.get((assignment, student)),
                "reports": graded.reports.get((assignment, student), {}),
                "notes": graded.notes[assignment, student],
            }
            for assignment, student in graded.submitted
        ]
    }
    for name in ("failed", "notes", "points", "reports", "overview"):
        del told[name]
    # In ASCII, so that a name that a student chose does no harm in a terminal.
    path.write_text(json.dumps(told, indent=1) + "\n")


def doctor(root: Path) -> int:
    """Say which sandbox works here, and what the others need."""
    console, works = Console(highlight=False), None
    for backend, fault in backends.diagnose(root):
        works = works or (None if fault else backend)
        state = fault or "works"
        console.print(f"{backend.name}: {state}", markup=False, soft_wrap=True)
        console.print(f"  gives {backend.what}", soft_wrap=True)
        console.print(f"  needs {backend.needs}", soft_wrap=True)
    if works:
        user = ", as the user nobody" if os.getuid() == 0 else ""
        told = f"Student code runs in: {works.name}{user}. It is judged from outside."
        console.print(told, soft_wrap=True)
        return 0
    console.print(
        "No sandbox works here. On macOS and Windows, grade in a Linux container or "
        "in WSL.",
        soft_wrap=True,
    )
    return 1
