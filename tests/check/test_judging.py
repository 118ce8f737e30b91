"""Judging: points, the words for each way of failing, and the diagnosis."""

from dataclasses import replace

import numpy as np
import pytest

from normlib.check import EXERCISES, judge, judging
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.observing import Observation, Unusable
from normlib.check.running.protocols import call
from tests.check.mutants import NETWORKS

KEY = "batch_norm.forward"
BATCH_NORM = EXERCISES[KEY]


def messages(answer, seed=0):
    cases = judge(KEY, answer, seed).cases
    return [f"{case.call}: {case.message}" for case in cases]


def test_a_right_answer_gets_every_point_and_no_advice():
    report = judge(KEY, BATCH_NORM.answer)
    assert report.points == report.max_points == BATCH_NORM.points
    assert all(case.passed and case.message == "" for case in report.cases)
    assert report.diagnosis is report.hint is None
    assert report.notes == ()


def test_the_inputs_are_fresh_each_time_and_a_seed_repeats_them():
    def mean_only(x, gamma, beta, eps=1e-5):
        return x - x.mean(axis=0)

    first, second = judge(KEY, mean_only), judge(KEY, mean_only)
    assert first.seed != second.seed
    assert first.cases != second.cases
    assert judge(KEY, mean_only, seed=first.seed) == first


def test_an_unknown_exercise_names_those_there_are():
    with pytest.raises(KeyError, match=r"no exercise 'batch_norm\.fwd'.*batch_norm"):
        judge("batch_norm.fwd", None)


def test_a_stub_gets_no_points_and_is_told_what_to_do():
    def stub(x, gamma, beta, eps=1e-5):
        raise NotImplementedError()

    report = judge(KEY, stub)
    assert report.points == 0 and report.cases == ()
    assert "`batch_norm` is not written yet" in report.hint


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x, g, b, eps=0: None, "returned None for y: is there a `return`?"),
        (lambda x, g, b, eps=0: x[0], "y should have shape (2, 2), yours has (2,)"),
        (lambda x, g, b, eps=0: x.astype(int), "yours is of type int64"),
        (lambda x, g, b, eps=0: x * np.nan, "should be −1, yours is nan"),
        (lambda x, g, b, eps=0: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda x, g: x, "raised TypeError: "),
        (None, "raised TypeError: 'NoneType' object is not callable"),
        (7, "raised TypeError: 'int' object is not callable"),
    ],
    ids=["None", "shape", "dtype", "NaN", "raises", "signature", "missing", "number"],
)
def test_each_way_of_failing_has_its_own_words(answer, message):
    first, *others = messages(answer)
    assert first.startswith("`batch_norm(x, gamma, beta)` with `x` of shape (2, 2): ")
    assert message in first
    assert "Traceback" not in "".join([first, *others])


QUICK = [key for key in EXERCISES if key not in NETWORKS]


@pytest.mark.parametrize("key", QUICK)
def test_no_problem_is_equal_to_none(key, monkeypatch):
    """Whatever an answer, or a process that runs it, says about its exceptions."""
    monkeypatch.setattr(judging, "_diagnose", lambda *_: (None, None, "", ""))

    def refuses(*args):
        raise ValueError("no")

    def imitates(*args):
        raise Unusable(", in the line `")

    def claims(*call):
        return Observation(None, problem="", kind="", said="")

    reports = judge(key, refuses, 0), judge(key, imitates, 0), judge(key, 0, 0, claims)
    for report in reports:
        assert report.points == 0
        assert not any(case.passed for case in report.cases)


def test_a_claim_that_an_input_was_refused_is_not_enough():
    def claims(*call):
        return Observation({"refused": np.array(1.0)})

    assert judge("group_norm.forward", None, 0, claims).points == 0


def test_what_was_said_once_is_not_repeated():
    report = str(judge(KEY, lambda x, g, b, eps=0: 1 / 0))
    assert report.count("ZeroDivisionError") == 1


ODD = [0.0, -0.0, 1.0, 1.00005, 1.0002, -1.0, 1e-9, 1e30, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("kept", [slice(None), slice(0, 7), slice(8, 11), slice(0, 0)])
def test_two_arrays_agree_where_numpy_says_that_they_are_close(kept):
    values = np.array(ODD[kept])
    want = np.repeat(values, len(values))
    case = Case("any", 1, inputs=dict)
    finite = np.abs(want[np.isfinite(want)])
    nearby = 1e-4 * (finite.max(initial=0) or 1)
    for got in (np.tile(values, len(values)), want, want.astype("f4"), -want):
        close = np.isclose(got, want, rtol=0, atol=nearby, equal_nan=True)
        received, expected = (Observation({"y": y}) for y in (got, want))
        sentence, wrong = judging.difference(received, expected, case)
        assert judging.agree(received, expected, case) == close.all()
        assert bool(sentence) == bool(wrong) == (not close.all())


def test_a_place_is_quoted_where_the_mistake_shows():
    """Not where rounding, or a lesser mistake, comes first."""

    def one_column_off(x, gamma, beta, eps=1e-5):
        y = BATCH_NORM.answer(x, gamma, beta, eps)
        y[:, 1] += 0.5 * np.arange(len(y))
        y[0, 0] += 0.01
        return y

    assert "y at row 1, column 1 should be" in messages(one_column_off)[0]


def test_numbers_that_are_right_in_a_wrong_shape_are_said_to_be_that(small):
    for shaped in (np.atleast_2d, lambda y: y[:, None]):
        report = judge(small, lambda x, factor=1.0, s=shaped: s(scale(x, factor)))
        assert report.points == 0 and report.diagnosis is None
        assert report.hint == "The numbers are right, the shape is not."
    wrong = judge(small, lambda x, factor=1.0: np.atleast_2d(scale(x, factor) + 1))
    assert "The numbers are right" not in str(wrong)


def test_the_case_that_shows_a_diagnosis_is_shown_in_full(small):
    def one_column_more(x, factor=1.0):  # here, that hides the mistake
        return x * factor if factor != 3 else np.append(no_mean(x, factor), 0)

    assert judge(small, no_factor).shown == "scaled"
    assert judge(small, one_column_more).shown == "plain"


def test_the_first_difference_is_located_and_both_numbers_given():
    def one_off(x, gamma, beta, eps=1e-5):
        y = BATCH_NORM.answer(x, gamma, beta, eps)
        y[1, 0] += 0.25
        return y

    assert messages(one_off)[0].endswith(
        "y at row 1, column 0 should be 1, yours is 1.25"
    )


def test_what_eps_leaves_of_a_zero_is_called_zero():
    def backward(*args):
        dx, *others = EXERCISES[key].answer(*args)
        return dx[..., ::-1], *others

    key = "layer_norm.backward"
    by_hand = judge(key, backward, seed=0).cases[0]  # 1, −1, 0, 0 but for eps
    assert by_hand.message.endswith("dx at row 0, column 0 should be 1, yours is 0")


def test_what_rounding_leaves_of_a_zero_is_called_zero(small, monkeypatch):
    exercise = judging.EXERCISES[small]
    x = np.array([0.1, 0.2, 0.3])
    assert 0 < np.abs(scale(x)[1]) < 1e-15
    case = Case("rounded", 1, lambda rng: {"x": x})
    monkeypatch.setitem(judging.EXERCISES, small, replace(exercise, cases=(case,)))
    report = judge(small, lambda x, factor=1.0: scale(x) + np.array([0, 3, 0]))
    assert report.cases[0].message.endswith("should be 0, yours is 3")


def test_two_small_numbers_that_differ_are_not_both_called_zero(small, monkeypatch):
    exercise = judging.EXERCISES[small]
    case = Case("small", 1, lambda rng: {"x": np.array([-1.0, 0, 1])}, tolerance=1e-9)
    monkeypatch.setitem(judging.EXERCISES, small, replace(exercise, cases=(case,)))
    report = judge(small, lambda x, factor=1.0: scale(x, factor) + 1e-7 * (x == 0))
    assert report.cases[0].message.endswith("should be 0, yours is 1e−07")


def test_warnings_and_prints_are_mentioned_and_cost_nothing():
    def chatty(x, gamma, beta, eps=1e-5):
        print("the mean is", x.mean())
        np.log(np.array(-1.0))
        return BATCH_NORM.answer(x, gamma, beta, eps)

    report = judge(KEY, chatty)
    assert report.points == report.max_points
    warned, printed = report.notes
    assert "invalid value encountered in log" in warned
    assert printed.startswith("It printed, first: the mean is ")


def test_writing_into_the_input_costs_what_it_spoils():
    def careless(x, gamma, beta, eps=1e-5):
        y = BATCH_NORM.answer(x, gamma, beta, eps)
        x[:] = 0
        return y

    report = judge(KEY, careless)
    failed = {case.name: case.message for case in report.cases if not case.passed}
    assert "the call wrote into `x`" in failed["x is left as it was"]
    assert "read-only" in failed["transposed, strided and read-only arrays"]
    assert len(failed) == 3  # the third is a second call with the same x
    assert 0 < report.points < report.max_points


# The rules of diagnosis, on an exercise small enough to see through.


def scale(x, factor=1.0):
    return (x - x.mean()) * factor


def no_mean(x, factor=1.0):
    return x * factor


def no_factor(x, factor=1.0):
    return x - x.mean()


@pytest.fixture
def small(monkeypatch):
    def plain(rng):
        return {"x": rng.normal(5, 1, 4)}

    def scaled(rng):
        return {"x": np.array([-1.0, 1.0]), "factor": 3.0}

    exercise = Exercise(
        key="batch_norm.small",
        points=2,
        statement="Subtract the mean, then scale.",
        section="the-algorithm",
        reference=scale,
        answer=scale,
        run=call("y"),
        cases=(Case("plain", 0.5, plain), Case("scaled", 0.5, scaled)),
        misconceptions=(
            Misconception("no mean", "Something is not subtracted.", no_mean),
            Misconception("no factor", "What is factor for?", no_factor, "images"),
        ),
        equivalents=(),
        symptoms={"y": "Only y is wrong."},
    )
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {exercise.key: exercise})
    return exercise.key


@pytest.mark.parametrize(
    ("answer", "points", "diagnosis", "section"),
    [(no_mean, 1, "no mean", "the-algorithm"), (no_factor, 1, "no factor", "images")],
)
def test_an_answer_is_named_after_what_it_looks_like(
    small, answer, points, diagnosis, section
):
    report = judge(small, answer)
    assert (report.points, report.diagnosis) == (points, diagnosis)
    assert report.section == section


def test_a_diagnosis_runs_a_mistake_once_a_case(small, monkeypatch):
    calls = []

    def counted(x, factor=1.0):
        calls.append(factor)
        return no_mean(x, factor)

    exercise = judging.EXERCISES[small]
    twins = [Misconception(t, "Why?", counted) for t in ("no mean", "none of it")]
    exercise = replace(exercise, misconceptions=tuple(twins))
    monkeypatch.setitem(judging.EXERCISES, small, exercise)
    assert judge(small, no_mean).diagnosis == "no mean"
    assert len(calls) == len(twins) * len(exercise.cases)


def test_one_of_two_mistakes_is_named(small):
    report = judge(small, lambda x, factor=1.0: x)  # neither mean nor factor
    assert report.points == 0 and report.diagnosis in ("no mean", "no factor")


def test_without_a_likeness_the_wrong_outputs_speak(small):
    report = judge(small, lambda x, factor=1.0: x + 100)
    assert report.diagnosis is None and report.hint == "Only y is wrong."


def test_a_likeness_in_few_of_the_failed_cases_is_no_diagnosis(small, monkeypatch):
    """By accident, some wrong answer agrees with some misconception somewhere."""
    exercise = judging.EXERCISES[small]
    plain, scaled = exercise.cases
    other = [replace(plain, name=f"plain {i}", share=0.25) for i in range(2)]
    cases = (*other, replace(scaled, share=0.25), replace(plain, share=0.25))
    cases = cases[2], *other, cases[3]
    monkeypatch.setitem(judging.EXERCISES, small, replace(exercise, cases=cases))

    def another_mistake(x, factor=1.0):
        return x - x.max() + 1  # where x is −1 and 1, as if the factor were missing

    report = judge(small, another_mistake)
    assert report.points == 0
    assert report.diagnosis is None and report.hint == "Only y is wrong."


def test_a_mistake_that_would_show_where_the_answer_is_right_is_not_named(
    small, monkeypatch
):
    exercise = judging.EXERCISES[small]
    plain, scaled = (replace(case, share=0.25) for case in exercise.cases)
    others = [replace(scaled, name=f"scaled {i}") for i in range(2)]
    cases = (plain, scaled, *others)
    monkeypatch.setitem(judging.EXERCISES, small, replace(exercise, cases=cases))

    def right_when_scaled(x, factor=1.0):
        return scale(x, factor) if factor == 3 else np.zeros(4)

    zeros = Misconception("zeros", "Nothing is left.", lambda x, factor=1.0: x * 0)
    exercise = replace(exercise, cases=cases, misconceptions=(zeros,))
    monkeypatch.setitem(judging.EXERCISES, small, exercise)
    assert judge(small, right_when_scaled).diagnosis is None
    assert judge(small, zeros.implementation).diagnosis == "zeros"


def test_a_reference_that_fails_is_never_the_answers_fault(small, monkeypatch):
    def broken(rng):
        return {"x": None}

    exercise = replace(BATCH_NORM, cases=(Case("broken", 1.0, broken),))
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {KEY: exercise})
    with pytest.raises(
        RuntimeError, match=r"the reference of batch_norm\.forward rais"
    ):
        judge(KEY, scale)


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match=r"must sum to 1, got 0\.5"):
        replace(BATCH_NORM, cases=(Case("half", 0.5, scale),))


def test_float32_rounding_is_accepted_and_a_percent_is_not():
    def off_by(factor):
        return lambda *args: BATCH_NORM.answer(*args) * factor

    assert judge(KEY, off_by(1 + 1e-6)).points == BATCH_NORM.points
    assert judge(KEY, off_by(1.01)).points < 1


# Answers that are not compared as they are.


def exposing_input():
    return np.array([3.0, 1.0])


def _separates(outputs):
    """An input for which the largest and the last entry differ."""
    x = outputs["x"]
    if x.max() == x[-1]:
        raise Unusable(f"both give {x[-1]:g}")
    return {"separated": np.array(1.0)}


MEASURED = Exercise(
    key="batch_norm.forward",
    points=2,
    statement="Find an input.",
    section="the-algorithm",
    reference=exposing_input,
    answer=exposing_input,
    run=call("x"),
    measure=_separates,
    cases=(Case("separates right from wrong", 1, lambda rng: {}),),
    misconceptions=(
        Misconception(
            "a sorted input",
            "Which entry is last?",
            lambda: np.array([1.0, 2.0]),
            recognize=lambda outputs: bool((np.diff(outputs["x"]) > 0).all()),
        ),
    ),
    equivalents=(),
)


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {KEY: MEASURED})


def test_an_answer_is_judged_by_what_the_measure_makes_of_it(measured):
    report = judge(KEY, lambda: np.array([7.0, 0.5, 2.0]))  # not the reference's
    assert report.points == report.max_points == 2


def test_what_a_measure_says_is_the_message(measured):
    report = judge(KEY, lambda: np.array([2.0, 2.0]))
    assert report.points == 0
    assert report.cases[0].call == "`exposing_input()`"
    assert report.cases[0].message == "both give 2"
    assert report.diagnosis is None


def test_a_mistake_made_in_another_way_is_recognized(measured):
    assert judge(KEY, lambda: np.array([4.0, 8.0, 9.0])).diagnosis == "a sorted input"


def test_a_measure_or_a_recognizer_that_cannot_cope_ends_nothing(measured):
    report = judge(KEY, lambda: np.array(5.0))
    assert report.points == 0
    assert "raised IndexError" in report.cases[0].message


def test_what_a_case_keeps_reaches_the_measure_and_no_answer(monkeypatch):
    given = []

    def add(outputs, hidden):
        return {"sum": outputs["x"] + hidden}

    def answer(*args):
        given.append(args)
        return np.array(1.0)

    case = Case("kept", 1, lambda rng: dict(a=3.0, hidden=5.0), kept=("hidden",))
    keeps = replace(
        MEASURED, reference=lambda a: np.array(a - 1), measure=add, cases=(case,)
    )
    monkeypatch.setattr("normlib.check.judging.EXERCISES", {KEY: keeps})
    assert judge(KEY, lambda a: np.array(2.0)).points == 2
    assert "sum should be 7, yours is 6" in str(judge(KEY, answer))
    assert given == [(3.0,)]


@pytest.mark.parametrize("key", ["batch_norm.backward", "layer_norm.backward"])
def test_the_set_of_wrong_outputs_speaks_whatever_the_call(key):
    """Also where arrays lie otherwise in memory, or a call is the second."""
    exercise = EXERCISES[key]

    def too_large(*args, **kwargs):
        dx, *others = exercise.answer(*args, **kwargs)
        return (1.37 * dx, *others)

    report = judge(key, too_large, seed=0)
    assert report.diagnosis is None
    assert report.hint == exercise.symptoms["dx"]


@pytest.mark.parametrize("momentum", [0.01, 0.5, 0.9])
def test_a_momentum_that_no_mistake_has_is_asked_about(momentum):
    """Batch by batch, in eval mode and with the default; no two are the same."""
    exercise = EXERCISES["batch_norm.module"]

    class Kept(exercise.answer):
        def __init__(self, num_features, eps=1e-5, **_):
            super().__init__(num_features, eps, momentum)

    def kept(num_features, eps=1e-5, momentum=0.1):
        return Kept(num_features, eps)

    report = judge(exercise.key, kept, seed=0)
    assert report.diagnosis is None
    assert "Does the module use the momentum" in report.hint


def test_without_an_explanation_no_mistake_is_run_and_the_rest_is_the_same():
    def no_eps(x, gamma, beta, eps=1e-5):
        return gamma * (x - x.mean(axis=0)) / x.std(axis=0) + beta

    exercise = replace(BATCH_NORM, misconceptions=_Untouched())
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(judging.__dict__, "EXERCISES", {KEY: exercise})
        report = judge(KEY, no_eps, 0, explain=False)
    explained = judge(KEY, no_eps, 0)
    assert explained.diagnosis and report.diagnosis is None
    assert report.points == explained.points
    assert report.cases == explained.cases


class _Untouched(tuple):
    def __iter__(self):
        raise AssertionError("a mistake was looked at")


def test_a_question_says_which_numbers_are_not_right_and_not_what_they_should_be():
    (case,) = judge(
        "feature_scaling.hospitals", lambda: (3, 3, 1, 59 / 15, 3, 1), 0
    ).cases
    assert case.message == "not right yet: B, own statistics; the best fit"
