"""Edited answers are functions and classes like any other, with their own sources."""

import importlib.util
import inspect
import sys
import textwrap
import traceback
from dataclasses import replace

import pytest

from normlib.check import EXERCISES, judge
from normlib.check.mistakes import Misconceptions, misconceptions
from normlib.check.mistakes.document import MistakeError, sections
from normlib.check.running.in_process import InProcess

EXERCISE = '''\
"""An exercise."""

import math

import numpy as np

STEP = 2


def answer(x):
    """Twice x."""
    y = x * STEP
    return y


class Doubler:
    """Doubles, at the first call and at the second."""

    def call(self, x):
        return x * 2

    def again(self, x):
        y = x * 2
        return math.fabs(y)


def in_torch(x):
    return x + x
'''
DIFFS = """\
## Not doubled {#not-doubled}

Think.

```diff
- y = x * STEP
+ y = x
```

## Three times {#three-times}

Think again.

```diff of=in_torch
- return x + x
+ return x + x + x
```

## Only ever one {#one}

Whatever x is.

```python
def answer(x):
    \"\"\"One.\"\"\"
    return np.ones(STEP)
```
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Misconceptions of a new exercise, beside which ``text`` stands."""

    def write(text, answer="answer", **settings):
        path = tmp_path / "exercise_in_a_test.py"
        path.write_text(EXERCISE)
        path.with_suffix(".md").write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, module)
        spec.loader.exec_module(module)
        found = Misconceptions(getattr(module, answer), (module.in_torch,), **settings)
        return found

    yield write
    for name in [*sys.modules]:
        if name.startswith("exercise_in_a_test."):
            del sys.modules[name]


def test_an_edited_function_computes_what_is_written(written):
    one, three, ones = written(DIFFS)
    assert (one.implementation(5), three.implementation(5)) == (5, 15)
    assert ones.implementation(0).tolist() == [1, 1]
    assert one.edit == "- y = x * STEP\n+ y = x"
    assert [m.key for m in (one, three, ones)] == ["not-doubled", "three-times", "one"]


def test_the_source_of_a_function_is_the_edited_one(written):
    one, three, ones = written(DIFFS)
    assert inspect.getsource(one.implementation) == (
        'def answer(x):\n    """Twice x."""\n    y = x\n    return y\n'
    )
    assert inspect.getsource(three.implementation).endswith("return x + x + x\n")
    assert "np.ones(STEP)" in inspect.getsource(ones.implementation)


CLASS = """\
## Three times {#three}

Think.

```diff
- y = x * 2
- return math.fabs(y)
+ y = x * 3
+ return math.fabs(y) / (x - 1)
```
"""


def test_the_source_of_a_class_is_the_edited_one(written):
    """``inspect`` looks for classes by name in the file of their module."""
    (wrong,) = written(CLASS, "Doubler")
    source = EXERCISE[EXERCISE.index("class") : EXERCISE.index("\n\ndef in_torch")]
    edited = source.replace("y = x * 2", "y = x * 3")
    edited = edited.replace("fabs(y)", "fabs(y) / (x - 1)")
    assert inspect.getsource(wrong.implementation) == edited
    method = inspect.getsource(wrong.implementation.again)
    assert textwrap.dedent(method).splitlines()[1] == "    y = x * 3"


def test_the_module_is_the_exercise_with_the_edit(written):
    """Its imports are looked up there when an answer is pasted into a notebook."""
    (wrong,) = written(CLASS, "Doubler")
    source = inspect.getsource(inspect.getmodule(wrong.implementation))
    assert source == EXERCISE.replace(
        "y = x * 2\n        return math.fabs(y)",
        "y = x * 3\n        return math.fabs(y) / (x - 1)",
    )


def test_a_traceback_shows_the_edited_line(written):
    (wrong,) = written(CLASS, "Doubler")
    with pytest.raises(ZeroDivisionError) as error:
        wrong.implementation().again(1)
    last = traceback.extract_tb(error.value.__traceback__)[-1]
    assert last.line == "return math.fabs(y) / (x - 1)"


def test_nothing_is_read_until_a_mistake_is_looked_for(monkeypatch):
    exercise = replace(EXERCISES["group_norm.forward"], misconceptions=())
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {exercise.key: exercise})
    read = []

    def spy(*given):
        read.append(given)
        return sections(*given)

    monkeypatch.setattr(misconceptions, "sections", spy)
    judge(exercise.key, exercise.answer, seed=0)
    assert not read
    judge(exercise.key, lambda x, *others: x, seed=0)
    judge(exercise.key, lambda x, *others: x, seed=0)
    assert len(read) == 1


def test_a_section_and_what_recognizes_are_given_by_key(written):
    def recognize(outputs):
        return True

    one, three, _ = written(
        DIFFS,
        sections={"why-two": ("not-doubled",)},
        recognize={"three-times": recognize},
    )
    assert (one.section, one.recognize) == ("why-two", None)
    assert (three.section, three.recognize) == (None, recognize)
    for setting in (
        dict(sections={"why-two": ("never",)}),
        dict(recognize={"never": recognize}),
    ):
        with pytest.raises(MistakeError, match="no mistake has the key 'never'"):
            len(written(DIFFS, **setting))


def test_a_function_may_tell_which_mistake_it_is(written):
    kinds = {1: "not-doubled", 2: "three-times"}
    made = written(DIFFS, recognize=lambda outputs: kinds.get(outputs["x"]))
    told = {
        x: [m.key for m in made if m.recognize and m.recognize({"x": x})]
        for x in (1, 2, 3)
    }
    assert told == {1: ["not-doubled"], 2: ["three-times"], 3: []}


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (
            ("of=in_torch", "of=in_jax"),
            14,
            "no equivalent 'in_jax'; there are in_torch",
        ),
        (("- y = x * STEP", "- y = x * STOP"), 6, "it matches nowhere"),
        (("+ y = x\n", "+ y = (x\n"), 5, "SyntaxError"),
        (('def answer(x):\n    "', 'def another(x):\n    "'), 23, "one def"),
        (
            ("    return np", "    return 1\nONE = 1\ndef answer(x):\n    return np"),
            23,
            "one definition",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(written, change, line, message):
    assert change[0] in DIFFS
    with pytest.raises(MistakeError, match=message) as error:
        len(written(DIFFS.replace(*change)))
    assert str(error.value).partition(": ")[0].endswith(f"exercise_in_a_test.md:{line}")


WRITTEN = [key for key in EXERCISES if EXERCISES[key].answer]


@pytest.mark.parametrize("key", WRITTEN)
def test_the_answer_gets_full_points(key):
    report = judge(key, EXERCISES[key].answer, 0, InProcess(600))
    assert report.points == report.max_points, str(report)
