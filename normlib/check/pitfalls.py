"""A chapter's "What people get wrong", taken from its exercises' misconceptions."""

from dataclasses import dataclass

from normlib.check.exercise import Exercise
from normlib.check.exercises import EXERCISES, TOPICS
from normlib.check.report import markup

# Names in formulas and in code keep their small letter at the start of a title.
_VARIABLES = {
    *("x", "y", "u", "v", "w", "g", "m", "w_h", "low", "high", "eps", "momentum"),
    *("gamma", "beta", "sigma", "dx", "dv", "dg", "dgamma", "dbeta", "tanh", "eval"),
}


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
        title = misconception.title
        if not misconception.key:  # still written in Python
            title = _capitalized(title)
        yield format(title), format(misconception.hint)


def _capitalized(title):
    """With a capital, unless the first word is the name of a variable."""
    first = title.split()[0]
    if first in _VARIABLES:
        return title
    return title[0].upper() + title[1:]


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
