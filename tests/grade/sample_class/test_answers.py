"""An invented student's answer runs in her notebook, not just in its own file."""

import ast
import builtins

import pytest

from normlib.check import EXERCISES
from normlib.grade.sample_class.answers import pasted

AT_HAND = {"np", "torch", "nn", *vars(builtins)}  # in every notebook that needs it


@pytest.mark.parametrize("key", EXERCISES)
def test_a_pasted_answer_needs_nothing_of_the_package(key):
    exercise = EXERCISES[key]
    wrong = [mistake.implementation for mistake in exercise.misconceptions]
    for implementation in (*exercise.equivalents, *wrong):
        source = pasted("", implementation, "answer")
        tree = ast.parse(source)
        assert "normlib" not in source, implementation
        bound = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        bound |= {a.asname or a.name for n in ast.walk(tree) for a in _imported(n)}
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
        bound |= {n.id for n in names if not isinstance(n.ctx, ast.Load)}
        bound |= {n.name for n in ast.walk(tree) if isinstance(n, _DEFINITIONS)}
        bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)}
        assert {n.id for n in names} <= bound | AT_HAND | {"answer"}, implementation


_DEFINITIONS = ast.FunctionDef | ast.ClassDef


def _imported(node):
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else ()
