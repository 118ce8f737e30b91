"""How an answer is run that should refuse its inputs.

Refusing everything is no answer either. So the same function is also called with
inputs that it must accept, and what it returns for those is compared.
"""

import numpy as np

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array, train_output


@protocol()
def refused_call(implementation, inputs):
    """A call with one group, and one that should end with a ValueError."""
    y = implementation(*(inputs | {"num_groups": 1}).values())
    _refuse(implementation, inputs.values(), "the call")
    return {"y with one group": as_array(y, "y with one group"), **_REFUSED}


def _describe(name, inputs):
    one_group = f"`{name}(1, {inputs['new'][1]})`"
    return f"{one_group} called with `x`, then `{name}{inputs['new']}`"


@protocol(_describe)
def refused_construction(implementation, inputs):
    """A module with one group, and one whose construction should end likewise."""
    one_group = inputs | {"new": (1, *inputs["new"][1:])}
    y = train_output(implementation, one_group)["y"]
    _refuse(implementation, inputs["new"], "the construction")
    return {"y with one group": y, **_REFUSED}


_REFUSED = {"refused": np.array(1.0)}


def _refuse(implementation, arguments, what):
    try:
        implementation(*arguments)
    except ValueError:
        return
    except NotImplementedError:  # an answer not written yet
        raise
    except Exception as error:
        raise Unusable(
            f"{what} raised {type(error).__name__}, where a ValueError was asked for"
        ) from error
    raise Unusable(f"{what} went through, where a ValueError was asked for")
