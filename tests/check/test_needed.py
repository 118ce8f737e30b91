"""Of the release's cells, those run that a student's code depends on."""

import time

import pytest

from normlib.check.needed import names, needed


def run(*cells):
    """Cells marked with "s:" are a student's; the places of those that run."""
    made = [names(c.removeprefix("s:")) for c in cells]
    result = needed(made, [c.startswith("s:") for c in cells])
    return [i for i, wanted in enumerate(result) if wanted]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["import numpy as np", "s:np.ones(3)", "slow()"], [0, 1]),
        (["def f(): pass", "g = 1", "s:def h(): return f()"], [0, 2]),
        (["a = 1", "b = a", "c = b", "s:print(b)"], [0, 1, 3]),
        (["class C: pass", "s:class D(C):\n  def m(self): return x", "x = 1"], [0, 1]),
        (["x = 1", "s:def f(x): return x"], [1]),
        (["x = 1", "s:def f():\n  x = 2\n  return x"], [1]),
        (["x = 1", "s:def f():\n  return [y for y in x]"], [0, 1]),
        (["x = 1", "s:def f():\n  def g(): return x\n  return g"], [0, 1]),
        (["x = 1", "s:lambda: x"], [0, 1]),
        (["from math import *", "s:1"], [0, 1]),
        (["x = 1", "s:%timeit x"], [0, 1]),
        (["x = 1", "y = 2", "s:z = !ls"], [0, 1, 2]),
        (["x = 1", "y = 2", "s:!pip install numpy\nx"], [0, 2]),
        (["x = 1", "y = 2", "s:def f():\n  %timeit y\n  return x"], [0, 1, 2]),
        (["x = 1", "s:def broken(:"], [1]),
        (["%matplotlib inline", "s:1"], [0, 1]),
        (["x = 1", "del x", "s:1"], [2]),
    ],
)
def test_a_cell_runs_if_something_needs_it(cells, wanted):
    assert run(*cells) == wanted


@pytest.mark.parametrize("unit", ["\n", " ", "? ", "= ", "!", "%", "a?\n", "=\n"])
def test_looking_for_commands_takes_time_in_proportion(unit):
    start = time.process_time()
    names(unit * (200_000 // len(unit)) + "(")
    assert time.process_time() - start < 5
