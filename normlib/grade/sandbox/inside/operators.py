"""torch's own normalization, out of the dispatcher while an answer is judged.

``without_torch_norms`` works by Python's means, which a student's code could undo.
Here the operators themselves refuse, so that every route to them ends: modules,
functions, ``torch.ops``, traces, with a gradient or without. Outside of a judged
call they are back, for the notebook's own comparisons.
"""

import contextlib
import functools
import sys
import warnings

from normlib.check.running.torch_norms import NORMS, refuse

# In the order in which they are brought back: when the last one goes, torch looks anew
# for what computes gradients, and must not find one of the others then.
_KEYS = "CompositeExplicitAutograd", "CompositeImplicitAutograd", "CPU", "AutogradCPU"
_COPIES = ("torch._refs", "torch._refs.nn.functional", "torch._decomp.decompositions")
_taken = []  # what holds the operators out; they come back when it is destroyed


def take_out() -> None:
    """From now on, calls of torch's normalization raise ``Unusable``."""
    if "torch" not in sys.modules or _taken:
        return  # some milliseconds, so once for all calls of an exercise
    import torch

    libraries = {key: torch.library.Library("aten", "IMPL") for key in _KEYS}
    _taken.extend(libraries.values())
    with warnings.catch_warnings(action="ignore"):  # that something is overridden
        prepare()
        for name, key in _implementations():
            libraries[key].impl(name, functools.partial(_refused, name), key)


def bring_back() -> None:
    """Let torch's normalization work again."""
    while _taken:
        _taken.pop(0)._destroy()


@functools.cache
def _implementations():
    """Which operators there are, and for which keys they may be replaced."""
    import torch

    found = []
    for full in torch._C._dispatch_get_all_op_names():
        name = full.removeprefix("aten::")
        if full == name or not any(norm in name for norm in NORMS):
            continue
        for key in _KEYS:
            library = torch.library.Library("aten", "IMPL")
            with contextlib.suppress(RuntimeError, ValueError):
                library.impl(name, _refused, key)
                found.append((name, key))
            library._destroy()
    return tuple(found)


def _refused(name, *args, **kwargs):
    refuse(name)


@functools.cache
def prepare() -> None:
    """Find the operators; replace their copies in Python, which no dispatcher sees."""
    _implementations()
    from torch._decomp import decomposition_table

    for module in filter(None, map(sys.modules.get, _COPIES)):
        for name in list(vars(module)):
            if any(norm in name for norm in NORMS) and callable(vars(module)[name]):
                setattr(module, name, functools.partial(_refused, name))
    for operator in list(decomposition_table):
        if any(norm in str(operator) for norm in NORMS):
            decomposition_table[operator] = functools.partial(_refused, str(operator))
