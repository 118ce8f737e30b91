"""Temporary folders that do not outlive their process, or not the next run."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "normlib-"
_NAMED_BY = 60  # seconds; a new folder gets its name at once


@contextlib.contextmanager
def folder(where: Path | str | None = None, prefix: str = "") -> Iterator[str]:
    """A temporary folder that is removed in the end, or by the next run."""
    name, lock = new_folder(where, prefix)
    try:
        yield name
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(lock)


def new_folder(where: Path | str | None = None, prefix: str = "") -> tuple[str, int]:
    """A temporary folder, and the lock that says it is in use while it is open.

    Those of processes that were killed are removed. It is made in ``where``, by default
    where all temporary files are; there, a ``prefix`` can hide it.
    """
    where, prefix = where or tempfile.gettempdir(), prefix + _PREFIX
    _sweep(where, prefix)
    name = tempfile.mkdtemp(dir=where, prefix=f"new-{prefix}")
    lock = os.open(name, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It gets the name that is looked for once it is locked, and not before.
    final = os.path.join(os.path.dirname(name), os.path.basename(name)[4:])
    os.rename(name, final)
    return final, lock


def _sweep(where, prefix):
    # The second: of a process that was killed before it gave the folder its name.
    for path in [*Path(where).glob(f"{prefix}*"), *Path(where).glob(f"new-{prefix}*")]:
        with contextlib.suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            age = time.time() - path.stat().st_mtime
            if path.name.startswith("new-") and age < _NAMED_BY:
                continue
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
