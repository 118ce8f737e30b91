"""The pages of the book, in the order of its table of contents."""

import re
from pathlib import Path

import yaml

# In milliseconds: on a machine that is busy with other things, a page takes long to
# open, or Python to start in it. What is waited for is a state, never a time.
PATIENCE = 300_000

TOC = yaml.safe_load(Path(__file__).parents[1].joinpath("_toc.yml").read_text())


def _files(entry):
    if isinstance(entry, list):
        for item in entry:
            yield from _files(item)
    elif isinstance(entry, dict):
        yield from (entry[name] for name in ("root", "file") if name in entry)
        for name in ("parts", "chapters", "sections"):
            yield from _files(entry.get(name))


PAGES = list(_files(TOC))
CHAPTERS = [page for page in PAGES if re.match(r"book/\d\d_", page)]
NOTEBOOKS = [page for page in PAGES if page.startswith("exercises/")]
