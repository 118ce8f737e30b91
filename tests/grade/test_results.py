"""A result is kept whole or not at all."""

import os
import signal

import pytest

from normlib.grade.files import write_atomically
from normlib.grade.results import Results
from normlib.grade.submission.grading import Result
from tests.grade.processes import ended, forked, kill_beyond

RESULT = Result('{"ü": 1}\n', {"a": 1.5}, ["note"], "bubblewrap", {"all": 3.0})
KEY = "ab" * 32


def test_what_is_saved_is_loaded_without_its_times(tmp_path):
    results = Results(tmp_path)
    assert results.load(KEY) is None
    results.save(KEY, RESULT)
    loaded = results.load(KEY)
    assert loaded == RESULT and loaded.seconds == {}


def test_the_same_result_is_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        Results(tmp_path / folder).save(KEY, RESULT)
    one, two = (p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert one == two


@pytest.mark.parametrize("left", range(0, 150, 7))
def test_half_a_file_is_none(tmp_path, left):
    results = Results(tmp_path)
    results.save(KEY, RESULT)
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:left])
    assert results.load(KEY) is None


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_who_is_killed_in_the_middle_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")

    def until_half():
        kill_beyond(5000)
        write_atomically(path, bytes(10_000))

    assert ended(forked(until_half)) == -signal.SIGXFSZ
    assert path.read_bytes() == b"before"
    assert {p.suffix for p in tmp_path.iterdir()} == {"", ".part"}
