"""How ``switchable_norm.moments`` is run: a pair of triples, taken apart."""

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array, in_each_memory, twice

MEMBERS = ("instance", "layer", "batch")


@protocol()
def six_moments(implementation, inputs):
    """The three means and the three variances, each under its own name."""
    outputs = {}
    pair = _items(implementation(*inputs.values()), 2, "(means, variances)")
    for kind, three in zip(("mean", "variance"), pair, strict=True):
        arrays = _items(three, 3, f"three {kind}s (instance, layer, batch)")
        for member, array in zip(MEMBERS, arrays, strict=True):
            outputs[f"{member} {kind}"] = as_array(array, f"the {member} {kind}")
    return outputs


@protocol()
def six_moments_from_any_memory(implementation, inputs):
    return in_each_memory(six_moments, implementation, inputs)


@protocol()
def six_moments_called_again(implementation, inputs):
    return twice(six_moments, implementation, inputs)


def _items(value, count, wanted):
    if value is None:
        raise Unusable(f"returned None, not {wanted}: is there a `return`?")
    if not hasattr(value, "__len__") or len(value) != count:
        found = f"{len(value)} items" if hasattr(value, "__len__") else repr(value)
        raise Unusable(f"returned {found}, not {wanted}")
    return value
