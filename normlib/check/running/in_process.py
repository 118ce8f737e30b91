"""Run an answer in this process, as a notebook's check and the page do."""

import sys
import time

from normlib.check.running.observing import Observation, TimeLimitExceeded, observe
from normlib.check.running.own_work import own_work
from normlib.check.running.time_limit import time_limit

SECONDS = 10  # for one answer in all its cases; right ones take less than 2
TOO_LONG = Observation(
    None,
    problem=f"it did not return within {SECONDS} s. Is there a loop that never ends?",
    kind=TimeLimitExceeded.__name__,
)


class InProcess:
    """Runs one answer, case by case, until its time is used up.

    Parameters
    ----------
    seconds : float
        For all cases together.
    """

    def __init__(self, seconds: float = SECONDS):
        self._left = seconds

    def __call__(self, run, implementation, inputs, own: bool) -> Observation:
        """What ``observe`` sees; if it is to be ``own``, without others' norms."""
        had_torch = "torch" in sys.modules
        seen = self._observe(_alone(run) if own else run, implementation, inputs)
        if own and not had_torch and "torch" in sys.modules:
            # The answer has imported torch itself; until then its norms were in reach.
            seen = self._observe(_alone(run), implementation, inputs)
        return seen

    def _observe(self, run, implementation, inputs):
        if self._left <= 0:
            return TOO_LONG
        started = time.monotonic()
        try:
            with time_limit(self._left):
                return observe(run, implementation, inputs)
        except TimeLimitExceeded:
            self._left = 0
            return TOO_LONG
        finally:
            self._left -= time.monotonic() - started


def _alone(run):
    """The protocol, with other people's normalization out of reach."""

    def run_alone(implementation, inputs):
        with own_work():
            return run(implementation, inputs)

    return run_alone
