"""What several test files share: the tree, the built book and a browser."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# Properties are tried on the same examples every time, on machines of any speed.
settings.register_profile("normlib", derandomize=True, database=None, deadline=None)
settings.load_profile("normlib")

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items):
    """Tests with a browser run in one process, where its pages are opened once.

    Like others that are marked so, they are not part of `make quick`.
    """
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("browser"))
        if {"browser", "html"} & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


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
def screenshots() -> Path:
    folder = ROOT / "_build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(**chromium)
        yield started
        started.close()
