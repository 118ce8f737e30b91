"""Runs and judges a learner's answer inside the page: what the worker calls.

An answer runs as it would in its notebook: in a module of the name ``__main__``, with
NumPy imported and with the notebook's earlier answers defined.
"""

import ast
import contextlib
import io
import linecache
import os
import sys
import traceback
import types

import numpy
from in_the_page import showing
from pyodide.code import find_imports

from normlib.check import EXERCISES, Report, judge

YOURS = "your answer"
MISSING = {
    True: "The page has NumPy and matplotlib; other packages need JupyterLab.",
    False: "The page has NumPy alone; pictures and other packages need JupyterLab.",
}
has_matplotlib = True  # or not, says the worker, which knows what the book brings

# Before anything imports matplotlib, which reads it.
os.environ["MPLBACKEND"] = "module://in_the_page.pictures"


def check(key: str, above: list[tuple[str, bool]], answer: str, book: str) -> dict:
    """The points and the report that the answer to exercise ``key`` gets.

    ``above`` holds the cells above it in the notebook: their code, and whether that is
    an answer. ``book`` is the address of the chapters, to which the report links.
    """
    exercise = EXERCISES[key]
    notebook = _notebook(above)
    ran = _Ran()
    ran.execute(answer, notebook)
    # Judging captures for itself what an answer prints while it is called.
    if ran.error:
        return {"html": ran.html(), "points": 0}
    answered = vars(notebook).get(exercise.name)
    if answered is None:
        report = Report.without_cases(
            exercise,
            f"The code above defines no `{exercise.name}`, the name that the check "
            "looks for.",
        )
    else:
        report = judge(key, answered)
    return {"html": ran.html() + report.to_html(book), "points": report.points}


def run(above: list[tuple[str, bool]], answer: str) -> dict:
    """What the answer's code prints and draws, and the value of its last line."""
    ran = _Ran()
    ran.execute(answer, _notebook(above), show_value=True)
    return {"html": ran.html(), "points": None}


def imports_matplotlib(above: list[tuple[str, bool]], answer: str) -> bool:
    """Whether the code that is about to run needs matplotlib to be loaded first."""
    sources = [answer, *(source for source, is_answer in above if is_answer)]
    return any("matplotlib" in find_imports(source) for source in sources)


def _notebook(above):
    """A fresh ``__main__`` in which the code above the answer has run.

    Of the cells that are given, only functions and classes: the rest compares with
    packages that are not here.
    """
    notebook = types.ModuleType("__main__")
    sys.modules["__main__"] = notebook
    notebook.np = numpy
    for source, is_answer in above:
        for part in [source] if is_answer else _definitions(source):
            _Ran().execute(part, notebook)  # its errors are shown where it stands
    return notebook


def _definitions(source):
    kinds = ast.FunctionDef, ast.ClassDef
    return [ast.unparse(n) for n in ast.parse(source).body if isinstance(n, kinds)]


class _Ran:
    """Code that has run: what it printed and drew, its last value, its error."""

    def __init__(self):
        self._printed = _Limited()
        self._value = self._pictures = self.error = ""

    def execute(self, source, notebook, show_value=False):
        # With the text at hand, a traceback shows the lines it names.
        linecache.cache[YOURS] = len(source), None, source.splitlines(True), YOURS
        try:
            with self._captured():
                tree = ast.parse(source, YOURS)
                last = None
                ends = tree.body and isinstance(tree.body[-1], ast.Expr)
                if show_value and ends and not source.rstrip().endswith(";"):
                    last = ast.Expression(tree.body.pop().value)
                exec(compile(tree, YOURS, "exec"), vars(notebook))
                if last is not None:
                    value = eval(compile(last, YOURS, "eval"), vars(notebook))
                    self._value = showing.value(value)
        except BaseException as error:
            self.error = _traceback(error)
        try:
            with self._captured():
                self._pictures = _pictures()
        except BaseException as error:  # some mistakes show only when a figure is drawn
            self.error = self.error or _traceback(error)

    def html(self):
        printed = showing.text(self._printed.getvalue())
        return printed + self._value + self._pictures + showing.text(self.error)

    @contextlib.contextmanager
    def _captured(self):
        output = self._printed
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield


def _pictures():
    if "matplotlib.pyplot" not in sys.modules:
        return ""
    from in_the_page import pictures

    return pictures.take()


def _traceback(error):
    """The traceback from the learner's first line on: nothing of what called it."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        error.msg = f"No module named {error.name!r}. {MISSING[has_matplotlib]}"
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, f in enumerate(frames) if f.filename == YOURS), len(frames))
    lines = ["Traceback (most recent call last):\n"] if frames[first:] else []
    lines += traceback.format_list(frames[first:])
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()


class _Limited(io.StringIO):
    """Output of which no more is kept than is shown."""

    def write(self, text):
        room = showing.LONGEST + 1 - self.tell()
        super().write(text[: max(room, 0)])
        return len(text)
