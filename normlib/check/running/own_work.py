"""Other people's normalization, out of reach while an answer runs.

Calling it would answer no exercise. The arithmetic of NumPy and torch stays in reach.
"""

import contextlib
import importlib
import inspect
import pkgutil
import sys
import threading
from collections.abc import Iterator
from functools import cache
from types import FunctionType
from typing import Any

import normlib
from normlib.check.running.torch_norms import without_torch_norms


@contextlib.contextmanager
def own_work() -> Iterator[None]:
    """Calls of ``normlib`` and of torch's normalization raise ``Unusable`` inside.

    In this thread and in those that are started while the block runs.
    """
    with without_normlib(), _threads_too(without_torch_norms), without_torch_norms():
        yield


@contextlib.contextmanager
def without_normlib() -> Iterator[None]:
    """Every function of ``normlib`` raises ``Unusable``, by whatever name it is known.

    The code of the functions is replaced, and put back afterward.
    """
    codes = {function: function.__code__ for function in _functions()}
    try:
        for function in codes:
            function.__code__ = _refuse.__code__
        yield
    finally:
        for function, code in codes.items():
            function.__code__ = code


def _refuse(*args, **kwargs):
    # It runs among the names of another module, so it brings its own.
    from normlib.check.running.observing import Unusable

    raise Unusable(
        "calls normlib, which has this exercise's solution in it: write it with mean, "
        "sum, sqrt and the like"
    )


def _functions() -> list[FunctionType]:
    """The functions and methods that the library's public modules define."""
    plain, in_torch = _modules()
    names = [*plain, *(name for name in in_torch if name in sys.modules)]
    return [function for name in names for function in _functions_of(name)]


@cache
def _modules():
    """Names of the modules, and of those that torch has to be there for."""
    (home,) = normlib.__path__
    plain, in_torch = (
        [m.name for m in pkgutil.iter_modules([folder]) if not m.ispkg]
        for folder in (home, f"{home}/torch")
    )
    plain = [f"normlib.{name}" for name in plain if name not in ("cli", "lab")]
    return plain, [f"normlib.torch.{name}" for name in in_torch]


@cache
def _functions_of(name):
    found = []
    for value in vars(importlib.import_module(name)).values():
        for function in vars(value).values() if inspect.isclass(value) else [value]:
            own = inspect.isfunction(function) and function.__module__ == name
            if own and not function.__closure__:
                found.append(function)
    return found


@contextlib.contextmanager
def _threads_too(limited):
    """Let threads that the block starts run under ``limited()`` as well."""
    threads: Any = threading.Thread  # a class whose method is replaced
    start = threads.start

    def start_limited(thread):
        run = thread.run

        def run_limited():
            with limited():
                run()

        thread.run = run_limited
        start(thread)

    threads.start = start_limited
    try:
        yield
    finally:
        threads.start = start
