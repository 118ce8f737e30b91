"""Marking as an assistant does it: in a browser, by keyboard alone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from normlib.grade.bridge import gradebook
from normlib.grade.marking.answers import Answers
from tests.grade.marking.conftest import given, serving
from tests.grade.marking.test_server import HOSTILE, QUESTION

STUDENTS = {
    "ada": "It cancels in $x - y$.",
    "bob": f"Because. {HOSTILE}",
    "cy": "It cancels\nin $x - y$.",
}


@pytest.fixture
def class_(class_of):
    return class_of(STUDENTS)


@pytest.fixture
def address(class_):
    with serving(class_) as address:
        yield address


@pytest.fixture
def tab(address, browser):
    """On the list of questions; nothing outside of the site is asked for."""
    tab, asked, opened, told = browser.new_page(), [], [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: opened.append(dialog.message) or dialog.dismiss())
    tab.on("console", lambda message: told.append(message.text))
    tab.goto(address)
    yield tab
    tab.close()
    assert all(url.startswith(address) for url in asked) and opened == []
    assert not [
        text for text in told if "net::ERR_FAILED" not in text
    ]  # cut on purpose


def press(tab, *keys):
    for key in keys:
        tab.keyboard.press(key)


def saved(tab):
    tab.wait_for_selector("#status.good")


def open_first(tab):
    """The only link of the list, by keyboard."""
    press(tab, "Tab", "Enter")
    tab.wait_for_selector("#mark")
    tab.wait_for_load_state()  # a route set before may miss what is asked for


def writer(tab):
    """One of those who wrote the answer on the page."""
    return "bob" if "Because." in tab.inner_text("#written") else "ada"


def test_a_question_is_marked_by_keyboard(tab, class_):
    open_first(tab)
    first = writer(tab)
    press(tab, "3")
    saved(tab)
    press(tab, "c")
    tab.keyboard.type("Why? 12 n")
    press(tab, "Escape", "n")  # leaves when the comment is saved, too
    expect(tab).to_have_title(re.compile("^2 of 2"))
    second = writer(tab)
    assert {first, second} == {"ada", "bob"}
    press(tab, "Shift+Digit1", "0", "+", "+", "-")
    expect(tab.locator("#status")).to_contain_text("0.5")
    tab.reload()
    assert tab.get_attribute("[data-points='0.5']", "aria-pressed") == "true"
    assert tab.input_value("#comment") == "Why? 12 n"
    assert given(class_, first) == (1.5, False, "Why? 12 n")
    assert given(class_, second) == (0.5, False, "Why? 12 n")
    assert given(class_, "cy") == given(class_, "ada")
    press(tab, "x")
    expect(tab.locator("#status")).to_contain_text("not marked")
    assert given(class_, second) == (None, True, "Why? 12 n")
    press(tab, "q")
    tab.wait_for_selector("td")
    assert tab.inner_text("td.wait") == "1"


def test_a_key_that_is_pressed_while_the_page_loads_counts(tab, class_):
    open_first(tab)
    tab.add_init_script(
        "const early = new KeyboardEvent('keydown', {key: '3', code: 'Digit3'});"
        "new MutationObserver((_, watch) => { if (document.querySelector('main')) {"
        " watch.disconnect(); dispatchEvent(early); } })"
        ".observe(document, {childList: true, subtree: true});"
    )
    tab.reload()
    saved(tab)
    assert given(class_, writer(tab)) == (1.5, False, None)


def test_a_key_for_the_next_answer_gives_this_one_nothing(tab, class_):
    """While the next page is on its way."""
    open_first(tab)
    student, held = writer(tab), []
    tab.route("**/*", lambda route: held.append(route))
    press(tab, "n")
    while not held:
        tab.wait_for_timeout(20)
    press(tab, "2")
    tab.wait_for_timeout(300)  # for what should not be sent
    assert len(held) == 1
    tab.unroute("**/*")  # lets it go on
    expect(tab).to_have_title(re.compile("^2 of 2"))
    assert given(class_, student)[0] is None


def test_names_are_hidden_until_asked_for(tab):
    open_first(tab)
    assert "ada" not in tab.content() and "bob" not in tab.content()
    wanted = "bob" if writer(tab) == "bob" else "ada, cy"
    press(tab, "w")
    expect(tab.locator("#names")).to_have_text(wanted)


def test_what_somebody_else_did_meanwhile_is_told_and_can_come_back(
    tab, class_, question
):
    open_first(tab)
    with gradebook.opened(class_) as book:
        others = Answers(class_, book)
        key = tab.url.rpartition("/")[2]
        others.save(question, key, "", {"points": 1, "comment": "Theirs."})
    press(tab, "4")
    tab.wait_for_selector("#status.wait")
    said = tab.inner_text("#status")
    assert "somebody else had given 1 point, and said “Theirs.”" in said
    student = writer(tab)
    assert given(class_, student) == (2, False, "Theirs.")
    tab.click("#theirs")
    saved(tab)
    assert given(class_, student) == (1, False, "Theirs.")


def test_what_was_not_saved_is_not_lost(tab, class_):
    open_first(tab)
    tab.route("**/*", lambda route: route.abort())
    press(tab, "3")
    tab.wait_for_selector("#status.bad")
    place = tab.url
    press(tab, "n")  # tries again first, and stays
    tab.wait_for_selector("#status.bad")
    assert tab.url == place and given(class_, writer(tab))[0] is None
    tab.unroute("**/*")
    student = writer(tab)
    press(tab, "n")
    expect(tab).to_have_title(re.compile("^2 of 2"))
    assert given(class_, student) == (1.5, False, None)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_reads_in_every_light(tab, address, scheme, width, picture):
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 800})
    for name in ("list", "answer"):
        if name == "answer":
            tab.goto(address + QUESTION)
            tab.evaluate(
                "document.querySelectorAll('details').forEach(d => d.open = true)"
            )
        picture(tab, f"mark-{name}-{width}-{scheme}", full_page=True)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        faults = Axe().run(tab).response["violations"]
        assert [fault["id"] for fault in faults] == []
