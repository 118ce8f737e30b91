"""What a protocol is: how an answer is called, and where to find it again."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

Inputs = dict[str, Any]  # argument name -> array or number, in the call's order
Outputs = dict[str, np.ndarray]


class Address(NamedTuple):
    """Where another process finds a protocol.

    With ``args`` and ``kwargs``, ``name`` is a factory that makes it of these.
    """

    module: str
    name: str
    args: tuple | None = None
    kwargs: dict | None = None


@dataclass(frozen=True, eq=False)
class Protocol:
    """The calls made to an answer: ``(implementation, inputs) -> {name: array}``.

    Parameters
    ----------
    run : callable
        Makes the calls and returns what they brought back.
    describe : callable, optional
        ``(name, inputs) -> str``: the calls in words, for a report. By default they
        are described by the signature of the exercise's reference.
    address : Address, optional
        Without one, the protocol runs in this process alone.
    """

    run: Callable[[Any, Inputs], Outputs]
    describe: Callable[[str, Inputs], str] | None = None
    address: Address | None = None

    def __call__(self, implementation: Any, inputs: Inputs) -> Outputs:
        return self.run(implementation, inputs)


def protocol(
    describe: Callable[[str, Inputs], str] | None = None,
) -> Callable[[Callable[[Any, Inputs], Outputs]], Protocol]:
    """Turn a function of a module into a protocol that has its address."""

    def turned(run):
        return Protocol(run, describe, Address(run.__module__, run.__qualname__))

    return turned


def factory(make: Callable[..., Protocol]) -> Callable[..., Protocol]:
    """Give each protocol that ``make`` makes the address to make it again."""

    @functools.wraps(make)
    def made(*args, **kwargs):
        address = Address(make.__module__, make.__qualname__, args, kwargs)
        return replace(make(*args, **kwargs), address=address)

    return made
