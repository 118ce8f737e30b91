"""The page for a lecture: what is on it, on a screen and on paper."""

import csv
import json

import pytest
from pypdf import PdfReader

from normlib.check import EXERCISES
from normlib.grade.bridge.course import Course
from normlib.grade.bridge.overview import Overview
from normlib.grade.class_page import page, record
from normlib.grade.classroom import Graded
from tests.grade.class_page.test_findings import ASSIGNMENT, KEY, MISTAKE, STUDENTS
from tests.grade.pages import parsed

HARMFUL = "=<img src=x onerror=alert(1)>"
NAME = "02_batch_norm"


def written(folder, students, name=NAME):
    """A course whose file of the class holds these students."""
    known = {name: {**ASSIGNMENT, "students": students}}
    file = record.path(Course(folder))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": record.VERSION, "assignments": known}))
    for student in students:
        (folder / "_build/submitted" / student / name).mkdir(parents=True)
    return file


@pytest.fixture
def course(root, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(
        (root / "nbgrader_config.py").read_text()
    )
    return Course(tmp_path)


@pytest.fixture
def folder(course):
    return course.root / "_build/class"


def read(path):
    return parsed(path.read_text())


def test_it_says_what_to_teach_again_and_who_needs_it(course, folder):
    written(course.root, STUDENTS)
    (found,) = page.write(course, Graded())
    text = read(folder / "index.html").get_text(" ", strip=True)
    for said in (
        f"2 students , 1 · Forward: {MISTAKE.title}".replace("`", ""),
        "Teach again: “numerics” in chapter 2",
        "2 full, 2 in part, 6 none",
        "6 to mark",
        "jo: 1 hour late, 2 points taken off",
        "1 · Forward: 1 student: in “x”, it raised NameError: n",
    ):
        assert said in text
    (mistake, *_) = read(folder / "index.html").select(".mistake")
    for line in MISTAKE.edit.splitlines():
        assert line in mistake.pre.get_text()
    assert mistake("details")[-1].p.get_text() == "bo, cy"
    assert page.frequent(found, 1) == [
        f"2 students, 1 · Forward: {MISTAKE.title}".rstrip(".").replace("`", "")
    ]


def test_the_table_has_the_same_mistakes(course, folder):
    written(course.root, STUDENTS)
    page.write(course, Graded())
    with open(folder / "mistakes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["students"], row["who"]) for row in rows[:2]] == [
        ("mistake", "2", "bo, cy"),
        ("unexplained", "2", "di, ed"),
    ]
    assert {row["of"] for row in rows} == {"10"}


def test_names_and_notes_of_students_are_only_text(course, folder):
    told = {**STUDENTS["bo"], "notes": [HARMFUL], "failed": HARMFUL}
    told["reports"] = {"a": {**told["reports"]["a"], "diagnosis": HARMFUL}}
    file = written(course.root, {HARMFUL: told})
    page.write(course, Graded())
    page.compare(course, file, file)
    for path in folder.glob("*.html"):
        tree = read(path)
        assert not tree(["script", "img", "iframe", "link"])
        assert "default-src 'none'" in tree.find_all("meta")[2]["content"]
        assert HARMFUL in tree.get_text()
    with open(folder / "mistakes.csv", newline="") as table:
        assert [row["who"] for row in csv.DictReader(table)] == [f"'{HARMFUL}"]


def test_a_run_keeps_what_it_was_not_about(course, root):
    """And drops what is no longer handed in."""
    (course.root / "exercises").symlink_to(root / "exercises")
    written(course.root, {name: STUDENTS[name] for name in ("ada", "bo", "cy")})
    (course.root / "_build/submitted/cy" / NAME).rmdir()
    answers = {"batch_norm-forward": 3.0}
    overview = Overview(
        most={NAME: 31.0}, scores={NAME: {"ada": 3}}, answers={NAME: {"ada": answers}}
    )
    told = {(NAME, "ada"): ["looked\n odd"]}
    graded = Graded(submitted=[(NAME, "ada")], notes=told, overview=overview)
    page.write(course, graded)
    known = record.read(record.path(course))[NAME]
    assert known["students"].keys() == {"ada", "bo"}
    assert known["students"]["bo"] == STUDENTS["bo"]
    assert known["students"]["ada"]["points"] == answers
    assert known["students"]["ada"]["notes"] == [r"looked\n odd"]
    keys = [question["key"] for question in known["questions"] if question["key"]]
    assert KEY in keys and len(keys) == len(set(keys)) >= 8
    titles = {question["id"]: question["title"] for question in known["questions"]}
    assert titles["batch_norm-forward"] == "1 · Forward"
    assert " · Backward" in titles["batch_norm-backward"]


def test_it_is_written_when_something_changed(course, folder):
    written(course.root, STUDENTS)
    page.write(course, Graded())
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    page.write(course, Graded())
    assert times == {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    with open(course.root / "nbgrader_config.py", "a") as file:
        file.write("\nc.Book.address = 'https://example.org/book'\n")
    page.write(Course(course.root), Graded())
    links = [link["href"] for link in read(folder / "index.html")("a")]
    assert f"https://example.org/book/{NAME}.html#numerics" in links


def test_two_runs_are_compared(course, folder, tmp_path):
    file = written(course.root, STUDENTS)
    before = tmp_path / "before.json"
    before.write_bytes(file.read_bytes())
    told = json.loads(file.read_text())
    students = told["assignments"][NAME]["students"]
    students["cy"] = students["ada"]
    file.write_text(json.dumps(told))
    assert page.compare(course, before, file) == folder / "comparison.html"
    tables = read(folder / "comparison.html")("table")
    points, mistakes = ([c.get_text() for c in t("td")][:3] for t in tables)
    assert points == ["1 · Forward", "1.1 of 4", "1.35 of 4"]
    assert mistakes[1:] == ["20 %", "10 %"]
    assert mistakes[0].startswith("1 · Forward: ")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}'])
def test_what_is_no_file_of_a_class_is_refused(course, tmp_path, text):
    file, other = written(course.root, STUDENTS), tmp_path / "other.json"
    other.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json should be a class\.json"):
        page.compare(course, other, file)
    with pytest.raises(
        ValueError, match=r"gone\.json should be a class\.json: No such"
    ):
        page.compare(course, tmp_path / "gone.json", file)


@pytest.mark.slow
def test_it_reads_everywhere_and_prints_on_two_sheets(
    course, folder, tmp_path, browser, picture
):
    """Of a class of 300 in which everybody made another mistake, and was late."""
    ranked = _mistakes_of_two()
    students = {
        f"student-{i:03}": {
            **STUDENTS["bo"],
            "times": {"late": 60.0 * i, "extension": 0, "penalty": 0},
            "notes": ["feature_scaling-scaler-answer was deleted"],
            "reports": {
                "a": {**STUDENTS["bo"]["reports"]["a"], **ranked[i % len(ranked)]}
            },
        }
        for i in range(300)
    }
    written(course.root, students)
    page.write(course, Graded())
    address, asked = (folder / "index.html").as_uri(), []
    for scheme in ("light", "dark"):
        tab = browser.new_page(
            viewport={"width": 390, "height": 800}, color_scheme=scheme
        )
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        picture(tab, f"class-{scheme}", full_page=True)
        tab.pdf(path=tmp_path / "class.pdf", format="A4")
        tab.close()
    assert asked == [address] * 2
    assert len(PdfReader(tmp_path / "class.pdf").pages) <= 2


def _mistakes_of_two():

    return [
        {"key": key, "diagnosis": mistake.title, "hint": mistake.hint}
        for key in ("batch_norm.forward", "batch_norm.backward")
        for mistake in EXERCISES[key].misconceptions
    ]
