"""The pages' execution, in a course of two pages and a package of two modules."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys

import pytest
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook

SCRIPTS = ("execute.py", "files_read.py", "in_kernel.py", "dark_figures.py")
HEAD = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A page
"""
CELL = "\n```{{code-cell}} ipython3\n{}\n```\n"


@pytest.fixture
def course(root, tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/first\nchapters:\n- file: book/sub/second\n"
    )
    for path, text in {
        "book/data.txt": "7",
        "normlib/__init__.py": "from normlib.one import f\nfrom normlib.two import g",
        "normlib/one.py": "from normlib import _shared\nf = _shared.f",
        "normlib/two.py": "g = 2",
        "normlib/_shared.py": "f = 1",
        "normlib/torch/__init__.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for name in SCRIPTS:
        shutil.copy(root / "book" / name, tmp_path / "book")
    write(
        tmp_path, "first", "from normlib import f", "print(f, open('data.txt').read())"
    )
    write(tmp_path, "sub/second", "import normlib", "print(normlib.g)")
    return tmp_path


def write(course, page, *cells):
    path = course / f"book/{page}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + "".join(map(CELL.format, cells)))


def executed(course, fails=False, at_a_time=2):
    """What the script says; and the pages that it executed, in a set."""
    done = subprocess.run(
        [sys.executable, "book/execute.py", str(at_a_time)],
        cwd=course,
        env=os.environ | {"PYTHONPATH": str(course)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return done.stdout, {words[0] for words in lines if words[-1:] == ["s"]}


def outputs(course, page):
    """What the cache has for the page, as Sphinx looks it up."""
    cache = get_cache(str(course / "_build/.jupyter_cache"))
    text = (course / f"book/{page}.md").read_text()
    _, nb = cache.merge_match_into_notebook(read_myst_markdown_notebook(text))
    return [o for c in nb.cells for o in c.get("outputs", ())]


FIRST, SECOND = "book/first.md", "book/sub/second.md"


@pytest.mark.slow
def test_only_pages_whose_code_or_files_changed_are_executed(course):
    assert executed(course)[1] == {FIRST, SECOND}
    assert outputs(course, "first")[0].text == "1 7\n"
    doctrees = course / "_build/.doctrees/book"
    (doctrees / "sub").mkdir(parents=True)
    read = {FIRST: doctrees / "first.doctree", SECOND: doctrees / "sub/second.doctree"}

    def after(change):
        for doctree in read.values():
            doctree.touch()
        change()
        pages = executed(course)[1]
        # Sphinx reads again those pages, and no others.
        assert {page for page, doctree in read.items() if not doctree.exists()} == pages
        return pages

    assert after(lambda: None) == set()
    for name, text, pages in (
        ("normlib/two.py", "g = 3", {SECOND}),
        ("normlib/_shared.py", "f = 4", {FIRST}),
        ("book/data.txt", "8", {FIRST}),
        ("normlib/one.py", "f = 5", {FIRST}),
        ("book/dark_figures.py", "def draw(fig): ...", {FIRST, SECOND}),
    ):
        assert after(lambda n=name, t=text: (course / n).write_text(t)) == pages, name
    assert outputs(course, "first")[0].text == "5 8\n"
    assert outputs(course, "sub/second")[0].text == "3\n"
    new = "import normlib", "print(-normlib.g)"
    assert after(lambda: write(course, "sub/second", *new)) == {SECOND}


@pytest.mark.slow
def test_words_about_a_cell_change_without_executing_it(course):
    executed(course)
    path = course / FIRST
    said = "---\nmystnb:\n  code_prompt_show: the sum\n---\nprint("
    path.write_text("Words.\n".join(path.read_text().split("# A page")))
    path.write_text((HEAD + path.read_text()[len(HEAD) :]).replace("print(", said))
    assert executed(course)[1] == set()
    assert outputs(course, "first")[0].text == "1 7\n"
    path.write_text(
        path.read_text().replace("---\nprint(", "tags: [skip]\n---\nprint(")
    )
    assert executed(course)[1] == {FIRST}


@pytest.mark.slow
def test_pages_run_side_by_side_with_a_thread_each(course, tmp_path_factory):
    """Each page waits until the other one has begun."""
    here = tmp_path_factory.mktemp("begun")
    wait = (
        "import os, pathlib, time\n"
        f"here = pathlib.Path({str(here)!r})\n"
        "(here / '{}').touch()\n"
        "while not (here / '{}').exists(): time.sleep(0.1)\n"
        "print(os.environ['OMP_NUM_THREADS'])"
    )
    write(course, "first", wait.format("a", "b"))
    write(course, "sub/second", wait.format("b", "a"))
    assert executed(course)[1] == {FIRST, SECOND}
    assert outputs(course, "first")[0].text == "1\n"


@pytest.mark.slow
def test_the_page_that_took_longest_comes_first(course):
    write(course, "sub/second", "import time; time.sleep(2)")
    said, _ = executed(course, at_a_time=1)
    assert said.index(FIRST) < said.index(SECOND)  # the longer text
    (course / "book/dark_figures.py").write_text("def draw(fig): ...")
    said, _ = executed(course, at_a_time=1)
    assert said.index(SECOND) < said.index(FIRST)


@pytest.mark.slow
def test_a_page_that_fails_is_named_with_its_traceback_and_runs_again(course):
    write(course, "first", "def broken():\n    return 1 / 0\n\n\nbroken()")
    for pages in ({SECOND}, set()):
        said, done = executed(course, fails=True)
        assert done == pages
        assert f"{FIRST}: ERROR: " in said and "Traceback" in said
        assert "return 1 / 0" in said and "ZeroDivisionError" in said


@pytest.mark.slow
def test_a_figure_is_kept_with_its_dark_version(course):
    cell = "import matplotlib.pyplot as plt\nplt.plot([1, 2], color='black');"
    write(course, "first", cell)
    executed(course)
    (figure,) = (o for o in outputs(course, "first") if "image/png" in o.data)
    assert "dark" not in figure.metadata
    (dark,) = (course / "_build/.jupyter_cache/dark").glob("*.png")
    light = base64.b64decode(figure.data["image/png"])
    assert (
        dark.stem == hashlib.sha256(light).hexdigest()
    )  # the image's name in the book
    assert dark.read_bytes() != light
