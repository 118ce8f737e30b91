"""Files written as a whole or not at all, and names of files that do no harm."""

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; nobody ever reads half of it.

    If interrupted, an ignored ``.part`` file remains. The next write of the same file
    removes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Only the beginning of a long name, or this one would be too long for a file.
    part = f".{path.name.encode()[:100].decode(errors='ignore')}."
    for left in os.listdir(path.parent):
        if left.startswith(part) and left.endswith(".part"):
            _remove_unused(path.parent / left)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=part, suffix=".part")
    fcntl.flock(handle, fcntl.LOCK_EX)  # in use
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _remove_unused(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def printable(text: str, most: int = 100) -> str:
    """``text`` in a form that does no harm in a terminal, in JSON or on a page.

    A student chooses the names of files. Characters that cannot be printed, or that
    move others about, are written as escape sequences. The middle of a long text is
    left out.
    """
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[-most // 2 :]}"
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in text
    )


def harmless(name: str) -> str:
    """A student's name, written so that no spreadsheet runs it as a formula."""
    return f"'{name}" if name[:1] in {*"=+-@\t\r"} else name
