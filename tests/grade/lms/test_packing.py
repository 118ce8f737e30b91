"""Other systems grade with this grader: each is run as it runs one, and what it is
told has the form that it documents.
"""

import json
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest

from normlib.check import EXERCISES
from normlib.errors import CourseError
from normlib.grade.lms.autograde import OneSubmission
from normlib.grade.lms.packing import pack
from normlib.grade.sandbox.inside import lockdown
from tests.grade.attacks import RIGHT, answer
from tests.grade.lms import documented
from tests.grade.lms.systems import Classroom50, Gradescope, PrairieLearn
from tests.grade.ordinary import ordinary
from tests.image import DOCKERS

ASSIGNMENT, NOTEBOOK, KEY = (
    "01_feature_scaling",
    "feature_scaling.ipynb",
    "feature_scaling.z_score",
)
SYSTEMS = {
    "gradescope": Gradescope,
    "prairielearn": PrairieLearn,
    "classroom50": Classroom50,
}
# What a student's text could do where it is shown or read.
ACTS = "\x1b[31m</pre><script>alert(1)</script>\n````\n::error::\u202e@everybody"
HOSTILE = answer(
    "for path in ('result.json', 'results.json', '../results/results.json'):",
    "    try:",
    "        open(path, 'w').write('{}')",
    "    except OSError:",
    "        pass",
    f"raise ValueError({ACTS!r})",
)


@pytest.fixture(scope="module")
def packed(root, tmp_path_factory):
    """What each system is given, by its name, from a course with one assignment."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("nbgrader_config.py", "pyproject.toml", "requirements.txt", "LICENSE"):
        shutil.copy(root / name, folder)
    for step in ("solutions", "exercises"):
        shutil.copytree(root / step / ASSIGNMENT, folder / step / ASSIGNMENT)
    output = folder / "_build/packs"
    return {
        name: pack(folder, name, ASSIGNMENT, output, "registry.example/grader:1")
        for name in SYSTEMS
    }


@pytest.fixture
def start(packed, tmp_path):
    return lambda name: SYSTEMS[name](packed[name], tmp_path)


# What the tests of a result are called in each system: name, points, maximum, report.
FIELDS = {
    "gradescope": ("name", "score", "max_score", "output"),
    "prairielearn": ("name", "points", "max_points", "output"),
    "classroom50": ("test-name", "score", "max-score", "report"),
}


def points(name, content):
    """Key -> points and their maximum, as the system understands what it was told."""
    key, found, most, _ = FIELDS[name]
    scale = 100 if name == "classroom50" else 1
    return {t[key]: (t[found] / scale, t[most] / scale) for t in content["tests"]}


def reports(name, content):
    key, *_, report = FIELDS[name]
    return {test[key]: test[report] for test in content["tests"]}


def validate(name, system):
    if name == "prairielearn":
        documented.prairielearn(system.content, system.result.stat().st_size)
    else:
        getattr(documented, name)(system.content)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unreadable", "hostile"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_submission_gets_what_it_deserves(
    name, kind, start, scaling, handed_in, tmp_path
):
    """In the folders of each system, by the script that it starts.

    All answers of the hostile one are right, but for one, which is wrong as well.
    """
    system = start(name)
    file = handed_in(scaling, {KEY: HOSTILE})
    if kind == "unreadable":
        file = b"PK\x03\x04"
    (system.submission / NOTEBOOK).write_bytes(file)
    if kind == "hostile":
        lay_traps(system.submission)
    done = system.grade()
    assert done.returncode == 0, done.stderr
    validate(name, system)
    content = system.content

    full = {key: (EXERCISES[key].points,) * 2 for key in scaling.keys}
    nothing = {key: (0, most) for key, (_, most) in full.items()}
    why = "Your file was not read: the file is a ZIP archive"
    if kind == "unreadable" and name == "prairielearn":
        assert content["gradable"] is False
        assert why in content["format_errors"][0]
        return
    found, report = points(name, content), reports(name, content)[KEY]
    if kind == "unreadable":
        assert found == nothing
        assert why in report
        return
    assert found == {**full, KEY: (0, full[KEY][1])}
    assert f"{KEY}: 0 of 3 points" in report
    if name == "prairielearn":
        earned = sum(p for p, _ in found.values()) / sum(m for _, m in found.values())
        assert content["score"] == pytest.approx(earned)
    assert "<script>alert(1)" in report  # text, which does nothing
    assert all(line.isprintable() for line in report.split("\n"))
    assert not any(line.startswith("::") for line in done.stdout.splitlines())
    assert not list(tmp_path.rglob("TRAPPED"))
    if name == "classroom50":
        assert not system.result.is_symlink()
        body = (system.submission / "release-body.md").read_text()
        assert body.count("```") == 2 * len(found)  # the student's ends no block


def lay_traps(folder):
    """Files in a submission that run if the grader imports or follows them."""
    trap = f"open({str(folder / 'TRAPPED')!r}, 'w').close()\n"
    for name in ("json.py", "sitecustomize.py", "nbformat.py", "normlib/__init__.py"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(trap)
    (folder / "result.json").symlink_to(folder.parent / "TRAPPED")
    (folder / "secret").symlink_to("/etc/passwd")


def test_a_notebook_is_looked_for_where_the_repository_has_it(packed, tmp_path):
    """But no link in a submission leads out of it."""
    where = tmp_path / "exercises" / ASSIGNMENT
    where.mkdir(parents=True)
    (where / NOTEBOOK).touch()
    course = OneSubmission(packed["classroom50"], tmp_path)
    assert course.submission_folder(ASSIGNMENT, "").samefile(where)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "exercises").symlink_to(tmp_path / "exercises")
    course = OneSubmission(packed["classroom50"], inner)
    assert course.submission_folder(ASSIGNMENT, "") == inner


def test_gradescopes_zip_has_both_scripts_at_its_root(packed):
    with zipfile.ZipFile(packed["gradescope"]) as archive:
        modes = {e.filename: e.external_attr >> 16 & 0o777 for e in archive.infolist()}
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    assert modes["secret"] == 0o600
    assert f"exercises/{ASSIGNMENT}/{NOTEBOOK}" in modes
    assert not [name for name in modes if "solutions" in name or "__pycache__" in name]


def test_what_setup_installs_is_pinned_and_in_the_zip(start):
    system = start("gradescope")
    apt, *_, pip = (system.root / "installed").read_text().splitlines()
    assert apt == "update"
    _, *options = pip.split("install ")[1].split()
    files = [Path(option) for option in options if option.startswith("/")]
    assert [path.name for path in files] == ["requirements.txt", "grading.txt"]
    pinned, wanted = (path.read_text() for path in files)
    names = {line.partition(">")[0] for line in wanted.split()}
    assert {"numpy", "nbgrader", "torch"} <= names
    assert all(f"\n{name}==" in f"\n{pinned}" for name in names)
    assert files[0].parent.stat().st_mode & 0o077 == 0


def test_the_scripts_are_shell(packed, tmp_path):
    with zipfile.ZipFile(packed["gradescope"]) as archive:
        archive.extractall(tmp_path)
    run = packed["prairielearn"] / "tests/run.sh"
    for path in (tmp_path / "setup.sh", tmp_path / "run_autograder", run):
        subprocess.run(["bash", "-n", path], check=True)


def test_prairielearns_question_is_as_documented(packed):
    folder = packed["prairielearn"]
    info = json.loads((folder / "info.json").read_text())
    documented.info(info)
    assert info["externalGradingOptions"]["image"] == "registry.example/grader:1"
    entrypoint = info["externalGradingOptions"]["entrypoint"]
    inside = folder / Path(entrypoint).relative_to("/grade")
    assert inside.stat().st_mode & 0o111
    assert NOTEBOOK in (folder / "question.html").read_text()


def test_what_is_published_holds_no_secret(packed):
    """Classroom 50's files can be read by anybody; each of the others has its own."""
    assert not list(packed["classroom50"].rglob("secret"))
    with zipfile.ZipFile(packed["gradescope"]) as archive:
        first = archive.read("secret")
    second = (packed["prairielearn"] / "tests/secret").read_bytes()
    course = packed["gradescope"].parents[2] / "secret"
    assert len({first, second, course.read_bytes()}) == 3


def test_packing_twice_gives_the_same_bytes(packed):
    path = packed["gradescope"]
    before, folder = path.read_bytes(), path.parents[3]
    assert pack(folder, "gradescope", ASSIGNMENT, path.parents[1], "") == path
    assert path.read_bytes() == before


def test_an_assignment_that_is_not_there_is_named(packed):
    folder = packed["gradescope"].parents[3]
    with pytest.raises(CourseError, match="no assignment '02'; there are 01_feature"):
        pack(folder, "gradescope", "02", folder / "packs", "")


@pytest.mark.slow
def test_the_package_that_was_packed_is_the_one_that_grades(start, scaling, handed_in):
    """Where other packages have to be installed before; pip finds them all here."""
    system = start("classroom50")
    path = system.bundle / "normlib/grade/lms/outcome.py"
    path.write_text(path.read_text().replace("SCALE = 100", "SCALE = 7"))
    # As the repository has it, where students clone that.
    place = system.submission / "exercises" / ASSIGNMENT
    place.mkdir(parents=True)
    (place / NOTEBOOK).write_bytes(handed_in(scaling))
    done = system.grade("-S")  # Python then finds no package
    assert done.returncode == 0, done.stderr
    assert system.content["score"] == 7 * sum(EXERCISES[k].points for k in scaling.keys)


@pytest.mark.slow
def test_in_a_container_without_privileges_landlock_confines(
    packed, scaling, handed_in
):
    """Root without CAP_SYS_ADMIN may make no namespaces; bubblewrap needs them."""
    if not lockdown.landlock_version():
        pytest.skip("this kernel has no Landlock")
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv, of util-linux")
    allowed = ",".join(["-all", *(f"+{name}" for name in DOCKERS)])
    before = ("setpriv", f"--bounding-set={allowed}", "--inh-caps=-all")
    with tempfile.TemporaryDirectory() as home:
        # Where another user than root can reach Python, as in a container.
        Path(home).chmod(0o755)
        (Path(home) / "user").mkdir()
        python = ordinary(Path(home) / "user").python
        system = Gradescope(packed["gradescope"], Path(home), python)
        (system.submission / NOTEBOOK).write_bytes(handed_in(scaling, {KEY: RIGHT}))
        doctor = (python, "-m", "normlib.cli", "grade", "--doctor")
        source = system.root / "autograder/source"
        said = system.run(*doctor, cwd=source, before=before).stdout.splitlines()
        assert said[0].startswith("bubblewrap: ") and said[0] != "bubblewrap: works"
        assert said[-1] == (
            "Student code runs in: landlock, as the user nobody. "
            "It is judged from outside."
        )
        done = system.grade(before)
        assert done.returncode == 0, done.stderr
        documented.gradescope(system.content)
        assert system.content["extra_data"] == {"sandbox": "landlock"}
        full = {key: (EXERCISES[key].points,) * 2 for key in scaling.keys}
        assert points("gradescope", system.content) == full


def test_without_a_sandbox_there_is_no_result(start, scaling, handed_in):
    """And nobody gets 0 points for that."""
    system = start("prairielearn")
    (system.submission / NOTEBOOK).write_bytes(handed_in(scaling))
    path = system.entrypoint.parent / "normlib/grade/sandbox/backends.py"
    text = path.read_text()
    path.write_text(
        text.replace("    for backend in BACKENDS:\n", "    for backend in ():\n", 1)
    )
    done = system.grade()
    assert done.returncode == 1
    assert "no sandbox works here" in done.stderr
    assert not system.result.exists()
