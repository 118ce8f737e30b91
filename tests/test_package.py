"""What `pip install .` gives: a package that needs NumPy alone."""

import importlib.metadata
import subprocess
import sys
import zipfile

import pytest


def test_numpy_is_the_only_hard_dependency():
    requirements = importlib.metadata.requires("normlib")
    hard = [r for r in requirements if "extra ==" not in r]
    assert [r.partition(">")[0] for r in hard] == ["numpy"]
    extras = importlib.metadata.metadata("normlib").get_all("Provides-Extra")
    assert {"learn", "grade", "book", "test"} <= set(extras)


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_what_people_get_wrong(root, tmp_path):
    build = "-m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir".split()
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "normlib"):
        (copy / name).symlink_to(root / name)
    subprocess.run([sys.executable, *build, str(tmp_path), str(copy)], check=True)
    (wheel,) = tmp_path.glob("normlib-*.whl")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    files = [
        p
        for kind in ("py", "md", "json", "html", "css", "js")
        for p in (root / "normlib").rglob(f"*.{kind}")
    ]
    wanted = {str(path.relative_to(root)) for path in files}
    assert names == wanted | {"normlib/py.typed"}
