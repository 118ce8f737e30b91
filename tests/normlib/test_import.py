"""What ``import normlib`` brings along, and what it offers."""

import subprocess
import sys

import normlib


def modules_after(statement):
    """Names of the modules that a fresh interpreter has loaded after ``statement``."""
    program = f"{statement}; import sys; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_needs_numpy_alone():
    added = modules_after("import normlib") - modules_after("import numpy")
    assert "normlib.batch_norm" in added
    foreign = {name.split(".")[0] for name in added} - set(sys.stdlib_module_names)
    assert foreign <= {"normlib", "numpy"}
    assert not {"normlib.check", "normlib.grade"} & added


def test_every_public_name_is_there_and_documented():
    for name in normlib.__all__:
        assert getattr(normlib, name).__doc__, name
