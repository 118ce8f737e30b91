"""What a learner reads: a report as text and as HTML, for light and dark themes."""

import html
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from inspect import Signature
from pathlib import Path

import numpy as np

from normlib.check.exercise import Exercise
from normlib.check.exercises import TOPICS

# From exercises/NN_topic/ to the built book. A class whose book is on a server
# sets its address.
BOOK = "../../_build/html/book"


@dataclass(frozen=True)
class CaseResult:
    """One case of a report.

    ``message`` says what is wrong, and is empty when the case passed. ``call`` is the
    call that it was wrong in, where there is one to show.
    """

    name: str
    passed: bool
    message: str = ""
    call: str = ""


@dataclass(frozen=True)
class Report:
    """The verdict on one answer. Shows itself as text and, in a notebook, as HTML.

    The most important comes first: the points, what the answer looks like, and one
    failed case in full. Then the other cases follow, a line each.

    Attributes
    ----------
    points, max_points : float
    cases : tuple of CaseResult
        In the order of the exercise. Empty when nothing could be run.
    diagnosis : str or None
        The title of the misconception that the answer looks like.
    hint : str or None
        The idea that is wrong, never the code that is missing.
    section : str
        Anchor of the chapter's section to read again.
    notes : tuple of str
        Warnings, prints: what is worth knowing and costs nothing.
    seed : int
        ``judge(key, answer, seed=...)`` repeats the same inputs.
    shown : str
        The name of the failed case that shows the mistake best; by default the first.
    """

    key: str
    points: float
    max_points: float
    cases: tuple[CaseResult, ...]
    diagnosis: str | None = None
    hint: str | None = None
    section: str = ""
    notes: tuple[str, ...] = ()
    seed: int = 0
    shown: str = ""

    @classmethod
    def without_cases(cls, exercise: Exercise, why: str, seed: int = 0) -> "Report":
        """The report on an answer that could not be run at all."""
        return cls(exercise.key, 0.0, exercise.points, (), None, why, "", (), seed)

    @property
    def headline(self) -> str:
        unit = "point" if self.max_points == 1 else "points"
        return f"{self.key}: {self.points:g} of {self.max_points:g} {unit}"

    @property
    def passed(self) -> list[CaseResult]:
        return [case for case in self.cases if case.passed]

    @property
    def failed(self) -> list[CaseResult]:
        """The failed cases, first the one that shows the mistake best."""
        failed = [case for case in self.cases if not case.passed]
        return sorted(failed, key=lambda case: case.name != self.shown)

    def __str__(self):
        lines = []
        if self.diagnosis:
            lines.append(f"This looks like: {self.diagnosis}.")
        if self.hint:
            lines.append(self.hint)
        if self.failed and self.section:
            lines.append(f"See {_section_title(self)}.")
        blocks = ["\n".join(lines)]
        if self.failed:
            best, *others = self.failed
            blocks.append(f"✗ {best.name}\n  {_in_full(best)}")
            if others:
                lines = [f"✗ {name}{tail}" for name, tail in _in_a_line(self.failed)]
                blocks.append("\n".join(lines))
        blocks.append("\n".join(f"✓ {case.name}" for case in self.passed))
        blocks.append("\n".join(self.notes))
        return "\n\n".join(filter(None, (self.headline, *blocks))).replace("`", "")

    __repr__ = __str__

    def _repr_html_(self):
        return self.to_html(os.environ.get("NORMLIB_BOOK", BOOK))

    def to_html(self, book: str) -> str:
        """For a page from which ``book`` leads to the chapters: it links to one."""
        return (
            '<div style="border-left: 4px solid currentColor; padding: 0 0 0 1em; '
            'margin: .5em 0; max-width: 50em; line-height: 1.5">'
            f"<p><strong>{markup(self.headline)}</strong></p>"
            + self._advice_html(book)
            + self._cases_html()
            + "".join(f"<p><small>{markup(note)}</small></p>" for note in self.notes)
            + "</div>"
        )

    def _advice_html(self, book):
        text = ""
        if self.diagnosis:
            text += f"<strong>This looks like: {markup(self.diagnosis)}.</strong> "
        if self.hint:
            text += markup(self.hint) + " "
        if self.failed and self.section:
            url = html.escape(_section_url(self, book))
            title = markup(_section_title(self))
            text += f'See <a href="{url}" target="_blank">{title}</a>.'
        return f"<p>{text}</p>" if text else ""

    def _cases_html(self):
        passed = _list_html((_PASSED, case.name, "") for case in self.passed)
        if not self.failed:
            return passed
        best, *others = self.failed
        shown = _list_html([(_FAILED, best.name, f"<br>{markup(_in_full(best))}")])
        if others:
            lines = ((_FAILED, n, markup(t)) for n, t in _in_a_line(self.failed))
            shown += _fold(f"{_cases(len(others), 'more ')} failed", _list_html(lines))
        if self.passed:
            shown += _fold(f"{_cases(len(self.passed))} passed", passed)
        return shown


def _in_full(case):
    return f"{case.call}: {case.message}" if case.call else case.message


def _in_a_line(failed):
    """The names of the failed cases after the first, and what is said of each.

    What has been said of another case is not said again.
    """
    best, *others = failed
    said = {best.message}
    for case in others:
        yield case.name, "" if case.message in said else f": {case.message}"
        said.add(case.message)


def _cases(n, more=""):
    return f"{n} {more}case" + ("s" if n != 1 else "")


def _list_html(rows):
    items = "".join(
        '<li style="padding-left: 1.6em; text-indent: -1.6em">'
        f"{mark}{markup(name)}{tail}</li>"
        for mark, name, tail in rows
    )
    style = "list-style: none; padding: 0; margin: 0"
    return f'<ul style="{style}">{items}</ul>' if items else ""


def _fold(summary, inside):
    style = "margin: .3em 0 0"
    return f'<details style="{style}"><summary>{summary}</summary>{inside}</details>'


def _mark(sign, label, color):
    return (
        f'<span role="img" aria-label="{label}" style="display: inline-block; '
        f'width: 1.6em; text-indent: 0; font-weight: bold; color: {color}">'
        f"{sign}</span>"
    )


# Mid-tones, readable on white and on black; the sign itself carries the meaning.
_PASSED = _mark("✓", "passed", "#2a8a4a")
_FAILED = _mark("✗", "failed", "#d9534f")


def markup(text):
    """Escape ``text``; what stands between backticks becomes code."""
    # In the color of the text around it: pages style code for their own background.
    style = "color: inherit; background: none; border: 0; padding: 0"
    code = rf'<code style="{style}">\1</code>'
    return re.sub(r"`([^`]+)`", code, html.escape(str(text)))


def _section_title(report):
    return section_title(report.key, report.section)


def section_title(key: str, section: str) -> str:
    """A section of the chapter that an exercise belongs to, in words."""
    topic = key.partition(".")[0]
    title = _titles()[topic].get(section, section)
    return f"“{title}” in chapter {_number_of(topic)}"


@cache
def _titles():
    """Topic -> anchor -> title, written down by ``book/section_titles.py``."""
    file = Path(__file__).with_name("section_titles.json")
    return json.loads(file.read_text("utf-8"))


def _section_url(report, book):
    topic = report.key.partition(".")[0]
    return f"{book}/{_number_of(topic):02d}_{topic}.html#{report.section}"


def _number_of(topic):
    return TOPICS.index(topic) + 1


def describe_call(name: str, inputs: dict, signature: Signature) -> str:
    """``batch_norm(x, gamma, beta, eps=0.1) with x of shape (4, 3)``.

    Of a module, whose inputs are a scenario, how it was made and what it was given:
    ``BatchNorm2d(num_features=3)`` called with ``x`` of shape (4, 3, 2, 2). Empty when
    there is neither.
    """
    if "new" in inputs:
        made = signature.bind(*inputs["new"]).arguments.items()
        shown = ", ".join(f"{argument}={value!r}" for argument, value in made)
        called = f"`{name}({shown})`"
        if "x1" in inputs:
            called += f" called with `x` of shape {inputs['x1'].shape}"
        return called
    arrays = {n: v for n, v in inputs.items() if isinstance(v, np.ndarray)}
    if not all(isinstance(v, np.ndarray | float | int) for v in inputs.values()):
        return ""
    shown = ", ".join(n if n in arrays else f"{n}={v:g}" for n, v in inputs.items())
    if not arrays:
        return f"`{name}({shown})`"
    widest = max(arrays, key=lambda n: arrays[n].ndim)  # the first of them
    return f"`{name}({shown})` with `{widest}` of shape {arrays[widest].shape}"


def number(want: float, got: float) -> tuple[str, str]:
    """Both numbers with as many digits as it takes to see that they differ."""
    for digits in range(4, 17):
        shown = f"{want:.{digits}g}", f"{got:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown[0].replace("-", "−"), shown[1].replace("-", "−")


def place(index: tuple[int, ...], axes: tuple[str, ...] = ()) -> str:
    """Where in an array, in words: by the names of its ``axes`` if it has as many."""
    named = {len(names): names for names in (("position",), ("row", "column"), axes)}
    if not index:
        return ""
    if names := named.get(len(index)):
        pairs = zip(names, index, strict=True)
        return f" at {', '.join(f'{name} {i}' for name, i in pairs)}"
    return f" at [{', '.join(map(str, index))}]"
