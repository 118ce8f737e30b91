"""Judge an answer: draw inputs, run it beside the reference, compare, diagnose."""

import inspect
import math
import re
import secrets
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np

from normlib.check.exercise import Case
from normlib.check.exercises import EXERCISES
from normlib.check.rearranged import WAYS
from normlib.check.report import CaseResult, Report, describe_call, number, place
from normlib.check.running.in_process import InProcess
from normlib.check.running.observing import Observation, Refused, observe

NEARLY = 0.05  # of an error: less does not make it another mistake


def judge(
    key: str,
    implementation,
    seed: int | None = None,
    observe_answer=None,
    explain: bool = True,
) -> Report:
    """Run ``implementation`` on the cases of exercise ``key`` and report.

    Parameters
    ----------
    key : str
        A key of ``EXERCISES``, such as ``"batch_norm.forward"``.
    implementation : callable
        The learner's function or class.
    seed : int, optional
        Repeats the inputs of the report with that ``seed``; fresh ones without.
    observe_answer : callable
        Runs the answer; a grader's does so in another process. By default it runs
        here, as ``InProcess`` does.
    explain : bool
        Look for the mistake that the answer looks like; without, no mistake is run.

    Raises
    ------
    KeyError
        When there is no such exercise.
    """
    exercise = EXERCISES[key]
    seed = secrets.randbits(32) if seed is None else seed
    observe_answer = observe_answer or InProcess()
    trials = [
        _Trial(exercise, case, implementation, [seed, i], observe_answer)
        for i, case in enumerate(exercise.cases)
    ]
    if trials[0].received.unwritten:
        return Report.without_cases(
            exercise,
            f"`{exercise.name}` is not written yet. Replace "
            "`raise NotImplementedError()` in the cell above by your code, "
            "run that cell, then this one.",
            seed,
        )
    known = exercise.misconceptions if explain else ()
    title, hint, section, shown = _diagnose(exercise, trials, known)
    return Report(
        key=key,
        points=_points(exercise, [t.case for t in trials if not t.difference]),
        max_points=exercise.points,
        cases=_results(trials),
        diagnosis=title,
        hint=hint,
        section=section,
        notes=_notes(exercise, trials),
        seed=seed,
        shown=shown,
    )


class _Trial:
    """One case: its inputs, what the reference gave, and what came back."""

    def __init__(self, exercise, case, implementation, seed, observe_answer):
        self.case = case
        self._exercise = exercise
        self.run = case.run or exercise.run
        self.inputs, self.kept = case.draw(np.random.default_rng(seed))
        self.expected = self._measured(
            observe(self.run, exercise.reference, self.inputs)
        )
        if self.expected.outputs is None:  # the exercise's defect, not the answer's
            raise RuntimeError(
                f"the reference of {exercise.key} {self.expected.problem}"
            )
        self.answered = observe_answer(
            self.run, implementation, self.inputs, exercise.own_work
        )
        self.received = self._measured(self.answered)
        self.difference, self.wrong = difference(
            self.received, self.expected, case, exercise.axes
        )
        self._likenesses = {}

    def put_right(self, way) -> bool:
        """Whether the outputs are right once ``way`` has rearranged them."""
        received, expected = self.received.outputs, self.expected.outputs
        if not self.wrong or received is None or received.keys() != expected.keys():
            return False
        return all(
            any(
                _agree(array, want, self.case.tolerance)
                for array in (received[name], *way(received[name], want))
            )
            for name, want in expected.items()
        )

    @property
    def lengths_of_axes(self) -> int:
        """How many there are in the expected shape, where that is not what came back.

        The more there are, the more the two shapes side by side say.
        """
        pairs = (
            (self.received.outputs[n].shape, self.expected.outputs[n].shape)
            for n in self.wrong
        )
        return max((len(set(want)) for got, want in pairs if got != want), default=0)

    @property
    def call(self) -> str:
        """The call, in words."""
        if self.run.describe:
            return self.run.describe(self._exercise.name, self.inputs)
        signature = inspect.signature(self._exercise.reference)
        return describe_call(self._exercise.name, self.inputs, signature)

    def like(self, misconception) -> bool:
        """Whether the answer looks like the misconception, in this case."""
        if misconception not in self._likenesses:  # a diagnosis asks again
            self._likenesses[misconception] = self._like(misconception)
        return self._likenesses[misconception]

    def _like(self, misconception):
        if misconception.recognize:
            return self._recognized(misconception.recognize)
        nothing = self.received.outputs is None
        if nothing and not fails(misconception, self._exercise, self.case):
            return False
        wrong = self._measured(
            observe(self.run, misconception.implementation, self.inputs)
        )
        if self.received.outputs is None or wrong.outputs is None:
            return self.received.fails_like(wrong)
        return self._wrong_alike(wrong)

    def _wrong_alike(self, wrong):
        """Whether the answer errs as ``wrong`` does: to rounding, or nearly as far.

        An eps of 1e-3 in place of the argument is the mistake that one of 1e-5 is.
        """
        if agree(self.received, wrong, self.case):
            return True
        if self.case.intact or wrong.outputs.keys() != self.received.outputs.keys():
            return False
        received, expected = self.received.outputs, self.expected.outputs
        return all(
            _agree(received[name], output, self.case.tolerance)
            or _nearly(received[name], output, expected.get(name, np.empty(0)))
            for name, output in wrong.outputs.items()
        )

    def _recognized(self, recognize):
        outputs = self.answered.outputs
        if outputs is None or self.received.kind == Refused.__name__:
            return False
        # Observed, because outputs of an unforeseen shape may make it raise or warn.
        found = observe(lambda f, _: {"": np.array(f(outputs))}, recognize, {})
        return found.outputs is not None and bool(found.outputs[""])

    def _measured(self, observed):
        return _measured(
            observed, self.case.measure or self._exercise.measure, self.kept
        )


def _measured(observed, measure, kept):
    """What was observed, with what the measure makes of its outputs."""
    if measure is None or observed.outputs is None:
        return observed
    found = observe(lambda measure, _: measure(observed.outputs, **kept), measure, {})
    return replace(
        observed,
        outputs=found.outputs,
        problem=found.problem,
        kind=found.kind,
        said=found.said,
    )


@cache
def fails(misconception, exercise, case, seed=0) -> bool:
    """Whether the misconception brings back nothing in this case.

    It does so with every seed or with none. So it is found out once, and need not be
    run beside each answer that raises an error.
    """
    inputs, kept = case.draw(np.random.default_rng(seed))
    seen = observe(case.run or exercise.run, misconception.implementation, inputs)
    return _measured(seen, case.measure or exercise.measure, kept).outputs is None


def difference(
    received: Observation,
    expected: Observation,
    case: Case,
    axes: tuple[str, ...] = (),
) -> tuple[str, frozenset[str]]:
    """The first difference as a sentence, and the names of all wrong outputs.

    The sentence names a place by the names of the outputs' ``axes``.
    Both empty when the two observations agree. An answer that brought back nothing
    agrees with no expectation, whatever it says about the reason.
    """
    if received.outputs is None:
        why = received.problem or "returned nothing that can be compared"
        return why, frozenset()
    if case.intact and received.changed != expected.changed:
        names = ", ".join(f"`{name}`" for name in received.changed) or "no input"
        return f"the call wrote into {names}, which the caller still needs", frozenset()
    sentences, wanted = {}, expected.outputs or {}
    for name, want in wanted.items():
        if name not in received.outputs:
            sentences[name] = f"there is no {name}"
        else:
            got, tolerance = received.outputs[name], case.tolerance
            if sentence := _compare(name, got, want, tolerance, axes):
                sentences[name] = sentence
    for name in received.outputs:
        if name not in wanted:
            sentences[name] = f"{name} is there and should not be"
    if case.intact and sentences:  # the values have cases of their own
        return "counts once the result is right", frozenset(sentences)
    return next(iter(sentences.values()), ""), frozenset(sentences)


def agree(received: Observation, expected: Observation, case: Case) -> bool:
    """Whether there is no ``difference``, without putting one into words.

    A diagnosis compares with one mistake after the other, and most of them differ.
    """
    got, wanted = received.outputs, expected.outputs or {}
    if got is None or (case.intact and received.changed != expected.changed):
        return False
    return got.keys() == wanted.keys() and all(
        _agree(got[name], want, case.tolerance) for name, want in wanted.items()
    )


def _agree(got, want, tolerance):
    if got.shape != want.shape or got.dtype.kind not in "fiub":
        return False
    return bool(_close(got, want, tolerance)[0].all())


def _close(got, want, tolerance):
    """Where the two agree, as ``np.isclose`` says, and the scale of what is wanted."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    with np.errstate(invalid="ignore"):
        scale = np.abs(want).max(initial=0.0)
        if not np.isfinite(scale):
            scale = np.abs(want[np.isfinite(want)]).max(initial=0.0)
        scale = scale or 1.0
        close = np.abs(got - want) <= tolerance * scale
        if not close.all():  # what is not finite has no distance
            close |= (got == want) | (np.isnan(got) & np.isnan(want))
    return close, scale


def _compare(name, got, want, tolerance, axes):
    if got.shape != want.shape:
        return f"{name} should have shape {want.shape}, yours has {got.shape}"
    if got.dtype.kind not in "fiub":
        return f"{name} should hold real numbers, yours is of type {got.dtype}"
    close, scale = _close(got, want, tolerance)
    if close.all():
        return ""
    got, want = got.astype(np.float64), want.astype(np.float64)
    at = _worst(got, want, close)
    pair = want[at], got[at]
    nothing = 1e-5 * scale  # what rounding, or eps, leaves of an exact 0
    shown = [0.0 if abs(v) < nothing else v for v in pair]
    should, yours = number(*(shown if any(shown) else pair))
    return f"{name}{place(at, axes)} should be {should}, yours is {yours}"


def _nearly(got, wrong, want):
    """Whether ``got`` is wrong as ``wrong`` is, but for a small part of the error."""
    if not got.shape == wrong.shape == want.shape:
        return False
    with np.errstate(invalid="ignore"):
        error = np.abs(wrong - want).max()
        return np.isfinite(error) and np.abs(got - wrong).max() <= NEARLY * error


def _worst(got, want, close):
    """Where the error is largest, or the first place of those about as bad.

    A mistake that only shows in one column or channel is quoted from there.
    """
    with np.errstate(invalid="ignore"):
        error = np.abs(got - want)
    error = np.where(close, 0, np.where(np.isfinite(error), error, np.inf))
    bad = error >= 0.9 * error.max()
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _diagnose(exercise, trials, known):
    """Which of the ``known`` misconceptions the answer looks like, if any.

    Returns title, hint, section, and the name of the failed case that shows it best.

    The first failed case that looks like any decides which can be meant. Among
    them, the one that fits most of the failed cases (an answer with two mistakes
    fits each of them in some), then the one that also passes where the answer
    passed. When that is by accident, the next case decides. When none fits anywhere,
    the set of wrong outputs may still speak.
    """
    failed = [trial for trial in trials if trial.difference]
    passed = [trial for trial in trials if not trial.difference]
    doubted = []
    for i, trial in enumerate(failed):
        meant = [m for m in known if m not in doubted and trial.like(m)]
        if not meant:
            continue
        # The cases before this one look like none of them, this one like all.
        best = _most(meant, failed[i + 1 :], passed)
        if not _by_accident(best, failed, passed):
            section = best.section or exercise.section
            return best.title, best.hint, section, trial.case.name
        doubted += meant
    if len(failed) == 1 and (alone := _alone(failed[0], known)):
        section = alone.section or exercise.section
        return alone.title, alone.hint, section, failed[0].case.name
    valued = [t for t in failed if t.received.outputs is not None]
    ways = {hint: [t for t in valued if t.put_right(way)] for hint, way in WAYS.items()}
    hint, right = max(ways.items(), key=lambda way: len(way[1]))
    if right and 3 * len(right) >= len(valued):
        shown = max(right, key=lambda t: t.lengths_of_axes)
        return None, hint, exercise.section, shown.case.name
    wrong = _plainly_named(frozenset().union(*(t.wrong for t in failed)), trials)
    # Two numbers side by side say more than that a call failed or came back misshapen.
    shown = next((t.case.name for t in valued if t.wrong), "")
    return None, exercise.hint_on(wrong), exercise.section, shown


def _plainly_named(wrong, trials):
    """Wrong outputs, not told apart by call.

    "dx of transposed arrays" is dx, "running_mean after batch 2" the running mean.
    """
    known = {name for trial in trials for name in trial.expected.outputs}
    plain = {name: re.split(" of | after ", name)[0] for name in wrong}
    return frozenset(p if p in known else name for name, p in plain.items())


def _alone(trial, known):
    """The mistake that an answer has made that fails in this case and in no other.

    Not when it raised or brought back a wrong shape: then it is something else.
    """
    received, expected = trial.received.outputs, trial.expected.outputs
    shapes = [{n: a.shape for n, a in (o or {}).items()} for o in (received, expected)]
    if known and trial.case.alone and shapes[0] == shapes[1]:
        return next(m for m in known if m.key == trial.case.alone)


def _most(misconceptions, *groups):
    """The one that fits most trials of the first group, else of the next; or the first.

    If there is only one, it is not run for that.
    """
    for trials in groups:
        if len(misconceptions) > 1:
            fits = [sum(t.like(m) for t in trials) for m in misconceptions]
            found = zip(misconceptions, fits, strict=True)
            misconceptions = [m for m, n in found if n == max(fits)]
    return misconceptions[0]


def _fits(misconception, trials, least):
    """Whether it fits at least ``least`` of the trials.

    No more of them are asked than needed, since each runs the misconception.
    """
    fitting = (t for t in trials if t.like(misconception))
    return sum(1 for _ in islice(fitting, least)) == least


def _by_accident(misconception, failed, passed):
    """Whether too little speaks for a misconception, or more against it.

    It should fit a third of the cases with values of their own; and not fail, in more
    cases than it fits, where the answer is right. To raise the same error, or to be
    refused for the same reason, does not count as a fit here. A misconception that
    recognizes outputs says nothing about right ones.
    """
    valued = [t for t in failed if not (t.case.intact and t.wrong)]
    if not _fits(misconception, failed, math.ceil(len(valued) / 3)):
        return True
    if misconception.recognize:
        return False
    brought = [t for t in failed if t.received.outputs is not None]
    alike = _fits(misconception, brought, 1)
    if alike and _fits(misconception, failed, len(passed)):
        return False  # as many as there are cases that could speak against it
    against = sum(not t.like(misconception) for t in passed)
    return against > 0 and not (alike and _fits(misconception, failed, against))


def _results(trials):
    return tuple(
        CaseResult(t.case.name, False, t.difference, t.call)
        if t.difference
        else CaseResult(t.case.name, True)
        for t in trials
    )


def _points(exercise, passed):
    # Exactly: a sum that is rounded on its way differs between versions of Python.
    return round(exercise.points * math.fsum(case.share for case in passed), 2)


def _notes(exercise, trials):
    """What the learner should know, and what costs nothing."""
    notes = []
    warned = dict.fromkeys(w for t in trials for w in t.received.warned)
    if warned:
        listed = "; ".join(list(warned)[:3])
        notes.append(f"While it ran, Python warned: {listed}. That costs no points.")
    printed = next((t.received.printed for t in trials if t.received.printed), "")
    if printed:
        line = printed.strip().split("\n")[0][:80]
        notes.append(f"It printed, first: {line}. That costs no points.")
    changed = dict.fromkeys(n for t in trials for n in t.received.changed)
    if changed and not any(t.case.intact and t.difference for t in trials):
        names = ", ".join(f"`{n}`" for n in changed)
        notes.append(f"It wrote into {names}, which the caller still needs.")
    if exercise.afterwards and not any(t.difference for t in trials):
        notes.append(exercise.afterwards)
    return tuple(notes)
