"""What several test files share: the tree, the built book and a browser."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from tests.pages import PATIENCE

# Properties are tried on the same examples every time, on machines of any speed.
settings.register_profile("normlib", derandomize=True, database=None, deadline=None)
settings.load_profile("normlib")

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Tests that need one open page run in one process; what takes long comes first.

    What needs a browser or the book takes long, as others do that are marked so. It is
    not part of `make quick`.
    """
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(_page(item)))
        if {"browser", "html"} & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    # Or, at the end, one process has the longest test left and the others have none.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _page(item):
    """The page of the book that is open in this test, or else its file's pages."""
    if "site" in item.fixturenames:
        return "the page in which Python has started"
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return f"{item.path.name}, {parameters.get('page', 'its own pages')}"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def html() -> Path:
    """The built book."""
    built = ROOT / "_build/html"
    assert (built / "index.html").exists(), "run `make book` first"
    return built


@pytest.fixture(scope="session")
def picture():
    """Draw a page or a part of it for somebody to look at, if SCREENSHOTS is set.

    To draw a long page takes as long as to load it, and no test depends on it.
    """

    def draw(what, name, **options):
        if os.environ.get("SCREENSHOTS"):
            path = ROOT / f"_build/screenshots/{name}.png"
            what.screenshot(path=path, animations="disabled", **options)

    return draw


@pytest.fixture(scope="session")
def chromium():
    """How Chromium is started: it looks nothing up, only the loopback has a name."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    quiet = ("background-networking", "component-update", "sync")
    rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    args = ["--no-sandbox", f"--host-resolver-rules={rules}"]
    return {
        "executable_path": program,
        "args": [*args, *(f"--disable-{what}" for what in quiet)],
    }


@pytest.fixture(scope="session")
def browser(chromium):
    """A headless Chromium. One for all tests of a process: Playwright allows no second
    one beside it.
    """
    from playwright.sync_api import sync_playwright

    def patient(opens):
        def opened(**options):
            page = opens(**options)
            page.set_default_timeout(PATIENCE)
            return page

        return opened

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(timeout=PATIENCE, **chromium)
        started.new_page = patient(started.new_page)
        started.new_context = patient(started.new_context)
        yield started
        started.close()
