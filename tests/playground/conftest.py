"""The built book on a server of its own, and a browser that reaches nothing else."""

import json
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest


class _Recording(SimpleHTTPRequestHandler):
    """Keeps each request's path and status, and prints nothing."""

    def log_request(self, code="-", size="-"):
        self.server.answers.append((self.path, int(code)))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def server(html):
    """The built book, served on the loopback; ``answers`` holds what was asked for."""
    manifest = html / "_static/playground/manifest.json"
    if not manifest.exists() or not json.loads(manifest.read_text())["parts"]:
        pytest.skip(
            "the parts of exercises that run in the page are missing: make book"
        )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Recording, directory=html))
    server.answers = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def site(server):
    """The address of the built book, served on the loopback."""
    return f"http://127.0.0.1:{server.server_port}"


@dataclass
class Notebook:
    """The page of a notebook in a tab, and what a learner does there."""

    tab: object
    site: str
    page: str
    requested: list = field(default_factory=list)
    complaints: list = field(default_factory=list)
    accepts: bool = True  # what the page asks

    def open(self):
        self.tab.goto(f"{self.site}/{self.page}.html")
        self.tab.locator(".playground-bar").wait_for()
        return self

    def exercise(self, key):
        return self.tab.locator(f'[data-exercise="{key}"]')

    def report(self, key):
        return self.exercise(key).get_by_role("status")

    def source(self, key):
        return "\n".join(self.exercise(key).locator(".cm-line").all_text_contents())

    def write(self, key, text):
        self.exercise(key).locator(".cm-content").click()
        self.tab.keyboard.press("Control+a")
        self.tab.keyboard.press("Delete")
        self.tab.keyboard.insert_text(text)

    def press(self, key, button):
        """Press Check or Run; the text of the report, once it is there."""
        self.exercise(key).get_by_role("button", name=button).click()
        finished = self.exercise(key).locator(".playground-report[aria-busy=false]")
        finished.wait_for()
        return self.report(key).inner_text()

    def summary(self):
        return self.tab.locator(".playground-summary").inner_text()


def opened(context, site, page, tab=None):
    tab = tab or context.new_page()
    notebook = Notebook(tab, site, page)
    tab.on("request", lambda request: notebook.requested.append(request.url))
    tab.on("pageerror", lambda error: notebook.complaints.append(str(error)))
    tab.on("dialog", lambda d: d.accept() if notebook.accepts else d.dismiss())
    return notebook.open()


@pytest.fixture(scope="session")
def context(browser):
    with browser.new_context(accept_downloads=True) as made:
        yield made


@pytest.fixture(scope="session")
def the_tab(context, site):
    return opened(context, site, "exercises/01_feature_scaling/feature_scaling")


@pytest.fixture(scope="module")
def scaling(the_tab):
    """The first notebook, in one tab for all tests: Python need not start for each.

    For the tests of each file, nothing has been written yet.
    """
    the_tab.tab.evaluate(
        "localStorage.clear(); dispatchEvent(new StorageEvent('storage', {key: null}))"
    )
    return the_tab
