"""How an answer is run that returns names.

As in ``normlib.check.running``, nothing here knows what is right. Nothing here needs
torch either: the networks have their protocols in a folder of their own.
"""

import numpy as np

from normlib.check.running.observing import Unusable

KINDS = ("batch", "layer", "instance", "group", "none")
CHANGES = tuple(
    f"{unit} {change}"
    for unit in ("batch", "sample", "channel", "instance", "position")
    for change in ("shift", "scale")
)


def kind(implementation, inputs) -> dict[str, np.ndarray]:
    """One call that returns a member of ``KINDS``: its place there."""
    answer = implementation(*inputs.values())
    if answer is None:
        raise Unusable("returned None: is there a way through without a `return`?")
    if not isinstance(answer, str) or answer not in KINDS:
        raise Unusable(f"should return {listed(KINDS, 'or')}, yours is {answer!r:.60}")
    return {"kind": np.array(float(KINDS.index(answer)))}


def ignored(implementation, inputs) -> dict[str, np.ndarray]:
    """One call, with the normalizer that ``inputs`` describe: 1 for what it returns.

    ``inputs`` hold the axes that share statistics, once the channels are split into
    ``groups``, and whether it subtracts the mean and divides by the spread.
    """
    answer = implementation(lambda x: _normalized(x, **inputs))
    if answer is None:
        raise Unusable("returned None: is there a `return`?")
    if not isinstance(answer, set | frozenset | list | tuple):
        raise Unusable(f"should return a set, yours is a {type(answer).__name__}")
    for name in answer:
        if not isinstance(name, str) or name not in CHANGES:
            raise Unusable(f"the set holds {name!r:.60}, which is not in the list")
    return {name: np.array(float(name in answer)) for name in CHANGES}


ignored.describe = lambda name, inputs: ""  # the case's name says which normalizer


def _normalized(x, axes, groups, centered, scaled):
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
    y = x.reshape(N, int(groups), -1, H, W)
    axes = tuple(int(axis) for axis in axes)
    if centered:
        y = y - y.mean(axes, keepdims=True)
    if scaled:
        y = y / np.sqrt((y**2).mean(axes, keepdims=True) + 1e-5)
    return y.reshape(x.shape).copy()


def listed(names, last: str = "and") -> str:
    """``"a", "b" or "c"``."""
    *others, final = (f'"{name}"' for name in names)
    return f"{', '.join(others)} {last} {final}" if others else final
