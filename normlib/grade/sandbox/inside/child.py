"""The process in which one student's notebook runs.

It answers requests: run a cell; run an answer on given inputs and say what came
back. It has no reference, no expected value and no verdict, so there is nothing in
it to steal, and all it can say is what an answer brought back.
"""

import importlib
import json
import os
import pickle
import random
import socket
import sys

import numpy as np

from normlib.check.running.observing import observe
from normlib.grade.sandbox.inside import calls, lockdown, operators, wire


def serve(connection: socket.socket, shell, settings: dict) -> None:
    """Lock this process down, then answer requests until there are no more."""
    wanted = _request(wire.receive(connection))
    _introduce(connection)
    connection = socket.socket(fileno=lockdown.close_files(connection.detach()))
    try:
        if wanted["own_work"]:
            operators.take_out()
        _confine(settings, wanted)
        _seed(wanted["seed"])
    except Exception as error:
        wire.send(connection, [("failed", repr(error))])
        return
    wire.send(connection, [("hello", "")])
    while True:
        request = _request(wire.receive(connection))
        try:
            answer = _ANSWERS[request["do"]](shell, request)
        except Exception as error:  # student code raises elsewhere: this is ours
            answer = [("problem", f"could not be judged: {error!r}")]
        wire.send(connection, [("nonce", request["nonce"]), *answer])


def _introduce(connection):
    """Give the judge a handle on this process, by which it sees the time it takes.

    No student's code has run yet, so it is the right one.
    """
    os.setsid()  # where the kernel groups by session, others get their share
    handle = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [b"p"], [handle])
    os.close(handle)


def _request(items):
    """From the judge, which is trusted: settings as JSON, inputs as a pickle."""
    message = dict(items)
    return json.loads(message["request"]) | {"inputs": message.get("inputs")}


def _confine(settings, wanted):
    if settings["private_scratch"]:
        lockdown.own_scratch(settings["scratch"])
    lockdown.limit_resources(wanted["memory"], wanted["seconds"])
    if settings["unsafe"]:
        return
    lockdown.drop_privileges()
    lockdown.limit_threads()
    if settings["landlock"]:
        lockdown.restrict_files(**settings["landlock"])
    calls.restrict_calls(files_outside=not settings["private_scratch"])


def _seed(seed):
    """The same random numbers whenever this submission is graded."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # it takes no larger one
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _run(shell, request):
    operators.refused.clear()
    shown = shell.run(request["source"])
    return [("refused", ""), *shown] if operators.refused else shown


def _observe(shell, request):
    """Run the notebook's function or class of a name on the inputs."""
    name = request["name"]
    if name not in shell.user_ns:
        return [("missing", name)]
    module, factory, args, kwargs = request["protocol"]
    run = getattr(importlib.import_module(module), factory)
    if args is not None:
        run = run(*args, **kwargs)
    inputs = pickle.loads(request["inputs"])
    seen = observe(run, shell.user_ns[name], inputs)
    message: list[tuple] = [("returned", "")] if seen.outputs is not None else []
    message += [(f"output {n}", array) for n, array in (seen.outputs or {}).items()]
    if seen.problem is not None:
        message += [("problem", seen.problem), ("kind", seen.kind), ("said", seen.said)]
    if seen.unwritten:
        message.append(("unwritten", ""))
    if seen.lacking:
        message.append(("lacking", seen.lacking))
    message += [("changed", n) for n in seen.changed]
    message += [("warned", text) for text in seen.warned[:5]]
    return [*message, ("printed", seen.printed[:1000])]


def _withdraw(shell, request):
    """Let a function that was stopped once not be waited for again."""

    def stopped(*args, **kwargs):
        raise TimeoutError(request["why"])

    shell.user_ns[request["name"]] = stopped
    return []


_ANSWERS = {"run": _run, "observe": _observe, "withdraw": _withdraw}


def main(connection, shell, settings):
    """Serve, and end this process whatever happens: it is a fork of the zygote."""
    try:
        serve(connection, shell, settings)
    except BaseException:
        pass  # the judge sees that the connection is closed
    finally:
        os._exit(0)
