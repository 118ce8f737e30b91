"""Finished results, kept by what they depend on: graded once, never again."""

import hashlib
import json
from dataclasses import asdict
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
        kept = asdict(result)
        for name in ("seconds", "stopped", "starved"):  # of the run, not of the result
            del kept[name]
        body = json.dumps(kept, sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        write_atomically(self._path(key), digest + b"\n" + body)

    def _path(self, key):
        return self.folder / key[:2] / key
