"""A chapter's "What people get wrong", taken from its exercises' misconceptions."""

from dataclasses import dataclass

from normlib.check.exercise import Exercise
from normlib.check.exercises import EXERCISES, TOPICS
from normlib.check.report import markup


@dataclass(frozen=True)
class Pitfalls:
    """The misconceptions of some exercises: in a page, one fold for each exercise."""

    exercises: tuple[Exercise, ...]

    def __repr__(self):
        return "\n\n".join(
            "\n".join([e.name, *(f"- {t}. {h}" for t, h in _items(e, str))])
            for e in self.exercises
        )

    def _repr_html_(self):
        return "".join(
            f"<details><summary>In <code>{e.name}</code></summary><ul>"
            + "".join(
                f"<li><strong>{title}.</strong> {hint}</li>"
                for title, hint in _items(e, markup)
            )
            + "</ul></details>"
            for e in self.exercises
        )


def _items(exercise, format):
    for misconception in exercise.misconceptions:
        title = misconception.title[0].upper() + misconception.title[1:]
        yield format(title), format(misconception.hint)


def pitfalls(topic: str) -> Pitfalls:
    """What people get wrong in the exercises of ``topic``.

    Raises
    ------
    ValueError
        When there is no such topic.
    """
    if topic not in TOPICS:
        raise ValueError(f"topic must be one of {', '.join(TOPICS)}, got {topic!r}")
    keys = [key for key in EXERCISES if key.startswith(f"{topic}.")]
    return Pitfalls(tuple(EXERCISES[key] for key in keys))
