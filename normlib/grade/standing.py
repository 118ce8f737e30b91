"""What is costly to start and serves one submission after another."""

import atexit
import contextlib
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Standing(Generic[T]):
    """Keeps what has been started, by key, until this process ends.

    For submissions that come one at a time, from nbgrader or from a cluster: there is
    no block of code around them that could hold a sandbox open.
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[T, contextlib.ExitStack]] = {}
        atexit.register(self.end)

    def get(
        self,
        key: Hashable,
        start: Callable[[contextlib.ExitStack], T],
        fit: Callable[[T], bool] = lambda held: True,
    ) -> T:
        """What ``start`` has entered in a stack, the first time for this ``key``.

        Where that is not ``fit`` any more, it is ended and started again.
        """
        if key in self._held and not fit(self._held[key][0]):
            self.end(key)
        if key not in self._held:
            with contextlib.ExitStack() as stack:
                self._held[key] = start(stack), stack.pop_all()
        return self._held[key][0]

    def end(self, *keys: Hashable) -> None:
        """End what is held for these ``keys``; without any, all of it."""
        for key in keys or list(self._held):
            _, stack = self._held.pop(key)
            stack.close()
