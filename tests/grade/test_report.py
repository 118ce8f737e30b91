"""What the command prints."""

import io

import pytest
from rich.console import Console

from normlib.grade.bridge.overview import Overview
from normlib.grade.report import _print_table, show
from normlib.grade.run import Graded

MOST = {f"0{i}_some_long_name": 20.0 + i for i in range(1, 10)}
ROWS = [
    ("jamal.washington", *[f"{i}.25" for i in range(11, 20)], "139.25", "13"),
    ("bao.nguyen", "", *[f"{i}.5" for i in range(20, 28)], "188", ""),
]


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_no_number_is_cut_off(width):
    """Nine assignments do not fit a terminal of 80 columns side by side."""
    console = Console(file=io.StringIO(), width=width)
    _print_table(console, MOST, ROWS)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for head in ("student", "total", "mark", *(f"0{i}" for i in range(1, 10))):
        assert head in words
    for name, *numbers in ROWS:
        found = " ".join(line.split(name)[1] for line in lines if name in line)
        assert found.split() == [number for number in numbers if number]


def test_names_of_assignments_are_whole_where_they_fit():
    console = Console(file=io.StringIO(), width=80)
    _print_table(console, dict(list(MOST.items())[:2]), [("a", "1", "2", "3", "")])
    assert console.file.getvalue().split().count("long") == 2


def test_the_example_is_a_page_of_what_was_graded(root, tmp_path, capsys):
    (tmp_path / "nbgrader_config.py").write_text(
        (root / "nbgrader_config.py").read_text()
    )
    for name in ("01_first", "02_second"):
        page = tmp_path / "_build/feedback/ada" / name / "page.html"
        page.parent.mkdir(parents=True)
        page.touch()
    asked = ("01_first", "ada")
    points = Overview(
        most={"01_first": 2.0},
        scores={"01_first": {"ada": 1.0}},
        unmarked={"01_first": {"ada": 0}},
    )
    show(tmp_path, Graded(submitted=[asked], notes={asked: []}, overview=points))
    said = capsys.readouterr().out
    assert "Feedback:  _build/feedback/ada/01_first/page.html" in said
