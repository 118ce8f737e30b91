"""Temporary folders that do not outlive their process, or not the next run."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "normlib-"


def new_folder() -> tuple[str, int]:
    """A temporary folder, and the lock that says it is in use while it is open.

    Those of processes that were killed are removed.
    """
    _sweep()
    name = tempfile.mkdtemp(prefix=f"new-{_PREFIX}")
    lock = os.open(name, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # Only now it gets the name that is looked for: nobody finds it without a lock.
    final = os.path.join(os.path.dirname(name), os.path.basename(name)[4:])
    os.rename(name, final)
    return final, lock


def _sweep():
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
