"""The command line: what it says, and how fast."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from normlib.check import progress
from normlib.cli import main
from normlib.grade.bridge.course import Course


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "normlib.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_terminal_that_lacks_a_sign_gets_another(root):
    """A pipe on Windows knows no ✓."""
    done = subprocess.run(
        [sys.executable, "-m", "normlib.cli", "status"],
        cwd=root,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "? not begun" in done.stdout


@pytest.fixture
def in_course(root, monkeypatch):
    monkeypatch.chdir(root)


def test_help_names_every_command_and_what_it_is_for(in_course, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert (
        "sample-class" in told and "write the submissions of an invented class" in told
    )
    assert "grade" in told and "print everybody's points" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["grad"], "invalid choice: 'grad' (choose from"),
        (["sample-class", "--students", "0"], "should be 1 or more, got '0'"),
        (["sample-class", "--students", "ten"], "should be 1 or more, got 'ten'"),
        (["sample-class", "--students", "1601"], "at most 1600 students, got 1601"),
        (["sample-class", "--output", "tests"], "tests holds something that is not a "),
        (["grade", "99_nothing"], "no assignment '99_nothing'; there are 01_"),
        (["mark", "99_nothing"], "no assignment '99_nothing'; there are 01_"),
        (["mark", "05_group_norm"], "05_group_norm has no questions in words"),
        (["mark", "--share", "3/2"], "should be such as 1/2, got '3/2'"),
        (["pack", "blackboard", "01_feature_scaling"], "(choose from 'gradescope', "),
        (["pack", "gradescope", "99_nothing"], "no assignment '99_nothing'; there are"),
    ],
)
def test_wrong_use_is_answered_with_a_sentence(in_course, capsys, arguments, told):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert told in last


CHECK = ["check", "exercises/01_feature_scaling"]


def numpy_meets_two_shapes(*_):
    np.zeros(2) + np.zeros(3)


def torch_meets_two_shapes(*_):
    torch.zeros(2) + torch.zeros(3)


@pytest.mark.parametrize(
    ("defect", "error"),
    [(numpy_meets_two_shapes, ValueError), (torch_meets_two_shapes, RuntimeError)],
)
@pytest.mark.parametrize(
    ("arguments", "where", "name"),
    [(["grade"], Course, "handed_in"), (CHECK, progress, "execute")],
)
def test_a_defect_shows_its_traceback(
    in_course, monkeypatch, defect, error, arguments, where, name
):
    """And is no usage error: a sentence would not say where to look."""
    monkeypatch.setattr(where, name, defect)
    monkeypatch.setattr(progress._Cells, "begun", True)
    with pytest.raises(error, match=r"shape|size"):
        main(arguments)


def test_outside_of_a_course_it_says_where_to_go(tmp_path):
    process = run(tmp_path, "grade")
    assert process.returncode == 2
    assert process.stderr.endswith(
        "run it in the course's folder, which holds nbgrader_config.py\n"
    )


def test_the_installed_command_is_this_one(tmp_path):
    command = os.path.join(os.path.dirname(sys.executable), "normlib")
    process = subprocess.run([command, "--help"], capture_output=True, text=True)
    assert process.returncode == 0
    assert process.stdout.startswith("usage: normlib ")


def test_help_imports_nothing_heavy(root):
    program = (
        "import sys, normlib.cli\n"
        "try: normlib.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True
    )
    loaded = process.stdout.splitlines()[-1].split()
    assert "normlib" in loaded
    assert not {"nbgrader", "nbformat", "rich", "torch", "sklearn"} & set(loaded)
