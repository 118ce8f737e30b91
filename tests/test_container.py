"""The image that grades, without an engine to build it: what it takes is there."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch

import pytest

from tests import image


@pytest.fixture(scope="module")
def steps(root):
    """The instructions, each as its name and the rest."""
    return image.steps((root / "Containerfile").read_text())


@pytest.fixture
def context(root, steps, tmp_path):
    """The folder in the image, after what is copied into it."""
    for name, rest in steps:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                assert (root / source).exists(), source
                if (root / source).is_dir():
                    shutil.copytree(root / source, tmp_path / target)
                else:
                    assert target == "./"
                    shutil.copy(root / source, tmp_path)
    return tmp_path


def test_what_is_copied_is_not_ignored(root, steps):
    """The last line of .dockerignore that matches decides."""
    lines = (root / ".dockerignore").read_text().split()
    copied = [s for name, rest in steps if name == "COPY" for s in rest.split()[:-1]]
    for source in copied:
        matching = [line for line in lines if fnmatch(source, line.lstrip("!"))]
        assert matching[-1].startswith("!"), source
    assert {line[1:] for line in lines if line[0] == "!"} == set(copied)


@pytest.mark.slow
def test_the_package_can_be_installed_from_what_is_copied(context, steps, root):
    (command,) = (rest for name, rest in steps if name == "RUN" and "pip" in rest)
    _, _, *arguments = shlex.split(command)
    constraint = arguments[arguments.index("--constraint") + 1]
    assert (context / constraint).read_bytes() == (root / constraint).read_bytes()
    extras = re.fullmatch(r"\.\[(.+)\]", arguments[-1])[1].split(",")
    project = tomllib.loads((context / "pyproject.toml").read_text())["project"]
    assert {"grade", *extras} <= set(project["optional-dependencies"])
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
    made = context / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", *build, made, "."], cwd=context, check=True
    )
    (wheel,) = made.glob("normlib-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "normlib/grade/sandbox/inside/zygote.py" in names


def test_it_begins_with_the_python_that_ci_tests_with(root, steps):
    (name,) = (rest for name, rest in steps if name == "FROM")
    version, _ = image.release(name)
    text = (root / ".github/workflows/test.yml").read_text()
    assert f'python-version: "{version}"' in text


def test_ci_builds_it_and_grades_in_it(root):
    text = (root / ".github/workflows/test.yml").read_text()
    assert "docker build --file Containerfile" in text
    commands = re.findall(r"run: \$RUN (.+)", text)
    assert tuple(commands) == image.GRADING
