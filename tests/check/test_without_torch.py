"""Exercises that are not about torch run where there is no torch."""

import subprocess
import sys

import pytest

from normlib.check import EXERCISES
from normlib.check.exercises import TOPICS
from tests.check.mutants import NETWORKS

ABOUT_TORCH = [*NETWORKS, *(key for key in EXERCISES if key.endswith(".module"))]

HIDE_TORCH = """
import sys
class WithoutTorch:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "torch":
            return self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(WithoutTorch, sys.meta_path)
"""
# Judges each right answer of a topic.
JUDGE = """
from normlib.check import EXERCISES, judge
for key in EXERCISES:
    topic, _, _ = key.partition(".")
    if topic == sys.argv[1] and key not in sys.argv[2:]:
        exercise = EXERCISES[key]
        report = judge(key, exercise.answer, 0)
        assert report.points == report.max_points, str(report)
"""


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_judged_without_torch(topic):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HIDE_TORCH + JUDGE, topic, *ABOUT_TORCH],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


CHECK = """
from normlib.check import check
assert check("group_norm.module", object) == 0
"""
STATUS = """
from normlib.cli import main
assert main(["check", "exercises/05_group_norm"]) == 1
"""
NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
done = InteractiveShell.instance().run_cell("from normlib.check import check")
assert done.success
"""


@pytest.mark.parametrize("use", [CHECK, STATUS, NOTEBOOK])
def test_what_needs_torch_says_how_to_get_it(use, root):
    done = subprocess.run(
        [sys.executable, "-c", HIDE_TORCH + use],
        capture_output=True,
        text=True,
        cwd=root,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("`pip install '.[learn]'`") == 1 and "Traceback" not in said
