"""How an answer is run that is given a sublayer and a norm, which are functions.

They are made here, beside the answer, of arrays among the inputs. As in
``normlib.check.running``, nothing here knows what is right.
"""

import numpy as np

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array, in_each_memory, twice

PLACEMENTS = ("pre", "post", "sandwich")


def _describe(name, inputs):
    placement = repr(inputs["placement"]) if "placement" in inputs else "placement"
    shape = inputs["x"].shape
    return f"`{name}(x, f, norm, {placement})` with `x` of shape {shape}"


@protocol(_describe)
def block(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with the placement among the inputs."""
    f, norm = _functions(inputs)
    return {"y": _y(implementation, inputs, f, norm, inputs["placement"])}


@protocol(_describe)
def each_placement(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with each placement."""
    return _each(implementation, inputs, *_functions(inputs))


@protocol(_describe)
def from_any_memory(implementation, inputs) -> dict[str, np.ndarray]:
    return in_each_memory(each_placement, implementation, inputs)


@protocol(_describe)
def called_again(implementation, inputs) -> dict[str, np.ndarray]:
    """Two calls with each placement, of the same functions and other numbers."""
    made: dict = {}

    def run(implementation, given):
        made["f"], made["norm"] = made.values() or _functions(given)
        return _each(implementation, given, **made)

    return twice(run, implementation, inputs)


@protocol(_describe)
def counted(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with each placement, and how often it called f and norm."""
    outputs = {}
    for placement in PLACEMENTS:
        calls: list[str] = []

        def counting(function, name, calls=calls):
            return lambda z: (calls.append(name), function(z))[1]

        f, norm = _functions(inputs)
        y = _y(
            implementation, inputs, counting(f, "f"), counting(norm, "norm"), placement
        )
        outputs[f"y, {placement}"] = y
        for name in ("f", "norm"):
            outputs[f"calls of {name}, {placement}"] = np.array(calls.count(name))
    return outputs


@protocol(_describe)
def refused_placement(implementation, inputs) -> dict[str, np.ndarray]:
    """A call with each placement, and one with another name for each in ``others``."""
    outputs = each_placement(implementation, inputs)
    for other in inputs["others"]:
        f, norm = _functions(inputs)
        try:
            _y(implementation, inputs, f, norm, other)
        except ValueError:
            continue
        except (NotImplementedError, Unusable):
            raise
        except Exception as error:
            raise Unusable(
                f"the placement {other!r} raised {type(error).__name__}, where a "
                "ValueError was asked for"
            ) from error
        raise Unusable(
            f"the placement {other!r} went through, where a ValueError was asked for"
        )
    return outputs | {"refused": np.array(1.0)}


def _each(implementation, inputs, f, norm):
    return {
        f"y, {placement}": _y(implementation, inputs, f, norm, placement)
        for placement in PLACEMENTS
    }


def _y(implementation, inputs, f, norm, placement):
    return as_array(implementation(inputs["x"], f, norm, placement), "y")


def _functions(inputs):
    """The sublayer and the norm: neither is linear, and f lets tokens see each other.

    Without a ``mixing``, f returns the very array that it is given.
    """

    def checked(z, name):
        if np.shape(z) != inputs["x"].shape:
            raise Unusable(
                f"gave {name} an array of shape {np.shape(z)}; x has shape "
                f"{inputs['x'].shape}"
            )
        return z

    def f(z):
        z = checked(z, "f")
        if "mixing" not in inputs:
            return z
        return inputs["mixing"] @ np.abs(z) @ inputs["weight"] + inputs["bias"]

    def norm(z):
        largest = np.abs(checked(z, "norm")).max(axis=-1, keepdims=True)
        return inputs["gamma"] * z / (largest + inputs["eps"]) + inputs["beta"]

    return f, norm
