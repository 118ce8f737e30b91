"""Runs and judges a learner's answer inside the page: what the worker calls.

An answer runs as it would in its notebook: in a module of the name ``__main__``, with
NumPy imported and with the notebook's earlier answers defined.
"""

import ast
import contextlib
import html
import io
import linecache
import os
import sys
import traceback
import types

import numpy

from normlib.check import EXERCISES, Report, judge

YOURS = "your answer"
LONGEST = 20_000  # characters of output that are shown


def check(key: str, above: list[tuple[str, bool]], answer: str, book: str) -> dict:
    """The points and the report that the answer to exercise ``key`` gets.

    ``above`` holds the cells above it in the notebook: their code, and whether that is
    an answer. ``book`` is the address of the chapters, to which the report links.
    """
    os.environ["NORMLIB_BOOK"] = book
    exercise = EXERCISES[key]
    notebook = _notebook(above)
    with _captured() as output:
        failed = _execute(answer, notebook)
    # Judging captures for itself what an answer prints while it is called.
    if failed:
        return _shown(output, error=failed, points=0)
    answered = vars(notebook).get(exercise.name)
    if answered is None:
        report = Report.without_cases(
            exercise,
            f"The code above defines no `{exercise.name}`, the name that the check "
            "looks for.",
        )
    else:
        report = judge(key, answered)
    return _shown(output, report=report._repr_html_(), points=report.points)


def run(above: list[tuple[str, bool]], answer: str) -> dict:
    """What the answer's code prints, and the value of its last line."""
    notebook = _notebook(above)
    with _captured() as output:
        failed = _execute(answer, notebook, show_value=True)
    return _shown(output, error=failed)


def _notebook(above):
    """A fresh ``__main__`` in which the code above the answer has run.

    Of the cells that are given, only functions and classes: the rest compares with
    packages that are not here.
    """
    notebook = types.ModuleType("__main__")
    sys.modules["__main__"] = notebook
    notebook.np = numpy
    with _captured():
        for source, is_answer in above:
            for part in [source] if is_answer else _definitions(source):
                _execute(part, notebook)  # its errors are shown where it stands
    return notebook


def _definitions(source):
    kinds = ast.FunctionDef, ast.ClassDef
    return [ast.unparse(n) for n in ast.parse(source).body if isinstance(n, kinds)]


def _execute(source, notebook, show_value=False):
    """Run ``source``; the traceback if it raises, else an empty string."""
    # With the text at hand, a traceback shows the lines it names.
    linecache.cache[YOURS] = len(source), None, source.splitlines(True), YOURS
    try:
        tree = ast.parse(source, YOURS)
        value = None
        if show_value and tree.body and isinstance(tree.body[-1], ast.Expr):
            value = ast.Expression(tree.body.pop().value)
        exec(compile(tree, YOURS, "exec"), vars(notebook))
        if value is not None:
            shown = eval(compile(value, YOURS, "eval"), vars(notebook))
            if shown is not None:
                print(repr(shown))
    except BaseException as error:
        return _traceback(error)
    return ""


def _traceback(error):
    """The traceback from the learner's first line on: nothing of what called it."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, f in enumerate(frames) if f.filename == YOURS), len(frames))
    lines = ["Traceback (most recent call last):\n"] if frames[first:] else []
    lines += traceback.format_list(frames[first:])
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()


class _Limited(io.StringIO):
    """Output of which no more is kept than is shown."""

    def write(self, text):
        room = LONGEST - self.tell()
        super().write(text[: max(room, 0)])
        return len(text)


@contextlib.contextmanager
def _captured():
    output = _Limited()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield output


def _shown(output, report="", error="", points=None):
    """What the page shows, as HTML, and the points if the answer was judged."""
    text = output.getvalue()
    if len(text) >= LONGEST:
        text += "\n… and more."
    parts = [text, error]
    shown = "".join(f"<pre>{html.escape(part)}</pre>" for part in parts if part.strip())
    return {"html": shown + report, "points": points}
