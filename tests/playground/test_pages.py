"""The pages around their exercises: on every screen, for everyone, without parts."""

import json
from urllib.parse import urlparse

import pytest
from bs4 import BeautifulSoup

from normlib.check import EXERCISES
from tests.axe import serious_faults
from tests.pages import NOTEBOOKS, PATIENCE

PAGE = "exercises/01_feature_scaling/feature_scaling"
KEY = "feature_scaling.min_max"
WRONG = "def min_max_scale(x, low=0.0, high=1.0):\n    return x"
TABLE = """class Table:
    def _repr_html_(self):
        row = "<td>0.123456789</td>" * 30
        return f"<table><tr>{row}</tr></table>"

print("9" * 400)
Table()"""
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture
def visit(browser, site):
    """Open a page in a browser that has seen nothing yet."""
    contexts = []

    def open_page(page, prepare=lambda tab: None, **options):
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        prepare(tab)
        tab.goto(page if "://" in page else f"{site}/{page}.html")
        return tab

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_each_exercise_of_a_topic_has_its_place_on_the_page(page, html):
    topic = page.rpartition("/")[2]
    built = BeautifulSoup((html / f"{page}.html").read_text(), "html.parser")
    keys = [place["data-exercise"] for place in built.select("[data-exercise]")]
    assert sorted(keys) == sorted(k for k in EXERCISES if k.startswith(f"{topic}."))
    for place in built.select("[data-exercise]"):
        assert "NotImplementedError" in place.get_text()
    assert len(built.select(".playground-written")) == str(built).count(
        "<p>YOUR ANSWER HERE</p>"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("page", [PAGE, "book/intro", "book/install"])
def test_it_shuts_nobody_out(visit, page, viewport, theme, picture):
    tab = visit(page, viewport=viewport, color_scheme=theme)
    if page != "book/install":
        tab.locator(".cm-content").first.wait_for()
    tab.locator(f"html[data-theme={theme}]").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    picture(tab, f"playground-{page.rpartition('/')[2]}-{viewport['width']}-{theme}")
    assert serious_faults(tab, ".bd-article") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_an_answer_brings_shuts_nobody_out(visit, theme):
    tab = visit(PAGE, viewport=PHONE, color_scheme=theme)
    exercise = tab.locator(f'[data-exercise="{KEY}"]')
    for code, button in ((WRONG, "Check"), (TABLE, "Run")):
        exercise.locator(".cm-content").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.insert_text(code)
        exercise.get_by_role("button", name=button).click()
        exercise.locator(".playground-report[aria-busy=false]").wait_for()
        assert exercise.get_by_role("status").inner_text()
        assert serious_faults(tab, f'[data-exercise="{KEY}"]') == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_keyboard_is_enough(scaling):
    tab = scaling.tab
    reset = scaling.exercise(KEY).get_by_role("button", name="Reset")
    scaling.exercise(KEY).locator(".cm-content").focus()
    tab.keyboard.press("Control+End")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")  # indents
    assert scaling.source(KEY).endswith("\n        ")
    tab.keyboard.press("Control+z")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Tab")  # leaves
    focused = "document.activeElement.textContent"
    assert tab.evaluate(focused) == "Check"
    tab.keyboard.press("Enter")
    scaling.report(KEY).get_by_text("0 of 3 points").wait_for()
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "Run"
    tab.keyboard.press("Tab")
    assert reset.evaluate("button => button === document.activeElement")


def test_parts_load_only_when_an_exercise_is_touched(visit):
    requested = []
    tab = visit(PAGE, lambda tab: tab.on("request", lambda r: requested.append(r.url)))
    tab.locator(".cm-content").first.wait_for()
    tab.wait_for_load_state("networkidle")
    assert not [url for url in requested if "pyodide" in url or "numpy" in url]


def test_a_second_visit_loads_from_the_browsers_cache(
    browser, chromium, site, server, tmp_path
):
    """What the server is asked for again, it answers with 304: nothing has changed."""

    def parts_sent(context):
        before = len(server.answers)
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.goto(f"{site}/{PAGE}.html")
        exercise = tab.locator(f'[data-exercise="{KEY}"]')
        exercise.get_by_role("button", name="Check").click()
        exercise.get_by_role("status").get_by_text("of 3 points").wait_for()
        tab.close()
        answered = server.answers[before:]
        return {path for path, code in answered if "/parts/" in path and code == 200}

    # In memory alone, Chromium keeps nothing as large as Pyodide.
    start = browser.browser_type.launch_persistent_context
    with start(tmp_path / "profile", **chromium) as context:
        first = {
            path.partition("?")[0].rpartition(".")[2] for path in parts_sent(context)
        }
        assert {"wasm", "whl", "zip"} <= first
        assert parts_sent(context) == set()


def test_an_exercise_in_torch_says_so_and_keeps_an_editor(visit, html):
    if not (html / "exercises/02_batch_norm/batch_norm.html").exists():
        pytest.skip("this book lacks the page")
    tab = visit("exercises/02_batch_norm/batch_norm")
    module = tab.locator('[data-exercise="batch_norm.module"]')
    module.get_by_text("This exercise needs torch").wait_for()
    assert module.locator(".cm-content").count() == 1
    assert module.get_by_role("button").all_text_contents() == ["Reset"]


def _line(tab):
    tab.locator(".playground-notice").wait_for()
    assert tab.locator("[data-exercise] .cell pre").first.is_visible()
    assert tab.locator(".cm-content").count() == 0
    return tab.locator(".playground-notice").inner_text()


def test_from_the_disk_one_line_says_why_nothing_runs(visit, html):
    complaints = []
    tab = visit(
        (html / f"{PAGE}.html").as_uri(),
        lambda tab: tab.on("console", lambda m: complaints.append((m.type, m.text))),
    )
    assert "only where it is served" in _line(tab)
    assert not [text for kind, text in complaints if kind in ("error", "warning")]


@pytest.mark.parametrize("manifest", [None, {"parts": None}])
def test_without_its_parts_one_line_says_why_nothing_runs(visit, manifest):
    def lose(tab):
        lost = {"status": 404} if manifest is None else {"body": json.dumps(manifest)}
        tab.route("**/manifest.json", lambda route: route.fulfill(**lost))

    assert "parts were missing" in _line(visit(PAGE, lose))


def test_a_part_that_does_not_arrive_is_named(visit):
    tab = visit(
        PAGE, lambda tab: tab.route("**/numpy*.whl", lambda r: r.fulfill(status=500))
    )
    exercise = tab.locator(f'[data-exercise="{KEY}"]')
    exercise.get_by_role("button", name="Check").click()
    exercise.get_by_role("status").get_by_text("Python could not be loaded").wait_for()
    assert "numpy" in exercise.get_by_role("status").inner_text()


def test_without_scripts_the_page_is_as_it_was(visit):
    tab = visit(PAGE, java_script_enabled=False)
    assert tab.locator("[data-exercise] .cell pre").first.is_visible()
    # Chromium shows it only to who has switched scripts off in its settings.
    assert "Exercises run in the page when JavaScript is allowed" in tab.content()
    assert tab.get_by_text("YOUR ANSWER HERE").first.is_visible()


def test_the_first_page_shows_on_a_phone_what_it_is_about(visit):
    tab = visit("book/intro", viewport=PHONE)
    tab.locator(".cm-content").wait_for()
    ways = [tab.get_by_role("link", name="Start chapter 1").first]
    ways.append(
        tab.locator(".playground-ways").get_by_role("link", name="Get the course")
    )
    for shown in (*ways, tab.locator("img.playground-picture").first):
        box = shown.bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
    ways[0].click()
    tab.wait_for_url("**/01_feature_scaling.html")


def test_the_first_page_has_an_exercise_and_says_where_to_go_on(visit, site):
    tab = visit("book/intro")
    assert tab.get_by_role("link", name="Get the course").first.is_visible()
    tab.locator(".cm-content").wait_for()
    assert tab.locator(".playground-course").last.is_hidden()
    tab.locator(".cm-content").click()
    tab.keyboard.press("Control+a")
    tab.keyboard.insert_text("def min_max_scale(x, low=0.0, high=1.0):\n    return x")
    where = tab.get_by_role("link", name="1 · Min-max scaling")
    assert urlparse(where.evaluate("a => a.href")).path.endswith(f"{PAGE}.html")
    where.click()
    tab.locator(f'[data-exercise="{KEY}"] .cm-content').get_by_text(
        "return x"
    ).wait_for()
