"""What an exercise is and how an answer is judged."""

from normlib.check.catalogue import Catalogue
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises import EXERCISES
from normlib.check.judging import judge
from normlib.check.notebook import check
from normlib.check.report import Report

__all__ = [
    "EXERCISES",
    "Case",
    "Catalogue",
    "Exercise",
    "Misconception",
    "Report",
    "check",
    "judge",
]
