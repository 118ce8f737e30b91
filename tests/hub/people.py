"""What students and instructors do on a hub, in a browser."""

import contextlib
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests import jupyterlab

ASSIGNMENT = "01_feature_scaling"
NOTEBOOK = "feature_scaling"


@dataclass(frozen=True)
class Person:
    """Somebody who has logged in; JupyterLab is open."""

    name: str
    tab: Page
    address: str  # of her server

    def menu(self) -> Locator:
        """What nbgrader offers."""
        self.tab.get_by_role("menuitem", name="Nbgrader", exact=True).click()
        return self.tab.locator(".lm-Menu-content").last


@contextlib.contextmanager
def logged_in(browser, hub, name, password):
    """Log in by the hub's form, and out of sight at the end."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    jupyterlab.close_dialogs(tab)
    tab.goto(f"{hub.address}/hub/login")
    tab.get_by_label("Username").fill(name)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("menuitem", name="Nbgrader", exact=True).wait_for()
    yield Person(name, tab, f"{hub.address}/user/{name}")
    context.close()


def _assignments(student):
    """Open nbgrader's list; it shows the three kinds below each other."""
    student.menu().get_by_text("Assignment List").click()
    listed = student.tab.locator("#nbgrader-assignment-list")
    listed.locator("#refresh_assignments_list").click()
    return listed


def fetch(student):
    listed = _assignments(student)
    listed.get_by_role("button", name="Fetch", exact=True).click()
    listed.get_by_role("button", name="Submit", exact=True).wait_for()


def write(student, text, answer):
    """Replace the cell that contains ``text`` in the notebook, and save."""
    tab = student.tab
    listed = _assignments(student)
    listed.locator("#fetched_assignments_list").get_by_text(ASSIGNMENT).click()
    listed.get_by_role("link", name=NOTEBOOK, exact=True).click()
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    shown = tab.locator(".jp-Cell", has_text=text)
    shown.dblclick()  # opens text that is shown as it will look
    shown.locator(".cm-content").click()
    tab.keyboard.press("Control+A")
    tab.keyboard.insert_text(answer)
    with tab.expect_response(
        lambda r: r.request.method == "PUT" and f"{NOTEBOOK}.ipynb" in r.url
    ) as saved:
        tab.keyboard.press("Control+S")
    assert saved.value.ok


def submit(student):
    listed = _assignments(student)
    listed.get_by_role("button", name="Submit", exact=True).click()
    listed.locator("#submitted_assignments_list").get_by_text(ASSIGNMENT).wait_for()


def fetch_feedback(student):
    listed = _assignments(student)
    listed.get_by_role("button", name="Fetch Feedback").click()
    listed.get_by_text("view feedback").wait_for()


def press(instructor, page, row, column):
    """Press a button in one of formgrader's tables, and see that it works."""
    tab = instructor.tab
    tab.goto(f"{instructor.address}/formgrader/{page}")
    line = tab.locator("tbody tr", has=tab.get_by_text(row, exact=True))
    line.locator(f".{column} a").click()
    said = tab.locator(".modal")
    said.wait_for()
    assert said.get_attribute("id") == "success-modal", said.inner_text()


def points(instructor):
    """What formgrader's table says of each student: status and points."""
    tab = instructor.tab
    tab.goto(f"{instructor.address}/formgrader/manage_submissions/{ASSIGNMENT}")
    rows = tab.locator("tbody tr", has=tab.locator(".student-id"))
    rows.first.wait_for()
    columns = [
        rows.locator(f".{column}").all_inner_texts()
        for column in ("student-id", "status", "score")
    ]
    return {name: told for name, *told in zip(*columns, strict=True)}


def mark(instructor, student, answer, given, comment):
    """Give points and a comment for an answer in words."""
    tab = instructor.tab
    tab.goto(f"{instructor.address}/formgrader/manage_students/{student}/{ASSIGNMENT}")
    tab.get_by_role("link", name=NOTEBOOK).click()
    for field in ("_extra_credit", "-comment"):  # set once it listens
        tab.locator(f"[id='{answer}{field}'][placeholder]").wait_for()
    for field, text in (("", given), ("-comment", comment)):
        with tab.expect_response(lambda r: r.request.method == "PUT") as saved:
            tab.locator(f"[id='{answer}{field}']").fill(text)
            tab.keyboard.press("Tab")
        assert saved.value.ok
