"""Where grading runs: in processes here, on a cluster, or in one process.

Each of the first two starts workers for a ``Run``, which it tells when they are there.
"""

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from normlib.grade.bridge.course import Course, Submission
from normlib.grade.processes import ATTEMPTS, Workers, executor
from normlib.grade.results import Results
from normlib.grade.sandbox import backends
from normlib.grade.sandbox.process import Zygote
from normlib.grade.sandbox.session import NoSandbox
from normlib.grade.standing import Standing
from normlib.grade.submission import grading
from normlib.grade.submission.grading import Result
from normlib.grade.submission.pack import Pack

BUSY = "other programs kept the processor from it; grade again when they have ended"


@dataclass(frozen=True)
class Done:
    """A submission, which has left its bytes behind, its result, and what names it."""

    submission: Submission
    result_key: str
    result: Result


@contextlib.contextmanager
def of_this_machine(run, jobs: int) -> Iterator[Workers]:
    """Processes that judge, and a sandbox for all of them."""
    imports, unsafe = run.imports, run.options.unsafe
    with (
        executor(jobs, modules(run.keys, imports)) as pool,
        backends.strongest(run.course.root, imports, unsafe, run.open) as zygote,
    ):
        run.began(zygote.backend.name)
        where = run.options.seed, unsafe, zygote.address, zygote.backend.name

        def submit(item):
            return pool.submit(grade, run.handed_in(item), *where)

        yield Workers(submit, jobs)


@contextlib.contextmanager
def of_a_cluster(run, jobs: int) -> Iterator[Workers]:
    """Those of a Dask scheduler; it knows how many there are."""
    from normlib.grade import cluster

    imports, seed, unsafe = tuple(run.imports), run.options.seed, run.options.unsafe
    with cluster.connected(run.options.scheduler, run.packs, imports, unsafe) as found:
        run.open()
        run.began(unfit=found.unfit)

        def submit(item):
            what = grade, run.handed_in(item), seed, unsafe, imports
            return found.pool.submit(cluster.grade_here, *what)

        yield Workers(submit, len(found.fit), found.left, found.lost)


def grade(
    submission: Submission, seed: int, unsafe: bool, address: str, backend: str
) -> Done:
    """Grade a submission: what a worker is asked to do."""
    result = grading.grade(
        *(submission.pack, submission.file, submission.problem),
        *(seed, address, backend),
    )
    return Done(
        replace(submission, file=b""), result_key(submission, seed, unsafe), result
    )


def result_key(submission: Submission, seed: int, unsafe: bool) -> str:
    """What names the result of a submission."""
    what = submission.pack, submission.file, submission.problem
    return grading.result_key(*what, seed, unsafe)


def modules(keys: Sequence[str], imports: Sequence[str]) -> list[str]:
    """What every process that judges would import."""
    exercises = [f"normlib.check.exercises.{key}" for key in sorted(keys)]
    torch = [name for name in imports if name.startswith("torch.")]
    return [__name__, *exercises, *torch]


# A process that judges, and a sandbox, by course and pack.
_pairs = Standing[tuple[ProcessPoolExecutor, Zygote]]()


def grade_one(course: Course, student: str, pack: Pack) -> tuple[str, Result]:
    """The key and the result of one submission, new or kept.

    The sandbox stays for the next one, until this process ends.

    Raises
    ------
    NoSandbox
        When student code cannot be confined here.
    """
    results, seed = Results(course.root / "_build/results"), course.seed(0)
    submission = course.submission(pack.assignment, student, pack)
    if result := results.load(name := result_key(submission, seed, False)):
        return name, result

    def start(stack):
        zygote = stack.enter_context(backends.strongest(course.root, pack.imports))
        pool = stack.enter_context(executor(1, modules(pack.keys, pack.imports)))
        return pool, zygote

    where = course.root, pack.digest
    for attempt in range(ATTEMPTS):
        pool, zygote = _pairs.get(where, start)
        try:
            what = submission, seed, False, zygote.address, zygote.backend.name
            done = pool.submit(grade, *what).result()
            if done.result.starved:
                raise NoSandbox(BUSY)
            break
        except (BrokenProcessPool, NoSandbox):
            _pairs.end(where)
            if attempt == ATTEMPTS - 1:
                raise
    results.save(name, done.result)
    return name, done.result
