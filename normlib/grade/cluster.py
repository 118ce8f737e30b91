"""Several machines: a Dask scheduler hands submissions to its workers.

A submission travels as bytes and its result comes back, so the machines share no
files. Each worker confines student code itself, and one that cannot gets none.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from normlib.grade.sandbox import backends
from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.session import NoSandbox
from normlib.grade.standing import Standing
from normlib.grade.submission.pack import Pack

_sandboxes = Standing[Zygote]()  # of a worker, by what they have imported
_one_at_a_time = threading.Lock()  # a worker may have several threads


@dataclass(frozen=True)
class Found:
    """The workers that are ``fit`` to grade, and an executor that consists of them.

    ``unfit`` says of the others why they are not, ``left`` which of the first are still
    there, and ``lost`` which exception tells that one has gone.
    """

    pool: Executor
    fit: list[str]
    unfit: dict[str, str]
    left: Callable
    lost: tuple[type[Exception], ...]


@contextlib.contextmanager
def connected(
    address: str, packs: Sequence[Pack], imports: Sequence[str], unsafe: bool
) -> Iterator[Found]:
    """The workers of a scheduler.

    Raises
    ------
    NoSandbox
        When there is none.
    OSError
        When no scheduler answers at ``address``.
    """
    from distributed import Client, KilledWorker

    given = {pack.digest: pack for pack in packs}
    with Client(address, set_as_default=False) as client:
        found = client.run(unfit, given, tuple(imports), unsafe, on_error="return")
        faults = {worker: str(fault) for worker, fault in found.items() if fault}
        fit = [worker for worker in found if worker not in faults]
        if not fit:
            told = "".join(f"  {name}: {fault}\n" for name, fault in faults.items())
            raise NoSandbox(f"no worker of {address} is fit to grade:\n{told}")
        with client.get_executor(workers=fit, pure=False) as pool:

            def left():
                return {*fit} & {*client.scheduler_info(n_workers=-1)["workers"]}

            yield Found(pool, fit, faults, left, (KilledWorker,))


def unfit(packs: dict[str, Pack], imports: tuple[str, ...], unsafe: bool) -> str:
    """Why this worker cannot grade; empty when it can."""
    for digest, pack in packs.items():
        if replace(pack).digest != digest:  # counted anew, from what is here
            return "it has another version of Python, NumPy, torch or normlib"
    try:
        _sandbox(imports, unsafe)
    except NoSandbox as error:
        return str(error)
    return ""


def grade_here(
    grade: Callable, submission, seed: int, unsafe: bool, imports: tuple[str, ...]
):
    """What ``grade`` says of a submission, with this worker's own sandbox."""
    with _one_at_a_time:
        zygote = _sandbox(imports, unsafe)
        where = zygote.address, zygote.backend.name
        return grade(submission, seed, unsafe, *where)


def _sandbox(imports, unsafe):
    def start(stack):
        return stack.enter_context(backends.strongest(Path.cwd(), imports, unsafe))

    return _sandboxes.get((imports, unsafe), start, lambda zygote: zygote.alive)
