"""What people get wrong, for a page of the book and for a terminal."""

import html
import textwrap

from normlib.check.exercise import Exercise
from normlib.check.exercises import EXERCISES, TOPICS
from normlib.check.mistakes import Misconception
from normlib.check.report import markup
from normlib.errors import CourseError


class Catalog:
    """The mistakes of one exercise or of all exercises of a topic.

    As text, each with its key and its hint. In a page, one fold for each exercise, and
    in it, folded again, the wrong lines as somebody wrote them; the right ones are left
    to the reader.

    Parameters
    ----------
    wanted : str
        A topic, such as ``"batch_norm"``, or a key, such as ``"batch_norm.forward"``.
    diffs : bool
        With the edits that make the mistakes of the right answer, in the text.

    Raises
    ------
    CourseError
        When there is no such topic or exercise.
    """

    def __init__(self, wanted: str, diffs: bool = False):
        self.exercises = [
            exercise
            for key, exercise in EXERCISES.items()
            if wanted in (key, exercise.topic)
        ]
        self._diffs = diffs
        if not self.exercises:
            raise CourseError(
                f"there is no topic and no exercise {wanted!r}; the topics are "
                f"{', '.join(TOPICS)}, and {min(EXERCISES)} is an exercise"
            )

    def __repr__(self):
        return "\n\n".join(map(self._exercise_text, self.exercises))

    def _exercise_text(self, exercise):
        blocks = [_headline(exercise)]
        for mistake in exercise.misconceptions:
            lines = [f"{mistake.title}.", *textwrap.wrap(mistake.hint, 84)]
            if self._diffs:
                lines += ["", *mistake.edit.splitlines()]
            text = textwrap.indent("\n".join(lines), "    ")
            blocks.append(f"  {mistake.key}\n{text}")
        return "\n\n".join(blocks)

    def _repr_html_(self):
        return "".join(map(_exercise_html, self.exercises))


def _headline(exercise):
    return f"{exercise.key}: {_counted(exercise)} in {exercise.name}"


def _counted(exercise):
    n = len(exercise.misconceptions)
    return f"{n} mistake" + ("s" if n != 1 else "")


def _exercise_html(exercise: Exercise) -> str:
    items = "".join(map(_mistake_html, exercise.misconceptions))
    return (
        f"<details><summary>In <code>{exercise.name}</code>: {_counted(exercise)}"
        f"</summary><ul>{items}</ul></details>"
    )


_WRAPPED = "white-space: pre-wrap; overflow-wrap: anywhere"  # or a phone scrolls it


def _mistake_html(mistake):
    text = f"<strong>{markup(mistake.title)}.</strong> {markup(mistake.hint)}"
    if wrong := wrong_lines(mistake):
        text += (
            "<details><summary>As somebody wrote it</summary>"
            f'<pre style="{_WRAPPED}">{html.escape(wrong)}</pre></details>'
        )
    return f"<li>{text}</li>"


def wrong_lines(mistake: Misconception) -> str:
    """What people write instead of a right answer's lines; empty if only some lack."""
    if mistake.whole:
        return mistake.edit
    hunks = []
    for hunk in mistake.edit.split("\n\n"):
        lines = [line[1:] for line in hunk.splitlines() if line[:1] == "+"]
        if lines:
            hunks.append(textwrap.dedent("\n".join(lines)))
    return "\n...\n".join(hunks)
