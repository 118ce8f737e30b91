"""Run: what a learner's code prints, draws and ends with, shown in the page."""

import json
from urllib.parse import urlparse

import pytest

from tests.playground.conftest import opened

KEY = "feature_scaling.min_max"
TABLE = """class Table:
    def _repr_html_(self):
        return {html!r}

Table()"""
DRAWS = """import matplotlib.pyplot as plt
print("before")
plt.plot([1, 4, 2])
plt.title("Three <values>")
plt.show()"""


def run(scaling, code):
    scaling.write(KEY, code)
    return scaling.press(KEY, "Run")


def test_an_array_is_shown_with_its_shape(scaling):
    said = run(scaling, "np.eye(2, dtype=np.float32)")
    assert "array([[1., 0.],\n       [0., 1.]], dtype=float32)" in said
    assert "shape (2, 2), float32" in said


@pytest.mark.parametrize("code", ["x = 3", "None", "4 + 4;"])
def test_without_output_or_value_it_says_that_it_ran(scaling, code):
    assert run(scaling, code) == "It ran. Print something, or end with a value."


def test_a_value_that_has_a_table_is_shown_as_one(scaling):
    html = "<table><tr><th scope=col>mean</th></tr><tr><td>0.5</td></tr></table>"
    run(scaling, TABLE.format(html=html))
    table = scaling.report(KEY).get_by_role("table")
    assert table.get_by_role("columnheader").all_inner_texts() == ["mean"]
    assert table.get_by_role("cell").all_inner_texts() == ["0.5"]


def test_a_table_that_fails_shows_where(scaling):
    code = "class Table:\n    def _repr_html_(self):\n        return 1 / 0\n\nTable()"
    said = run(scaling, code)
    assert "ZeroDivisionError" in said and "line 3" in said


# An opened notebook's code is somebody else's.
@pytest.mark.parametrize(
    "harm",
    [
        "<script>window.harmed = 1</script>",
        "<img src=x onerror='window.harmed = 1'>",
        "<svg onload='window.harmed = 1'></svg>",
        "<details open ontoggle='window.harmed = 1'>x</details>",
        "<iframe srcdoc='<script>parent.harmed = 1</script>'></iframe>",
        "<a href='javascript:window.harmed = 1'>x</a>",
        "<style>body {display: none}</style>",
        "<form action=/><button>x</button></form>",
        "<img src='/stolen.png'>",
        "<img srcset='/stolen.png'>",
        "<p style='background: url(/stolen.png)'>x</p>",
        r"<p style='background: u\72l(/stolen.png)'>x</p>",
        "<link rel=stylesheet href=/stolen.css>",
        "<video src=/stolen.mp4></video>",
    ],
)
def test_nothing_of_it_runs_or_loads(scaling, harm):
    before = len(scaling.requested)
    said = run(scaling, TABLE.format(html=f"{harm}<p>the end</p>"))
    assert said.endswith("the end")
    for link in scaling.report(KEY).locator("a").all():
        link.click()
    # What was inserted has had its turn once a later picture has loaded.
    scaling.tab.evaluate(
        "new Promise(loaded => { const image = new Image(); image.onload = loaded;"
        "image.src = '/_static/favicon-of-the-test.svg'; image.onerror = loaded })"
    )
    assert scaling.tab.evaluate("window.harmed") is None
    assert not [url for url in scaling.requested[before:] if "stolen" in url]
    assert scaling.tab.locator("body").is_visible()
    left = "script, style, iframe, svg, form, button, link, video, [srcset]"
    assert scaling.report(KEY).locator(left).count() == 0


def test_a_report_is_shown_with_its_marks_and_its_link(scaling):
    code = "from normlib.check import judge\njudge('feature_scaling.min_max', np.sin)"
    run(scaling, code)
    report = scaling.report(KEY)
    assert report.get_by_role("img", name="failed").count() == 1
    color = report.get_by_role("img", name="failed").get_attribute("style")
    assert "display" in color


def test_matplotlib_is_loaded_for_code_that_draws_and_its_pictures_are_shown(scaling):
    heard = []
    scaling.tab.expose_function("heard_of_pictures", lambda said: heard.append(said))
    place = scaling.exercise(KEY).locator(".playground-loading")
    place.evaluate(
        "place => new MutationObserver(() => heard_of_pictures(place.textContent))"
        ".observe(place, {childList: true, characterData: true, subtree: true})"
    )
    run(scaling, "1")
    paths = [urlparse(url).path for url in scaling.requested]
    assert paths and not [path for path in paths if "matplotlib" in path]
    assert run(scaling, DRAWS).strip() == "before"
    picture = scaling.report(KEY).locator("img")
    assert picture.get_attribute("alt") == "Three <values>"
    assert picture.evaluate("image => image.decode().then(() => image.width)") > 200
    assert place.is_hidden()
    assert any("Loading matplotlib" in said and " MB" in said for said in heard)
    heard.clear()
    run(scaling, "import matplotlib.pyplot as plt\nplt.subplots()\nplt.figure();")
    assert scaling.report(KEY).locator("img").count() == 2
    assert heard == []  # it is there


def test_a_picture_drawn_by_an_earlier_run_does_not_come_again(scaling):
    run(scaling, DRAWS)
    run(scaling, "2")
    assert scaling.report(KEY).locator("img").count() == 0


def test_a_mistake_that_shows_only_when_it_is_drawn_is_said(scaling):
    code = "import matplotlib.pyplot as plt\nplt.title('$\\\\frac$')\nprint('here')"
    said = run(scaling, code)
    assert said.startswith("here") and "ValueError" in said and "frac" in said


def test_a_package_that_the_page_lacks_is_named(scaling):
    said = run(scaling, "import sklearn")
    assert "No module named 'sklearn'. The page has NumPy and matplotlib" in said
    assert "micropip" not in said


@pytest.fixture
def fresh(context, site, scaling, request):
    """The same page in another tab, in which nothing is loaded yet."""
    made = []

    def make(pattern, **answer):
        tab = context.new_page()
        tab.route(pattern, lambda route: route.fulfill(**answer))
        made.append(opened(context, site, scaling.page, tab))
        return made[-1]

    yield make
    for notebook in made:
        notebook.tab.close()


def test_a_book_without_matplotlib_says_so(fresh, html):
    manifest = json.loads((html / "_static/playground/manifest.json").read_text())
    manifest["pictures"] = {}
    said = run(fresh("**/manifest.json", body=json.dumps(manifest)), DRAWS)
    assert "No module named 'matplotlib'" in said
    assert "pictures and other packages need JupyterLab" in said


def test_matplotlib_that_does_not_arrive_is_named(fresh):
    tab = fresh("**/pillow*.whl*", status=503)
    said = run(tab, DRAWS)
    assert "Matplotlib could not be loaded: pillow" in said and "503" in said
    assert "array" in run(tab, "np.ones(3)")  # and the rest works
    tab.tab.unroute("**/pillow*.whl*")
    assert run(tab, DRAWS).strip() == "before"
    tab.report(KEY).locator("img").wait_for()
