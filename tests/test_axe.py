"""What the tests of pages find with axe-core, though they look at few words of many."""

import pytest

from tests.axe import serious_faults

WORDS = "".join(
    f"<p>Some <code>words <span>number {i}</span></code></p>" for i in range(50)
)
PAGE = f"""<!doctype html><html lang="en"><title>A page</title>
<style>code {{ background: #eee }}</style><main><h1>A page</h1>{WORDS}</main>"""
LAST = "document.querySelector('p:last-child {}')"


@pytest.fixture(scope="module")
def tab(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


def test_a_page_with_nothing_wrong_has_no_faults(tab):
    tab.set_content(PAGE)
    assert serious_faults(tab) == []
    assert tab.locator("[data-distinct]").count() < 15


@pytest.mark.parametrize(
    "change",
    [
        f"{LAST.format('span')}.style.color = '#999'",
        f"{LAST.format('code')}.style.background = '#555'",
        f"{LAST.format('')}.style.opacity = 0.3",
        "document.querySelector('p').style.visibility = 'hidden';"
        "document.querySelectorAll('span').forEach(s => { s.style.color = '#999'; })",
    ],
    ids=["color", "ground", "opacity", "all"],
)
def test_one_faint_word_among_many_is_found(tab, change):
    tab.set_content(PAGE)
    assert serious_faults(tab) == []
    tab.evaluate(change)
    assert {rule for rule, _ in serious_faults(tab)} == {"color-contrast"}
    assert serious_faults(tab, "h1") == []


def test_every_other_rule_looks_at_everything(tab):
    tab.set_content(PAGE.replace("number 49", "<img src=x>"))
    assert [rule for rule, _ in serious_faults(tab)] == ["image-alt"]
