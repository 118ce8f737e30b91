"""An invented class: what its students hand in, drawn from a seed.

The released notebooks are read as text. Their answer cells are filled with what
the exercises know of right and of wrong answers, and some are spoiled the way
students spoil them. What was planted is written beside, so that a test can tell
what each submission deserves.
"""

import copy
import datetime
import json
import random
import shutil
from pathlib import Path

import nbformat

from normlib.check import EXERCISES
from normlib.check.cells import key_checked
from normlib.errors import CourseError
from normlib.grade.bridge.release import write_if_changed
from normlib.grade.sample_class.answers import SPOILERS, can_be_half_finished, pasted
from normlib.grade.sample_class.written_answers import WRITTEN_ANSWERS

GIVEN = (
    "ada aisha amara anders bao beatriz chiara dmitri elif emeka fatima freya gabriel "
    "hana ines ivan jamal jiho kavya kofi leila liam lucia mateo mei mikael nadia "
    "nikhil noor olga omar priya quentin rosa sara sofia tane tomasz yara yuki"
).split()
FAMILY = (
    "okafor rahman diallo lindqvist nguyen carvalho rossi volkov demir adeyemi haddad "
    "nielsen moreau sato fernandez petrov washington kim iyer mensah hosseini murphy "
    "gutierrez silva chen virtanen benali sharma khalil kowalczyk farouk menon dubois "
    "alvarez cohen papadopoulos ngata nowak mansour tanaka"
).split()

# A class of ten or more has each of these at least once.
KINDS = (
    "right",
    "misconception",
    "unwritten",
    *SPOILERS,
    "answer cell deleted",
    "answer cell copied",
    "graded cell deleted",
    "cells added",
)

SCRATCH = """x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
print(x.mean(axis=0), x.mean(axis=1))
x.mean(axis=2)"""


def write_sample_class(root: Path, students: int, seed: int, output: Path) -> None:
    """Write ``output/<student>/<assignment>/<topic>.ipynb`` for an invented class.

    ``output/planted.json`` says for each student, assignment and question what
    was planted there: its kind, and the style or the misconception's title.

    Parameters
    ----------
    root : Path
        The course, whose exercises/ are handed in.
    students : int
    seed : int
        The same seed gives the same bytes.
    output : Path
        May hold an earlier sample class, which is replaced.

    Raises
    ------
    CourseError
        When ``output`` holds anything else, when there are no exercises, or not
        enough names for so many students.
    """
    releases = {
        path.parent.name: (path.stem, nbformat.read(path, as_version=4))
        for path in sorted(root.glob("exercises/[!.]*/*.ipynb"))
    }
    if not releases:
        raise CourseError("no notebooks in exercises/; `make exercises` writes them")
    rng = random.Random(seed)
    class_ = _draw_class(rng, _names(rng, students), releases)
    _make_room(output, class_)
    told = json.dumps(class_, indent=1, ensure_ascii=False) + "\n"
    write_if_changed(output / "planted.json", told.encode())
    for student, assignments in class_.items():
        for assignment, planted in assignments.items():
            topic, release = releases[assignment]
            text = nbformat.writes(_fill(release, planted)) + "\n"
            folder = output / student / assignment
            write_if_changed(folder / f"{topic}.ipynb", text.encode())
            write_if_changed(folder / "timestamp.txt", _timestamp(rng).encode())


def _names(rng, students):
    """Given and family names; past the first forty students, they mix."""
    names = []
    for shift in range(len(FAMILY)):
        families = FAMILY[shift:] + FAMILY[:shift]
        pairs = [f"{g}.{f}" for g, f in zip(GIVEN, families, strict=True)]
        names += rng.sample(pairs, len(pairs))
    if students > len(names):
        raise CourseError(f"a class has at most {len(names)} students, got {students}")
    return sorted(names[:students])


def _draw_class(rng, students, releases):
    """Student -> assignment -> question -> what is planted there."""
    class_: dict[str, dict] = {}
    answers = []
    for student in students:
        class_[student], skill = {}, rng.uniform(0.3, 1)
        for assignment, (_, release) in releases.items():
            if class_[student] and rng.random() < 0.1:
                continue  # did not hand this one in
            planted = class_[student][assignment] = {}
            for question in _questions(release).values():
                if question in EXERCISES:
                    planted[question] = _plant(rng, question, _draw_kind(rng, skill))
                    answers.append((planted, question))
                else:
                    planted[question] = _plant_words(rng, question, skill)
    if len(students) >= 10:
        kinds = KINDS * (1 + len(students) // 40)
        places = rng.sample(answers, len(kinds))
        for kind, (planted, key) in zip(kinds, places, strict=True):
            planted[key] = _plant(rng, key, kind)
    return class_


def _questions(release):
    """grade_id of an answer cell -> exercise key, or the grade_id itself for words."""
    questions = {}
    for cell in release.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and meta["solution"]:
            questions[meta["grade_id"]] = meta["grade_id"]
        elif meta.get("grade"):
            questions[f"{meta['grade_id']}-answer"] = key_checked(cell.source)
    return questions


def _draw_kind(rng, skill):
    if rng.random() < skill:
        return "right"
    others = {"misconception": 6, "half-finished": 2, "unwritten": 2, "raises": 1}
    return rng.choices(list(others), others.values())[0]


def _plant(rng, key, kind):
    exercise = EXERCISES[key]
    if kind == "unwritten":
        return {"kind": kind}
    if kind == "misconception":
        return {"kind": kind, "title": rng.choice(exercise.misconceptions).title}
    styles = list(exercise.equivalents)
    if kind == "half-finished":
        styles = [style for style in styles if can_be_half_finished(style)]
    return {"kind": kind, "style": rng.choice(styles).__name__}


def _plant_words(rng, grade_id, skill):
    if grade_id not in WRITTEN_ANSWERS:
        raise ValueError(
            f"no answers to {grade_id!r} in normlib/grade/sample_class/written_answers"
        )
    qualities = [*WRITTEN_ANSWERS[grade_id], "blank"]  # the best comes first
    place = rng.triangular(0, 1, 1 - skill) * len(qualities)
    return {"kind": "in words", "quality": qualities[int(place)]}


def _fill(release, planted):
    """The notebook that is handed in."""
    notebook = copy.deepcopy(release)
    questions = _questions(release)
    notebook.cells = []
    for cell in copy.deepcopy(release.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        question = questions.get(grade_id) or questions.get(f"{grade_id}-answer")
        plan = planted.get(question, {"kind": ""})
        cells = [cell]
        if plan["kind"] == "in words":
            cell.source = WRITTEN_ANSWERS[question].get(plan["quality"], cell.source)
        elif grade_id in questions:
            cell.source = _answer(cell.source, question, plan)
            if plan["kind"] == "answer cell copied":
                cells.append(copy.deepcopy(cell))
                cells[-1].id += "-copy"
            elif plan["kind"] == "answer cell deleted":
                cells = []
            elif plan["kind"] == "cells added":
                new = nbformat.v4.new_code_cell(SCRATCH, id=f"{cell.id}-scratch")
                cells.append(new)
        elif plan["kind"] == "graded cell deleted":
            cells = []
        notebook.cells += cells
    return notebook


def _answer(stub, key, plan):
    """The source of an answer cell."""
    exercise = EXERCISES[key]
    if plan["kind"] == "unwritten":
        return stub
    if plan["kind"] == "misconception":
        known = {m.title: m.implementation for m in exercise.misconceptions}
        return pasted(stub, known[plan["title"]], exercise.name)
    known = {style.__name__: style for style in exercise.equivalents}
    source = pasted(stub, known[plan["style"]], exercise.name)
    return SPOILERS.get(plan["kind"], str)(source)


def _timestamp(rng):
    """Some time in the week before the deadline, mostly late."""
    deadline = datetime.datetime(2026, 3, 8, 23, 59, 59)
    left = datetime.timedelta(hours=min(rng.expovariate(1 / 20), 167))
    return f"{deadline - left:%Y-%m-%d %H:%M:%S.%f} UTC\n"


def _make_room(output, class_):
    """Remove what an earlier sample class left and this one has not."""
    if not output.exists() or not any(output.iterdir()):
        return
    if not (output / "planted.json").exists():
        raise CourseError(f"{output} holds something that is not a sample class")
    earlier = json.loads((output / "planted.json").read_text())
    for student, assignments in earlier.items():
        for assignment in assignments:
            if assignment not in class_.get(student, {}):
                shutil.rmtree(output / student / assignment, ignore_errors=True)
        if student not in class_:
            shutil.rmtree(output / student, ignore_errors=True)
