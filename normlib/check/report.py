"""What a learner reads: a report as text and as HTML, for light and dark themes."""

import html
import os
import re
from dataclasses import dataclass

import numpy as np

from normlib.check.exercise import Exercise
from normlib.check.exercises import TOPICS

# From exercises/NN_topic/ to the built book. A class whose book is on a server
# sets its address.
BOOK = "../../_build/html/book"


@dataclass(frozen=True)
class CaseResult:
    """One line of a report; ``message`` is empty when the case passed."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Report:
    """The verdict on one answer. Shows itself as text and, in a notebook, as HTML.

    Attributes
    ----------
    points, max_points : float
    cases : tuple of CaseResult
        Empty when nothing could be run.
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

    @classmethod
    def without_cases(cls, exercise: Exercise, why: str, seed: int = 0) -> "Report":
        """The report on an answer that could not be run at all."""
        return cls(exercise.key, 0.0, exercise.points, (), None, why, "", (), seed)

    @property
    def headline(self) -> str:
        unit = "point" if self.max_points == 1 else "points"
        return f"{self.key}: {self.points:g} of {self.max_points:g} {unit}"

    def __str__(self):
        lines = [self.headline, ""]
        for case in self.cases:
            mark, tail = ("✓", "") if case.passed else ("✗", f": {case.message}")
            lines.append(f"{mark} {case.name}{tail}")
        lines += [""] if self.cases else []
        if self.diagnosis:
            lines.append(f"This looks like: {self.diagnosis}.")
        if self.hint:
            lines.append(self.hint)
        if self._failed and self.section:
            lines.append(f"See {_section_title(self)}.")
        lines += self.notes
        return "\n".join(lines).rstrip().replace("`", "")

    __repr__ = __str__

    def _repr_html_(self):
        return (
            '<div style="border-left: 4px solid currentColor; padding: 0 0 0 1em; '
            'margin: .5em 0; max-width: 50em; line-height: 1.5">'
            f"<p><strong>{markup(self.headline)}</strong></p>"
            + self._cases_html()
            + self._advice_html()
            + "".join(f"<p><small>{markup(note)}</small></p>" for note in self.notes)
            + "</div>"
        )

    def _cases_html(self):
        rows = []
        for case in self.cases:
            mark = _PASSED if case.passed else _FAILED
            tail = "" if case.passed else f":<br>{markup(case.message)}"
            rows.append(
                '<li style="padding-left: 1.6em; text-indent: -1.6em">'
                f"{mark}{markup(case.name)}{tail}</li>"
            )
        style = "list-style: none; padding: 0; margin: 0"
        return f'<ul style="{style}">{"".join(rows)}</ul>' if rows else ""

    def _advice_html(self):
        text = ""
        if self.diagnosis:
            text += f"<strong>This looks like: {markup(self.diagnosis)}.</strong> "
        if self.hint:
            text += markup(self.hint) + " "
        if self._failed and self.section:
            text += (
                f'See <a href="{html.escape(_section_url(self))}" target="_blank">'
                f"{markup(_section_title(self))}</a>."
            )
        return f'<p style="margin: .8em 0 0">{text}</p>' if text else ""

    @property
    def _failed(self):
        return any(not case.passed for case in self.cases)


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
    # In the colour of the text around it: pages style code for their own background.
    style = "color: inherit; background: none; border: 0; padding: 0"
    code = rf'<code style="{style}">\1</code>'
    return re.sub(r"`([^`]+)`", code, html.escape(str(text)))


def _section_title(report):
    topic = report.key.partition(".")[0]
    return f"“{report.section.replace('-', ' ')}” in chapter {_number_of(topic)}"


def _section_url(report):
    topic = report.key.partition(".")[0]
    book = os.environ.get("NORMLIB_BOOK", BOOK)
    return f"{book}/{_number_of(topic):02d}_{topic}.html#{report.section}"


def _number_of(topic):
    return TOPICS.index(topic) + 1


def describe_call(name: str, inputs: dict) -> str:
    """``batch_norm(x, gamma, beta, 0.1) with x of shape (4, 3)``."""
    arrays = {n: v for n, v in inputs.items() if isinstance(v, np.ndarray)}
    if not all(isinstance(v, np.ndarray | float | int) for v in inputs.values()):
        return ""  # a module's inputs are a scenario, not the arguments of a call
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


def place(index: tuple[int, ...]) -> str:
    """Where in an array, in words."""
    match index:
        case ():
            return ""
        case (i,):
            return f" at position {i}"
        case (i, j):
            return f" at row {i}, column {j}"
        case _:
            return f" at [{', '.join(map(str, index))}]"
