"""Without bubblewrap, an ordinary user grades as safely and as rightly as root with it.

The other tests of the sandbox run again, as such a user, on Landlock alone.
"""

import csv
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from normlib.check import EXERCISES
from normlib.grade.sandbox.inside import lockdown
from tests.grade.ordinary import ordinary

HERE = Path(__file__).parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def user():
    if not lockdown.landlock_version():
        pytest.skip("this kernel has no Landlock")
    with tempfile.TemporaryDirectory(prefix="ordinary-") as home:
        Path(home).chmod(0o755)
        yield ordinary(Path(home))


def passed(user, root, *arguments):
    """How many tests pass as this user; none may fail, nor be skipped."""
    pytest_ = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    done = user.run(user.python, *pytest_, "--basetemp", f"{user.home}/tmp/b", cwd=root)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    summary = done.stdout.strip().splitlines()[-1]
    assert "skipped" not in summary, done.stdout[-2000:]
    return int(re.search(r"(\d+) passed", summary)[1])


def test_the_doctor_says_that_it_works(user, root):
    folder = user.home / "doctor"
    folder.mkdir()
    shutil.copy(root / "nbgrader_config.py", folder)
    user.own(folder)
    command = (user.python, "-m", "normlib.cli", "grade", "--doctor")
    done = user.run(*command, cwd=folder)
    assert "bubblewrap: there is no program `bwrap`\n" in done.stdout
    assert "landlock: works\n" in done.stdout
    assert done.stdout.endswith(
        "Student code runs in: landlock. It is judged from outside.\n"
    )
    assert done.returncode == 0


def test_the_tests_of_the_sandbox_pass(user, root):
    assert passed(user, root, f"{HERE}/test_backends.py", "-k", "landlock") > 8


def test_no_attack_does_harm(user, root):
    attacks = f"{HERE.parent}/test_attacks.py"
    assert passed(user, root, attacks, "-k", "harm") > 40


def test_honest_work_loses_nothing(user, root):
    """Also where no file can be written that a later cell imports."""
    grading, chosen = f"{HERE.parent}/submission/test_grading.py", "honest or a_module"
    assert passed(user, root, grading, "-k", chosen) > 20


def test_a_class_is_graded_rightly(user, new_course):
    folder = user.home / "course"
    shutil.copytree(new_course("ordinary", students=2), folder)
    user.own(folder)
    command = (user.python, "-m", "normlib.cli", "grade", "--jobs", "2")
    # Not its exit status: soupsieve 4.1 needs a newer Python 3.11 than Debian 12 has,
    # so that the pages of feedback fail there.
    done = user.run(*command, cwd=folder)
    with open(folder / "_build/grades.csv") as file:
        rows = list(csv.DictReader(file))
    full = sum(e.points for key, e in EXERCISES.items() if "feature_scaling" in key)
    told = done.stdout + done.stderr
    assert [float(row["score"]) for row in rows] == [full, full], told
