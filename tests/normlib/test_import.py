"""What ``import normlib`` brings along, and what it offers."""

import inspect
import pydoc
import subprocess
import sys

import pytest

import normlib
import normlib.torch


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


def call_of(function):
    """``name(parameters and defaults)``, without types."""
    signature = inspect.signature(function)
    parameters = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in signature.parameters.values()
    ]
    empty = inspect.Signature.empty
    bare = signature.replace(parameters=parameters, return_annotation=empty)
    return f"{function.__name__}{bare}"


@pytest.mark.parametrize("package", [normlib, normlib.torch])
def test_the_docstring_of_the_package_is_the_list_of_its_calls(package):
    text = " ".join(package.__doc__.split())
    for name in package.__all__:
        assert call_of(getattr(package, name)) in text


@pytest.mark.parametrize("name", normlib.__all__)
def test_help_says_what_goes_in_and_what_comes_out(name):
    documented = getattr(normlib, name)
    text = pydoc.plaintext.document(normlib)
    assert inspect.getdoc(documented).splitlines()[0] in text
    if name.endswith(("_scale", "Scaler")):
        return
    for section in ("Parameters", "Returns", "Raises"):
        assert f"{section}\n{'-' * len(section)}" in inspect.getdoc(documented)
