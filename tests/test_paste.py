"""No code of a chapter answers an exercise: the step is left to the reader.

Every function and class that a chapter defines, in the open or folded, is handed in as
an answer to each exercise of its topic. None may earn more than half of the points.
"""

import ast
import inspect
import re

import matplotlib
import numpy as np
import pytest

from normlib.check import EXERCISES, judge, judging
from normlib.check.exercises import TOPICS
from normlib.check.running.in_process import InProcess
from tests.check.mutants import NETWORKS

matplotlib.use("Agg")

pytestmark = pytest.mark.slow

OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[\w-]+:[^\n]*\n)+)", re.M | re.S)
KEPT = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


def definitions(text):
    """What a chapter defines at the top of its cells, by name.

    Only its imports, constants and definitions are executed: enough for a function to
    run that computes with its own arguments.
    """
    namespace, defined = {"__name__": "chapter"}, {}
    for cell in re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", text, re.M | re.S):
        for node in ast.parse(OPTIONS.sub("", cell)).body:
            if isinstance(node, KEPT) or _is_constant(node):
                try:
                    exec(compile(ast.Module([node], []), "chapter", "exec"), namespace)
                except Exception:  # needs what a cell has computed
                    continue
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    defined[node.name] = namespace[node.name]
    return defined


def _is_constant(node):
    calls = (isinstance(inner, ast.Call) for inner in ast.walk(node))
    return isinstance(node, ast.Assign) and not any(calls)


def fitted(function, exercise, returned):
    """The function as an answer: arguments of the same name, else in order.

    Calls that end without an error are noted in ``returned``.
    """
    wanted = list(inspect.signature(exercise.reference).parameters)
    own = inspect.signature(function).parameters
    takes = [name for name in own if own[name].default is inspect.Parameter.empty]
    by_name = set(takes) <= set(wanted)

    def answer(*args, **kwargs):
        given = dict(zip(wanted, args, strict=False)) | kwargs
        if by_name:
            result = function(**{n: v for n, v in given.items() if n in own})
        else:
            result = function(*list(given.values())[: len(own)])
        returned.append(True)
        return result

    return answer


def answers(defined, exercise):
    """Each definition as an answer, and each part of what a function returns.

    Of a function that has been judged and never returned, there are no parts.
    """
    for name, value in defined.items():
        if inspect.isclass(value) or inspect.isclass(exercise.reference):
            if inspect.isclass(value) and inspect.isclass(exercise.reference):
                yield name, value
            continue
        returned = []
        whole = fitted(value, exercise, returned)
        yield name, whole
        for i in range(3 if returned else 0):
            yield f"{name}[{i}]", lambda *a, i=i, f=whole, **k: f(*a, **k)[i]


KEYS = [key for key in EXERCISES if key not in NETWORKS]


@pytest.fixture(autouse=True)
def no_diagnosis(monkeypatch):
    """Points are enough, and they come in a tenth of the time."""
    monkeypatch.setattr(judging, "_diagnose", lambda *_: (None, None, "", ""))


def points(key, answer):
    """What it earns. Other people's norms are shut out only if that might matter."""
    in_time = InProcess()

    def freely(run, implementation, inputs, own_work):
        return in_time(run, implementation, inputs, False)

    earned = judge(key, answer, 0, freely).points
    return judge(key, answer, 0).points if earned else 0


@pytest.mark.parametrize("key", KEYS)
def test_no_code_of_the_chapter_earns_more_than_half(key, root):
    exercise = EXERCISES[key]
    (chapter,) = root.glob(f"book/*_{exercise.topic}.md")
    earned = {}
    with np.errstate(all="ignore"):
        for name, answer in answers(definitions(chapter.read_text("utf-8")), exercise):
            if 2 * (n := points(key, answer)) > exercise.points:
                earned[name] = n
    assert not earned, f"of {exercise.points} points"


def test_what_is_pasted_is_found(root):
    """The search sees a whole answer, under other names of its arguments too."""
    text = "```{code-cell} ipython3\n:tags: [hide-input]\nimport numpy as np\n\n"
    text += "def f(a, b, c, eps=1e-5):\n    s = np.sqrt(a.var(0) + eps)\n"
    text += "    return (a - a.mean(0)) / s * b + c, s\n```\n"
    exercise = EXERCISES["batch_norm.forward"]
    found = answers(definitions(text), exercise)
    earned = {name: points(exercise.key, answer) for name, answer in found}
    assert earned == {"f": 0, "f[0]": exercise.points, "f[1]": 0, "f[2]": 0}


def test_every_topic_has_its_chapter(root):
    assert all(len(list(root.glob(f"book/*_{topic}.md"))) == 1 for topic in TOPICS)
