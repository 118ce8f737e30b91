"""Put into the built book what lets its exercises run in the page.

    python book/playground [the built book]

Without the parts the book is whole all the same: its pages say that their exercises
do not run, and so does this, with the reason.
"""

import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path

from parts import MissingParts, fetch

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# A third of the whole plotly, which stands there until then: the traces that
# interactive.js uses are in it.
PLOTLY = "plotly.js-cartesian-dist-min/plotly-cartesian.min.js"
NOT_IN_THE_PAGE = ("torch", "grade")  # folders of normlib


def main(html: Path, cache: Path) -> None:
    """Fill ``html`` with the parts, and say so in a manifest that the pages read."""
    static = html / "_static/playground"
    static.mkdir(parents=True, exist_ok=True)
    folder = static / "parts"
    try:
        parts = fetch(cache)
    except MissingParts as missing:
        shutil.rmtree(folder, ignore_errors=True)
        manifest = {"parts": None}
        print(f"The exercises of this book do not run in the page: {missing}.")
    else:
        folder.mkdir(exist_ok=True)
        _zip_checks(folder / "normlib.zip")
        files = [*parts.files, *parts.pictures]
        for part in files:
            _copy(part, folder / part.name)
        names = {"normlib.zip", *(part.name for part in files)}
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()  # of an earlier build
        manifest = _manifest(folder, {part.name for part in parts.pictures})
        if parts.lacking:
            print(f"Code that runs in the page draws no pictures: {parts.lacking}.")
        _copy(cache / "node_modules" / PLOTLY, html / "_static/plotly.min.js")
    (static / "manifest.json").write_text(json.dumps(manifest))


def _copy(source, target):
    """A copy, unless it is there: browsers ask by its time whether they have it."""
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def _zip_checks(target):
    """``normlib`` without what the page has no use for, and what judges there."""
    package = ROOT / "normlib"
    files = [
        path
        for path in sorted(package.rglob("*"))
        if path.suffix in (".py", ".md", ".json")
        and path.relative_to(package).parts[0] not in NOT_IN_THE_PAGE
    ]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            _add(archive, path, str(path.relative_to(ROOT)))
        for path in sorted(HERE.glob("in_the_page/*.py")):
            _add(archive, path, str(path.relative_to(HERE)))


def _add(archive, path, name):
    """A file, dated alike in each build: the same tree gives the same bytes."""
    member = zipfile.ZipInfo(name.replace("\\", "/"))
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, path.read_bytes())


def _manifest(folder, pictures):
    """The parts' sizes, for the progress bar; and a version, for browsers' caches."""
    sizes, version = {}, hashlib.sha256()
    for path in sorted(folder.iterdir()):
        sizes[path.name] = path.stat().st_size
        version.update(path.read_bytes())
    return {
        "parts": {name: sizes[name] for name in sizes if name not in pictures},
        "pictures": {name: sizes[name] for name in sizes if name in pictures},
        "version": version.hexdigest()[:12],
    }


if __name__ == "__main__":
    built = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build/html"
    main(built, ROOT / "_build/playground")
