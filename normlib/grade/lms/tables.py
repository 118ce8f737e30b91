"""What Canvas and Moodle export: a table of the students, and names of files.

In a ZIP file of submissions, whose a file is stands in its name, and students write
part of that name. So it is read together with the table from the same system: a
name alone cannot pass off somebody's file as somebody else's.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from normlib.errors import CourseError


@dataclass
class Table:
    """A CSV file as it was exported, to be written in the same way."""

    name: str
    header: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    bom: bool = False  # a byte order mark, by which spreadsheets know UTF-8

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Raises ``CourseError`` when it is something else."""
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise CourseError(
                f"{path.name} should be in UTF-8, as it was exported; was it saved by "
                "a spreadsheet?"
            ) from None
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        rows = [row for row in rows if any(row)]
        if not rows:
            raise CourseError(f"{path.name} is empty")
        header, *rows = rows
        # A spreadsheet leaves out what is empty at the end of a line.
        rows = [row + [""] * (len(header) - len(row)) for row in rows]
        bom = data.startswith(b"\xef\xbb\xbf")
        return cls(path.name, header, rows, delimiter, bom)

    def column(self, name: str) -> int:
        """The place of a column; ``CourseError`` when there is none of that name."""
        if name not in self.header:
            there = ", ".join(self.header)
            raise CourseError(f"{self.name} has no column {name!r}; it has {there}")
        return self.header.index(name)

    def write(self, path: Path) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter)
        writer.writerows([self.header, *self.rows])
        path.write_bytes(text.getvalue().encode("utf-8-sig" if self.bom else "utf-8"))


@dataclass(frozen=True)
class Owned:
    """Whose a file is. Of two, the one with the larger ``order`` came later."""

    student: str
    file: str
    order: int = 0
    late: bool = False


class Ambiguous(Exception):
    """It cannot be said whose a file is, and is not guessed."""


@dataclass
class Canvas:
    """A gradebook exported from Canvas, and the names in its ZIP files.

    ``okaforada_LATE_4711_90017_feature_scaling-1.ipynb``: the name by which the
    student is sorted, maybe that it came late, the numbers of the student and of the
    file, and the file's own name, to which Canvas adds -1 when it is handed in again.
    """

    table: Table
    student_column: str = "SIS Login ID"
    _students: dict = field(init=False)

    def __post_init__(self):
        number = self.table.column("ID")
        name, until = (0, 1) if self.table.header[0] == "Student" else (0, 2)
        self._students = _by_key(
            (
                ((_letters("".join(row[name:until])), row[number]), student)
                for row, student in self.students()
            ),
            self.table.name,
        )

    @staticmethod
    def exported(table: Table) -> bool:
        return table.header[0] in ("Student", "LastName") and "ID" in table.header

    def students(self) -> list[tuple[list[str], str]]:
        """The rows of students, each with the student's id."""
        number = self.table.column("ID")
        place = self.table.column(self.student_column)
        found = [(r, r[place]) for r in self.table.rows if r[number].isdecimal()]
        return _each_once(found, self.table.name)

    def owner(self, path: str) -> Owned | None:
        """Who handed in a file; None if no student did. Raises ``Ambiguous``."""
        parts, found = path.rpartition("/")[2].split("_"), set()
        # A student's name may end like a number, and the file's begin like one.
        for i in range(1, len(parts) - 2):
            number, file, name = parts[i], parts[i + 1], "_".join(parts[i + 2 :])
            for late in (False, True) if parts[i - 1].upper() == "LATE" else (False,):
                who = _letters("".join(parts[: i - late])), number
                if who in self._students and file.isdecimal():
                    found.add(Owned(self._students[who], name, int(file), late))
        return _only(found)


@dataclass
class Moodle:
    """A grading worksheet of a Moodle assignment, and the names in its ZIP file.

    ``Ada Okafor_1288_assignsubmission_file_/feature_scaling.ipynb``, or the same
    without a folder. The number belongs to the student in this assignment alone; the
    worksheet calls it ``Participant 1288``, in the site's language.
    """

    table: Table
    student_column: str = "Email address"
    _students: dict = field(init=False)

    def __post_init__(self):
        # By number: the id, and the names that Moodle may use in a ZIP file. The second
        # is for work that is marked blind.
        self._students = _by_key(
            (
                (
                    _NUMBER.findall(row[0])[-1],
                    (student, {_letters(row[1]), _letters(_NUMBER.sub("", row[0]))}),
                )
                for row, student in self.students()
            ),
            self.table.name,
        )

    @staticmethod
    def exported(table: Table) -> bool:
        return bool(table.rows) and all(
            re.search(r"\D\d+$", row[0]) for row in table.rows
        )

    def students(self) -> list[tuple[list[str], str]]:
        """The rows, each with the student's id."""
        place = self.table.column(self.student_column)
        found = [(row, row[place]) for row in self.table.rows]
        return _each_once(found, self.table.name)

    def owner(self, path: str) -> Owned | None:
        """Who handed in a file; None if no student did. Raises ``Ambiguous``."""
        parts = path.split("/")
        # Moodle's own part is the first; what follows is named by the student.
        place = next((i for i, p in enumerate(parts) if _MOODLES in p), None)
        if place is None:
            return None
        part, found = parts[place], set()
        at = part.find(_MOODLES)
        while at >= 0:
            name, _, number = part[:at].rpartition("_")
            rest = part[at + len(_MOODLES) :]
            whole = rest in ("", "_") if place < len(parts) - 1 else rest[:1] == "_"
            if whole and self._is(name, number):
                file = parts[-1] if place < len(parts) - 1 else rest[1:]
                found.add(Owned(self._students[number][0], file))
            at = part.find(_MOODLES, at + 1)
        return _only(found)

    def _is(self, name, number):
        """Whether a student of that number has that name, maybe after a group's."""
        if number not in self._students:
            return False
        starts = [0, *(i + 1 for i, sign in enumerate(name) if sign == "-")]
        return any(_letters(name[i:]) in self._students[number][1] for i in starts)


_MOODLES = "_assignsubmission_file"
_NUMBER = re.compile(r"\d+$")


def _only(found):
    """The one of ``found``, or None: a name may be made to look like another's."""
    if len(found) > 1:
        whose = ", ".join(sorted({owned.student for owned in found}))
        raise Ambiguous(f"can be read in {len(found)} ways, as a file of {whose}")
    return next(iter(found), None)


def _by_key(pairs, table):
    found = {}
    for key, student in pairs:
        if key in found:
            raise CourseError(f"{table}: two students are called {key!r}")
        found[key] = student
    return found


def _letters(name):
    """Canvas leaves out other signs, and not the same in each version."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _each_once(students, table):
    """Ids become names of folders, and points go by them."""
    seen = set()
    for _, student in students:
        if not student or "/" in student or student.startswith("."):
            why = f"{student!r} cannot be the id of a student"
        elif student in seen:
            why = f"two students have the id {student!r}"
        else:
            seen.add(student)
            continue
        raise CourseError(f"{table}: {why}; choose another column as student_column")
    return students


def exported_by(table: Table, student_column: str = "") -> Canvas | Moodle:
    """The system that the table comes from, by its form."""
    for system in (Canvas, Moodle):
        if system.exported(table):
            return system(table, student_column or system.student_column)
    raise CourseError(
        f"{table.name} is neither a gradebook exported from Canvas nor a grading "
        "worksheet from Moodle"
    )
