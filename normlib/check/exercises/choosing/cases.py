"""Cases that ask the same thing several times, about things in an order not told."""

from collections.abc import Sequence

CALLS = 8


def in_any_order(rng, names: Sequence[str]) -> list[str]:
    """``CALLS`` of the names, each at least once, in an order drawn at random.

    So the same answer to all calls is wrong, and so is one that goes by their number.
    """
    drawn = [*names, *rng.choice(names, CALLS - len(names))]
    return [str(name) for name in rng.permutation(drawn)]
