"""Questions whose answer is short: the numbers of reasons, or a number worked out.

The answer is a function without arguments. All its numbers have to be right, so that
guessing earns nothing; the report says which aren't, and never what they should be.
"""

import linecache
from collections.abc import Callable, Iterator, Mapping
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
        equivalents=tuple(_in_other_styles(answer)),
        afterwards=afterwards,
    )


STYLES = {
    "in_a_list": "return [{}]",
    "with_names": "numbers = {}\n    return numbers",
    "in_an_array": "return tuple(np.array([{}], dtype=np.float32))",
}


def _in_other_styles(answer) -> Iterator[Callable]:
    """The answer's numbers in other types, as functions that have a source to show."""
    numbers = ", ".join(map(repr, answer()))
    for name, body in STYLES.items():
        source = f"def {name}():\n    {body.format(numbers)}\n"
        file = f"<{answer.__module__}.{name}>"
        linecache.cache[file] = len(source), None, source.splitlines(True), file
        scope = {"np": np, "__name__": answer.__module__}
        exec(compile(source, file, "exec"), scope)
        yield scope[name]


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
