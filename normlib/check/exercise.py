"""What an exercise is: its reference, its cases, and the mistakes it expects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from normlib.check.mistakes import Kind, Misconception, Misconceptions, Recognizer
from normlib.check.running.protocol import Inputs, Outputs, Protocol


@dataclass(frozen=True)
class Case:
    """One thing an answer must do, and its share of the exercise's points.

    Parameters
    ----------
    name : str
        What the case shows, in words a learner understands.
    share : float
        Part of the exercise's points, between 0 and 1.
    inputs : callable
        ``rng -> dict`` of arguments; a case worked by hand ignores ``rng``.
    run : callable, optional
        A protocol to use instead of the exercise's own.
    tolerance : float
        Largest accepted error, relative to the largest expected magnitude.
        Float32 arithmetic passes the default.
    intact : bool
        Also require that the call leaves its inputs as they were.
    measure : callable, optional
        A measure to use instead of the exercise's own.
    alone : str
        The key of the mistake that is named when an answer fails in this case alone.
        What it returned is not compared: no two answers have the same noise.
    kept : tuple of str
        Names among the ``inputs`` that no answer is given, such as the right answers
        where these are drawn too. The measure gets them, by name.
    """

    name: str
    share: float
    inputs: Callable[[np.random.Generator], Inputs]
    run: Protocol | None = None
    tolerance: float = 1e-4
    intact: bool = False
    measure: Callable[..., Outputs] | None = None
    alone: str = ""
    kept: tuple[str, ...] = ()

    def draw(self, rng: np.random.Generator) -> tuple[Inputs, Inputs]:
        """The inputs of a call, and what is kept for the measure."""
        drawn = dict(self.inputs(rng))
        kept = {name: drawn.pop(name) for name in self.kept}
        return drawn, kept


@dataclass(frozen=True)
class Exercise:
    """An exercise: what is asked, how an answer is run, what is expected.

    ``answer`` is a right answer as a learner writes it, and the source of the
    solution in the notebook. ``equivalents`` are right answers in other styles. What
    people get wrong is written in Markdown, in a file beside the answer's and of the
    same name, as edits of these; ``misconceptions`` are those unless others are given.
    ``sections`` maps an anchor of the chapter to the keys of the mistakes that it
    explains better than ``section`` does, and ``recognize`` maps a key to what knows
    the mistake when it sees it, or tells an answer's mistake by itself: see
    ``Misconceptions``.

    ``reference`` says what is expected; it has the signature of the answer.
    ``run`` is a protocol, ``(implementation, inputs) -> {name: array}``. Where it is
    not the outputs themselves that are compared, ``measure`` makes of them what is;
    it may raise ``Unusable`` with a sentence for the report. Unless ``own_work`` is
    False, torch's own normalization is out of an answer's reach.
    ``symptoms`` maps the names of wrong outputs, such as ``"dgamma and dbeta"``, to a
    hint for answers that no misconception explains. ``section`` is the anchor in the
    chapter that explains the exercise. ``axes`` are their names in reports, for outputs
    that have as many. ``afterwards`` is what a report on full points adds: the reasons
    of a question that numbers answer.
    """

    key: str
    points: float
    statement: str
    section: str
    reference: Callable
    answer: Callable
    run: Protocol
    cases: tuple[Case, ...]
    misconceptions: Sequence[Misconception] = ()
    equivalents: tuple[Callable, ...] = ()
    symptoms: Mapping[str, str] = field(default_factory=dict, hash=False)
    measure: Callable[..., Outputs] | None = None
    own_work: bool = True
    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    recognize: Mapping[str, Recognizer] | Kind = field(default_factory=dict, hash=False)
    axes: tuple[str, ...] = ("sample", "channel", "row", "column")
    afterwards: str = ""

    def __post_init__(self):
        total = sum(case.share for case in self.cases)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of {self.key} must sum to 1, got {total:g}")
        if self.misconceptions == ():
            written = Misconceptions(
                self.answer, self.equivalents, self.sections, self.recognize
            )
            object.__setattr__(self, "misconceptions", written)  # it is frozen

    @property
    def name(self) -> str:
        """The name of the function or class that the learner writes."""
        return self.answer.__name__

    def hint_on(self, wrong: frozenset[str]) -> str | None:
        """The hint for an answer of which just these outputs are wrong."""
        for names, hint in self.symptoms.items():
            if set(names.split(" and ")) == wrong:
                return hint
        return None

    @property
    def topic(self) -> str:
        return self.key.partition(".")[0]
