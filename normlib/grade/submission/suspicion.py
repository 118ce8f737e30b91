"""What in a student's code a person should look at. It costs no points by itself.

Nothing here protects; the sandbox does, and the judge outside of it. But code that
looks for the judge in the frames above it does something other than the exercise.
"""

import ast
import re

from normlib.check.needed import plain

_NAMES = {
    "the frames that called it": {
        *("_getframe", "currentframe", "f_back", "f_globals", "f_locals", "tb_frame"),
        *("gi_frame", "_current_frames", "settrace", "setprofile"),
    },
    "the garbage collector's lists": {
        *("import gc", "get_objects", "get_referrers", "get_referents"),
    },
    "ctypes": {"ctypes", "cffi", "_ctypes"},
    "compiled code": {"marshal", "CodeType", "FunctionType", "code_to_bytes"},
    "unpickling": {"pickle", "cPickle", "dill", "cloudpickle"},
    "other processes": {"subprocess", "fork", "popen", "Popen", "execv", "execve"},
    "the network": {"socket", "urllib", "requests", "httpx", "aiohttp"},
    "all subclasses": {"__subclasses__", "__builtins__"},
    "text run as code": {"exec", "eval", "compile"},
    "what keeps torch's own normalization away": {
        *("_disable_current_modes", "DisableTorchFunction", "_pop_mode", "torch._C"),
        *("DisableTorchFunctionSubclass", "_pop_torch_function_stack", "operators"),
        *("torch.library", "_dispatch_library", "redispatch", "decomposition_table"),
        *("_refs", "_decomp", "py_kernels"),
    },
    "modules by their names": {
        *("sys.modules", "import importlib", "import _imp", "__import__"),
    },
    "names made while it runs": {"getattr(...)", "setattr(...)", "delattr(...)"},
    "the reference library": {"normlib"},
}
_BLOB = re.compile(r"(?<![A-Za-z0-9+/=\\])[A-Za-z0-9+/=\\]{400}")


def suspicions(source: str) -> list[str]:
    """What ``source`` uses that no exercise needs, in a few words each."""
    found = ["a long encoded text"] if _BLOB.search(source) else []
    try:
        tree = ast.parse(plain(source))
    except (SyntaxError, ValueError, RecursionError):
        return found
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
            if isinstance(node.value, ast.Name):
                used.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                used |= _module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module, names = node.module or "", {alias.name for alias in node.names}
            if module.partition(".")[0] != "normlib" or names != {"check"}:
                used |= _module(module) | names
                used |= {f"{module}.{name}" for name in names}
        elif isinstance(node, ast.Call) and _names_at_run_time(node):
            used.add(f"{ast.unparse(node.func)}(...)")
    # `model.eval()` of torch and `re.compile` do not run text as code.
    used -= {"eval", "compile", "exec"} - {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return found + [what for what, names in _NAMES.items() if names & used]


def _module(name):
    first = name.partition(".")[0]
    return {first, f"import {first}", ".".join(name.split(".")[:2])}


def _names_at_run_time(call):
    """Whether an attribute is asked for by a name that does not stand there."""
    return (
        isinstance(call.func, ast.Name)
        and len(call.args) > 1
        and not isinstance(call.args[1], ast.Constant)
    )
