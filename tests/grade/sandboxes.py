"""Whether a test that needs a sandbox may be skipped on this machine."""

import contextlib
import os

import pytest

from normlib.grade.sandbox import backends


def missing():
    """Why no backend can be expected to work here; empty where one can.

    One that is lacking (no program, no kernel support) is no fault of the code. One
    that is there and fails its self-test is.
    """
    if os.environ.get("CI", "").lower() in ("true", "1"):
        return ""
    lacks = [f"{backend.name}: {backend.lacks()}" for backend in backends.BACKENDS]
    return "" if any(why.endswith(": ") for why in lacks) else "; ".join(lacks)


@contextlib.contextmanager
def skipped_where_missing():
    """Skip a test that found no sandbox, if this machine has none to offer."""
    try:
        yield
    except backends.NoSandbox as error:
        if not (why := missing()):
            raise
        pytest.skip(f"{error}\n{why}")
