"""Finished results, kept by what they depend on: graded once, never again."""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from normlib.grade.worker import Result


class Results:
    """A folder with a file for each result, named by its key.

    A file that was not written to its end, because the machine was switched off,
    counts as none.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def load(self, key: str) -> Result | None:
        try:
            digest, _, body = self._path(key).read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        return Result(**json.loads(body))

    def save(self, key: str, result: Result) -> None:
        kept = asdict(result)
        del kept["seconds"]  # they differ from run to run
        body = json.dumps(kept, sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        write(self._path(key), digest + b"\n" + body)

    def _path(self, key):
        return self.folder / key[:2] / key


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, whoever looks and whatever happens.

    Who is killed meanwhile leaves a file ``.part``, which nobody reads.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
