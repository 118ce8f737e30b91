"""``book/build.py``: its steps run in order, and the first that fails ends it."""

import shutil
import subprocess
import sys

import pytest

STEPS = {
    "execute.py": "import os, sys\n"
    "assert os.path.isabs(__file__)\n"
    "print('  page.md 1 s')\n"
    "os.system('echo [IPKernelApp. WARNING] a kernel >&2; echo a cell fails >&2')\n",
    "playground/__main__.py": "print('with its exercises')\n",
    # In place of Jupyter Book: what lies beside the script is found first.
    "jupyter_book/__init__.py": "",
    "jupyter_book/cli/__init__.py": "",
    "jupyter_book/cli/main.py": "import sys\n"
    "def main():\n"
    "    print(*sys.argv, flush=True)\n"
    "    print('page.md:1: WARNING: no such link', file=sys.stderr)\n",
}


@pytest.fixture
def build(root, tmp_path):
    """Build a book of these steps, of which one may end otherwise."""

    def run(step="", end=""):
        for name, source in STEPS.items():
            path = tmp_path / "book" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source + (end if name == step else ""))
        shutil.copy(root / "book/build.py", tmp_path / "book")
        command = [sys.executable, "book/build.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        log = tmp_path / "_build/book.log"
        return done, log.read_text() if log.exists() else None

    return run


def test_it_says_what_it_does_and_keeps_the_rest_in_its_logs(build):
    done, log = build()
    assert (done.returncode, done.stderr) == (0, "")
    first, page, exercises, last = done.stdout.splitlines()
    assert first.startswith("Building the book") and last.startswith("Built in ")
    assert (page, exercises) == ("  page.md 1 s", "with its exercises")
    assert "jupyter-book build -W -n --keep-going .\n" in log and "WARNING" in log


def test_a_page_that_fails_is_said_and_no_site_is_made(build):
    done, log = build("execute.py", "sys.exit(1)")
    assert done.returncode == 1 and log is None
    assert done.stdout.splitlines()[1:] == ["  page.md 1 s", "a cell fails"]


def test_what_is_wrong_with_the_site_is_shown(build):
    lines = "\n".join(f"    print('line {i}')" for i in range(50))
    done, log = build("jupyter_book/cli/main.py", f"{lines}\n    sys.exit(2)\n")
    assert done.returncode == 2 and "line 49" in log
    shown = done.stdout.splitlines()[2:]
    assert shown[0] == "page.md:1: WARNING: no such link"
    assert shown[1:] == [f"line {i}" for i in range(39)]
    assert "its exercises" not in done.stdout


def test_a_defect_of_a_step_shows_its_traceback(build):
    done, log = build("execute.py", "1 / 0")
    assert done.returncode == 1 and log is None
    assert "ZeroDivisionError" in done.stderr and "Built" not in done.stdout
