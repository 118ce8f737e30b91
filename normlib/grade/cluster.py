"""Several machines: a Dask scheduler hands submissions to its workers.

A submission travels as bytes and its result comes back, so the machines share no
files. Each worker confines student code itself, and one that cannot gets none.
"""

import atexit
import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from normlib.grade.sandbox import backends
from normlib.grade.sandbox.session import NoSandbox
from normlib.grade.submission.pack import Pack

_standing = {}  # in a worker: its sandboxes, by what they have imported
_one_at_a_time = threading.Lock()  # a worker may have several threads


@contextlib.contextmanager
def connected(
    address: str, packs: Sequence[Pack], imports: Sequence[str], unsafe: bool
) -> Iterator:
    """An executor; the workers that are fit to grade, of which it consists; of the
    others, why they are not; and what says which of the first are still there.

    Raises
    ------
    NoSandbox
        When there is none.
    OSError
        When no scheduler answers at ``address``.
    """
    from distributed import Client

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

            yield pool, fit, faults, left


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


def grade_here(grade, submission, options, imports: tuple[str, ...]):
    """What ``grade`` says of a submission, with this worker's own sandbox."""
    with _one_at_a_time:
        zygote = _sandbox(imports, options.unsafe)
        return grade(submission, options, zygote.address, zygote.backend.name)


def _sandbox(imports, unsafe):
    zygote = _standing.get((imports, unsafe))
    if zygote is None or not zygote.alive:
        zygote = backends.strongest(Path.cwd(), imports, unsafe)
        atexit.register(zygote.close)
        _standing[imports, unsafe] = zygote
    return zygote
