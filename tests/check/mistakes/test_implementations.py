"""A right answer as something to edit: its lines, and nobody else's."""

import inspect
import sys
from types import ModuleType, SimpleNamespace

import pytest

from normlib.check import EXERCISES
from normlib.check.mistakes.implementations import Base


@pytest.mark.parametrize("key", EXERCISES)
def test_a_base_has_the_lines_that_inspect_finds(key):
    exercise = EXERCISES[key]
    written = [
        implementation
        for implementation in (exercise.answer, *exercise.equivalents)
        if not inspect.getfile(implementation).startswith("<")
    ]
    for implementation in written:
        lines, _ = inspect.getsourcelines(implementation)
        assert "".join(f"{line}\n" for line in Base(implementation).lines) == "".join(
            lines
        )


DECORATED = '''\
def other():
    return 1


@staticmethod
@classmethod
def wanted(
    x,
):
    """A string, whose lines

    are within the margin.
    """

    return x


# Not part of it.
def wanted_too():
    return 2
'''


def test_decorators_and_a_closing_bracket_belong_to_it(tmp_path, monkeypatch):
    module = ModuleType("decorated")
    module.__file__ = str(tmp_path / "decorated.py")
    (tmp_path / "decorated.py").write_text(DECORATED)
    monkeypatch.setitem(sys.modules, "decorated", module)
    found = Base(SimpleNamespace(__name__="wanted", __module__="decorated")).lines
    assert (found[0], found[-1]) == ("@staticmethod", "    return x")
