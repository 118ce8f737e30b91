"""Finished results, kept by what they depend on: graded once, never again."""

import hashlib
import json
from dataclasses import fields
from pathlib import Path

from normlib.grade.files import write_atomically
from normlib.grade.submission.grading import Result


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
        of_the_run = "seconds", "stopped", "starved"
        names = (f.name for f in fields(result) if f.name not in of_the_run)
        kept = {name: getattr(result, name) for name in names}
        body = json.dumps(kept, sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        write_atomically(self._path(key), digest + b"\n" + body)

    def _path(self, key):
        return self.folder / key[:2] / key
