"""`nbgrader export` in the forms that Canvas and Moodle import.

A file that the system exported before is filled in: it has the students and the
columns as the system knows them. What could not be put into it is said.
"""

import re
import sys
from pathlib import Path

from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Unicode

from normlib.errors import CourseError
from normlib.grade.files import harmless
from normlib.grade.lms.tables import Canvas, Moodle, Table, exported_by


class _LmsExportPlugin(ExportPlugin):
    template = Unicode(
        help="The CSV file that the system exported, which is filled in."
    ).tag(config=True)
    student_column = Unicode(
        help="Its column that holds the students' ids; by default SIS Login ID "
        "(Canvas) or Email address (Moodle)."
    ).tag(config=True)

    def export(self, gradebook):
        try:
            scores = self._scores(gradebook)
            most = {name: gradebook.find_assignment(name).max_score for name in scores}
            table = self._filled(scores, most)
            table.write(Path(self.to or "grades.csv"))
        except (CourseError, OSError) as error:
            self.log.error(str(error))
            sys.exit(1)
        self.log.info("Wrote %s", self.to or "grades.csv")

    def _scores(self, gradebook):
        """Assignment -> student -> points, as nbgrader's own plugin counts them."""
        known = [assignment.name for assignment in gradebook.assignments]
        only, scores = [str(student) for student in self.student], {}
        for name in self.assignment or known:
            if name not in known:
                there = ", ".join(known)
                raise CourseError(f"no assignment {name!r}; there are {there}")
            handed_in = gradebook.assignment_submissions(name)
            chosen = [s for s in handed_in if not only or s.student_id in only]
            if waiting := sum(s.needs_manual_grade for s in chosen):
                told = "%s: %d still to be marked by hand"
                self.log.warning(told, name, waiting)
            scores[name] = {
                s.student_id: max(0.0, s.score - s.late_submission_penalty)
                for s in chosen
            }
        return {name: points for name, points in scores.items() if points}

    def _system(self, kind):
        system = exported_by(Table.read(Path(self.template)), self.student_column)
        if not isinstance(system, kind):
            raise CourseError(f"{self.template} is not from {kind.__name__}")
        return system

    def _fill(self, system, column, points, most, worth):
        """Put points into a column; a cell without a submission stays as it is."""
        there = {student: row for row, student in system.students()}
        for student, score in points.items():
            if student in there:
                there[student][column] = _number(score)
            else:
                self.log.warning("Left out: %s is not in the table", student)
        try:
            worth = float(worth.replace(",", "."))
        except ValueError:
            return
        if worth != most:
            self.log.warning(
                "%s counts %g points where the notebook has %g: set it to these",
                *(system.table.header[column], worth, most),
            )


class CanvasExportPlugin(_LmsExportPlugin):
    """Fills in a gradebook exported from Canvas.

    Only the columns that are filled in are written, so that importing the file
    leaves all others as they are in Canvas by then.
    """

    columns = Dict(
        help="Assignment -> title of its column in Canvas, without the number behind "
        "it. By default the title is the assignment's name, or this without its number."
    ).tag(config=True)

    def _filled(self, scores, most):
        if not self.template:
            raise CourseError(
                "export the gradebook from Canvas, and name the file with "
                "--CanvasExportPlugin.template=FILE"
            )
        canvas = self._system(Canvas)
        table = canvas.table
        chosen = [*range(table.column("Section") + 1)]
        for name, points in scores.items():
            column = self._column(table, name)
            if column is not None:
                worth = [row[column] for row in table.rows if "Points Pos" in row[0]]
                self._fill(canvas, column, points, most[name], "".join(worth))
                chosen.append(column)
        if chosen[-1] == table.column("Section"):
            raise CourseError(f"{table.name} has a column for none of the assignments")
        text = 1 if table.header[0] == "Student" else 2
        rows = [
            [harmless(row[i]) if i < text else row[i] for i in chosen]
            for row in table.rows
        ]
        header = [table.header[i] for i in chosen]
        return Table(table.name, header, rows, table.delimiter, table.bom)

    def _column(self, table, assignment):
        wanted = self.columns.get(assignment)
        titles = {_plain(wanted or assignment)}
        if not wanted:
            titles.add(_plain(re.sub(r"^\d+_", "", assignment)))
        found = [
            i
            for i, title in enumerate(table.header)
            if _plain(re.sub(r" \(\d+\)$", "", title)) in titles
        ]
        if len(found) > 1:
            raise CourseError(f"{table.name} has {len(found)} columns for {assignment}")
        if not found:
            self.log.warning(
                "Left out: no column of %s has the title %r; "
                "CanvasExportPlugin.columns can name another",
                *(table.name, wanted or assignment),
            )
        return found[0] if found else None


class MoodleExportPlugin(_LmsExportPlugin):
    """Fills in the grading worksheet of one assignment.

    Without a worksheet it writes a file for the gradebook's own import, with a
    column for each assignment.
    """

    grade_column = Unicode(
        "Grade", help="The worksheet's column for the points, in the site's language."
    ).tag(config=True)

    def _filled(self, scores, most):
        if not self.template:
            return self._all(scores)
        if len(scores) != 1:
            raise CourseError(
                "a worksheet is of one assignment; choose it with --assignment NAME"
            )
        ((name, points),) = scores.items()
        moodle = self._system(Moodle)
        column = moodle.table.column(self.grade_column)
        worths = {row[column + 1] for row in moodle.table.rows}  # the maximum grade
        self._fill(moodle, column, points, most[name], worths.pop())
        moodle.table.rows = [
            [harmless(cell) if i == 1 else cell for i, cell in enumerate(row)]
            for row in moodle.table.rows
        ]
        return moodle.table

    def _all(self, scores):
        column = self.student_column or Moodle.student_column
        students = sorted({student for points in scores.values() for student in points})
        rows = [
            [student, *(_number(points.get(student)) for points in scores.values())]
            for student in students
        ]
        return Table("", [column, *scores], rows)


def _number(score):
    return "" if score is None else f"{round(score, 2):g}"


def _plain(title):
    return "".join(sign for sign in title.casefold() if sign.isalnum())
