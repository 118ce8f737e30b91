"""What the exercises in the page need is fetched pinned and verified, or named."""

import hashlib
import importlib.util
import json
import sys
import zipfile
from pathlib import Path

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
def lock(tmp_path):
    """Pyodide's lock file, as npm installs it, that names wheels of these bytes."""
    folder = tmp_path / "pyodide"
    folder.mkdir()
    depends = {"numpy": [], "six": [], "cycler": ["six"], "other": []}
    depends["matplotlib"] = ["numpy", "cycler"]
    packages = {
        name: {
            "file_name": f"{name}-1.whl",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
            "depends": others,
        }
        for name, others in depends.items()
    }
    file = folder / "pyodide-lock.json"
    file.write_text(json.dumps({"packages": packages}))
    (folder / "package.json").write_text('{"version": "1.2.3"}')
    return file


WHEELS = ["numpy-1.whl", "matplotlib-1.whl", "cycler-1.whl", "six-1.whl"]


def right(names):
    return [(name, name.partition("-")[0].encode()) for name in names]


def wrong(names):
    return [(name, b"wrong") for name in names]


def gone(names):
    raise OSError("no network")


def only_numpy(names):
    return right(name for name in names if name.startswith("numpy"))


def wheels(monkeypatch, parts, cache, lock, **sources):
    monkeypatch.setattr(parts, "_sources", lambda version: sources.items())
    found, lacking = parts._wheels(cache, lock)
    assert [wheel.name for wheel in found] == WHEELS
    for wheel in filter(Path.exists, found):
        assert wheel.read_bytes() == wheel.name.partition("-")[0].encode()
    return [wheel.name for wheel in found if wheel.exists()], lacking


def test_only_the_bytes_that_the_lock_names_are_taken(
    parts, lock, tmp_path, monkeypatch
):
    sources = {"gone": gone, "other": wrong, "last": right}
    assert wheels(monkeypatch, parts, tmp_path, lock, **sources) == (WHEELS, "")


def test_a_source_is_asked_only_for_what_the_ones_before_lack(
    parts, lock, tmp_path, monkeypatch
):
    asked = []

    def rest(names):
        asked.extend(names)
        return right(names)

    sources = {"first": only_numpy, "second": rest, "never": gone}
    assert wheels(monkeypatch, parts, tmp_path, lock, **sources) == (WHEELS, "")
    assert asked == WHEELS[1:]


def test_without_a_source_each_one_tried_is_named(parts, lock, tmp_path, monkeypatch):
    sources = {"first": gone, "second": wrong}
    found, lacking = wheels(monkeypatch, parts, tmp_path, lock, **sources)
    assert found == [] and "numpy-1.whl" in lacking and "six-1.whl" in lacking
    assert "first: no network" in lacking
    assert "second: other bytes than Pyodide's lock file names for numpy" in lacking


def test_wheels_that_are_there_are_not_fetched_again(
    parts, lock, tmp_path, monkeypatch
):
    for name, content in right(WHEELS):
        (tmp_path / name).write_bytes(content)
    never = pytest.fail
    assert wheels(monkeypatch, parts, tmp_path, lock, never=never) == (WHEELS, "")


def test_a_wheel_that_was_cut_short_is_fetched_again(
    parts, lock, tmp_path, monkeypatch
):
    (tmp_path / "numpy-1.whl").write_bytes(b"nu")
    assert wheels(monkeypatch, parts, tmp_path, lock, only=right) == (WHEELS, "")


def test_local_wheels_come_first(parts, tmp_path, monkeypatch):
    (tmp_path / "mine.whl").write_bytes(b"mine")
    (tmp_path / "six-1.whl").write_bytes(b"six")
    monkeypatch.setenv(parts.LOCAL_WHEEL, str(tmp_path / "mine.whl"))
    (name, read), *_ = parts._sources("1.2.3")
    assert name == parts.LOCAL_WHEEL
    assert dict(read(WHEELS)) == {"numpy-1.whl": b"mine", "six-1.whl": b"six"}


@pytest.fixture
def fetched(parts, lock, tmp_path, monkeypatch):
    """What is fetched when the wheels come from one source alone."""

    def fetch(source):
        modules = tmp_path / "node_modules"
        modules.mkdir()
        lock.parent.rename(modules / "pyodide")
        for name in parts.CORE:
            (modules / "pyodide" / name).touch()
        (tmp_path / "page.js").touch()
        monkeypatch.setattr(parts, "_node_packages", lambda cache: modules)
        monkeypatch.setattr(parts, "_page", lambda cache, packages: cache / "page.js")
        monkeypatch.setattr(parts, "_sources", lambda version: [("only", source)])
        return parts.fetch(tmp_path)

    return fetch


def test_without_matplotlib_the_exercises_run_and_draw_nothing(
    fetched, build, tmp_path, monkeypatch, capsys
):
    found = fetched(only_numpy)
    assert found.pictures == [] and "no source has matplotlib-1.whl" in found.lacking
    monkeypatch.setattr(build, "fetch", lambda cache: found)
    stale = tmp_path / "built/_static/playground/parts/matplotlib-0.whl"
    stale.parent.mkdir(parents=True)
    stale.touch()
    build.main(tmp_path / "built", tmp_path)
    manifest = json.loads((stale.parents[1] / "manifest.json").read_text())
    assert manifest["pictures"] == {} and "numpy-1.whl" in manifest["parts"]
    assert not stale.exists()
    said = capsys.readouterr().out
    assert "draws no pictures: no source has matplotlib-1.whl" in said


def test_without_numpy_no_exercise_runs(fetched, parts):
    with pytest.raises(parts.MissingParts, match="no source has numpy"):
        fetched(lambda names: right(set(names) - {"numpy-1.whl"}))


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
    manifest = json.loads((built / "manifest.json").read_text())
    sizes = manifest["parts"] | manifest["pictures"]
    assert {p.name: p.stat().st_size for p in (built / "parts").iterdir()} == sizes


def test_the_checks_are_zipped_without_what_grades_and_needs_torch(
    build, tmp_path, root
):
    build._zip_checks(tmp_path / "normlib.zip")
    with zipfile.ZipFile(tmp_path / "normlib.zip") as archive:
        names = set(archive.namelist())
    assert {"in_the_page/__init__.py", "normlib/check/judging.py"} <= names
    assert not [n for n in names if n.startswith(("normlib/torch/", "normlib/grade/"))]
    markdown = (root / "normlib/check").rglob("*.md")
    assert {str(path.relative_to(root)) for path in markdown} <= names


def test_the_same_tree_gives_the_same_zip(build, tmp_path):
    build._zip_checks(tmp_path / "one.zip")
    build._zip_checks(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
