"""Run a notebook's cells in order, in one process after another if it has to be."""

import time
from collections.abc import Callable

from normlib.grade.sandbox.session import Session, Stopped
from normlib.grade.sandbox.stopwatch import PATIENCE
from normlib.grade.submission.pack import Limits

LEAST = 0.05  # seconds; with less, a busy machine would decide


class Running:
    """The processes of one kind, of which there is one at a time.

    Parameters
    ----------
    start : callable
        Starts one.
    sources : list of str
        Of the cells.
    limits : Limits

    Attributes
    ----------
    guilty : set of int
        Cells that ended a process: no other runs them.
    reached : int
        The next cell that this process has not run.
    """

    def __init__(
        self, start: Callable[[], Session], sources: list[str], limits: Limits
    ):
        self.start, self.sources, self.limits = start, sources, limits
        self.session: Session | None = None
        self.reached, self.guilty = 0, set[int]()
        self.used, self.waited = 0.0, 0.0  # seconds, of the student's own work

    def catch_up(self, i: int, wanted: list[bool], withdrawn: dict[str, str]) -> None:
        """Let a process have run the ``wanted`` cells before the ``i``-th.

        In a new one the functions ``withdrawn`` fail at once, and say why.
        """
        new = self.session is None
        if self.session is None:
            self.session, self.reached = self.start(), 0
        while self.reached < i:
            if wanted[self.reached] and self.reached not in self.guilty:
                self.run(self.reached)
            else:
                self.reached += 1
        for name, why in withdrawn.items() if new else ():
            self.ask(self.session.withdraw, name, why, self.limits.cell)

    def run(self, i: int) -> list:
        """Run a cell; what it shows."""
        if self.session is None:
            raise ValueError("there is no process: `catch_up` starts one")
        shown = self.ask(self.session.run, self.sources[i], self.limits.cell)
        self.reached = i + 1
        return shown

    def ask(self, what: Callable, *args):
        """Ask the process; the last argument is how many seconds that may take.

        Only this counts as the student's time: reading, judging and showing do not.
        """
        seconds, start = min(args[-1], self.left()), time.monotonic()
        try:
            return what(*args[:-1], seconds)
        finally:
            self.waited += time.monotonic() - start

    def close(self) -> None:
        """End the process; the next one begins with the first cell."""
        if self.session:
            self.session.close()
            self.used += self.session.used
        self.session = None

    def left(self):
        """Seconds of the processor that are left for all; see ``Allowance``.

        Raises
        ------
        Stopped
            When there are none.
        """
        used = self.used + (self.session.used if self.session else 0)
        left = self.limits.submission - max(used, self.waited / PATIENCE)
        if left < LEAST:
            raise Stopped(
                "came too late: the notebook took more than "
                f"{self.limits.submission:g} seconds before",
                late=True,
            )
        return left
