"""What a learner wrote in the page: kept, taken out, graded, read back in."""

import json

import pytest

from normlib.check import EXERCISES
from normlib.grade.sandbox import backends
from normlib.grade.submission import grading
from normlib.grade.submission.pack import Limits, Pack

RELEASED = "exercises/01_feature_scaling/feature_scaling.ipynb"
RIGHT = """def min_max_scale(x, low=0.0, high=1.0):
    smallest = x.min(axis=0)
    span = x.max(axis=0) - smallest
    return low + (high - low) * (x - smallest) / np.where(span == 0, 1, span)"""
PARTLY = """def z_score_scale(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)"""
IN_WORDS = "Both are right: “1.5” is above every training row.\n\nKeep it."


def download(notebook):
    with notebook.tab.expect_download() as started:
        notebook.tab.get_by_role("button", name="Download my notebook").click()
    return started.value


def field(notebook, number=0):
    return notebook.tab.locator(".playground-written textarea").nth(number)


def test_without_an_answer_it_is_the_released_file_byte_for_byte(scaling, root):
    got = download(scaling)
    assert got.suggested_filename == "feature_scaling.ipynb"
    assert got.path().read_bytes() == (root / RELEASED).read_bytes()


def test_the_downloaded_notebook_is_graded_as_the_page_showed(
    scaling, root, tmp_path_factory
):
    answers = {"feature_scaling.min_max": RIGHT, "feature_scaling.z_score": PARTLY}
    shown = {}
    for key, answer in answers.items():
        scaling.write(key, answer)
        scaling.press(key, "Check")
        state = scaling.exercise(key).locator(".playground-state").inner_text()
        shown[key] = float(state.split()[0])
    assert shown["feature_scaling.min_max"] == 3
    assert 0 < shown["feature_scaling.z_score"] < 3
    field(scaling).fill(IN_WORDS)
    submission = download(scaling).path().read_bytes()

    limits = Limits(cell=60, call=60, submission=300, memory=1024)
    pack = Pack.read(root / RELEASED, limits)
    try:
        with backends.strongest(tmp_path_factory.mktemp("grader"), pack.imports) as box:
            where = box.address, box.backend.name
            graded = grading.grade(pack, submission, "", 0, *where)
    except backends.NoSandbox as missing:
        if "no sandbox works here" not in str(missing):
            raise
        pytest.skip(str(missing))
    points = {name.replace("-", ".", 1): p for name, p in graded.points.items()}
    assert {key: points[key] for key in shown} == shown
    cells = json.loads(graded.notebook)["cells"]
    assert IN_WORDS in ["".join(cell["source"]) for cell in cells]
    assert graded.notes == []


def test_a_notebook_solved_elsewhere_is_read_in(scaling, root, tmp_path):
    solved = json.loads((root / RELEASED).read_text())
    for cell in solved["cells"]:
        match cell["metadata"].get("nbgrader", {}).get("grade_id"):
            case "feature_scaling-min_max-answer":
                cell["source"] = RIGHT + "  # elsewhere"
                cell["outputs"], cell["execution_count"] = [], 7
            case "feature_scaling-why-models":
                cell["source"] = "Trees do not care."
    own = {"cell_type": "code", "metadata": {}, "source": "1 + 1", "outputs": []}
    solved["cells"].insert(2, own | {"execution_count": None, "id": "mine"})
    file = tmp_path / "solved.ipynb"
    file.write_text(json.dumps(solved))
    choose = scaling.tab.locator("input[type=file]")

    scaling.write("feature_scaling.min_max", "# mine")
    scaling.accepts = False
    choose.set_input_files(file)
    scaling.tab.wait_for_function("!document.querySelector('input[type=file]').value")
    assert scaling.source("feature_scaling.min_max") == "# mine"
    scaling.accepts = True
    choose.set_input_files(file)
    scaling.tab.get_by_text(
        "The answers of solved.ipynb are in their places"
    ).wait_for()
    assert scaling.source("feature_scaling.min_max").endswith("# elsewhere")
    assert field(scaling).input_value() == "Trees do not care."
    assert "3 of 3 points" in scaling.press("feature_scaling.min_max", "Check")


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("no notebook", "This file is not a notebook."),
        ('{"cells": []}', "This notebook holds no answer to this page."),
    ],
)
def test_other_files_are_refused_with_a_sentence(scaling, tmp_path, content, sentence):
    (tmp_path / "other.ipynb").write_text(content)
    scaling.tab.locator("input[type=file]").set_input_files(tmp_path / "other.ipynb")
    scaling.tab.get_by_text(sentence).wait_for()


def test_two_tabs_lose_no_work(scaling, context):
    from tests.playground.conftest import opened

    other = opened(context, scaling.site, scaling.page)
    scaling.write("feature_scaling.decimal", "# from the first tab")
    other.tab.get_by_text("# from the first tab").wait_for()
    other.write("feature_scaling.scaler", "# from the second tab")
    scaling.tab.get_by_text("# from the second tab").wait_for()
    field(other).fill("words")
    scaling.tab.wait_for_function(
        "document.querySelector('.playground-written textarea').value === 'words'"
    )
    other.tab.close()
    scaling.open()
    assert scaling.source("feature_scaling.decimal") == "# from the first tab"
    assert scaling.source("feature_scaling.scaler") == "# from the second tab"


def test_a_page_shown_again_has_what_was_written_meanwhile(scaling):
    """With "Back", the browser shows a page that has heard nothing of other tabs."""
    key = "feature_scaling.decimal"
    scaling.write(key, "# mine")
    place = "normlib/answer/feature_scaling-decimal-answer"
    scaling.tab.evaluate(
        f"localStorage.setItem('{place}', '# later');"
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )
    scaling.tab.get_by_text("# later").wait_for()
    # What was replaced comes back alone, also when it was written just before.
    scaling.exercise(key).get_by_role("textbox").press("Control+z")
    assert scaling.source(key) == "# mine"
    scaling.open()
    assert scaling.source(key) == "# mine"


def test_answers_survive_a_new_build_of_the_book(scaling, html):
    manifest = json.loads((html / "_static/playground/manifest.json").read_text())
    manifest["version"] = "another"
    scaling.write("feature_scaling.decimal", "# of the build before")
    body = json.dumps(manifest)
    scaling.tab.route("**/manifest.json", lambda route: route.fulfill(body=body))
    before = len(scaling.requested)
    scaling.open()
    scaling.tab.unroute("**/manifest.json")
    assert [u for u in scaling.requested[before:] if u.endswith("page.js?v=another")]
    assert scaling.source("feature_scaling.decimal") == "# of the build before"


def test_every_exercise_of_the_topic_is_on_its_page(scaling):
    keys = scaling.tab.locator("[data-exercise]").evaluate_all(
        "all => all.map(one => one.dataset.exercise)"
    )
    assert keys == [key for key in EXERCISES if key.startswith("feature_scaling.")]
