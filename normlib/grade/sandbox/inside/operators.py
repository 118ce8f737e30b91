"""torch's own normalization, taken out of a process for good.

``without_torch_norms`` works by Python's means, which a student's code could undo.
Here the operators themselves refuse, so that every route to them ends: modules,
functions, ``torch.ops``, traces, with a gradient or without. It is done before the
first line of a student's code, and nothing that Python can reach brings them back.
Cells that compare with them run in a process of the other kind, see ``Session``.
"""

import ctypes
import functools
import importlib
import sys
import types

from normlib.check.running.torch_norms import NORMS, refuse

# Where torch has an implementation that a tensor on the processor may reach. The first
# two also get one where there is none, so that nothing else is asked before.
_KEYS = (
    *("CPU", "Autograd", "MkldnnCPU", "QuantizedCPU", "NestedTensorCPU"),
    *("CompositeExplicitAutograd", "CompositeImplicitAutograd"),
)
_IN_PYTHON = (  # written in Python, which no dispatcher sees
    *("torch._refs", "torch._refs.nn.functional", "torch._decomp.decompositions"),
    *("torch.nn.functional", "torch.nn.utils", "torch.nn.utils.parametrizations"),
)
_UNDER_OTHER_NAMES = {  # what does the work of one, and is not called so
    ("torch._refs", "_normalize"): "layer_norm",
    ("torch.nn.utils.spectral_norm", "SpectralNorm"): "spectral_norm",
    ("torch.nn.utils.parametrizations", "_SpectralNorm"): "spectral_norm",
}
# For derivatives in forward mode: gradients of torch's norms among others, compiled
# when it is imported, which fails where they are out.
_FORWARD_MODE = "torch._decomp.decompositions_for_jvp"
# They run a graph with implementations of their own, past the dispatcher.
_OTHER_RUNNERS = "_jit_to_static_module", "_te"

refused: list[str] = []  # the names of those that the cell which runs has called


def take_out() -> None:
    """From now on, calls of torch's normalization raise ``Unusable``.

    Where nobody has imported torch yet, this does: a student's code could.
    """
    try:
        import torch
    except Exception:  # not installed, or broken: nothing to take out
        return
    from torch._decomp import global_decomposition_table

    operators, functions, decompositions = prepare()
    libraries = {}
    for name, key in operators:
        space = name.partition("::")[0]
        if space not in libraries:
            # Not by torch.library, whose finalizers could be found, and called.
            libraries[space] = torch._C._dispatch_library(
                "IMPL", space, "", __file__, 0
            )
        refuses = functools.partial(_refused, name)
        libraries[space].impl(name, key, refuses, False)  # type: ignore[call-arg]
    for library in libraries.values():
        # It would bring the operators back when it goes. Nothing refers to it any more,
        # and the garbage collector does not know it.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    for (module, name), norm in functions.items():
        setattr(sys.modules[module], name, functools.partial(_refused, norm))
    for operator in decompositions:
        refuses = functools.partial(_refused, str(operator))
        for table in global_decomposition_table.values():
            if operator in table:
                table[operator] = refuses
        # Functions of Python too: they compute with whatever they are given.
        operator.py_kernels.update(dict.fromkeys(operator.py_kernels, refuses))
        operator._dispatch_cache.clear()
    sys.modules[_FORWARD_MODE] = types.ModuleType(_FORWARD_MODE)
    for name in _OTHER_RUNNERS:
        if hasattr(torch._C, name):
            delattr(torch._C, name)


@functools.cache
def prepare():
    """What is to be taken out: operators by key, functions by module, decompositions.

    It takes some time, so the process that is forked from calls it.
    """
    import torch

    has = torch._C._dispatch_has_kernel_for_dispatch_key
    operators = [
        (name, key)
        for name in filter(_is_norm, torch._C._dispatch_get_all_op_names())
        for key in _KEYS
        if key in _KEYS[:2] or has(name, key)
    ]
    functions = _UNDER_OTHER_NAMES | {
        (module, name): name
        for module in _IN_PYTHON
        for name, value in vars(importlib.import_module(module)).items()
        if _is_norm(name) and callable(value)
    }
    decompositions = [
        operator
        for table in torch._decomp.global_decomposition_table.values()
        for operator in table
        if _is_norm(str(operator))
    ]
    return operators, functions, decompositions


def _is_norm(name):
    return any(norm in name for norm in NORMS)


def _refused(name, *args, **kwargs):
    refused.append(name)
    refuse(name)
