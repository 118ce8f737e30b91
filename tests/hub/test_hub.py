"""A class on JupyterHub, from fetching to feedback, set up as the page says."""

import contextlib
import csv
import inspect
import json
from functools import partial

import pytest

from normlib.check import EXERCISES
from tests.hub import people
from tests.hub.conftest import PASSWORD, PEOPLE
from tests.hub.people import ASSIGNMENT, NOTEBOOK

SOLVED = "feature_scaling.min_max"
WRITTEN = "feature_scaling-why-models"
IN_WORDS = "Trees compare values of one column only; **neighbors** add all of them up."
ANSWERS = {  # whose, in the cell with what, and the text
    "ada": ("def min_max_scale", inspect.getsource(EXERCISES[SOLVED].answer)),
    "ben": ("YOUR ANSWER HERE", IN_WORDS),
}
COMMENT = "The second half is right."
FEEDBACK = f"~/{ASSIGNMENT}/feedback/*/{NOTEBOOK}.html"


@pytest.fixture(scope="module")
def taught(hub, browser):
    """The hub after an assignment: ada solved an exercise, ben answered in words."""
    with contextlib.ExitStack() as stack:
        teacher, *students = (
            stack.enter_context(people.logged_in(browser, hub, name, PASSWORD))
            for name in PEOPLE
        )
        in_menu = {teacher.name: teacher.menu().inner_text()}
        press = partial(people.press, teacher)
        press("manage_assignments", ASSIGNMENT, "assign")
        press("manage_assignments", ASSIGNMENT, "release")
        for student in students:
            in_menu[student.name] = student.menu().inner_text()
            student.tab.keyboard.press("Escape")
            people.fetch(student)
            if student.name in ANSWERS:
                people.write(student, *ANSWERS[student.name])
            people.submit(student)
        press("manage_assignments", ASSIGNMENT, "collect")
        for student in students:
            press(f"manage_submissions/{ASSIGNMENT}", student.name, "autograde")
        graded = people.points(teacher)
        people.mark(teacher, "ben", WRITTEN, "1.5", COMMENT)
        marked = people.points(teacher)
        press("manage_assignments", ASSIGNMENT, "generate-feedback")
        press("manage_assignments", ASSIGNMENT, "release-feedback")
        for student in students:
            people.fetch_feedback(student)
        servers = {
            (student.name, other): student.tab.goto(f"{hub.address}/user/{other}/lab")
            for student in students
            for other in PEOPLE
            if other != student.name
        }
        refused = {who: answer.status for who, answer in servers.items()}
    return hub.machine, in_menu, graded, marked, refused


def test_formgrader_shows_the_points(taught):
    _, _, graded, marked, _ = taught
    assert graded == {
        "ada": ["graded", "3 / 19"],
        "ben": ["needs manual grading", "0 / 19"],
        "chi": ["graded", "0 / 19"],
    }
    assert marked == graded | {"ben": ["graded", "1.5 / 19"]}


def test_its_button_grades_in_the_sandbox(taught):
    machine, *_ = taught
    for name in ("ada", "ben", "chi"):
        path = f"normalization/_build/autograded/{name}/{ASSIGNMENT}/{NOTEBOOK}.ipynb"
        notebook = json.loads(machine.run("instructor", f"cat {path}"))
        assert notebook["metadata"]["normlib_sandbox"] in ("bubblewrap", "landlock")


def test_the_command_goes_on_from_there(taught):
    machine, *_ = taught
    program = "/opt/normalization/.venv/bin/normlib"
    machine.run("instructor", f"cd normalization && {program} grade")
    table = machine.run("instructor", "cat normalization/_build/grades.csv")
    rows = csv.DictReader(table.splitlines())
    points = {row["student_id"]: float(row["score"]) for row in rows}
    assert points == {"ada": 3, "ben": 1.5, "chi": 0}


def test_there_is_one_gradebook_in_the_folder_of_the_course(taught):
    machine, *_ = taught
    found = machine.run("root", "find /home /srv /opt -xdev -name 'gradebook.db'")
    assert found.split() == ["/home/instructor/normalization/_build/gradebook.db"]


def test_each_student_gets_her_own_feedback(taught):
    machine, *_ = taught
    for name, points in {"ada": "3", "ben": "1.5", "chi": "0"}.items():
        page = machine.run(name, f"cat {FEEDBACK}")
        assert f'<p class="quiet">{name}</p>' in page
        assert f'<p class="score">{points} of 19 points</p>' in page
        assert (COMMENT in page) == (name == "ben")


def test_no_student_reads_what_is_another_ones(taught):
    machine, *_ = taught
    of_ben = machine.run("ben", f"realpath {FEEDBACK}").strip()
    assert COMMENT in machine.run("ben", f"cat '{of_ben}'")
    exchange = "/srv/nbgrader/exchange/normalization"
    closed = (of_ben, "/home/instructor", f"{exchange}/inbound", f"{exchange}/feedback")
    for path in closed:
        told = machine.run("ada", f"! ls -R '{path}' 2>&1")
        assert "Permission denied" in told, path


def test_only_the_instructor_is_offered_formgrader(taught):
    _, in_menu, *_ = taught
    assert "Formgrader" in in_menu.pop("instructor")
    assert [menu.split() for menu in in_menu.values()] == [["Assignment", "List"]] * 3


def test_the_hub_opens_nobody_elses_server(taught):
    *_, refused = taught
    assert len(refused) == 9 and set(refused.values()) == {403}


def test_nobody_listens_to_what_a_notebook_prints(taught):
    machine, *_ = taught
    runtime = ".local/share/jupyter/runtime"
    connection = json.loads(machine.run("ada", f"cat {runtime}/kernel-*.json"))
    assert connection["transport"] == "ipc"
    told = machine.run("ben", f"! ls /home/ada/{runtime} 2>&1")
    assert "Permission denied" in told
