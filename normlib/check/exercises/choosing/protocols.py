"""How an answer is run that returns names, on several inputs in a row.

Which input comes when is drawn with the inputs, so that counting the calls tells
nothing. As in ``normlib.check.running``, nothing here knows what is right. Nothing here
needs torch either: the networks have their protocols in a folder of their own.
"""

import numpy as np

from normlib.check.running.observing import Unusable

KINDS = ("batch", "layer", "instance", "group", "none")
CHANGES = tuple(
    f"{unit} {change}"
    for unit in ("batch", "sample", "channel", "instance", "position")
    for change in ("shift", "scale")
)


def kinds(implementation, inputs) -> dict[str, np.ndarray]:
    """A call for each pair (x, y) of ``inputs``: the places in ``KINDS``."""
    return {
        "kinds": np.array([_kind(implementation(x, y)) for x, y in inputs["pairs"]])
    }


def _kind(answer):
    if answer is None:
        raise Unusable("returned None: is there a way through without a `return`?")
    if not isinstance(answer, str) or answer not in KINDS:
        raise Unusable(f"should return {listed(KINDS, 'or')}, yours is {answer!r:.60}")
    return float(KINDS.index(answer))


def ignored(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with each of the normalizers that ``inputs`` describe.

    A row for each of them, with 1 for the changes in the set that is returned. A
    normalizer is described by the axes that share statistics, once the channels are
    split into ``groups``, and by whether it subtracts the mean and divides by the
    standard deviation.
    """
    found = [
        _set(implementation(lambda x, described=described: _normalized(x, **described)))
        for described in inputs["normalizers"]
    ]
    return {"ignored": np.array(found)}


def _set(answer):
    if answer is None:
        raise Unusable("returned None: is there a `return`?")
    if not isinstance(answer, set | frozenset | list | tuple):
        raise Unusable(f"should return a set, yours is a {type(answer).__name__}")
    for name in answer:
        if not isinstance(name, str) or name not in CHANGES:
            raise Unusable(f"the set holds {name!r:.60}, which is not in the list")
    return [float(name in answer) for name in CHANGES]


kinds.describe = lambda name, inputs: f"`{name}(x, y)`, {len(inputs['pairs'])} calls"
ignored.describe = lambda name, inputs: (
    f"`{name}(normalizer)`, {len(inputs['normalizers'])} calls"
)


def _normalized(x, axes, groups=1, centered=True, scaled=True):
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 4:
        raise Unusable(
            f"gave the normalizer an array of shape {x.shape}, not (N, C, H, W)"
        )
    N, C, H, W = x.shape
    if C % groups:
        raise Unusable(
            f"gave the normalizer {C} channels, which {groups:d} groups cannot share"
        )
    y = x.reshape(N, groups, -1, H, W)
    if centered:
        y = y - y.mean(axes, keepdims=True)
    if scaled:
        y = y / np.sqrt((y**2).mean(axes, keepdims=True) + 1e-5)
    return y.reshape(x.shape).copy()


def listed(names, last: str = "and") -> str:
    """``"a", "b" or "c"``."""
    *others, final = (f'"{name}"' for name in names)
    return f"{', '.join(others)} {last} {final}" if others else final
