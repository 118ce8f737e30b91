"""Run an answer and record what happens, letting nothing out but the record."""

import contextlib
import copy
import io
import os
import sys
import traceback
import warnings
from dataclasses import dataclass
from unittest import mock

import numpy as np

IN_THE_LINE = ", in the line `"


class Unusable(Exception):
    """An answer ran, but what it returned cannot be compared; says why."""


@dataclass(frozen=True)
class Observation:
    """What one run of an implementation brought back.

    ``outputs`` is None when there is nothing to compare; ``problem`` then says
    why, in the learner's words. ``changed`` names the inputs written into.
    """

    outputs: dict[str, np.ndarray] | None
    problem: str | None = None
    unwritten: bool = False
    changed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    printed: str = ""

    @property
    def raised(self) -> str:
        """The problem without the line, which differs between two who err alike."""
        return (self.problem or "").partition(IN_THE_LINE)[0]


def observe(run, implementation, inputs) -> Observation:
    """Run ``implementation`` on a copy of ``inputs`` and record what happens.

    Nothing that the implementation prints, warns or raises gets out;
    KeyboardInterrupt does, so that an endless loop can be stopped.
    """
    given = copy.deepcopy(inputs)
    outputs, problem, unwritten = None, None, False
    with _overhear() as (heard, warned):
        try:
            outputs = run(implementation, given)
        except NotImplementedError:
            unwritten, problem = True, "not written yet"
        except Unusable as error:
            problem = str(error)
        except (Exception, SystemExit) as error:
            problem = _describe(error)
    return Observation(
        outputs,
        problem,
        unwritten,
        changed=tuple(n for n in inputs if not _same(inputs[n], given[n])),
        warned=tuple(dict.fromkeys(str(warning.message) for warning in warned)),
        printed=heard.getvalue(),
    )


@contextlib.contextmanager
def _overhear():
    """Catch prints, warnings and whatever is written to stderr.

    nbgrader gives no points to a graded cell with anything on stderr. A logging
    handler may hold the stream itself, so the stream's ``write`` is replaced;
    libraries write to file descriptor 2 directly, so that is redirected.
    """
    heard = io.StringIO()
    with contextlib.ExitStack() as stack:
        warned = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        sink = stack.enter_context(open(os.devnull, "wb"))
        saved = os.dup(2)
        stack.callback(os.close, saved)
        os.dup2(sink.fileno(), 2)
        stack.callback(os.dup2, saved, 2)
        stack.enter_context(mock.patch.object(sys.stderr, "write", heard.write))
        stack.enter_context(contextlib.redirect_stdout(heard))
        stack.enter_context(contextlib.redirect_stderr(heard))
        yield heard, warned


def _describe(error):
    message = str(error).strip().split("\n")[0]
    text = f"raised {type(error).__name__}" + (f": {message}" if message else "")
    # The learner's own last line: frames of installed libraries do not help.
    here = os.path.dirname(__file__)
    own = [
        frame.line.strip()
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.line
        and "site-packages" not in frame.filename
        and os.path.dirname(frame.filename) != here
        and os.path.basename(frame.filename) != "protocols.py"
    ]
    return text + (f"{IN_THE_LINE}{own[-1]}`" if own else "")


def _same(before, after):
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    return True  # a number cannot be written into
