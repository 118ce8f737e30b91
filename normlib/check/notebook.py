"""``check``: what a notebook's graded cell calls."""

import sys

from normlib.check.exercises import EXERCISES
from normlib.check.judging import judge
from normlib.check.missing import HOW, TorchMissing, torch_is_missing
from normlib.check.report import Report


def check(key: str, implementation=None, seed: int | None = None) -> float:
    """Judge an answer, show the report, and return the points.

    Parameters
    ----------
    key : str
        The exercise, such as ``"batch_norm.forward"``.
    implementation : callable, optional
        The answer. Without it, the notebook's function or class of the
        exercise's name is taken; when there is none, the report says so.
    seed : int, optional
        Repeats the inputs of an earlier report.

    Returns
    -------
    points : float
        nbgrader takes a float for partial credit.

    Raises
    ------
    KeyError
        When there is no such exercise.
    """
    try:
        exercise = EXERCISES[key]
    except TorchMissing as error:
        print(f"{key}: {error}")
        return 0.0
    if implementation is None:
        implementation = vars(sys.modules["__main__"]).get(exercise.name)
    if implementation is None:
        report = Report.without_cases(
            exercise,
            f"There is no `{exercise.name}` yet. Run the cell above first, and look "
            "whether it ended without an error.",
        )
    else:
        try:
            report = judge(key, implementation, seed)
        except KeyboardInterrupt:  # by the learner, or by a grader's time limit
            report = Report.without_cases(
                exercise,
                f"`{exercise.name}` was stopped while it ran. "
                "Is there a loop that never ends?",
            )
    _show(report)
    return float(report.points)


def _in_a_notebook():
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython()


if _in_a_notebook() and torch_is_missing():
    print(HOW)  # above the error of the line that imports torch


def _show(report):
    if _in_a_notebook():
        sys.modules["IPython"].display.display(report)
    else:
        print(report)
