"""How an answer is run that returns names, or that puts a network together.

An answer that returns names is called with several inputs in a row. Which input comes
when is drawn with the inputs, so that counting the calls tells nothing. As in
``normlib.check.running``, nothing here knows what is right. Nothing here needs torch
either: the networks that are trained have their protocols in a folder of their own.
"""

import numpy as np

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array, in_each_memory, twice

KINDS = ("batch", "layer", "instance", "group", "none")
CHANGES = tuple(
    f"{unit} {change}"
    for unit in ("batch", "sample", "channel", "instance", "position")
    for change in ("shift", "scale")
)


@protocol(lambda name, inputs: f"`{name}(x, y)`, {len(inputs['pairs'])} calls")
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


@protocol(
    lambda name, inputs: f"`{name}(normalizer)`, {len(inputs['normalizers'])} calls"
)
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


# A residual network, whose sublayers and norms are functions. Layer i is made of row i
# of the arrays among the inputs; the norm after the last row is that of the output.


def _describe(name, inputs):
    count = len(inputs["weight"])
    return f"`{name}(x, sublayers, norms, last)` with {count} sublayers"


@protocol(_describe)
def residual(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with the sublayers, their norms and the last norm."""
    return {"y": _residual(implementation, inputs, *_functions(inputs))}


@protocol(_describe)
def residual_from_any_memory(implementation, inputs) -> dict[str, np.ndarray]:
    return in_each_memory(residual, implementation, inputs)


@protocol(_describe)
def residual_called_again(implementation, inputs) -> dict[str, np.ndarray]:
    """Two calls with the same functions and other numbers."""
    made: list = []

    def run(implementation, given):
        made[:] = made or _functions(given)
        return {"y": _residual(implementation, given, *made)}

    return twice(run, implementation, inputs)


@protocol(_describe)
def residual_counted(implementation, inputs) -> dict[str, np.ndarray]:
    """A call, and how often it called each function."""
    sublayers, norms, last = _functions(inputs)
    calls = [0] * (2 * len(sublayers) + 1)

    def counting(function, i):
        def counted(z):
            calls[i] += 1
            return function(z)

        return counted

    every = [counting(f, i) for i, f in enumerate([*sublayers, *norms, last])]
    L = len(sublayers)
    y = _residual(implementation, inputs, every[:L], every[L:-1], every[-1])
    return {"y": y, "calls": np.array(calls)}


def _residual(implementation, inputs, sublayers, norms, last):
    y = implementation(inputs["x"], list(sublayers), list(norms), last)
    return as_array(y, "y")


def _functions(inputs):
    """None of them is linear, and no two are alike."""

    def checked(z):
        if np.shape(z) != inputs["x"].shape:
            raise Unusable(
                f"gave a sublayer or a norm an array of shape {np.shape(z)}; x has "
                f"shape {inputs['x'].shape}"
            )
        return z

    def sublayer(i):
        def f(z):
            mixed = inputs["mixing"][i] @ np.abs(checked(z)) @ inputs["weight"][i]
            return mixed + inputs["bias"][i]

        return f

    def norm(i):
        def divided(z):
            largest = np.abs(checked(z)).max(axis=-1, keepdims=True)
            return inputs["gamma"][i] * z / (largest + inputs["eps"])

        return divided

    L = len(inputs["weight"])
    return [sublayer(i) for i in range(L)], [norm(i) for i in range(L)], norm(L)
