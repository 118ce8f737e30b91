"""The page that an instructor opens before a lecture, and the same as a table."""

import csv
import hashlib
import io
from pathlib import Path

from normlib.check.report import markup
from normlib.errors import CourseError
from normlib.grade import templates
from normlib.grade.bridge.course import Course
from normlib.grade.class_page import record
from normlib.grade.class_page.findings import Findings, find
from normlib.grade.files import harmless, printable, write_atomically

SHOWN = 5  # mistakes of an assignment; the others are a line each
LIMIT = 8  # lines of a list that is not folded
_PAGE, _COMPARISON = "class.html", "comparison.html"
_HEAD = "assignment exercise kind mistake students of hint section who".split()


def write(course: Course, graded) -> list[Findings]:
    """Keep what a run has found; write ``_build/class/``; returns the findings."""
    known = record.update(course, graded)
    found = [find(name, assignment) for name, assignment in known.items()]
    page, table = _folder(course) / "index.html", _folder(course) / "mistakes.csv"
    made_of = record.path(course).read_bytes() + course.book.encode()
    digest = hashlib.sha256(made_of + templates.text((_PAGE,))).hexdigest()
    stamp = f"<!-- {digest} -->\n"
    if not (table.exists() and page.exists() and page.read_text().endswith(stamp)):
        write_atomically(table, _table(found).encode())
        text = templates.render(_PAGE, found=found, book=course.book, **_WORDS)
        write_atomically(page, f"{text}\n{stamp}".encode())
    return found


def _folder(course):
    return record.path(course).parent


def frequent(found: Findings, most: int = 3) -> list[str]:
    """The mistakes that most students made, each in a line."""
    mistakes = [m for m in found.mistakes if m.kind in ("mistake", "unexplained")]
    return [
        f"{_counted(len(mistake.who))}, {mistake.question}: {title_of(mistake)}"
        for mistake in mistakes[:most]
    ]


def title_of(mistake) -> str:
    """What a mistake is, where it has no name."""
    if mistake.kind == "unexplained":
        case, says = mistake.cases[0]
        return f"not explained; in “{case}”, {says}".replace("`", "")
    return mistake.title.rstrip(".").replace("`", "")


def _counted(n, what="student"):
    return f"{n} {what}" + ("s" if n != 1 else "")


def _table(found):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for assignment in found:
        for mistake in assignment.mistakes:
            row = assignment.name, mistake.question, mistake.kind, title_of(mistake)
            n, of = len(mistake.who), assignment.students
            who = harmless(", ".join(map(printable, mistake.who)))
            hint = harmless(printable(mistake.hint, 500))
            writer.writerow([*row, n, of, hint, mistake.section, who])
    return text.getvalue()


def compare(course: Course, before: Path, after: Path) -> Path:
    """Write a page on two files of ``record``; returns where it is.

    Raises
    ------
    CourseError
        When a file is something else, or the two have no assignment in common.
    """
    old, new = record.read(before), record.read(after)
    common = [name for name in new if name in old]
    if not common:
        raise CourseError(f"{before} and {after} have no assignment in common")
    pairs = [(find(name, old[name]), find(name, new[name])) for name in common]
    compared = [_compared(*pair) for pair in pairs]
    files = {"before": printable(str(before), 200), "after": printable(str(after), 200)}
    text = templates.render(_COMPARISON, found=compared, **files, **_WORDS)
    path = _folder(course) / _COMPARISON
    write_atomically(path, text.encode())
    return path


def _compared(before, after):
    def shares(found):
        return {
            (m.key, title_of(m)): (len(m.who) / found.students, m.question)
            for m in found.mistakes
            if m.kind == "mistake"
        }

    was, now = shares(before), shares(after)
    mistakes = [
        {
            "question": (now.get(what) or was[what])[1],
            "title": what[1],
            "before": was.get(what, (0,))[0],
            "after": now.get(what, (0,))[0],
        }
        for what in was | now
    ]
    mistakes.sort(key=lambda m: (m["after"] - m["before"], m["title"]))
    means = {question.id: question for question in before.questions}
    questions = [(means[q.id], q) for q in after.questions if q.id in means]
    return {
        "name": after.name,
        "before": before,
        "after": after,
        "questions": questions,
        "mistakes": mistakes,
    }


def duration(seconds):
    """``1 day 3 hours``, ``25 minutes``: the two largest units."""
    minutes = max(1, round(seconds / 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    units = (days, "day"), (hours, "hour"), (minutes, "minute")
    return " ".join([_counted(n, unit) for n, unit in units if n][:2])


def _marked_up(text):
    from markupsafe import Markup

    return Markup(markup(text))


def _people(names):
    return ", ".join(map(printable, names))


def _lines(mistake):
    """The lines of an edit, each with its kind, for a page in color."""
    kinds = {"+": "ins", "-": "del"}
    return [(kinds.get(line[:1], ""), line) for line in mistake.lines]


_WORDS = {
    "shown": SHOWN,
    "limit": LIMIT,
    "counted": _counted,
    "duration": duration,
    "marked_up": _marked_up,
    "people": _people,
    "lines": _lines,
    "title_of": title_of,
}
