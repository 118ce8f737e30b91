"""The time that a process has taken, as the kernel counted it, seen from outside."""

import contextlib
import os
import time
from pathlib import Path

from normlib.grade.sandbox.inside.wire import Late

PATIENCE = 4  # seconds to wait for each second of the processor
_CORES = os.cpu_count() or 1


class Stopwatch:
    """Of one process, in all of its threads.

    Parameters
    ----------
    handle : int
        A file descriptor of the process (pidfd), as it may have come from another
        namespace. It is closed with the stopwatch.
    """

    def __init__(self, handle: int):
        self._handle = handle
        lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        self._pid = int(fields["Pid"])  # as it is called here
        self._clock = (~self._pid << 3) | 2  # what clock_getcpuclockid(3) gives
        self._used, self._waited = 0.0, 0.0
        self._counts: int | None = None  # read at each request, so it stays open
        with contextlib.suppress(OSError):  # not counted here, or it has ended
            self._counts = os.open(f"/proc/{self._pid}/schedstat", os.O_RDONLY)

    def used(self) -> float:
        """Seconds of the processor, up to its end if it has ended."""
        if self._pid > 0:
            try:
                self._used = time.clock_gettime(self._clock)
            except OSError:
                self._pid = 0  # the number may belong to somebody else soon
        return self._used

    def waited(self) -> float:
        """Seconds for which it could have run, and others did."""
        if self._counts is not None:
            with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended
                self._waited = int(os.pread(self._counts, 99, 0).split()[1]) / 1e9
        return self._waited

    def close(self) -> None:
        self.used()
        self._pid = 0
        os.close(self._handle)
        if self._counts is not None:
            os.close(self._counts)
            self._counts = None


class Allowance:
    """What a process may take for one request.

    Parameters
    ----------
    stopwatch : Stopwatch
    seconds : float
        Of the processor. It is waited for longer, so that a busy machine does not
        decide, but not forever, because a process may sleep.
    """

    def __init__(self, stopwatch: Stopwatch, seconds: float):
        self.stopwatch, self.seconds = stopwatch, seconds
        self.start = time.monotonic()
        self.used, self.waited = stopwatch.used(), stopwatch.waited()

    def left(self) -> float:
        """For how long to wait before asking again.

        Raises
        ------
        Late
            When there is nothing left.
        """
        processor = self.seconds - (self.stopwatch.used() - self.used)
        wall = PATIENCE * self.seconds - (time.monotonic() - self.start)
        if processor <= 0 or wall <= 0:
            raise Late
        return min(max(processor / _CORES, 0.02), wall)

    @property
    def ran_out(self) -> bool:
        """Whether it is the processor's time that is used up."""
        return self.stopwatch.used() - self.used >= self.seconds

    @property
    def starved(self) -> bool:
        """Whether it is late because other processes had the processor."""
        waited = self.stopwatch.waited() - self.waited
        return not self.ran_out and waited > (time.monotonic() - self.start) / 4
