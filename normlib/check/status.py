"""What the commands ``normlib status`` and ``normlib check`` print."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn
from rich.table import Table

from normlib.check.exercises import EXERCISES
from normlib.check.progress import Attempt, attempts, notebooks, questions
from normlib.errors import CourseError


def show_status(folder: Path) -> None:
    """Run the notebooks in ``folder`` and print what is solved and what comes next.

    Raises
    ------
    CourseError
        When ``folder`` holds no notebook of the course.
    """
    paths = notebooks(folder)
    if not paths:
        raise CourseError(f"{folder} holds no notebook of the course")
    console = Console(highlight=False)
    found = {path: found for path, found in _run(console, paths)}
    notes = []
    words = {path: questions(path) for path in paths}
    table = Table(box=None, header_style="bold", padding=(0, 3, 0, 0))
    for heading in ("exercise", ""):
        table.add_column(heading, no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    for path, chapter in found.items():
        points = sum(attempt.points for attempt in chapter)
        total = sum(attempt.max_points for attempt in chapter)
        table.add_row(f"[bold]{path.parent.name}", "", f"{points:g} of {total:g}")
        for attempt in chapter:
            name = EXERCISES[attempt.key].name
            of = f"{attempt.points:g} of {attempt.max_points:g}"
            of = of if attempt.begun else ""
            table.add_row(f"  {name}", _state(attempt), of)
            if attempt.note:
                notes.append(f"{name} in {path.name}: {attempt.note}")
        for question in words[path]:
            state = "✓ written" if question.written else "· not written"
            table.add_row(f"  {question.title}", state, "by hand")
    console.print(table)
    if notes:
        console.print("", *notes, sep="\n", markup=False)
    console.print(_next(found, words))


def show_reports(path: Path) -> bool:
    """Run one notebook and print its reports; whether every exercise is solved.

    Raises
    ------
    CourseError
        When ``path`` is neither a notebook of the course nor a folder that holds one.
    """
    if path.is_dir():
        inside = sorted(path.glob("*.ipynb"))
        if len(inside) != 1:
            told = f"{path} should hold one notebook, it holds {len(inside)}"
            raise CourseError(told)
        (path,) = inside
    console = Console(highlight=False)
    ((_, found),) = _run(console, [path])
    for attempt in found:
        console.print(attempt.report, markup=False, end="\n\n")
    for question in questions(path):
        written = "written" if question.written else "not written"
        title = f"In words: {question.title}"
        console.print(f"{title}: {written}, {question.points:g} points by hand")
    points = sum(attempt.points for attempt in found)
    total = sum(attempt.max_points for attempt in found)
    console.print(f"{points:g} of {total:g} points, written answers aside")
    return all(attempt.solved for attempt in found)


def _run(console, paths):
    """Yield each notebook with how far its exercises are, under a progress bar."""
    columns = "{task.description}", BarColumn(), TaskProgressColumn()
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=len(paths))
        for done, path in enumerate(paths):
            bar.update(task, description=path.parent.name)

            def on_cell(part, done=done):
                bar.update(task, completed=done + part)

            yield path, attempts(path, on_cell)
            bar.update(task, completed=done + 1)


def _state(attempt: Attempt) -> str:
    if attempt.solved:
        return "✓ solved"
    if not attempt.begun:
        return "· not begun"
    return "✗ not yet" if attempt.points == 0 else "◐ in part"


def _next(found, words):
    for path, chapter in found.items():
        for attempt in chapter:
            if not attempt.solved:
                exercise = EXERCISES[attempt.key]
                return f"\nNext: `{exercise.name}` in {path}. {exercise.statement}"
    for path, asked in words.items():
        for question in asked:
            if not question.written:
                return f"\nNext, in words: {question.title} in {path}."
    return "\nAll solved. What is left is graded by hand: the answers in words."
