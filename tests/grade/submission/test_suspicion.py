"""A person looks at what no exercise needs, and at nothing else."""

import base64
import inspect

import pytest

from normlib.check import EXERCISES
from normlib.grade.submission.suspicion import suspicions


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sys\nsys._getframe(1).f_locals", "the frames that called it"),
        ("import gc; gc.get_objects()", "the garbage collector's lists"),
        ("import ctypes", "ctypes"),
        ("from ctypes import CDLL", "ctypes"),
        ("exec(x)", "text run as code"),
        ("import normlib", "the reference library"),
        ("from normlib.check import EXERCISES", "the reference library"),
        ('import sys; sys.modules["normlib.grade"]', "modules by their names"),
        ("from sys import modules", "modules by their names"),
        ("import importlib as i", "modules by their names"),
        ("import gc", "the garbage collector's lists"),
        ('getattr(x, "bring" + "_back")()', "names made while it runs"),
        ("setattr(x, name, 1)", "names made while it runs"),
        ("torch._C.anything", "what keeps torch's own normalization away"),
        (
            "from torch.library import Library",
            "what keeps torch's own normalization away",
        ),
        (
            "with torch._C.DisableTorchFunction():\n    pass",
            "what keeps torch's own normalization away",
        ),
        ("import subprocess as s", "other processes"),
        ("!pip install x\nimport subprocess", "other processes"),
        ("().__class__.__subclasses__()", "all subclasses"),
        (f"x = '{base64.b64encode(bytes(400)).decode()}'", "a long encoded text"),
    ],
)
def test_what_no_exercise_needs_is_named(source, told):
    assert suspicions(source) == [told]


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "list(model.modules())",
        "gc, modules = 1, 2",
        "getattr(self, 'gamma', None)",
        "import re; re.compile('x')",
        "from normlib.check import check\ncheck('batch_norm.forward')",
        "def f(:",
        "x = '''" + "a line of words\n" * 100 + "'''",
    ],
)
def test_what_students_write_is_not(source):
    assert suspicions(source) == []


def test_no_right_or_wrong_answer_is_suspicious():
    for exercise in EXERCISES.values():
        wrong = [m.implementation for m in exercise.misconceptions]
        for answer in [*exercise.equivalents, *wrong]:
            source = inspect.getsource(answer)
            assert suspicions(inspect.cleandoc("\n" + source)) == [], answer
