"""How an answer is run that is to refuse its inputs."""

import numpy as np

from normlib.check.running.observing import Unusable


def refused_call(implementation, inputs):
    """One call, which is to end with a ValueError."""
    return _refused(implementation, inputs.values(), "the call")


def refused_construction(implementation, inputs):
    """The construction of a module, which is to end with a ValueError."""
    return _refused(implementation, inputs["new"], "the construction")


def _describe(name, inputs):
    return f"`{name}({', '.join(map(str, inputs['new']))})`"


refused_construction.describe = _describe


def _refused(implementation, arguments, what):
    try:
        implementation(*arguments)
    except ValueError:
        return {"refused": np.array(1.0)}
    except NotImplementedError:  # an answer not written yet
        raise
    except Exception as error:
        raise Unusable(
            f"{what} raised {type(error).__name__}, where a ValueError was asked for"
        ) from error
    raise Unusable(f"{what} went through, where a ValueError was asked for")
