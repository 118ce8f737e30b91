"""Points reach Canvas and Moodle as they are in the gradebook; nobody is lost."""

import csv
import io
import re
import shutil
import warnings
import zipfile

import pytest

from normlib.check import EXERCISES
from normlib.grade import classroom
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.lms.tables import Table
from tests.grade import apps

SCALING, BATCH = "01_feature_scaling", "02_batch_norm"
# Two graded cells: what the checks gave, and what somebody gave by hand.
POINTS = {
    ("ada", SCALING): (13, 3.5),
    ("joerg", SCALING): (11.25, 2),
    ("zoe", SCALING): (1, 0.125),
    ("gone", SCALING): (8, 1),
    ("ada", BATCH): (20.5, 4),
    ("zoe", BATCH): (0, 0),
}
LATE = {("joerg", SCALING): 3, ("zoe", SCALING): 5}  # points taken off
MOST = {SCALING: (15, 4), BATCH: (27, 4)}


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    """A course whose gradebook has these points."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copy(root / "nbgrader_config.py", folder)
    (folder / "_build").mkdir()
    with (
        warnings.catch_warnings(action="ignore"),
        gradebook.opened(Course(folder)) as book,
    ):
        for name, most in MOST.items():
            book.add_assignment(name)
            book.add_notebook("work", name)
            for cell, points in zip(("checked", "words"), most, strict=True):
                kind = {"max_score": points, "cell_type": "code"}
                book.add_grade_cell(cell, "work", name, **kind)
        for (student, name), points in POINTS.items():
            book.update_or_create_student(student)
            submission = book.add_submission(name, student)
            (notebook,) = submission.notebooks
            notebook.late_submission_penalty = LATE.get((student, name))
            for grade in notebook.grades:
                if grade.name == "checked":
                    grade.auto_score = points[0]
                else:
                    grade.manual_score = points[1]
                grade.needs_manual_grade = (student, grade.name) == ("zoe", "words")
            book.db.commit()
    return folder


@pytest.fixture
def export(graded, capfd, monkeypatch):
    """Export; the exit status, the log, and the rows that were written."""
    monkeypatch.chdir(graded)
    written = graded / "out.csv"
    written.unlink(missing_ok=True)

    def run(plugin, template, *arguments):
        if template is not None:
            (graded / "template.csv").write_text(template)
            arguments = (f"--{plugin}.template=template.csv", *arguments)
        plugin = f"--exporter=normlib.grade.lms.export.{plugin}"
        status = apps.run("ExportApp", [plugin, "--to=out.csv", *arguments])
        return status, capfd.readouterr().err, written.exists() and read(written)

    return run


def read(path):
    text = path.read_text("utf-8-sig")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def expected(student, assignment):
    """By arithmetic, from what was put in."""
    both = sum(POINTS[student, assignment]) - LATE.get((student, assignment), 0)
    return max(both, 0)


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,\
Feature scaling (881),Essay (900),02_batch_norm (882),Current Score
,,,,,,Manual Posting,,,
    Points Possible,,,,,,19.00,10.00,31.00,(read only)
"Müller, Jörg",4712,S2,joerg,A,n,1.00,7,5.00,50
"Okafor, Ada",4711,S1,ada,A,n,,8,,60
"=HYPERLINK(""x"")",4713,S3,zoe,"B, C",n,,9,,70
"Away, Ann",4719,S9,ann,A,n,EX,9,2.00,70
"""


def test_canvas(export):
    status, _, rows = export("CanvasExportPlugin", CANVAS)
    assert status == 0
    first = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert rows[:3] == [
        [*first, "Feature scaling (881)", "02_batch_norm (882)"],
        ["", "", "", "", "", "Manual Posting", ""],
        ["    Points Possible", "", "", "", "", "19.00", "31.00"],
    ]
    by_login = {row[3]: row for row in rows[3:]}
    assert list(by_login) == ["joerg", "ada", "zoe", "ann"]
    for student, places in {"joerg": 1, "ada": 2, "zoe": 2}.items():
        scores = [float(score) for score in by_login[student][5 : 5 + places]]
        wanted = [expected(student, name) for name in (SCALING, BATCH)[:places]]
        assert scores == wanted
    # Who has handed in nothing keeps what Canvas has.
    assert by_login["joerg"][6] == "5.00"
    assert by_login["ann"][5:] == ["EX", "2.00"]
    assert by_login["zoe"][:5] == ['\'=HYPERLINK("x")', "4713", "S3", "zoe", "B, C"]


def test_the_numbers_of_canvas_are_those_of_nbgraders_own_export(export, graded):
    _, _, rows = export("CanvasExportPlugin", CANVAS)
    ours = {(row[3], SCALING): row[5] for row in rows[3:6]}
    with warnings.catch_warnings(action="ignore"):
        from nbgrader.plugins import CsvExportPlugin

        with gradebook.opened(Course(graded)) as book:
            CsvExportPlugin(to=str(graded / "own.csv")).export(book)
    with open(graded / "own.csv", newline="") as file:
        theirs = {
            (row["student_id"], row["assignment"]): float(row["score"])
            for row in csv.DictReader(file)
        }
    assert {pair: float(score) for pair, score in ours.items()} == {
        pair: theirs[pair] for pair in ours
    }


def test_what_cannot_be_exported_is_said(export):
    _, log, _ = export("CanvasExportPlugin", CANVAS.replace("31.00", "100.00"))
    assert "Left out: gone is not in the table" in log
    assert "02_batch_norm (882) counts 100 points where the notebook has 31" in log
    assert "01_feature_scaling: 1 still to be marked by hand" in log
    _, log, rows = export("CanvasExportPlugin", CANVAS.replace("02_batch_norm", "Two"))
    assert "no column of template.csv has the title '02_batch_norm'" in log
    assert rows[0][5:] == ["Feature scaling (881)"]


def test_a_defect_is_not_taken_for_a_wrong_table(export, monkeypatch):
    monkeypatch.setattr(Table, "write", lambda *_: int("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        export("CanvasExportPlugin", CANVAS)


def test_a_column_of_another_title_can_be_named(export):
    option = "--CanvasExportPlugin.columns=02_batch_norm=Essay"
    _, _, rows = export("CanvasExportPlugin", CANVAS, option)
    assert rows[0][5:] == ["Feature scaling (881)", "Essay (900)"]
    assert [row[6] for row in rows[3:]] == ["7", "24.5", "0", "9"]


def test_a_table_with_semicolons_and_decimal_commas(export, graded):
    text = io.StringIO()
    rows = [
        [re.sub(r"^(\d+)\.(\d+)$", r"\1,\2", cell) for cell in row]
        for row in csv.reader(io.StringIO(CANVAS))
    ]
    csv.writer(text, delimiter=";").writerows(rows)
    status, log, rows = export("CanvasExportPlugin", "\ufeff" + text.getvalue())
    assert status == 0 and "counts" not in log
    assert rows[0][3] == "SIS Login ID" and rows[3][5] == "10.25"
    assert (graded / "out.csv").read_bytes().startswith("\ufeffStudent;ID;".encode())


def test_only_some_assignments_and_students(export):
    chosen = ["--assignment=02_batch_norm", "--student=ada"]
    _, _, rows = export("CanvasExportPlugin", CANVAS, *chosen)
    assert rows[0][5:] == ["02_batch_norm (882)"]
    assert [row[5] for row in rows[3:]] == ["5.00", "24.5", "", "2.00"]


MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,\
Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments
Participant 1288,Ada Okafor,ada,Submitted,,"19,00",Yes,"Sunday, 8 March",-,
Participant 1289,@Jörg,joerg,Submitted,"3,00","19,00",Yes,-,"Monday, 9 March",
Participant 1290,Ann Away,ann,No submission,,"19,00",Yes,-,-,
"""


def test_a_worksheet_of_moodle(export):
    chosen = "--assignment=01_feature_scaling"
    status, log, rows = export("MoodleExportPlugin", MOODLE, chosen)
    assert status == 0 and "counts" not in log
    before = list(csv.reader(io.StringIO(MOODLE)))
    assert [row[4] for row in rows] == ["Grade", "16.5", "10.25", ""]
    assert rows[2][1] == "'@Jörg"
    rows[2][1] = "@Jörg"
    assert [row[:4] + row[5:] for row in rows] == [r[:4] + r[5:] for r in before]
    for student in ("zoe", "gone"):
        assert f"Left out: {student} is not in the table" in log


def test_a_worksheet_that_counts_to_another_maximum(export):
    hundred = MOODLE.replace('"19,00"', '"100,00"')
    _, log, _ = export("MoodleExportPlugin", hundred, "--assignment=01_feature_scaling")
    assert "Grade counts 100 points where the notebook has 19" in log


def test_a_worksheet_in_another_language(export):
    german = MOODLE
    for english, other in {
        "Identifier": "ID",
        "Participant": "Teilnehmer/in",
        "Email address": "E-Mail-Adresse",
        "Maximum Grade": "Bestwertung",
        "Grade,": "Bewertung,",
    }.items():
        german = german.replace(english, other)
    options = [
        "--assignment=01_feature_scaling",
        "--MoodleExportPlugin.grade_column=Bewertung",
        "--MoodleExportPlugin.student_column=E-Mail-Adresse",
    ]
    _, _, rows = export("MoodleExportPlugin", german, *options)
    assert [row[4] for row in rows] == ["Bewertung", "16.5", "10.25", ""]


def test_all_assignments_for_moodles_gradebook(export):
    status, _, rows = export("MoodleExportPlugin", None)
    assert status == 0
    assert rows == [
        ["Email address", SCALING, BATCH],
        ["ada", "16.5", "24.5"],
        ["gone", "9", ""],
        ["joerg", "10.25", ""],
        ["zoe", "0", "0"],
    ]


@pytest.mark.parametrize(
    "plugin, template, options, says",
    [
        ("CanvasExportPlugin", None, [], "export the gradebook from Canvas"),
        ("CanvasExportPlugin", MOODLE, [], "template.csv is not from Canvas"),
        ("CanvasExportPlugin", CANVAS, ["--assignment=03"], "no assignment '03'"),
        ("CanvasExportPlugin", CANVAS.replace("Essay", "Batch norm"), [], "2 columns"),
        ("MoodleExportPlugin", MOODLE, [], "a worksheet is of one assignment"),
        ("MoodleExportPlugin", CANVAS, [f"--assignment={BATCH}"], "is not from Moodle"),
    ],
)
def test_what_cannot_be_done_writes_nothing(export, plugin, template, options, says):
    status, log, rows = export(plugin, template, *options)
    assert (status, rows) == (1, False)
    assert says in log


def test_from_a_zip_file_of_canvas_to_the_file_for_canvas(
    root, handed_in, tmp_path, monkeypatch
):
    for name in ("solutions", "exercises"):
        shutil.copytree(root / name / SCALING, tmp_path / name / SCALING)
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    archive = tmp_path / f"_build/downloaded/{SCALING}/archive"
    archive.mkdir(parents=True)
    (archive / "grades.csv").write_text(CANVAS)
    course = Course(tmp_path)
    (pack,) = course.packs(SCALING)
    with zipfile.ZipFile(archive / "submissions.zip", "w") as file:
        names = "okaforada_4711_9001_", "müllerjörg_LATE_4712_9002_"
        file.writestr(f"{names[0]}feature_scaling.ipynb", handed_in(pack))
        file.writestr(f"{names[1]}feature_scaling-1.ipynb", pack.template)
    monkeypatch.chdir(tmp_path)
    assert apps.run("ZipCollectApp", [SCALING]) == 0
    classroom.grade(tmp_path, options=classroom.Options(feedback=False))
    arguments = [
        "--exporter=normlib.grade.lms.export.CanvasExportPlugin",
        f"--CanvasExportPlugin.template={archive}/grades.csv",
        "--to=out.csv",
    ]
    assert apps.run("ExportApp", arguments) == 0
    checked = sum(
        exercise.points
        for exercise in EXERCISES.values()
        if exercise.topic == "feature_scaling"
    )
    assert {row[3]: row[5] for row in read(tmp_path / "out.csv")[3:]} == {
        "ada": f"{checked:g}",
        "joerg": "0",
        "zoe": "",
        "ann": "EX",
    }
