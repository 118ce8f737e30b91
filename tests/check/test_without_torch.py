"""Exercises that are not about torch run where there is no torch."""

import subprocess
import sys

import pytest

from normlib.check import EXERCISES
from normlib.check.exercises import TOPICS
from tests.check.mutants import NETWORKS

ABOUT_TORCH = [*NETWORKS, *(key for key in EXERCISES if key.endswith(".module"))]

# Judges each reference of a topic, torch being hidden.
WITHOUT_TORCH = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hidden())
from normlib.check import EXERCISES, judge
for key in EXERCISES:
    topic, _, _ = key.partition(".")
    if topic == sys.argv[1] and key not in sys.argv[2:]:
        exercise = EXERCISES[key]
        report = judge(key, exercise.reference, 0)
        assert report.points == report.max_points, str(report)
"""


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_judged_without_torch(topic):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, topic, *ABOUT_TORCH],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
