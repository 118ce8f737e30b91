"""What the exercises in the page need is fetched pinned and verified, or named."""

import hashlib
import importlib.util
import json
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def build(root):
    """The build step, imported as the program that it is."""
    folder = root / "book/playground"
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("build", folder / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(folder))
    return module


@pytest.fixture
def parts(build):
    return sys.modules["parts"]


@pytest.fixture
def packages(tmp_path):
    """Pyodide's lock file, as npm installs it, that names a wheel of these bytes."""
    folder = tmp_path / "pyodide"
    folder.mkdir()
    locked = {"file_name": "numpy.whl", "sha256": hashlib.sha256(b"right").hexdigest()}
    lock = folder / "pyodide-lock.json"
    lock.write_text(json.dumps({"packages": {"numpy": locked}}))
    (folder / "package.json").write_text('{"version": "1.2.3"}')
    return lock


def sources(monkeypatch, parts, **contents):
    def read(content):
        if isinstance(content, Exception):
            raise content
        return content

    monkeypatch.setattr(
        parts,
        "_sources",
        lambda *_: [(name, lambda c=c: read(c)) for name, c in contents.items()],
    )


def test_only_the_bytes_that_the_lock_names_are_taken(
    parts, packages, tmp_path, monkeypatch
):
    sources(monkeypatch, parts, gone=OSError("gone"), other=b"wrong", last=b"right")
    assert parts._numpy(tmp_path, packages).read_bytes() == b"right"


def test_without_a_source_each_one_tried_is_named(
    parts, packages, tmp_path, monkeypatch
):
    sources(monkeypatch, parts, first=OSError("no network"), second=b"wrong")
    with pytest.raises(parts.MissingParts) as missing:
        parts._numpy(tmp_path, packages)
    assert "first: no network" in str(missing.value)
    assert "second: other bytes than Pyodide's lock file names" in str(missing.value)
    assert not (tmp_path / "numpy.whl").exists()


def test_a_wheel_that_is_there_is_not_fetched_again(
    parts, packages, tmp_path, monkeypatch
):
    (tmp_path / "numpy.whl").write_bytes(b"right")
    sources(monkeypatch, parts)
    assert parts._numpy(tmp_path, packages) == tmp_path / "numpy.whl"


def test_a_wheel_that_was_cut_short_is_fetched_again(
    parts, packages, tmp_path, monkeypatch
):
    (tmp_path / "numpy.whl").write_bytes(b"ri")
    sources(monkeypatch, parts, only=b"right")
    assert parts._numpy(tmp_path, packages).read_bytes() == b"right"


def test_a_local_wheel_comes_first(parts, tmp_path, monkeypatch):
    (tmp_path / "mine.whl").write_bytes(b"mine")
    monkeypatch.setenv(parts.LOCAL_WHEEL, str(tmp_path / "mine.whl"))
    (name, read), *_ = parts._sources("1.2.3", "numpy.whl")
    assert (name, read()) == (parts.LOCAL_WHEEL, b"mine")


def test_without_parts_the_book_is_told_and_the_reason_is_said(
    build, parts, tmp_path, monkeypatch, capsys
):
    def fetch(cache):
        raise parts.MissingParts("no source has numpy.whl")

    monkeypatch.setattr(build, "fetch", fetch)
    stale = tmp_path / "_static/playground/parts/pyodide.mjs"
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier build")
    build.main(tmp_path, tmp_path / "cache")
    manifest = tmp_path / "_static/playground/manifest.json"
    assert json.loads(manifest.read_text()) == {"parts": None}
    assert not stale.exists()
    assert "do not run in the page: no source has numpy.whl." in capsys.readouterr().out


def test_what_is_there_is_not_fetched_again(build, parts, root, tmp_path, monkeypatch):
    cache = root / "_build/playground"
    if not (cache / "page.js").exists():
        pytest.skip("the parts were never fetched here: make book")

    def nothing(*arguments, **_):
        raise AssertionError(f"fetched: {arguments}")

    monkeypatch.setattr(parts.subprocess, "run", nothing)
    monkeypatch.setattr(parts.urllib.request, "urlopen", nothing)
    build.main(tmp_path, cache)
    built = tmp_path / "_static/playground"
    sizes = json.loads((built / "manifest.json").read_text())["parts"]
    assert {p.name: p.stat().st_size for p in (built / "parts").iterdir()} == sizes


def test_the_checks_are_zipped_without_what_grades_and_needs_torch(
    build, tmp_path, root
):
    build._zip_checks(tmp_path / "normlib.zip")
    with zipfile.ZipFile(tmp_path / "normlib.zip") as archive:
        names = set(archive.namelist())
    assert {"in_the_page.py", "normlib/check/judging.py"} <= names
    assert not [n for n in names if n.startswith(("normlib/torch/", "normlib/grade/"))]
    markdown = (root / "normlib/check").rglob("*.md")
    assert {str(path.relative_to(root)) for path in markdown} <= names


def test_the_same_tree_gives_the_same_zip(build, tmp_path):
    build._zip_checks(tmp_path / "one.zip")
    build._zip_checks(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
