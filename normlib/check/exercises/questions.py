"""Questions whose answer is short: the numbers of reasons, or a number worked out.

The answer is a function without arguments. All its numbers have to be right, so that
guessing earns nothing; the report says which aren't, and never what they should be.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.spotting import no_arguments
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import call


def question(
    answer: Callable,
    *,
    key: str,
    points: float,
    statement: str,
    section: str,
    items: tuple[str, ...],
    mistaken: Mapping[str, tuple[str, float]],
    equivalents: tuple[Callable, ...],
    afterwards: str,
) -> Exercise:
    """An exercise whose ``answer`` returns a number for each of ``items``.

    ``mistaken`` maps the key of a mistake to the item and the number that show it.
    """
    return Exercise(
        key=key,
        points=points,
        statement=statement,
        section=section,
        reference=answer,
        answer=answer,
        run=call(*items, whole=True),
        measure=partial(_all_right, dict(zip(items, answer(), strict=True))),
        cases=(Case("every number is right", 1.0, no_arguments),),
        recognize={key: partial(_says, *what) for key, what in mistaken.items()},
        equivalents=equivalents,
        afterwards=afterwards,
    )


def _all_right(right, outputs):
    """The measure: 1, or a sentence that names what isn't right."""
    wrong = [item for item, number in right.items() if not _is(outputs[item], number)]
    if wrong:
        raise Unusable(f"not right yet: {'; '.join(wrong)}")
    return {"right": np.array(1.0)}


def _is(output, number):
    return output.shape == () and abs(output - number) <= 1e-3 * abs(number)


def _says(item, number, outputs):
    return _is(outputs[item], number)
