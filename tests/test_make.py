"""The commands that the README promises, and what continuous integration runs."""

import os
import re
import subprocess

import pytest
import yaml


@pytest.fixture(scope="module")
def targets(root):
    listing = subprocess.run(
        ["make"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    return dict(re.findall(r"^  make (\w+) +(.+)$", listing, re.MULTILINE))


def test_make_alone_lists_every_target_with_what_it_is_for(targets):
    promised = (
        "course book exercises grade lab serve test lint bench lock clean".split()
    )
    assert set(promised) <= set(targets)
    assert all(len(words.split()) > 1 for words in targets.values())


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/test.yml"]
)
def test_every_make_command_that_a_page_mentions_exists(page, root, targets):
    named = re.findall(r"(?:^|`|\$ )make ([a-z]+)", (root / page).read_text(), re.M)
    assert named or page.startswith(".github")
    assert set(named) <= set(targets)


def test_workflows_run_commands_that_exist_and_ask_for_no_more_than_they_need(
    root, targets
):
    workflows = sorted((root / ".github/workflows").glob("*.yml"))
    assert [w.stem for w in workflows] == ["nightly", "publish", "test"]
    for workflow in workflows:
        content = yaml.safe_load(workflow.read_text())
        assert content["permissions"] == {"contents": "read"}
        for job in content["jobs"].values():
            assert job["timeout-minutes"]
            for command in filter(None, (step.get("run") for step in job["steps"])):
                program, *arguments = command.split()
                assert program != "make" or set(arguments) <= set(targets), command


def test_only_what_runs_in_the_page_is_published(root, tmp_path):
    """The workflow's own check of the manifest, with and without parts."""
    text = (root / ".github/workflows/publish.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["build"]["steps"]
    (check,) = (s["run"] for s in steps if "manifest.json" in s.get("run", ""))
    manifest = tmp_path / "_build/html/_static/playground/manifest.json"
    manifest.parent.mkdir(parents=True)
    for parts, passes in (("null", False), ('{"page.js": 1}', True)):
        manifest.write_text(f'{{"parts": {parts}}}')
        done = subprocess.run(["bash", "-c", check], cwd=tmp_path)
        assert (done.returncode == 0) == passes


def test_ci_runs_lint_and_test(root):
    lines = (root / ".ci/run").read_text().splitlines()
    assert lines[-2:] == ["make lint", "make test"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_file_that_a_page_names_exists(page, root):
    text = (root / page).read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:book|solutions|exercises|normlib|tests)/[\w./]*)`", text)
    for path in [*linked, *(p for p in named if "NN_" not in p and "topic" not in p)]:
        assert (root / path).exists(), path


def test_contributing_fits_a_screen(root):
    assert len((root / "CONTRIBUTING.md").read_text().splitlines()) <= 40


def test_every_direct_dependency_is_locked_and_says_what_it_is_for(root):
    text = (root / "pyproject.toml").read_text()
    extras = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    lines = re.findall(r'^    "([\w-]+).*$', extras, re.MULTILINE)
    locked = re.findall(r"^([\w.-]+)==", (root / "requirements.txt").read_text(), re.M)
    assert set(lines) <= set(locked)
    reasons = re.findall(r'^    "([\w-]+)[^#\n]*# \w+', extras, re.MULTILINE)
    assert set(lines) == set(reasons)


def test_the_lock_pins_every_package_exactly(root):
    for line in (root / "requirements.txt").read_text().splitlines():
        assert re.match(r"[\w.-]+==[\w.]+( ; .+)?$| +# ", line), line


def test_new_code_makes_sphinx_read_every_page_again(root, tmp_path):
    """What was executed stays: which of it is out of date is found out page by page."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    (tmp_path / "normlib").mkdir()
    kept, forgotten = (
        tmp_path / "_build" / name / "old" for name in (".jupyter_cache", ".doctrees")
    )
    for old in (kept, forgotten):
        old.parent.mkdir(parents=True)
        old.touch()
    target = "_build/.doctrees/code"
    make = ["make", target]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    assert kept.exists() and not forgotten.exists()

    forgotten.touch()
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    assert forgotten.exists()  # nothing changed, nothing forgotten
    code = tmp_path / "normlib/new.py"
    code.touch()
    later = (tmp_path / target).stat().st_mtime + 10
    os.utime(code, (later, later))
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    assert kept.exists() and not forgotten.exists()


def test_pages_wait_for_what_they_import_and_not_for_the_grader(root, tmp_path):
    """The book is built again where the package's pages change, and only then."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    shown = ["normlib/new.py", "normlib/torch/new.py", "normlib/check/a/new.py"]
    shown += ["normlib/check/exercises/a/new.md"]
    pages = tmp_path / "book/instructors"
    pages.mkdir(parents=True)
    (pages / "page.md").write_text("from normlib.grade.sandbox.asked import NAMES\n")
    shown.append("normlib/grade/sandbox/asked.py")
    graded = ["normlib/grade/classroom.py", "normlib/grade/bridge/course.py"]
    for name in (*shown, *graded, "_config.yml", "_toc.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in (".venv/installed", "_build/.doctrees/code"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "_build/html").mkdir()
    (tmp_path / "_build/html/index.html").touch()

    def built(*changed):
        make = ["make", "-n", *(f"-W{name}" for name in changed), "test"]
        told = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True)
        assert "pytest" in told.stdout
        return "book/build.py" in told.stdout, ".doctrees" in told.stdout

    for name in ("README.md", "nbgrader_config.py"):
        (tmp_path / name).touch()
    assert built() == built(*graded) == (False, False)
    for name in shown:
        assert built(name) == (True, True), name
