"""The judge's side of a process that runs a student's code: ask, and wait so long."""

import json
import pickle
import secrets
import socket

import numpy as np

from normlib.check.running.observing import Observation
from normlib.check.running.protocol import Address, Protocol
from normlib.grade.sandbox.inside import wire
from normlib.grade.sandbox.stopwatch import PATIENCE, Allowance, Stopwatch

START = 30  # seconds; a fork takes some milliseconds
_HOME = "normlib.check.running.protocols"


class NoSandbox(RuntimeError):
    """There is no process to run a student's code in; says why."""


class Stopped(Exception):
    """The student's code took too long, or ended its process; says which.

    ``late`` is true for the first. ``starved`` is true when other processes kept it
    from finishing, so that this says nothing about the code.
    """

    def __init__(self, why: str, late: bool = False, starved: bool = False):
        super().__init__(why)
        self.late, self.starved = late, starved


class Session:
    """One submission's process, from its start to ``close``.

    Parameters
    ----------
    address : str
        Of the zygote's socket.
    memory : int
        Bytes.
    seconds : float
        Of the processor, for everything.
    seed : int
        For the random numbers of the notebook's own cells.
    own_work : bool
        Whether torch's own normalization is taken out of this process for good. Then
        what a cell shows begins with a value ``refused`` if the cell called it.

    Raises
    ------
    NoSandbox
        When the zygote does not give one.
    """

    def __init__(
        self,
        address: str,
        memory: int,
        seconds: float,
        seed: int,
        own_work: bool = False,
    ):
        self.connection = socket.socket(socket.AF_UNIX)
        self.stopwatch: Stopwatch | None = None
        self._used = 0.0
        self._again = address, memory, seconds, seed, own_work
        try:
            self.connection.settimeout(START)
            self.connection.connect(address)
            wanted = {"memory": memory, "seconds": seconds, "seed": seed}
            wanted["own_work"] = own_work
            wire.send(self.connection, [("request", json.dumps(wanted))], START)
            _, handles, _, _ = socket.recv_fds(self.connection, 1, 1)
            if not handles:
                raise wire.Closed
            self.stopwatch = Stopwatch(handles[0])
            told = dict(wire.receive(self.connection, START))
        except (OSError, wire.Late, wire.Closed, wire.WireError) as error:
            self.close()
            raise NoSandbox(f"the sandbox did not start: {error!r}") from None
        if "hello" not in told:
            self.close()
            raise NoSandbox(f"the sandbox did not start: {told.get('failed')}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the process; nothing of it is left."""
        self.connection.close()
        if self.stopwatch:
            self.stopwatch.close()
            self._used, self.stopwatch = self.stopwatch.used(), None

    @property
    def used(self) -> float:
        """Seconds of the processor so far."""
        return self.stopwatch.used() if self.stopwatch else self._used

    def run(self, source: str, seconds: float) -> list:
        """Run a cell; what it shows, see ``outputs.to_notebook``."""
        return self._ask({"do": "run", "source": source}, seconds)

    def observe(
        self, name: str, protocol, inputs: dict, seconds: float
    ) -> Observation | None:
        """What the notebook's ``name`` brings back; None if there is no such name."""
        request = {"do": "observe", "name": name, "protocol": address_of(protocol)}
        items = self._ask(request, seconds, pickle.dumps(inputs))
        return None if "missing" in dict(items) else _observation(items)

    def withdraw(self, name: str, why: str, seconds: float) -> None:
        """Let calls of ``name`` fail at once from now on."""
        self._ask({"do": "withdraw", "name": name, "why": why}, seconds)

    def _ask(self, request, seconds, inputs=None):
        # Only a process that has read this request can answer it.
        request["nonce"] = secrets.token_hex(8)
        message = [("request", json.dumps(request))]
        if inputs is not None:
            message.append(("inputs", inputs))
        if self.stopwatch is None:
            raise ValueError("the session is closed")
        allowance = Allowance(self.stopwatch, seconds)
        try:
            wire.send(self.connection, message, PATIENCE * seconds)
            answer = wire.receive(self.connection, left=allowance.left)
            name, value = answer[0] if answer else ("", "")
            if name != "nonce" or str(value) != request["nonce"]:
                raise wire.WireError("the answer to another question")
            return answer[1:]
        except wire.Late:
            limit = seconds if allowance.ran_out else PATIENCE * seconds
            starved = allowance.starved
            why = f"was stopped after {limit:g} seconds"
            raise Stopped(why, late=True, starved=starved) from None
        except wire.Closed:
            # Or somebody ended the zygote, and all that it forked with it.
            Session(*self._again).close()
            raise Stopped("ended the process that ran it") from None
        except wire.WireError:
            raise Stopped("wrote into the connection to the judge") from None


def address_of(protocol: Protocol) -> Address:
    """Where a protocol is found by a process that has the protocols and nothing else.

    Raises
    ------
    ValueError
        When it has no address, or is defined beside references.
    """
    address = protocol.address
    if (
        address is None
        or address.module.rpartition(".")[2] != "protocols"
        or not address.name.isidentifier()
    ):
        raise ValueError(
            f"a protocol should be a function of {_HOME} or of a topic's own "
            f"protocols.py, got {address or protocol.run.__qualname__}"
        )
    return address


def _observation(items):
    """What the process says, as an observation that does no harm."""
    outputs: dict[str, np.ndarray] = {}
    told: dict[str, list[str]] = {}
    for name, value in items:
        if name.startswith("output ") and isinstance(value, np.ndarray):
            outputs[name[7:][:100]] = value
        elif isinstance(value, str):
            told.setdefault(name, []).append(value[:1000])
    problem = told["problem"][0] if "problem" in told else None
    if "returned" not in told and problem is None:
        problem = "returned nothing that can be compared"
    return Observation(
        None if problem is not None else outputs,
        problem,
        kind=told.get("kind", [""])[0],
        said=told.get("said", [""])[0],
        lacking=told.get("lacking", [""])[0],
        unwritten="unwritten" in told,
        changed=tuple(told.get("changed", ())[:20]),
        warned=tuple(told.get("warned", ())[:5]),
        printed=told.get("printed", [""])[0],
    )
