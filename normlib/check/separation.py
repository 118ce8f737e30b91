"""What an input has to do that exposes a bug: right and wrong must differ on it."""

from collections.abc import Callable

import numpy as np

from normlib.check.running.observing import Refused, Unusable
from normlib.check.running.protocol import Outputs

LARGEST = 1_000_000  # numbers in an input; far fewer are enough
AS_IT_IS = 1e-3  # of the largest number; what an eps or rounding may change


def apart(right, wrong, arrays) -> float:
    """Largest difference of the two results, as a share of their largest number.

    Where only one of them is a number at all, they differ entirely.
    """
    with np.errstate(all="ignore"):
        a, b = right(*arrays), wrong(*arrays)
        finite = np.isfinite(a)
        if not np.array_equal(finite, np.isfinite(b)):
            return 1.0
        a, b = a[finite], b[finite]
        largest = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)) or 1.0
        return float(np.abs(a - b).max(initial=0) / largest)


def leaves_as_it_is(function: Callable, arrays) -> bool:
    """Whether the function returns the first of the arrays."""
    return apart(function, lambda first, *others: first, arrays) <= AS_IT_IS


def separates(
    right: Callable,
    wrong: Callable,
    asked: float,
    usable: Callable | None = None,
    unchanged: bool = False,
) -> Callable[[Outputs], Outputs]:
    """The measure of an exercise that asks for an input on which two functions differ.

    Parameters
    ----------
    right, wrong : callable
        Both take the arrays of the input, in order.
    asked : float
        By how much their results must differ, as a share of the largest number.
    usable : callable, optional
        Takes the same arrays; raises ``Unusable`` when they cannot be an input, and
        ``Refused`` where that should not be explained as an idea.
    unchanged : bool
        Ask for an input that is normalized already: ``right`` returns its first array.
        Hardly anything drawn at random is.
    """

    def measure(outputs):
        arrays = list(outputs.values())
        for name, array in outputs.items():
            if not array.size:
                raise Refused(f"{name} is empty")
            if array.size > LARGEST:
                raise Refused(f"{name} holds {array.size} numbers; fewer are enough")
            if not np.isfinite(array).all():
                raise Refused(f"{name} should be finite, yours holds NaN or infinity")
        if usable:
            usable(*arrays)
        found = apart(right, wrong, arrays)
        if not found >= asked:
            most = "at most" if found >= 1e-4 else "less than"
            raise Unusable(
                f"right and wrong give nearly the same on it: they differ by {most} "
                f"{100 * max(found, 1e-4):.2g} % of the largest number, and "
                f"{100 * asked:g} % are asked for"
            )
        if unchanged and not leaves_as_it_is(right, arrays):
            first = next(iter(outputs))
            raise Unusable(
                f"right and wrong differ on it, but the right function does not return "
                f"{first} as it is"
            )
        return {"separated": np.array(1.0)}

    return measure
