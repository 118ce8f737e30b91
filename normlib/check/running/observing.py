"""Run an answer and record what happens, letting nothing out but the record."""

import contextlib
import copy
import io
import os
import sys
import traceback
import warnings
from dataclasses import dataclass

import numpy as np


class Unusable(Exception):
    """An answer ran, but what it returned cannot be compared; says why."""


class Refused(Unusable):
    """What was returned is not even the kind of thing that was asked for; says why."""


class TimeLimitExceeded(BaseException):
    """Raised inside of code that runs too long. Code that catches ``Exception`` does
    not catch it."""


@dataclass(frozen=True)
class Observation:
    """What one run of an implementation brought back.

    ``outputs`` is None when there is nothing to compare. Then ``problem`` is a
    sentence for the learner, and ``kind`` and ``said`` are the type and the message of
    the exception, as data: nothing is ever read out of the sentence. ``lacking`` is the
    name that a ``NameError`` did not find. ``changed`` names the inputs that were
    written into.
    """

    outputs: dict[str, np.ndarray] | None
    problem: str | None = None
    kind: str = ""
    said: str = ""
    lacking: str = ""
    unwritten: bool = False
    changed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    printed: str = ""

    def fails_like(self, other: "Observation") -> bool:
        """Whether both brought back nothing, for the same reason."""
        neither = self.outputs is None and other.outputs is None
        return neither and (self.kind, self.said) == (other.kind, other.said)


def observe(run, implementation, inputs) -> Observation:
    """Run ``implementation`` on a copy of ``inputs`` and record what happens.

    Nothing that the implementation prints, warns or raises gets out, but for
    KeyboardInterrupt and a time limit, which others have raised in it.
    """
    given = copy.deepcopy(inputs)
    outputs, problem, raised = None, None, None
    with _overhear() as (heard, warned):
        try:
            outputs = run(implementation, given)
            # A later call may write into what this one has returned.
            outputs = {name: value.copy() for name, value in outputs.items()}
        except (KeyboardInterrupt, TimeLimitExceeded):
            raise
        except BaseException as error:
            raised, problem = error, _describe(error)
    return Observation(
        outputs,
        problem,
        kind=type(raised).__name__ if raised else "",
        said=_first_line(raised) if raised else "",
        lacking=_lacking(raised),
        unwritten=isinstance(raised, NotImplementedError),
        changed=tuple(n for n in inputs if not _same(inputs[n], given[n])),
        warned=tuple(dict.fromkeys(str(warning.message) for warning in warned)),
        printed=heard.getvalue(),
    )


class _Heard(io.StringIO):
    """What was printed; it can still be read after an answer has closed it."""

    def close(self):
        pass


@contextlib.contextmanager
def _overhear():
    """Catch prints, warnings and whatever is written to stderr.

    nbgrader gives no points to a graded cell with anything on stderr. A logging
    handler may hold the stream itself, so the stream's ``write`` is replaced;
    libraries write to file descriptor 2 directly, so that is redirected. Whatever an
    answer closes is open again afterward.
    """
    heard = _Heard()
    with contextlib.ExitStack() as stack:
        warned = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        sink = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, sink)
        for number in filter(_is_open, (1, 2)):
            saved = os.dup(number)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, number)
        os.dup2(sink, 2)
        _replace_write(sys.stderr, heard.write, stack)
        stack.enter_context(contextlib.redirect_stdout(heard))
        stack.enter_context(contextlib.redirect_stderr(heard))
        yield heard, warned


def _replace_write(stream, write, stack):
    """Let ``stream`` write elsewhere until the ``stack`` is left."""
    own = vars(stream).get("write")  # where somebody else has replaced it before
    stream.write = write
    if own is None:
        stack.callback(delattr, stream, "write")
    else:
        stack.callback(setattr, stream, "write", own)


def _is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _first_line(error):
    return str(error).strip().split("\n")[0]


def _lacking(error):
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    return name if isinstance(name, str) else ""


def _describe(error):
    message = _first_line(error)
    if isinstance(error, NotImplementedError):
        return "not written yet"
    if isinstance(error, Unusable):
        return message or "returned nothing that can be compared"
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
    return text + (f", in the line `{own[-1]}`" if own else "")


def _same(before, after):
    if isinstance(before, np.ndarray):
        as_it_was = before.shape == after.shape and before.dtype == after.dtype
        if as_it_was and before.tobytes() == after.tobytes():  # much faster
            return True
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    return True  # a number cannot be written into
