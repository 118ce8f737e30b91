"""How long a check takes, its diagnosis included.

    python benchmarks/checks.py [KEY ...]

Milliseconds of processor time after import, median of nine runs and the largest in
parentheses: for the right answer, and for the misconception that takes longest. The
next column is the second as a multiple of the peer: calling the answer alone on the
same inputs. The last is what it takes to make all mistakes of their edits, once in a
process. The bars: 300 ms for a check, 2000 ms where it trains networks, and 20 ms for
edits.
"""

import statistics
import sys
import time

import numpy as np

from normlib.check import EXERCISES, judge
from normlib.check.mistakes import Misconceptions


def milliseconds(function):
    """Median and maximum of nine runs."""
    times = []
    for _ in range(9):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times), max(times)


def calls_alone(exercise):
    for i, case in enumerate(exercise.cases):
        inputs, _ = case.draw(np.random.default_rng([0, i]))
        (case.run or exercise.run)(exercise.answer, inputs)


def edits(exercise):
    made = exercise.answer, exercise.equivalents, exercise.sections, exercise.recognize
    return list(Misconceptions(*made))


def main(keys):
    print(f"{'exercise':28}{'right':>14}{'wrong':>16}{'x calls':>9}{'edits':>8}")
    for key in keys or EXERCISES:
        exercise = EXERCISES[key]
        calls_alone(exercise)  # the first call imports what the answer needs
        right = milliseconds(lambda key=key, e=exercise: judge(key, e.answer, 0))
        wrong = max(
            milliseconds(lambda key=key, m=m: judge(key, m.implementation, 0))
            for m in exercise.misconceptions
        )
        alone, _ = milliseconds(lambda e=exercise: calls_alone(e))
        made, _ = milliseconds(lambda e=exercise: edits(e))
        shown = [f"{median:.1f} ({most:.0f})" for median, most in (right, wrong)]
        times = wrong[0] / alone
        print(f"{key:28}{shown[0]:>14}{shown[1]:>16}{times:9.0f}{made:8.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
