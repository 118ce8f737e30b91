"""What Canvas and Moodle hand out is collected: everybody's own, and nothing else."""

import csv
import io
import os
import re
import shutil
import stat
import tracemalloc
import zipfile

import pytest

from normlib.grade.bridge.course import Course
from tests.grade import apps

ASSIGNMENT = "01_feature_scaling"


def canvas_name(student, number, file, name, late=False):
    """As Canvas makes it: small letters, and no other signs."""
    who = "_".join([student.lower(), *(["LATE"] if late else []), str(number)])
    return re.sub(r"\W", "", who) + f"_{file}_{name}"


GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Feature scaling (881),Current Score
,,,,,Manual Posting,
    Points Possible,,,,,17.00,(read only)
"Okafor, Ada",4711,S1,ada,A,,
"Müller, Jörg",4712,S2,joerg@uni.example,A,,
"O'Neil-Smith, Zoë",4713,S3,zoe,B,,
"Okafor, Ada_4711",4714,S4,eve,B,,
"山田, 花子",4715,S5,hanako,B,,
"""

WORKSHEET = """\
\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,\
Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments
Participant 1288,Ada Okafor,ada@uni.example,Submitted for grading,,17.00,Yes,x,-,
Participant 1289,Jörg Müller,joerg@uni.example,Submitted for grading,,17.00,Yes,x,-,
Participant 1290,Eve 1288,eve@uni.example,Submitted for grading,,17.00,Yes,x,-,
"""


@pytest.fixture
def folder(root, tmp_path, monkeypatch):
    """A course with what was downloaded for its first assignment."""
    where = f"exercises/{ASSIGNMENT}"
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    shutil.copytree(root / where, tmp_path / where)
    (tmp_path / f"_build/downloaded/{ASSIGNMENT}/archive").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def collect(folder, capfd):
    """Put files into the archive folder and collect; the exit status and the log."""

    def run(table, files, *arguments, kind=zipfile.ZipInfo):
        archive = folder / f"_build/downloaded/{ASSIGNMENT}/archive"
        if table:
            (archive / "table.csv").write_text(table)
        data = files if isinstance(files, bytes) else zipped(files, kind)
        (archive / "submissions.zip").write_bytes(data)
        status = apps.run("ZipCollectApp", [ASSIGNMENT, *arguments])
        return status, capfd.readouterr().err

    return run


def zipped(files, kind=zipfile.ZipInfo):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files:
            entry = kind(name) if isinstance(name, str) else name
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


class Unmarked(zipfile.ZipInfo):
    """As some programs write it: in UTF-8, without saying so."""

    def _encodeFilenameFlags(self):
        return self.filename.encode(), 0


def submitted(folder):
    """student -> file -> text, of everything that was collected."""
    found = {}
    for path in sorted(folder.glob(f"_build/submitted/*/{ASSIGNMENT}/*")):
        found.setdefault(path.parent.parent.name, {})[path.name] = path.read_text()
    return found


def told(log):
    return re.findall(r"WARNING\] (Left out: .*|.* late, .*)", log)


FROM_CANVAS = [
    (canvas_name("Okafor, Ada", 4711, 90001, "feature_scaling.ipynb"), "ada"),
    (canvas_name("Müller, Jörg", 4712, 90002, "feature_scaling.ipynb", True), "jörg"),
    # Handed in again: Canvas adds a number, and the browser had added one before.
    (canvas_name("O'Neil-Smith, Zoë", 4713, 90003, "feature_scaling (1)-2.ipynb"), "z"),
    (canvas_name("山田, 花子", 4715, 90009, "Größe.v2.ipynb"), "花子"),
]


@pytest.mark.parametrize("kind", [zipfile.ZipInfo, Unmarked])
def test_canvas(collect, folder, kind):
    status, log = collect(GRADEBOOK, FROM_CANVAS, kind=kind)
    assert status == 0
    assert submitted(folder) == {
        "ada": {"feature_scaling.ipynb": "ada"},
        "joerg@uni.example": {"feature_scaling.ipynb": "jörg"},
        "zoe": {"feature_scaling.ipynb": "z"},
        "hanako": {"Größe_v2.ipynb": "花子"},
    }
    assert told(log) == ["joerg@uni.example handed in late, says Canvas"]


def test_the_later_of_two_files_counts(collect, folder):
    files = [
        (canvas_name("Okafor, Ada", 4711, 90010, "feature_scaling-1.ipynb"), "second"),
        (canvas_name("Okafor, Ada", 4711, 90002, "feature_scaling.ipynb"), "first"),
        (canvas_name("Okafor, Ada", 4711, 90011, "notes.ipynb"), "notes"),
    ]
    _, log = collect(GRADEBOOK, files)
    given = {"feature_scaling.ipynb": "second", "notes.ipynb": "notes"}
    assert submitted(folder) == {"ada": given}
    assert len(told(log)) == 1 and "does not count" in told(log)[0]


def test_nobody_hands_in_for_somebody_else(collect, folder):
    """Eve calls herself, and her files, as those of Ada are called, number 4711."""
    names = [
        "4711_1_feature_scaling.ipynb",
        "okaforada_4711_99999_feature_scaling.ipynb",
    ]
    files = [
        (canvas_name("Okafor, Ada_4711", 4714, 90020 + i, name), "eve")
        for i, name in enumerate(["feature_scaling.ipynb", *names])
    ]
    _, log = collect(GRADEBOOK, [*FROM_CANVAS[:1], *files])
    assert submitted(folder) == {"ada": {"feature_scaling.ipynb": "ada"}}
    left_out = [line for line in told(log) if line.endswith("as a file of ada, eve")]
    assert len(left_out) == len(files)


def test_a_file_called_like_somebody_elses_is_its_owners(collect, folder):
    name = "okaforada_4711_99999_feature_scaling.ipynb"
    files = [(canvas_name("O'Neil-Smith, Zoë", 4713, 90003, name), "z")]
    collect(GRADEBOOK, files)
    assert submitted(folder) == {"zoe": {name: "z"}}


def test_two_students_whom_files_could_not_tell_apart_are_no_table(collect, folder):
    twice = GRADEBOOK + '"Okafor, Ada",4711,S6,other,A,,\n'
    status, log = collect(twice, FROM_CANVAS)
    assert status == 1 and "two students are called ('okaforada', '4711')" in log


@pytest.mark.parametrize("between", ["_/", "/", "_"])  # the last without folders
def test_moodle(collect, folder, between):
    form = "{}_assignsubmission_file" + between + "{}"
    theirs = "Ada Okafor_1288_assignsubmission_file_x.ipynb"
    files = [
        (form.format("Ada Okafor_1288", "feature_scaling.ipynb"), "ada"),
        (form.format("Jörg Müller_1289", "feature_scaling (2).ipynb"), "jörg"),
        (form.format("Eve 1288_1290", theirs), "eve"),
        ("Ada Okafor_1288_assignsubmission_onlinetext_/onlinetext.html", "words"),
        (form.format("Gone_1300", "feature_scaling.ipynb"), "gone"),
    ]
    _, log = collect(WORKSHEET, files)
    assert submitted(folder) == {
        "ada@uni.example": {"feature_scaling.ipynb": "ada"},
        "joerg@uni.example": {"feature_scaling.ipynb": "jörg"},
        "eve@uni.example": {theirs: "eve"},
    }
    assert len(told(log)) == 2


def test_a_folder_within_a_moodle_submission(collect, folder):
    name = (
        "Eve 1288_1290_assignsubmission_file_/a/Ada Okafor_1288_assignsubmission_file"
    )
    collect(WORKSHEET, [(f"{name}/feature_scaling.ipynb", "eve")])
    given = {"eve@uni.example": {"feature_scaling.ipynb": "eve"}}
    assert submitted(folder) == given


SIGNS = (
    WORKSHEET
    + """\
Participant 1291,Zoë_X O'Neil-Smith,zoe@uni.example,x,,17.00,Yes,x,-,
Participant 1292,Ada Okafor_1288_assignsubmission_file_,mal@uni.example,,,17.00,Yes,,,
"""
)


@pytest.mark.parametrize(
    "prefix", ["Zoë_X O'Neil-Smith", "Zoë X ONeil-Smith", "Lab 2-Zoë X ONeil-Smith"]
)
def test_a_name_with_other_signs_is_found_in_moodles_table(collect, folder, prefix):
    inside = "Ada Okafor_1288_assignsubmission_file_/feature_scaling.ipynb"
    name = f"{prefix}_1291_assignsubmission_file_/{inside}"
    collect(SIGNS, [(name, "zoe")])
    given = {"zoe@uni.example": {"feature_scaling.ipynb": "zoe"}}
    assert submitted(folder) == given


def test_a_name_made_to_look_like_somebody_elses_is_not_guessed(collect, folder):
    mallory = "Ada Okafor_1288_assignsubmission_file__1292_assignsubmission_file_"
    files = [
        (f"{mallory}/feature_scaling.ipynb", "mal"),
        (f"{mallory}other.ipynb", "either"),
        ("Eve 1288_1288_assignsubmission_file_/feature_scaling.ipynb", "no such pair"),
    ]
    _, log = collect(SIGNS, files)
    given = {"mal@uni.example": {"feature_scaling.ipynb": "mal"}}
    assert submitted(folder) == given
    assert len(told(log)) == 2


def test_a_damaged_file_in_the_archive_is_left_out(collect, folder):
    names = [canvas_name("Okafor, Ada", 4711, 1, "a.ipynb"), FROM_CANVAS[1][0]]
    data = bytearray(zipped([(names[0], "x" * 5000), (names[1], "jörg")]))
    at = data.index(names[0].encode()) + len(names[0])
    data[at : at + 12] = bytes(12 * [255])
    status, log = collect(GRADEBOOK, bytes(data))
    assert status == 0 and "cannot be read" in log
    assert set(submitted(folder)) == {"joerg@uni.example"}


def test_names_and_sizes_do_no_harm(collect, folder):
    """A file is written under the student's folder or not at all."""
    before = {p for p in folder.rglob("*") if "_build" not in p.parts}
    link = zipfile.ZipInfo(canvas_name("Okafor, Ada", 4711, 3, "link.ipynb"))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    unreadable = zipfile.ZipInfo(canvas_name("Okafor, Ada", 4711, 4, "closed.ipynb"))
    unreadable.external_attr = stat.S_IFREG << 16  # nobody may read it
    ada = "okaforada_4711_5_"
    files = [
        ("../../../../outside.ipynb", "x"),
        (f"{folder.parent}/outside.ipynb", "x"),
        (f"../{ada}up.ipynb", "up"),
        (f"{ada}..\\..\\back.ipynb", "back"),
        (f"{ada}{'long' * 60}.ipynb", "long"),
        (f"{ada}.ipynb", "none"),
        (f"{ada}work.zip", zipped([("feature_scaling.ipynb", "inside")])),
        (f"{ada}huge.ipynb", b"0" * (33 << 20)),
        ("__MACOSX/._" + ada + "feature_scaling.ipynb", "x"),
        (f"a/__MACOSX/{ada}b.ipynb", "x"),
        (f"._{ada}c.ipynb", "x"),
        (link, "../../../../nbgrader_config.py"),
        (unreadable, "closed"),
        *FROM_CANVAS[:1],
    ]
    status, log = collect(GRADEBOOK, files)
    assert status == 0
    assert {p for p in folder.rglob("*") if "_build" not in p.parts} == before
    assert not (folder.parent / "outside.ipynb").exists()
    assert not any(p.is_symlink() for p in folder.rglob("*"))
    found = submitted(folder)
    assert set(found) == {"ada"}
    assert found["ada"] == {
        "feature_scaling.ipynb": "ada",
        "up.ipynb": "up",
        "______back.ipynb": "back",
        f"{'long' * 15}.ipynb": "long",
        "notebook.ipynb": "none",
        "link.ipynb": "../../../../nbgrader_config.py",
        "closed.ipynb": "closed",
    }
    left_out = "\n".join(told(log))
    for name in (
        "outside",
        "work.zip' is not a notebook",
        "huge.ipynb' has more than 32",
    ):
        assert name in left_out


def test_a_file_that_unpacks_to_much_more_is_not_unpacked(collect, folder):
    files = [("okaforada_4711_5_feature_scaling.ipynb", bytes(200 << 20))]
    archive = zipped(files)
    del files
    tracemalloc.start()
    _, log = collect(GRADEBOOK, archive)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "has more than 32 MB" in log
    assert peak < 120 << 20


def test_what_a_browser_has_unpacked(folder, collect):
    archive = folder / f"_build/downloaded/{ASSIGNMENT}/archive"
    inside = archive / "submissions"
    inside.mkdir()
    (inside / FROM_CANVAS[0][0]).write_text("ada")
    os.symlink(folder / "nbgrader_config.py", inside / "okaforada_4711_9_link.ipynb")
    collect(GRADEBOOK, FROM_CANVAS[1:2])
    assert submitted(folder) == {
        "ada": {"feature_scaling.ipynb": "ada"},
        "joerg@uni.example": {"feature_scaling.ipynb": "jörg"},
    }


def test_a_second_download_needs_force_and_replaces(collect, folder):
    collect(GRADEBOOK, FROM_CANVAS[:2])
    later = [(canvas_name("Okafor, Ada", 4711, 90050, "feature_scaling-1.ipynb"), "n")]
    status, log = collect(GRADEBOOK, later)
    assert status == 1 and "--force" in log
    collect(GRADEBOOK, later, "--force")
    found = submitted(folder)
    assert found["ada"] == {"feature_scaling.ipynb": "n"}
    assert found["joerg@uni.example"] == {"feature_scaling.ipynb": "jörg"}


def test_what_is_collected_is_what_is_graded(collect, folder, root):
    release = next(root.glob(f"exercises/{ASSIGNMENT}/*.ipynb")).read_text()
    collect(GRADEBOOK, [(FROM_CANVAS[2][0], release)])
    course = Course(folder)
    assert course.handed_in() == [(ASSIGNMENT, "zoe")]
    (pack,) = course.packs(ASSIGNMENT)
    found = course.submission(ASSIGNMENT, "zoe", pack)
    assert (found.file.decode(), found.problem, found.notes) == (release, "", ())


def test_another_column_can_hold_the_ids(collect, folder):
    option = "--LmsExtractorPlugin.student_column=SIS User ID"
    collect(GRADEBOOK, FROM_CANVAS[:1], option)
    assert set(submitted(folder)) == {"S1"}


@pytest.mark.parametrize(
    "table, says",
    [
        ("", "should hold one CSV file"),
        ("a,b\n1,2\n", "neither a gradebook exported from Canvas nor a grading"),
        (
            GRADEBOOK.replace("joerg@uni.example", "ada"),
            "two students have the id 'ada'",
        ),
        (GRADEBOOK.replace("joerg@uni.example", "../x"), "'../x' cannot be the id"),
        (GRADEBOOK.replace("SIS Login ID", "Login"), "no column 'SIS Login ID'"),
    ],
)
def test_a_table_that_cannot_be_used(collect, folder, table, says):
    status, log = collect(table, FROM_CANVAS[:1])
    assert status == 1 and says in log
    assert submitted(folder) == {}


def test_what_is_no_zip_file(collect, folder):
    archive = folder / f"_build/downloaded/{ASSIGNMENT}/archive"
    (archive / "another.zip").write_text("no zip")
    status, log = collect(GRADEBOOK, FROM_CANVAS[:1])
    assert status == 1 and "not a zip file" in log


def test_a_table_with_semicolons(collect, folder):
    text = io.StringIO()
    rows = csv.reader(io.StringIO(GRADEBOOK))
    csv.writer(text, delimiter=";").writerows(rows)
    collect(text.getvalue(), FROM_CANVAS[:1])
    assert set(submitted(folder)) == {"ada"}
