"""The student's page: what it says, and that nothing on it acts or loads anything."""

import re
import shutil
import warnings

import nbformat
import pytest

from normlib.check import EXERCISES
from normlib.grade.bridge import feedback, gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.sample_class.answers import pasted
from tests.grade.classes import ASSIGNMENT, QUICK
from tests.grade.pages import parsed

PLACE = "feature_scaling", ASSIGNMENT, "student-0"
KEY, WORDS = "z_score", "why-models"
MISTAKE = EXERCISES[f"feature_scaling.{KEY}"].misconceptions[0]
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAA"
    "SUVORK5CYII="
)
HARMFUL = r"""
<script>alert(1)</script> <img src=https://tracker.example/1.png onerror=alert(2)>
$\text{<img src=x onerror=alert(3)>}$ and $\href{javascript:alert(4)}{x}$
[x](javascript:alert(5)) ![](https://tracker.example/2.png)
<style>body { display: none }</style> <iframe src="https://tracker.example"></iframe>
"""


@pytest.fixture
def folder(graded, tmp_path):
    """A copy of it for each test."""
    return shutil.copytree(graded, tmp_path / "copy")


_graded = []  # once for all of these tests


@pytest.fixture
def graded(request, tmp_path_factory):
    if not _graded:
        made = request.getfixturevalue("_new_graded")
        folder = tmp_path_factory.mktemp("graded") / "class"
        _graded.append(shutil.copytree(made, folder))
    return _graded[0]


@pytest.fixture
def _new_graded(new_course, handed_in, grade_here):
    """A graded course: one known mistake, and one answer that nobody has marked."""
    folder = new_course("class", 1)
    (pack,) = Course(folder).packs(ASSIGNMENT)
    stub = next(c.source for c in pack.cells if c.id == f"feature_scaling-{KEY}-answer")
    name = EXERCISES[f"feature_scaling.{KEY}"].name
    source = pasted(stub, MISTAKE.implementation, name)
    answers = {f"feature_scaling.{KEY}": source}
    (path,) = folder.glob("_build/submitted/*/*/*.ipynb")
    file = nbformat.reads(handed_in(pack, answers), 4)
    for cell in file.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").endswith(WORDS):
            cell.source = f"Because of $\\sigma^2$. {HARMFUL}"
    path.write_text(nbformat.writes(file))
    grade_here(folder, options=QUICK)
    return folder


def made(folder):
    assert feedback.write(folder, ASSIGNMENT, "student-0", "marks") == ""
    (path,) = (folder / "_build/feedback").glob("*/*/*.html")
    return path


def read(folder):
    return parsed(made(folder).read_text())


def table(page):
    """Title of an exercise -> points, and what was found."""
    rows = page.select("table.wide tbody tr")
    rows = [[cell.get_text(strip=True) for cell in row("td")] for row in rows]
    return {row[0].split(" · ")[1]: row[1:] for row in rows}


def sections(page):
    return {
        part.summary.contents[0].strip().split(" · ")[-1]: part
        for part in page.select("section > details")
    }


def test_the_table_names_exercises_points_and_the_mistake(folder):
    page = read(folder)
    found = table(page)
    points = found.pop("Z-score scaling")
    assert points[0].endswith(" of 3") and not points[0].startswith("3")
    assert points[1] == f"This looks like: {MISTAKE.title}.".replace("`", "")
    assert found == {
        "Min-max scaling": ["3 of 3", "Right"],
        "Decimal scaling": ["3 of 3", "Right"],
        "A scaler that is fitted": ["4 of 4", "Right"],
        "Spot the bug": ["2 of 2", "Right"],
        "A blood test in many hospitals": ["2 of 2", "Right"],
        "Kelvins instead of degrees Celsius": ["\N{EN DASH} of 2", "Not marked yet"],
    }
    for link in page.select("td a"):
        assert page.find(id=link["href"].removeprefix("#")).name == "summary"


def test_what_waits_for_a_person_is_said(folder):
    words = read(folder).header.get_text(" ", strip=True)
    assert "One answer waits for somebody to read and mark it: up to 2 more" in words
    assert re.search(r"[\d.]+ of 19 points so far", words)
    with gradebook.opened(Course(folder)) as book:
        found = book.find_grade(f"feature_scaling-{WORDS}", *PLACE)
        found.manual_score, found.needs_manual_grade = 1.5, False
        comment = book.find_comment(f"feature_scaling-{WORDS}", *PLACE)
        comment.manual_comment = "Well *said*."
        book.db.commit()
    page = read(folder)
    words = page.header.get_text(" ", strip=True)
    assert "wait" not in words and "so far" not in words
    title = "Kelvins instead of degrees Celsius"
    assert table(page)[title] == ["1.5 of 2", "Marked by hand"]
    assert "Well said." in sections(page)[title].get_text()


@pytest.mark.parametrize(
    "said, told", [(None, "Marked by hand"), ("No response.", "No answer")]
)
def test_an_answer_that_earned_nothing_is_told_from_none(folder, said, told):
    """nbgrader makes the comment for what was left as it was handed out."""
    with gradebook.opened(Course(folder)) as book:
        found = book.find_grade(f"feature_scaling-{WORDS}", *PLACE)
        found.manual_score, found.needs_manual_grade = 0, False
        book.find_comment(f"feature_scaling-{WORDS}", *PLACE).auto_comment = said
        book.db.commit()
    title = "Kelvins instead of degrees Celsius"
    assert table(read(folder))[title] == ["0 of 2", told]


def test_only_what_lost_points_or_waits_is_open(folder):
    found = sections(read(folder))
    open_ = {name for name, part in found.items() if part.has_attr("open")}
    assert open_ == {"Z-score scaling", "Kelvins instead of degrees Celsius"}
    wrong = found["Z-score scaling"]
    assert MISTAKE.hint.split("`")[0] in wrong.get_text()
    folds = [fold.summary.get_text() for fold in wrong("details")]
    assert "What was asked" in folds
    assert any(fold.startswith("A hint") for fold in folds)


def test_what_was_taken_off_for_late_work_is_said(folder):
    with gradebook.opened(Course(folder)) as book:
        submission = book.find_submission(ASSIGNMENT, "student-0")
        submission.notebooks[0].late_submission_penalty = 2.5
        earned = submission.score
        book.db.commit()
    words = read(folder).header.get_text(" ", strip=True)
    assert f"{earned - 2.5:g} of 19 points" in words
    assert f"2.5 of the {earned:g} points earned were taken off" in words


def test_formulas_are_there_without_a_script(folder):
    page = read(folder)
    assert len(page("math")) > 5
    assert "\N{GREEK SMALL LETTER SIGMA}" in page.find("section").parent.get_text()
    for code in page(["code", "pre"]):
        code.decompose()
    assert "$" not in page.body.get_text().replace(HARMFUL, "")


ADDRESS = "https://example.org/norm/book"


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_links_lead_to_the_books_address_or_are_titles_in_words(folder, address):
    (folder / "nbgrader_config.py").write_text(
        (folder / "nbgrader_config.py").read_text()
        + f"\nc.Book.address = {address!r}\n"
    )
    page = read(folder)
    text = page.body.get_text()
    assert "in chapter 1" in text and "The chapter is" in text
    outside = [a["href"] for a in page("a") if not a["href"].startswith("#")]
    chapters = [link for link in outside if "01_feature_scaling" in link]
    if not address:
        assert not chapters
    else:
        assert len(chapters) >= 2
        for link in chapters:
            assert re.fullmatch(rf"{ADDRESS}/01_feature_scaling\.html(#[\w-]+)?", link)
        assert any("#" in link for link in chapters)


def test_a_book_has_an_address_of_the_web(folder):
    with open(folder / "nbgrader_config.py", "a") as file:
        file.write("\nc.Book.address = 'javascript:alert(1)'\n")
    with pytest.raises(ValueError, match=r"Book\.address should begin with https"):
        _ = Course(folder).book


def test_a_new_address_makes_pages_outdated(folder):
    what = Course(folder), ASSIGNMENT, "student-0", "marks"
    made(folder)
    assert not feedback.outdated(*what)
    with open(folder / "nbgrader_config.py", "a") as file:
        file.write(f"\nc.Book.address = {ADDRESS!r}\n")
    assert feedback.outdated(Course(folder), *what[1:])


def test_nothing_on_the_page_acts_or_loads(folder):
    (path,) = folder.glob("_build/autograded/*/*/*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(6)"/>'
    for kind, data in (("image/png", DOT), ("image/svg+xml", svg)):
        output = nbformat.v4.new_output("display_data", data={kind: data})
        code[1].outputs.append(output)
    nbformat.write(notebook, path)
    page = read(folder)
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy and "script" not in policy
    assert not page(["script", "iframe", "link", "object", "embed", "base", "svg"])
    assert len(page("style")) == 1
    for tag in page(True):
        assert not [name for name in tag.attrs if name.startswith("on")]
        assert not tag.get("href", "").lower().startswith("javascript")
    assert [img["src"][:10] for img in page("img")] == ["data:image"] * 2
    assert all(img["alt"] for img in page("img"))


@pytest.mark.parametrize("late", [None, 1.5])
def test_points_and_comments_are_read_as_nbgrader_reads_them(folder, late):
    feedback.load()
    from normlib.grade.bridge.page import GetGrades, Grades

    course, found = Course(folder), []
    with gradebook.opened(course) as book:
        comment = book.find_comment(f"feature_scaling-{WORDS}", *PLACE)
        comment.manual_comment = "Well *said*."
        book.find_submission_notebook(*PLACE).late_submission_penalty = late
        book.db.commit()
    (path,) = folder.glob("_build/autograded/*/*/*.ipynb")
    for step in (Grades(), GetGrades()):
        names = zip(("notebook", "assignment", "student"), PLACE, strict=True)
        where = dict(names) | {"db_url": course.db_url}
        notebook = nbformat.read(path, as_version=4)
        with warnings.catch_warnings(action="ignore"):  # nbgrader's
            notebook, told = step.preprocess(notebook, {"nbgrader": where})
        for cell in notebook.cells:
            cell.metadata.get("nbgrader", {}).pop("waits", None)  # ours alone
        found.append((notebook, told))
    ours, stock = found
    assert ours == stock
    assert "Well *said*." in str(ours[0]) and ours[1]["nbgrader"]["score"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_reads_on_a_phone_and_asks_for_nothing(folder, browser, picture, scheme):
    path, asked, opened = made(folder), [], []
    tab = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: opened.append(dialog.message) or dialog.dismiss())
    tab.goto(path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    picture(tab, f"feedback-{scheme}", full_page=True)
    wide = tab.evaluate("document.documentElement.scrollWidth")
    tab.close()
    assert asked == [path.as_uri()] and opened == []
    assert wide <= 390
