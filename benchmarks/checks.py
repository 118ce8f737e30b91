"""How long a check takes, its diagnosis included.

    python benchmarks/checks.py

Milliseconds after import, median of nine runs and the largest in parentheses: for
the right answer, and for the misconception that takes longest. The last column is
the second as a multiple of the peer: calling the answer alone on the same inputs.
The bar for every check is 200 ms.
"""

import statistics
import time

import numpy as np

from normlib.check import EXERCISES, judge


def milliseconds(function):
    """Median and maximum of nine runs."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), max(times)


def calls_alone(exercise):
    for i, case in enumerate(exercise.cases):
        inputs = case.inputs(np.random.default_rng([0, i]))
        (case.run or exercise.run)(exercise.reference, inputs)


def main():
    print(f"{'exercise':24}{'right':>14}{'wrong':>16}{'x calls':>9}")
    for key, exercise in EXERCISES.items():
        calls_alone(exercise)  # the first call imports what the answer needs
        right = milliseconds(lambda key=key, e=exercise: judge(key, e.reference, 0))
        wrong = max(
            milliseconds(lambda key=key, m=m: judge(key, m.implementation, 0))
            for m in exercise.misconceptions
        )
        alone, _ = milliseconds(lambda e=exercise: calls_alone(e))
        shown = [f"{median:.1f} ({most:.0f})" for median, most in (right, wrong)]
        print(f"{key:24}{shown[0]:>14}{shown[1]:>16}{wrong[0] / alone:9.0f}")


if __name__ == "__main__":
    main()
