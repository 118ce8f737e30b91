"""Count what a class gets wrong in an assignment, from what is known of each answer."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean, quantiles

import normlib
from normlib.check.mistakes.document import sections
from normlib.check.report import section_title

_EXERCISES = Path(normlib.__file__).parent / "check/exercises"
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d+\.?\d*(?:e[-+]?\d+)?")
_NO_VALUES = "raised ", "returned None"  # how a report speaks of a case
_UNWRITTEN = "not written yet"  # of a case that reached what was left open
BARS = 10  # of the distribution of points


@dataclass
class Mistake:
    """One that several students made, of ``question``.

    ``kind`` is "mistake" if the catalog knows it; "unexplained" for answers that
    return the same wrong values and look like no known mistake; "unusable" for answers
    that could not be judged; and "unwritten".
    """

    kind: str
    question: str
    key: str
    title: str
    hint: str = ""
    section: str = ""
    anchor: str = ""
    lines: tuple[str, ...] = ()
    cases: tuple[tuple[str, str], ...] = ()
    who: list[str] = field(default_factory=list)


@dataclass
class Question:
    """How the class did in one exercise; ``waits`` counts what is yet to be marked."""

    id: str
    title: str
    most: float
    full: int = 0
    part: int = 0
    none: int = 0
    waits: int = 0
    mean: float | None = None


@dataclass
class Findings:
    name: str
    most: float
    students: int
    questions: list[Question]
    mistakes: list[Mistake]
    scores: list[float]
    bars: list[int]
    times: list[dict]
    notes: list[tuple[str, str]]

    def of(self, kind: str) -> list[Mistake]:
        return [mistake for mistake in self.mistakes if mistake.kind == kind]

    @property
    def middle(self) -> tuple[float, float, float]:
        """The quartiles of the points."""
        if len(self.scores) < 2:
            return (self.scores[0],) * 3
        low, middle, high = quantiles(self.scores, method="inclusive")
        return low, middle, high

    @property
    def mean(self) -> float:
        return mean(self.scores)


def find(name: str, assignment: dict) -> Findings:
    """What is found in one assignment of ``record.read``."""
    students = assignment["students"]
    scores = sorted(
        told["score"] - told["times"].get("penalty", 0) for told in students.values()
    )
    return Findings(
        name=name,
        most=assignment["most"],
        students=len(students),
        questions=[_question(q, students.values()) for q in assignment["questions"]],
        mistakes=_mistakes(assignment),
        scores=scores,
        bars=_bars(scores, assignment["most"]),
        times=[
            {"who": s, **told["times"]} for s, told in students.items() if told["times"]
        ],
        notes=[
            (student, note)
            for student, told in students.items()
            for note in filter(None, [told["failed"], *told["notes"]])
        ],
    )


def _question(question, students):
    found = Question(question["id"], question["title"], question["most"])
    given = [
        told["points"].get(found.id) for told in students if found.id in told["points"]
    ]
    marked = [points for points in given if points is not None]
    found.waits = len(given) - len(marked)
    found.full = sum(points >= found.most for points in marked)
    found.none = sum(points == 0 for points in marked)
    found.part = len(marked) - found.full - found.none
    found.mean = mean(marked) if marked else None
    return found


def _bars(scores, most):
    bars = [0] * BARS
    for score in scores:
        part = score / most if most else 0
        bars[min(max(int(BARS * part), 0), BARS - 1)] += 1
    return bars


def _mistakes(assignment):
    """The most frequent first; of the same number, in the order of the notebook."""
    found = {}
    order = {question["id"]: i for i, question in enumerate(assignment["questions"])}
    titles = {question["id"]: question["title"] for question in assignment["questions"]}
    for student, told in assignment["students"].items():
        for grade_id, report in told["reports"].items():
            if grade_id not in titles or report["points"] >= report["most"]:
                continue
            what = _alike(report)
            if (grade_id, *what) not in found:
                mistake = _mistake(titles[grade_id], what[0], report)
                found[grade_id, *what] = mistake
            found[grade_id, *what].who.append(student)
    ranked = sorted(
        found.items(), key=lambda pair: (-len(pair[1].who), order[pair[0][0]])
    )
    return [mistake for _, mistake in ranked]


def _alike(report):
    """Equal for two answers to a question that get the same wrong."""
    if report["diagnosis"]:
        return "mistake", report["diagnosis"]
    if report["failed"]:
        said = report["alike"] or [[name, ""] for name, _ in report["failed"]]
        if said[0][1] == _UNWRITTEN:
            return "unusable", _UNWRITTEN
        if said[0][1].startswith(_NO_VALUES):
            return "unusable", _rounded(said[0][1])
        return "unexplained", tuple((name, _rounded(text)) for name, text in said)
    if " is not written yet" in (report["hint"] or ""):
        return "unwritten", ""
    return "unusable", _rounded(report["hint"] or "")


def _rounded(text):
    """Without the digits in which two answers differ by rounding."""
    return _NUMBER.sub(lambda n: f"{float(n[0].replace('−', '-')):.3g}", text)


def _mistake(question, kind, report):
    key = report["key"]
    about = {"question": question, "key": key}
    section = {}
    if report["section"]:
        section = {
            "section": section_title(key, report["section"]),
            "anchor": report["section"],
        }
    hint = report["hint"] or ""
    if kind == "mistake":
        known = _catalog(key).get(report["diagnosis"], {})
        title = report["diagnosis"]
        return Mistake(kind, title=title, hint=hint, **about, **section, **known)
    if kind == "unexplained":
        said = report["alike"] or report["failed"]
        title, cases = "", tuple((name, text) for name, text in said)
        return Mistake(kind, title=title, hint=hint, cases=cases, **about, **section)
    title = "Not written" if kind == "unwritten" else hint
    if report["failed"]:
        name, says = report["alike"][0]
        title = "a part is missing" if says == _UNWRITTEN else f"in “{name}”, it {says}"
    return Mistake(kind, title=title, **about)


@cache
def _catalog(key):
    """Title of a mistake -> the lines that differ, without importing the exercise."""
    file = _EXERCISES / f"{key.replace('.', '/')}.md"
    if not file.exists():  # of an exercise that the course had once
        return {}
    found = sections(file.read_text("utf-8"), file.name)
    return {section.title: {"lines": tuple(section.lines)} for section in found}
