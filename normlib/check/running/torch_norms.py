"""torch's own normalization, out of reach while an answer runs.

Calling it would answer no exercise. The arithmetic of torch stays within reach.
"""

import contextlib
import sys
from functools import cache

from normlib.check.running.observing import Unusable

NORMS = (
    *("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"),
    *("weight_norm", "spectral_norm", "local_response_norm"),
)


@contextlib.contextmanager
def without_torch_norms():
    """Calls of torch's normalization raise ``Unusable`` inside.

    Whatever the route (``torch.nn``, functional, ``torch.native_*``,
    ``torch.ops.aten``): some of them are seen as Python calls only, others only
    when they reach the dispatcher.
    """
    if "torch" not in sys.modules:
        yield
        return
    calls, operators = _modes()
    with calls(), operators():
        yield


@cache  # a class takes longer to make than most answers to run
def _modes():
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    class Calls(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            refuse(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    class Operators(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls):
            return False  # or torch would import its compiler, for some seconds

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            refuse(func.__name__)
            return func(*args, **(kwargs or {}))

    return Calls, Operators


@cache  # torch asks about every operation
def _norm_in(name):
    return next((norm for norm in NORMS if norm in name), None)


def refuse(name):
    """Raise ``Unusable`` when ``name`` is that of one of torch's norms."""
    if found := _norm_in(name):
        raise Unusable(
            f"calls torch's own {found}, which is this exercise itself: "
            "write it with mean, sum, sqrt and the like"
        )
