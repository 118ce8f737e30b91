"""The second line of the proof: mistakes made by machine are rejected as well."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from normlib.check import EXERCISES
from tests.check import mutants as program
from tests.check.broken import kinds
from tests.check.mutants import (
    NETWORKS,
    Mutant,
    equivalent,
    main,
    mutants,
    solution,
    trial,
)

KEY = "batch_norm.forward"
SOLUTION = """\
def batch_norm(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0, keepdims=True)
    x_hat = (x - mean) / np.sqrt(x.var(axis=0) + eps)
    return gamma * x_hat + beta"""


def test_each_kind_of_slip_is_made():
    made = [(m.change.partition(": ")[2], m.source) for m in mutants(SOLUTION)]
    for change, line in {
        "axis 1": "x.mean(axis=1, keepdims=True)",
        "keepdims dropped": "x.mean(axis=0)",
        "sum for mean": "x.sum(axis=0, keepdims=True)",
        "the unbiased variance": "x.var(axis=0, ddof=1)",
        "eps outside": "(np.sqrt(x.var(axis=0)) + eps)",
        "eps dropped": "np.sqrt(x.var(axis=0))",
        "mean dropped": "x_hat = x / np.sqrt",
        "sqrt dropped": "(x - mean) / (x.var(axis=0) + eps)",
        "sign flipped": "gamma * x_hat - beta",
        "factor and divisor confused": "gamma / x_hat + beta",
        "beta for gamma": "beta * x_hat + beta",
        "gamma for beta": "gamma * x_hat + gamma",
    }.items():
        assert any(c == change and line in s for c, s in made), change


def test_mutants_differ_from_the_solution_and_from_each_other():
    sources = [m.source for m in mutants(SOLUTION)]
    assert len(set(sources)) == len(sources) > 20
    assert SOLUTION not in sources


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (("x - mean", "x"), "rejected"),
        (("axis=0", "axis=5"), "rejected"),
        (("mean = ", "while True: mean = "), "rejected"),
        (("gamma *", "gamma * 1.0 *"), "equivalent"),
    ],
)
def test_the_verdict_on_a_mutant(change, verdict):
    assert trial(KEY, Mutant("by hand", SOLUTION.replace(*change))) == verdict


def test_a_mutant_that_a_weak_check_overlooks_survives(monkeypatch):
    """Of these cases only the first is judged; the second shows the difference."""
    exercise = EXERCISES[KEY]
    by_hand = replace(exercise.cases[0], share=1)
    weak = replace(exercise, cases=(by_hand,))
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {KEY: weak})
    # With eps that small beside the variances, nobody sees where it stands.
    no_eps = SOLUTION.replace(" + eps", "")
    assert trial(KEY, Mutant("by hand", no_eps)) == "survived"
    assert not equivalent(KEY, no_eps)


def test_one_report_counts_changed_and_broken_solutions(monkeypatch, capsys):
    changed = [Mutant(f"line {i}: changed", str(i)) for i in range(3)]
    monkeypatch.setattr(program, "mutants", lambda source: changed)
    verdicts = ["rejected", "equivalent", "survived"]
    monkeypatch.setattr(program, "trial", lambda key, m: verdicts[int(m.source)])
    caught = "wrong where beta is 0"
    monkeypatch.setattr(program, "survives", lambda exercise, kind: kind.name == caught)
    n = len(list(kinds(EXERCISES[KEY])))
    with pytest.raises(SystemExit, match="2 mutants get full points"):
        main([KEY])
    _, row, *survivors = capsys.readouterr().out.splitlines()
    assert row.split() == [KEY, str(n + 3), str(n), "1", "2"]
    assert [s.strip() for s in survivors] == [
        "survived: line 2: changed",
        f"survived: {caught}",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in EXERCISES if key not in NETWORKS])
def test_no_mutant_gets_full_points(key):
    """Every seventh per commit; ``make mutants`` tries them all."""
    sample = list(islice(mutants(solution(key)), 0, None, 7))
    assert sample
    with np.errstate(all="ignore"):
        survived = [m.change for m in sample if trial(key, m) == "survived"]
    assert survived == []
