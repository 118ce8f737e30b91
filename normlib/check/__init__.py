"""What an exercise is and how an answer is judged."""

from normlib.check.catalog import Catalog
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises import EXERCISES
from normlib.check.judging import judge
from normlib.check.mistakes import Misconception
from normlib.check.notebook import check
from normlib.check.report import Report

__all__ = [
    "EXERCISES",
    "Case",
    "Catalog",
    "Exercise",
    "Misconception",
    "Report",
    "check",
    "judge",
]
