"""How ``batch_norm.network`` is run: a dict goes in, and a dict of gradients comes out.

The inputs hold each parameter by itself, so that each can be laid out in memory and
looked at after the call like any other array.
"""

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array, in_each_memory, twice

PARAMETERS = ("w1", "gamma", "beta", "w2", "b2")


def _describe(name, inputs):
    shape, hidden = inputs["x"].shape, len(inputs["gamma"])
    eps = f", eps={inputs['eps']:g}" if "eps" in inputs else ""
    return (
        f"`{name}(parameters, x, labels{eps})` with `x` of shape {shape}, "
        f"hidden units: {hidden}, classes: {len(inputs['b2'])}"
    )


@protocol(_describe)
def loss_and_gradients(implementation, inputs):
    """The loss, and the gradient of each parameter that has one in the answer."""
    parameters = {name: inputs[name] for name in PARAMETERS}
    others = [value for name, value in inputs.items() if name not in PARAMETERS]
    result = implementation(parameters, *others)
    inputs.update(parameters)  # an array that was replaced in the dict is a change too
    wanted = "(loss, gradients)"
    if result is None:
        raise Unusable(f"returned None, not {wanted}: is there a `return`?")
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Unusable(f"should return {wanted}, yours is a {type(result).__name__}")
    loss, gradients = result
    if not isinstance(gradients, dict):
        found = type(gradients).__name__
        raise Unusable(f"the gradients should be a dict, yours is a {found}")
    for name in gradients:
        if name not in PARAMETERS:
            raise Unusable(f"there is no parameter {name!r:.40} to have a gradient")
    outputs = {"loss": as_array(loss, "loss")}
    for name in PARAMETERS:
        if gradients.get(name) is not None:  # the others earn their points all the same
            of = f"gradient of {name}"
            outputs[of] = as_array(gradients[name], f"the {of}")
    return outputs


@protocol(_describe)
def loss_and_gradients_from_any_memory(implementation, inputs):
    return in_each_memory(loss_and_gradients, implementation, inputs)


@protocol(_describe)
def loss_and_gradients_called_again(implementation, inputs):
    return twice(loss_and_gradients, implementation, inputs)
