"""Of a machine for a hub nothing is left, whatever happened to the test."""

import os
import pwd
from pathlib import Path

import pytest

from tests.hub.machine import machine

NAME = "somebody-of-a-test"


def _inside(namespace):
    """The processes in a namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            found += [path] if os.readlink(path) == namespace else []
        except FileNotFoundError:  # has ended meanwhile
            continue
    return found


def test_nothing_is_left(tmp_path):
    with pytest.raises(ZeroDivisionError), machine(tmp_path) as own:
        own.run("root", f"useradd --create-home {NAME}")
        own.run(NAME, "setsid sleep infinity > /dev/null 2>&1 &")
        assert own.run(NAME, "id -un; pwd").split() == [NAME, f"/home/{NAME}"]
        namespace = os.readlink(f"/proc/{own.first}/ns/pid")
        assert len(_inside(namespace)) > 1
        raise ZeroDivisionError
    assert not _inside(namespace)
    assert not Path("/home", NAME).exists()
    with pytest.raises(KeyError):
        pwd.getpwnam(NAME)
    assert not os.path.ismount(tmp_path)
