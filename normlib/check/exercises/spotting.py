"""Exercises that ask for an input on which a given function goes wrong.

The answer is a function without arguments that returns the input. How far right and
wrong have to differ on it, and what else it has to be, is up to the measure.
"""

from collections.abc import Callable

from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocol import Outputs
from normlib.check.running.protocols import call


def spotting(
    answer: Callable,
    *,
    key: str,
    statement: str,
    section: str,
    names: tuple[str, ...],
    case: str,
    measure: Callable[[Outputs], Outputs],
    kind: Callable[[Outputs], str | None],
    equivalents: tuple[Callable, ...],
) -> Exercise:
    """An exercise whose ``answer`` returns the arrays ``names``.

    ``case`` is the name of the one case. ``kind`` says of an input that will not do
    which mistake it is: it returns the mistake's key, or None for another reason.
    """
    return Exercise(
        key=key,
        points=2,
        statement=statement,
        section=section,
        reference=answer,
        answer=answer,
        run=call(*names, whole=True),
        measure=measure,
        cases=(Case(case, 1.0, no_arguments),),
        recognize=kind,
        equivalents=equivalents,
    )


def no_arguments(rng):
    return {}
