"""Run an answer in this process, as a notebook's check and the page do."""

import time

from normlib.check.running.observing import Observation, observe
from normlib.check.running.time_limit import TimeLimitExceeded, time_limit
from normlib.check.running.torch_norms import without_torch_norms

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

    def __call__(self, run, implementation, inputs, own_work: bool) -> Observation:
        """What ``observe`` sees; if it is to be ``own_work``, without torch's norms."""
        if self._left <= 0:
            return TOO_LONG
        started = time.monotonic()
        try:
            with time_limit(self._left):
                return observe(_alone(run) if own_work else run, implementation, inputs)
        except TimeLimitExceeded:
            self._left = 0
            return TOO_LONG
        finally:
            self._left -= time.monotonic() - started


def _alone(run):
    """The protocol, with other people's normalization out of reach."""

    def run_alone(implementation, inputs):
        with without_torch_norms():
            return run(implementation, inputs)

    return run_alone
