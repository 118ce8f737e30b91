"""``check``: what a graded cell calls, in a plain interpreter and in IPython."""

import sys

import pytest
from IPython.testing.globalipapp import get_ipython, start_ipython

from normlib.check import EXERCISES, Report, check

KEY = "batch_norm.forward"
ANSWER = EXERCISES[KEY].answer


def test_points_come_back_as_the_float_that_nbgrader_takes(capsys):
    points = check(KEY, ANSWER)
    assert type(points) is float and points == 4.0
    assert "batch_norm.forward: 4 of 4 points" in capsys.readouterr().out


def test_the_answer_is_found_by_its_name(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["__main__"], "batch_norm", ANSWER, raising=False)
    assert check(KEY) == 4.0


def test_a_missing_answer_is_a_report_and_not_a_traceback(monkeypatch, capsys):
    monkeypatch.delattr(sys.modules["__main__"], "batch_norm", raising=False)
    assert check(KEY) == 0.0
    assert "There is no batch_norm yet" in capsys.readouterr().out


def test_an_endless_loop_that_was_stopped_is_a_report_and_not_a_traceback(capsys):
    def endless(*args):
        raise KeyboardInterrupt

    assert check(KEY, endless) == 0.0
    shown = capsys.readouterr().out
    assert "batch_norm was stopped while it ran" in shown and "never ends" in shown


def test_a_raising_answer_is_a_report_and_not_a_traceback(capsys):
    assert check(KEY, lambda *args: 1 / 0) == 0.0
    assert "raised ZeroDivisionError" in capsys.readouterr().out


def test_a_seed_repeats_the_report(capsys):
    wrong = EXERCISES[KEY].misconceptions[0].implementation
    reports = []
    for _ in range(2):
        check(KEY, wrong, seed=5)
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]


@pytest.fixture
def ipython():
    start_ipython()
    return get_ipython()


def test_in_a_notebook_the_report_itself_is_displayed(ipython, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    check(KEY, ANSWER)
    (report,) = shown
    assert isinstance(report, Report) and report.points == 4.0
