"""The built book, read in a browser from the disk, with no network."""

import ast
import inspect
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from bs4 import BeautifulSoup

import normlib
import normlib.torch
from normlib.check import EXERCISES
from normlib.check.exercises import TOPICS
from tests.axe import serious_faults
from tests.pages import CHAPTERS, NOTEBOOKS, PAGES


@pytest.fixture(params=PAGES, scope="module")
def page(request, browser, html, picture):
    """A page, loaded, with what it asked for and complained of on the way."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.requested, tab.complaints = [], []
    tab.on("request", lambda r: tab.requested.append(r.url))
    tab.on("requestfailed", lambda r: tab.complaints.append(f"failed: {r.url}"))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on(
        "console",
        lambda m: tab.complaints.append(m.text) if m.type == "error" else None,
    )
    tab.name = request.param
    tab.goto((html / f"{request.param}.html").as_uri(), wait_until="load")
    if tab.locator(".math").count():
        tab.wait_for_function("window.MathJax?.startup?.promise")
        tab.evaluate("MathJax.startup.promise")
    picture(tab, request.param.replace("/", "-"), full_page=True)
    yield tab
    tab.close()


def test_nothing_is_fetched_from_elsewhere_and_nothing_fails(page):
    assert page.complaints == []
    elsewhere = [
        u for u in page.requested if urlparse(u).scheme not in ("file", "data")
    ]
    assert elsewhere == []


def test_formulas_are_rendered(page):
    formulas = page.locator(".math")
    rendered = page.locator(".math mjx-container")
    assert rendered.count() >= formulas.count()
    assert page.locator("mjx-merror").count() == 0
    if page.name in CHAPTERS:
        assert formulas.count() > 5


def test_every_picture_says_in_words_what_is_to_be_seen(page):
    for image in page.locator("article img").all():
        words = (image.get_attribute("alt") or "").split()
        assert len(words) >= 5, image.get_attribute("src")


OLD = {  # addresses of the first edition
    "book/08_choosing": "book/10_choosing",
    "book/09_beyond": "book/08_beyond",
    "exercises/08_choosing/choosing": "exercises/10_choosing/choosing",
    "exercises/09_beyond/beyond": "exercises/08_beyond/beyond",
}


@pytest.mark.parametrize("old", OLD)
def test_an_old_address_leads_to_the_new_one(old, tab, html):
    tab.goto((html / f"{old}.html").as_uri())
    tab.wait_for_url((html / f"{OLD[old]}.html").as_uri())


def test_links_inside_the_book_resolve(page, html):
    targets = page.eval_on_selector_all(
        "article a[href]", "links => links.map(a => a.href)"
    )
    for target in {t for t in targets if t.startswith("file:")}:
        parts = urlparse(target)
        file = Path(unquote(parts.path))
        assert file.exists(), target
        if parts.fragment and file.suffix == ".html":
            assert f'id="{unquote(parts.fragment)}"' in file.read_text(), target


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_the_page_without_scrolling_sideways(page, theme, picture):
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if theme == "dark":  # the light one is drawn on a desk
        picture(page, f"{page.name.replace('/', '-')}-phone", full_page=True)
    assert wider <= 0


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_keeps_people_out(page, theme, width):
    page.evaluate(UNFOLD)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(RESIZED)
    page.wait_for_function(TAB_STOPS)
    assert faults_in(page, theme) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_weighs_little_before_it_is_touched(chapter, width, browser, html):
    """All that the browser reads from the disk, until it has nothing more to load."""
    manifest = json.loads((html / "_static/playground/manifest.json").read_text())
    if manifest["parts"] is None:
        pytest.skip("plotly is whole where the parts for pages could not be had")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    requested = set()
    tab.on("request", lambda request: requested.add(request.url))
    tab.goto((html / f"{chapter}.html").as_uri(), wait_until="networkidle")
    tab.close()
    files = {unquote(urlparse(u).path) for u in requested if u.startswith("file:")}
    sizes = {Path(file).name: Path(file).stat().st_size for file in files}
    assert sum(sizes.values()) <= 3e6, sorted(sizes.items(), key=lambda s: -s[1])[:9]


# The figures that are no more than a picture.
DRAWN_ONCE = """() => [...document.querySelectorAll("figure:has(img.only-dark)")]
    .map((figure) => figure.id)
    .filter((id) => !document.querySelector(`[data-figure="${id}"]`))"""


def test_each_figure_is_seen_once_in_the_colors_of_its_theme(page):
    page.set_viewport_size({"width": 1280, "height": 900})
    names = page.evaluate(DRAWN_ONCE)
    assert names or page.name not in CHAPTERS
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        captions = page.locator("figure > figcaption").all()
        assert all(caption.is_visible() for caption in captions)
        for name in names:
            images = page.locator(f"figure#{name} img").all()
            (seen,) = (image for image in images if image.is_visible())
            seen.scroll_into_view_if_needed()
            page.wait_for_function("i => i.naturalWidth", arg=seen.element_handle())
            dark = seen.get_attribute("src").endswith("-dark.png")
            assert dark == (theme == "dark")
            ground = seen.evaluate("i => getComputedStyle(i).backgroundColor")
            assert theme == "light" or ground == "rgba(0, 0, 0, 0)"


UNFOLD = """() => {
    document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    document.querySelectorAll(".toggle-hidden > .admonition-title").forEach(
        (title) => title.click());
}"""

# The theme makes what scrolls a tab stop, a while after a resize.
RESIZED = "() => window.dispatchEvent(new Event('resize'))"
TAB_STOPS = """() => {
    const boxes = [...document.querySelectorAll("pre, .cell_output > .output, "
        + ".jp-RenderedHTMLCommon, .pst-scrollable-table-container")];
    return boxes.every((e) => e.tabIndex >= 0
        || (e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight));
}"""


def faults_in(page, theme):
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    # Colors change by and by.
    page.evaluate("Promise.all(document.getAnimations().map((a) => a.finished))")
    return serious_faults(page)


@pytest.fixture
def tab(browser, html):
    """The first page, for tests that go on from there."""
    tab = browser.new_page()
    tab.complaints = []
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("requestfailed", lambda request: tab.complaints.append(request.url))
    tab.goto((html / "book/intro.html").as_uri())
    yield tab
    tab.close()


def test_search_finds_a_chapter_by_keyboard_alone(tab):
    tab.keyboard.press("Control+k")
    tab.locator("input[type=search]:focus").wait_for()
    tab.keyboard.type("switchable")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=switchable*")
    tab.locator("#search-results a[href$='07_switchable_norm.html']").wait_for()
    tab.locator("#search-results p", has_text="finished").wait_for()
    assert tab.locator("#search-results a[href$='04_instance_norm.html']").count() == 0
    assert tab.complaints == []
    for theme in ("light", "dark"):
        assert faults_in(tab, theme) == []


@pytest.mark.parametrize(
    ("query", "chapter"),
    [
        ("feature scaling", "01_feature_scaling"),
        ("min-max", "01_feature_scaling"),
        ("batch norm", "02_batch_norm"),
        ("layer norm", "03_layer_norm"),
        ("instance norm", "04_instance_norm"),
        ("adain", "04_instance_norm"),
        ("group norm", "05_group_norm"),
        ("weight norm", "06_weight_norm"),
        ("switchable", "07_switchable_norm"),
        ("rms norm", "08_beyond"),
        ("rmsnorm", "08_beyond"),
        ("spectral norm", "08_beyond"),
        ("batch", "02_batch_norm"),  # a word of the title, among many pages
    ],
)
def test_searching_for_a_method_finds_its_chapter_first(tab, html, query, chapter):
    tab.goto(f"{(html / 'search.html').as_uri()}?q={query.replace(' ', '+')}")
    tab.locator("#search-results p", has_text="finished").wait_for()
    first = tab.locator("#search-results li a").first.get_attribute("href")
    assert f"{chapter}.html" in first


def test_no_markup_is_left_in_the_text(page):
    """Directives and roles that were not understood, such as one never closed."""
    text = page.evaluate(
        """() => {
            const article = document.querySelector("article").cloneNode(true);
            const code = "pre, code, .sig-object, script, mjx-container";
            article.querySelectorAll(code).forEach((element) => element.remove());
            return article.textContent;
        }"""
    )
    assert not re.findall(r":::|\{\w+\}`|\$\$|(?<!\w)\*\*\w|\]\(|`|\\\w+\{", text)


def test_no_line_of_prose_is_left_out_as_a_comment(root):
    """MyST takes a line that begins with a percent sign for a comment."""
    for path in root.glob("book/**/*.md"):
        prose = re.sub(
            r"^(`{3,}).*?^\1$", "", path.read_text("utf-8"), flags=re.M | re.S
        )
        assert not re.findall(r"^\s*%.*", prose, re.M), path


def test_a_figure_is_narrow_enough_for_the_labels_on_a_phone(root):
    """At 6.4 inches, the style's labels are 9 pixels high on a screen of 360."""
    for path in root.glob("book/*.md"):
        widths = re.findall(r"figsize=\(([\d.]+)", path.read_text("utf-8"))
        assert all(float(width) <= 6.4 for width in widths), path


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_can_be_read_in_one_sitting(chapter, html):
    """Words of prose: no code, no formulas, and not the lists of the checks' hints."""
    page = BeautifulSoup((html / f"{chapter}.html").read_text(), "html.parser").article
    for left_out in page.select("pre, .math, details:not(.sd-dropdown), script"):
        left_out.decompose()
    words = re.findall(r"[A-Za-z]\S*", page.get_text(" "))
    assert 2000 <= len(words) <= 4500


def test_code_behind_a_claim_is_folded_and_not_removed(root):
    """A cell that no reader can see may set something up, and nothing else."""
    cell = r"^```\{code-cell\}[^\n]*\n((?:---\n.*?^---\n|:[^\n]*\n)+)(.*?)^```$"
    removed = [
        code
        for path in root.glob("book/*.md")
        for options, code in re.findall(cell, path.read_text("utf-8"), re.M | re.S)
        if "remove-cell" in options
    ]
    assert removed
    for code in removed:
        for node in ast.parse(code).body:
            assert isinstance(node, ast.Import | ast.ImportFrom | ast.Assign), code


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_and_ends_as_every_chapter_does(chapter, html):
    text = re.sub(r"<[^>]+>", "", (html / f"{chapter}.html").read_text())
    for promise in ("You will do", "You will learn", "You will need"):
        assert promise in text
    assert "What people get wrong" in text
    topic = chapter.partition("_")[2]
    link = f"exercises/{chapter.removeprefix('book/')}/{topic}.html"
    assert link in (html / f"{chapter}.html").read_text()


@pytest.mark.parametrize("key", EXERCISES)
def test_reports_link_to_sections_that_exist(key, html):
    exercise = EXERCISES[key]
    chapter = (
        html / f"book/{TOPICS.index(exercise.topic) + 1:02d}_{exercise.topic}.html"
    )
    page = chapter.read_text()
    for section in {exercise.section, *(m.section for m in exercise.misconceptions)}:
        assert section is None or f'id="{section}"' in page, section


@pytest.mark.parametrize("key", EXERCISES)
def test_the_catalog_names_what_people_get_wrong(key, html):
    exercise = EXERCISES[key]
    text = unescape(re.sub(r"<[^>]+>", "", (html / "book/mistakes.html").read_text()))
    for misconception in exercise.misconceptions:
        assert f"{misconception.title}.".replace("`", "") in text


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_leads_to_the_catalog(chapter, html):
    topic = chapter.partition("_")[2].replace("_", "-")
    assert f'mistakes.html#mistakes-{topic}"' in (html / f"{chapter}.html").read_text()


@pytest.mark.parametrize("package", [normlib, normlib.torch])
def test_the_reference_has_every_public_name_and_what_it_says_of_itself(package, html):
    page = (html / "book/api.html").read_text()
    for name in package.__all__:
        documented = getattr(package, name)
        entry = page.partition(f'id="{package.__name__}.{name}"')[2]
        text = unescape(re.sub(r"<[^>]+>", "", entry)).replace("\u2019", "'")
        text = " ".join(text.split())
        first, *_ = inspect.cleandoc(documented.__doc__).split("\n\n")
        assert first.replace("`", "")[:40] in text[:2000], name
        for parameter in inspect.signature(documented).parameters:
            assert parameter in text[:400], (name, parameter)


@pytest.mark.parametrize("page", PAGES)
def test_folded_code_says_what_it_computes(page, html):
    assert "Show code cell" not in (html / f"{page}.html").read_text()


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_can_be_downloaded_and_was_not_executed(notebook, html):
    page = (html / f"{notebook}.html").read_text()
    assert f'href="../../_sources/{notebook}.ipynb"' in page
    assert (html / f"_sources/{notebook}.ipynb").exists()
    assert "NotImplementedError" in page and "Traceback" not in page
