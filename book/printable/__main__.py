"""The printable edition: every page of the built book in one PDF.

    python book/printable [FOLDER OF THE BUILT BOOK] [PDF]

Chromium opens one page after the other, so that formulas are drawn as on the screen,
and ``page.js`` takes from each what belongs on paper. Answers that fold out stand
open. Two things are left out, and the title page says so: the folded code, four times
as long as the code that is shown, and the notebooks' hints, which would stand open
above the answers they lead to. The parts are printed as one document, so links
between them work.
"""

import io
import json
import logging
import shutil
import sys
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "_build"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAPER = {"prefer_css_page_size": True, "print_background": True}
NOTE = """The printable edition. It shows the answers to the questions, and leaves out
the folded code and the hints of the notebooks: both unfold in the book."""

# It tells of each reading that Chromium's count of objects is not its own.
logging.getLogger("pypdf").setLevel(logging.ERROR)


def main(html=BUILD / "html", pdf=BUILD / "normalization-by-hand.pdf"):
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit("The printable edition needs Chromium: apt-get install chromium")
    first = (Path(html) / "book/intro.html").resolve()
    if not first.exists():
        sys.exit(f"{first} does not exist: run `make book` first")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        # As wide as an A4 page without its margins, so that `fit` measures rightly.
        tab = chromium.new_page(viewport={"width": 642, "height": 900})
        tab.emulate_media(media="print", color_scheme="light")
        tab.add_init_script(path=HERE / "page.js")
        tab.goto(first.as_uri())
        title, *lines = tab.evaluate("printable.title()")
        parts = []
        for entry in tab.evaluate("printable.pages()"):
            tab.goto(entry["url"])
            parts.append(entry | tab.evaluate("printable.part()"))
        tab.goto(first.as_uri())  # so that the document may show files of the book
        tab.set_content(document(title, lines, parts))
        tab.evaluate("printable.fit()")
        edition = PdfWriter(clone_from=io.BytesIO(tab.pdf(**PAPER)))
        pages = destinations(edition)
        # Now that the numbers are known, print them alone, onto the contents.
        tab.evaluate("printable.number", pages)
        numbers = PdfReader(io.BytesIO(tab.pdf(**PAPER)))
        chromium.close()
    for sheet, stamp in zip(edition.pages, numbers.pages, strict=False):
        sheet.merge_page(stamp)
    add_outline(edition, parts, pages)
    edition.write(pdf)


def document(title, lines, parts):
    """The whole edition as one page of HTML."""
    sheets = dict.fromkeys(sheet for part in parts for sheet in part["sheets"])
    rules = dict.fromkeys(rule for part in parts for rule in part["rules"])
    heads = (
        f"#{part['anchor']} {{ page: {part['anchor']} }}\n"
        f"@page {part['anchor']} {{ @top-center {{ content: {quoted(part)} }} }}"
        for part in parts
    )
    return "\n".join(
        (
            '<!DOCTYPE html><html lang="en" data-theme="light"><meta charset="utf-8">',
            f"<title>{escape(title)}</title>",
            *(f'<link rel="stylesheet" href="{escape(sheet)}">' for sheet in sheets),
            "<style>",
            (HERE / "page.css").read_text(),
            *heads,
            *rules,
            "</style>",
            f'<body class="bd-content"><header><h1>{escape(title)}</h1>',
            *(f"<p>{escape(line)}</p>" for line in lines),
            f"<p>{NOTE}</p></header>",
            "<nav><h2>Contents</h2>",
            *map(lines_of_contents, parts),
            "</nav>",
            *(part["html"] for part in parts),
        )
    )


def quoted(part):
    """The part's title as a string of CSS."""
    return json.dumps(part["title"], ensure_ascii=False)


def lines_of_contents(part):
    def line(kind, text, anchor):
        text = escape(text)
        return (
            f'<a class="{kind}" href="#{anchor}"><span>{text}</span><span></span></a>'
        )

    return "\n".join(
        (
            f"<h3>{escape(part['caption'])}</h3>" if part["caption"] else "",
            line("notebook" if part["notebook"] else "page", *heading(part)),
            *(line("section", *heading(section)) for section in part["sections"]),
        )
    )


def heading(entry):
    return entry["title"], entry["anchor"]


def destinations(edition):
    """The page number of each target of a link."""
    return {
        name.lstrip("/"): edition.get_destination_page_number(place) + 1
        for name, place in edition.named_destinations.items()
    }


def add_outline(edition, parts, pages):
    """Bookmarks: chapters, and below them their sections and their notebook."""
    chapter = None
    for part in parts:
        title, anchor = heading(part)
        above = chapter if part["notebook"] else None
        mark = bookmark(edition, title, pages[anchor], above)
        chapter = above or mark
        for title, anchor in map(heading, part["sections"]):
            bookmark(edition, title, pages[anchor], mark)


def bookmark(edition, title, page, parent):
    return edition.add_outline_item(
        title=title, page_number=page - 1, parent=parent, is_open=False
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
