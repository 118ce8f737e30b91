"""Exercises that run in the page: a learner's answers, of every kind."""

import re
from urllib.parse import urlparse

KEY = "feature_scaling.min_max"
NEXT = "feature_scaling.z_score"
RIGHT = """def min_max_scale(x, low=0.0, high=1.0):
    smallest = x.min(axis=0)
    span = x.max(axis=0) - smallest
    unit = (x - smallest) / np.where(span == 0, 1, span)
    return low + (high - low) * unit"""
BY_ROWS = """def min_max_scale(x, low=0.0, high=1.0):
    smallest = x.min(axis=1, keepdims=True)
    span = x.max(axis=1, keepdims=True) - smallest
    return low + (high - low) * (x - smallest) / span"""


def test_what_is_loading_is_said_in_words_and_numbers(scaling):
    heard = []
    scaling.tab.expose_function("heard", lambda said: heard.append(said))
    place = scaling.exercise(KEY).locator(".playground-loading")
    place.evaluate(
        "place => new MutationObserver(() => heard(place.textContent))"
        ".observe(place, {childList: true, characterData: true, subtree: true})"
    )
    scaling.press(KEY, "Check")
    assert place.is_hidden()
    numbers = [re.fullmatch(r"Loading .+: ([\d.]+) of ([\d.]+) MB", h) for h in heard]
    done = [float(found[1]) for found in numbers if found]
    assert done and done == sorted(done)
    assert heard[-1] == "Starting Python"


def test_a_stub_is_not_written_yet(scaling):
    assert "0 of 3 points" in (said := scaling.press(KEY, "Check"))
    assert "not written yet" in said


def test_a_wrong_answer_is_told_which_mistake_it_looks_like(scaling):
    scaling.write(KEY, BY_ROWS)
    said = scaling.press(KEY, "Check")
    assert "This looks like: The minimum and maximum of each row." in said


def test_the_link_of_a_report_leads_to_the_section_of_the_chapter(scaling, html):
    scaling.write(KEY, BY_ROWS)
    scaling.press(KEY, "Check")
    link = urlparse(scaling.report(KEY).locator("a").evaluate("link => link.href"))
    assert f"{link.scheme}://{link.netloc}" == scaling.site
    assert (html / link.path.lstrip("/")).parent == html / "book"
    assert (html / link.path.lstrip("/")).name == "01_feature_scaling.html"
    assert link.fragment == "min-max"


def test_an_answer_that_does_not_compile_shows_where(scaling):
    scaling.write(KEY, "def min_max_scale(x:\n    return x")
    said = scaling.press(KEY, "Check")
    assert "SyntaxError" in said and 'File "your answer", line 1' in said


def test_an_answer_that_raises_when_it_is_defined_shows_where(scaling):
    scaling.write(KEY, "ones = np.ones(3)\nones[7]")
    said = scaling.press(KEY, "Check")
    assert "IndexError" in said and 'File "your answer", line 2' in said
    assert "ones[7]" in said and "in_the_page" not in said


def test_an_answer_that_raises_when_it_is_called_says_so(scaling):
    scaling.write(
        KEY, "def min_max_scale(x, low=0.0, high=1.0):\n    return x / nothing"
    )
    assert "nothing" in (said := scaling.press(KEY, "Check"))
    assert "0 of 3 points" in said


def test_a_name_that_is_missing_is_named(scaling):
    scaling.write(KEY, "def scale(x):\n    return x")
    assert "defines no min_max_scale" in scaling.press(KEY, "Check")


def test_what_an_answer_prints_is_shown(scaling):
    scaling.write(KEY, f"{RIGHT}\n\nprint('<b>here</b>')")
    said = scaling.press(KEY, "Check")
    assert "<b>here</b>" in said and "3 of 3 points" in said


def test_run_shows_what_is_printed_and_the_last_value(scaling):
    code = "print('first')\nmin_max_scale(np.array([[1.0], [3.0]]))"
    scaling.write(KEY, f"{RIGHT}\n\n{code}")
    said = scaling.press(KEY, "Run")
    assert "first" in said and "array([[0.],\n       [1.]])" in said


def test_endless_printing_shows_only_so_much(scaling):
    scaling.write(KEY, "for i in range(100_000):\n    print(i)")
    said = scaling.press(KEY, "Run")
    assert len(said) < 25_000 and "and more" in said


def test_an_endless_loop_is_stopped_and_the_next_check_works(scaling):
    scaling.write(KEY, "while True:\n    pass")
    assert "Stopped after 10 seconds" in scaling.press(KEY, "Check")
    scaling.write(KEY, RIGHT)
    assert "3 of 3 points" in scaling.press(KEY, "Check")


def test_earlier_answers_and_given_functions_are_defined(scaling):
    scaling.write(KEY, RIGHT)
    scaling.write(NEXT, "min_max_scale(np.array([[1.0], [3.0]])).sum()")
    assert "1.0" in scaling.press(NEXT, "Run")
    scaling.write(NEXT, "side_by_side({'given': [[0.5]]})")
    assert "0.5000" in scaling.press(NEXT, "Run")


def test_points_add_up_and_belong_to_the_text_that_was_checked(scaling):
    scaling.write(KEY, RIGHT)
    scaling.press(KEY, "Check")
    assert scaling.summary().startswith("3 of 17 points")
    scaling.write(KEY, "# begun anew")
    assert scaling.summary().startswith("0 of 17 points")


def test_answers_and_points_survive_a_reload(scaling):
    scaling.write(KEY, RIGHT)
    scaling.press(KEY, "Check")
    written = scaling.source(KEY)
    scaling.open()
    assert scaling.source(KEY) == written
    assert scaling.summary().startswith("3 of 17 points")


def test_reset_asks_first(scaling):
    scaling.write(KEY, RIGHT)
    scaling.accepts = False
    scaling.exercise(KEY).get_by_role("button", name="Reset").click()
    assert "smallest" in scaling.source(KEY)
    scaling.accepts = True
    scaling.exercise(KEY).get_by_role("button", name="Reset").click()
    assert "raise NotImplementedError()" in scaling.source(KEY)


def test_nothing_came_from_elsewhere_and_nothing_went_wrong(scaling):
    assert {urlparse(url).netloc for url in scaling.requested} <= {
        urlparse(scaling.site).netloc,
        "",
    }
    assert scaling.complaints == []
