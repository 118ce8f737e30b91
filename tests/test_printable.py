"""The printable edition: all pages of the book in one PDF."""

import re
import shutil
import subprocess
import sys
import unicodedata
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup

from tests.pages import CHAPTERS, NOTEBOOKS, PAGES


class Part:
    """What the edition has from one page of the book."""

    def __init__(self, reader, title, first, last):
        self.title, self.first = title, first
        self.sheets = reader.pages[first - 1 : last - 1]
        self.texts = [sheet.extract_text() for sheet in self.sheets]
        self.letters = letters("".join(self.texts))

    @property
    def fonts(self):
        for sheet in self.sheets:
            for font in sheet["/Resources"].get("/Font", {}).values():
                if "/FontDescriptor" in font.get_object():
                    yield font["/FontDescriptor"]["/FontName"]

    @property
    def pictures(self):
        # A picture that is drawn twice is one object with two names.
        objects = (
            image.get_object()
            for sheet in self.sheets
            for image in sheet["/Resources"].get("/XObject", {}).values()
        )
        return sum(image["/Subtype"] == "/Image" for image in objects)


def letters(text):
    """A text without what depends on the broken lines, and without ligatures."""
    return re.sub(r"\W|_", "", unicodedata.normalize("NFKC", text))


def parts_of(reader):
    """The edition, cut up by its outline."""
    marks = [m for m in reader.outline if not isinstance(m, list)]
    for below in (m for m in reader.outline if isinstance(m, list)):
        marks += [m for m in below if "Exercises:" in getattr(m, "title", "")]
    starts = {reader.get_destination_page_number(m) + 1: m.title for m in marks}
    bounds = [*sorted(starts), len(reader.pages) + 1]
    return [Part(reader, starts[a], a, b) for a, b in pairwise(bounds)]


def test_the_edition_has_what_the_pages_have(root, html, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium: apt-get install chromium")
    pdf = tmp_path / "edition.pdf"
    command = [sys.executable, "-W", "error", "book/printable", html, pdf]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert pdf.stat().st_size < 20e6

    reader = pypdf.PdfReader(pdf)
    parts = parts_of(reader)
    assert len(parts) == len(PAGES)
    for name, part in zip(PAGES, parts, strict=True):
        page = BeautifulSoup((html / f"{name}.html").read_text(), "html.parser").article
        for link in page.find_all(class_="headerlink"):
            link.decompose()
        check_text(name, part, page)
        check_formulas_and_pictures(part, page)
    check_links(reader)
    check_contents(reader, parts)
    check_that_nothing_was_shrunk(reader)


def check_text(name, part, page):
    title = page.h1.get_text()
    assert letters(title) in letters(part.title)
    assert letters(title) in letters(part.texts[0])
    if name in CHAPTERS:
        assert f"Chapter {int(name[5:7])}" in part.texts[0]
        answers = page.select("details.sd-dropdown p, div.dropdown p")
        assert len(answers) >= 2
        for answer in answers:
            words = answer.get_text().partition("\\")[0]  # up to a formula
            assert letters(words) in part.letters
    if name in NOTEBOOKS:
        assert page.find_all("summary")
        assert not any("A hint" in text for text in part.texts)
    for sheet, text in enumerate(part.texts, part.first):
        assert text.split().count(str(sheet)) >= 1  # its page number


def check_formulas_and_pictures(part, page):
    for text in part.texts:
        assert not re.search(r"\\(frac|sum|sqrt|hat|mu|sigma|begin)\b", text)
    if page.find(class_="math"):
        assert any("MathJax" in font for font in part.fonts)
    assert part.pictures >= len(
        page.select('img:not([src$=".svg"], .only-dark)')
    )  # drawn as lines


def check_links(reader):
    inside = 0
    for sheet in reader.pages:
        for note in sheet.get("/Annots", []):
            link = note.get_object()
            if "/Dest" in link:
                assert link["/Dest"] in reader.named_destinations
                inside += 1
            else:
                assert link["/A"]["/URI"].startswith("http")
    assert inside > 400


def check_contents(reader, parts):
    sheets = reader.pages[1 : parts[0].first - 1]
    lines = "\n".join(sheet.extract_text() for sheet in sheets)
    for part in parts:
        assert letters(part.title) in letters(lines)
        assert re.search(rf"(^|\s){part.first}$", lines, re.MULTILINE)


def check_that_nothing_was_shrunk(reader):
    """Chromium scales down what is wider than the paper, and all else with it."""
    sizes = set()

    def visit(text, matrix, text_matrix, font, size):
        if text.strip():
            sizes.add(round(size * abs(matrix[3] * text_matrix[3]), 1))

    reader.pages[0].extract_text(visitor_text=visit)
    assert max(sizes) == 32
