"""The notebooks: one hand-written source, and a release that gives nothing away."""

import ast
import copy
import inspect
import itertools
import re
import secrets
import tempfile
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from normlib.check import EXERCISES, judge
from normlib.check.cells import key_checked
from normlib.check.exercises import TOPICS
from normlib.grade.bridge.release import in_normal_form, released
from normlib.grade.sample_class.answers import pasted

# What takes long is made once: in one process, not in each that runs tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("notebooks")]

SOURCES = sorted(Path(__file__).parents[1].glob("solutions/[!.]*/*.ipynb"))


@pytest.fixture(params=SOURCES, ids=lambda path: path.parent.name, scope="module")
def path(request):
    return request.param


@pytest.fixture(scope="module")
def source(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def fresh(root):
    """What nbgrader makes of the sources now: path under exercises/ -> bytes."""
    return {str(path): content for path, content in released(root).items()}


@pytest.fixture(scope="module")
def release(path, fresh):
    text = fresh[f"{path.parent.name}/{path.name}"].decode()
    return nbformat.reads(text, as_version=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Execute a notebook in a kernel of its own, whatever errors it has."""

    def run(notebook):
        manager = AsyncKernelManager(
            kernel_name="python3",
            transport="ipc",  # over TCP, ipykernel warns that anybody may listen
            ip=f"{tempfile.gettempdir()}/kernel-{secrets.token_hex(8)}",
        )
        folder = tmp_path_factory.mktemp("kernel")
        client = NotebookClient(
            nbformat.from_dict(notebook), km=manager, allow_errors=True, timeout=600
        )
        client.owns_km = True
        client.shutdown_kernel = "immediate"
        return client.execute(cwd=str(folder))

    return run


def mark(cell):
    return cell.metadata.get("nbgrader", {})


def is_check(cell):
    return cell.cell_type == "code" and mark(cell).get("grade", False)


def is_answer(cell):
    return cell.cell_type == "code" and mark(cell).get("solution", False)


def is_in_words(cell):
    return cell.cell_type == "markdown" and mark(cell).get("solution", False)


def key_of(cell):
    return key_checked(cell.source)


def errors(notebook):
    """Number of the cell, and the error, of all cells that failed."""
    return [
        (i, output.ename, output.evalue)
        for i, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]


def points(notebook):
    """Exercise -> what its graded cell returned, which is what nbgrader reads."""
    return {
        key_of(cell): float(output.data["text/plain"])
        for cell in notebook.cells
        if is_check(cell)
        for output in cell.outputs
        if output.output_type == "execute_result"
    }


def test_each_topic_has_its_notebook():
    names = [f"{i:02d}_{topic}/{topic}.ipynb" for i, topic in enumerate(TOPICS, 1)]
    assert [f"{path.parent.name}/{path.name}" for path in SOURCES] == names


def test_the_source_is_in_normal_form(path):
    assert in_normal_form(path), "`make exercises` puts it in normal form"


def test_exercises_is_what_nbgrader_makes_of_solutions_now(root, fresh):
    folder = root / "exercises"
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    assert found.keys() == fresh.keys(), "`make exercises` brings them up to date"
    outdated = [name for name in found if found[name] != fresh[name]]
    assert not outdated, "`make exercises` brings them up to date"


def test_the_release_gives_no_solution_away(source, release):
    text = "\n".join(cell.source for cell in release.cells)
    assert "SOLUTION" not in text
    assert "HIDDEN TESTS" not in text
    secret = set()
    for cell in filter(is_answer, source.cells):
        regions = re.findall(
            r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL
        )
        assert regions, f"{mark(cell)['grade_id']} has no solution region"
        secret |= {line for region in regions for line in region.split("\n")}
    for cell in filter(is_in_words, source.cells):
        secret |= set(cell.source.split("\n"))
    given = {line.strip() for line in text.split("\n")}
    secret = {line.strip() for line in secret}
    assert not {line for line in secret & given if len(line) > 30}
    assert len([line for line in secret if len(line) > 30]) > 10


def test_the_solution_runs_and_gets_full_points(source, run):
    done = run(source)
    assert errors(done) == []
    full = {key_of(c): mark(c)["points"] for c in source.cells if is_check(c)}
    assert points(done) == full


@pytest.fixture(scope="module")
def done(source, release, run):
    """Cells of the release, run as they are, then with the first and last mistakes.

    All in one kernel: starting one takes longer than what runs in it.
    """
    cells = [*release.cells, *planted(release, 0), *planted(release, -1)]
    notebook = nbformat.v4.new_notebook(metadata=source.metadata, cells=cells)
    found = iter(run(notebook).cells)
    lengths = len(release.cells), *(len(planted(release, i)) for i in (0, -1))
    parts = [list(itertools.islice(found, length)) for length in lengths]
    return [nbformat.v4.new_notebook(cells=part) for part in parts]


def planted(release, which):
    """What the notebook checks, with wrong answers."""
    cells = copy.deepcopy(release.cells)
    for i, cell in enumerate(cells):
        cell.id = f"planted-{which % 2}-{i}"  # each once in a notebook
    for cell, check in itertools.pairwise(cells):
        if is_check(check):
            exercise = EXERCISES[key_of(check)]
            wrong = exercise.misconceptions[which].implementation
            cell.source = pasted(cell.source, wrong, exercise.name)
    return [cell for cell in cells if mark(cell)]


def test_a_notebook_not_begun_fails_for_the_right_reason(done):
    begun, *_ = done
    checks = [cell for cell in begun.cells if is_check(cell)]
    assert points(begun) == {key_of(cell): 0.0 for cell in checks}
    for cell in checks:
        (report,) = [o for o in cell.outputs if o.output_type == "display_data"]
        name = EXERCISES[key_of(cell)].name
        assert f"{name} is not written yet" in report.data["text/plain"]
    assert {name for _, name, _ in errors(begun)} == {"NotImplementedError"}
    failed = {i for i, _, _ in errors(begun)}
    assert not [i for i in failed if mark(begun.cells[i])]


def test_grade_ids_are_unique_over_the_course():
    ids = [
        mark(cell)["grade_id"]
        for path in SOURCES
        for cell in nbformat.read(path, as_version=4).cells
        if mark(cell)
    ]
    assert len(set(ids)) == len(ids)


def test_every_exercise_of_the_topic_is_there_once_and_in_order(path, source):
    keys = [key_of(cell) for cell in source.cells if is_check(cell)]
    assert keys == [key for key in EXERCISES if key.startswith(f"{path.stem}.")]


def test_each_check_follows_its_answer_and_is_worth_its_points(source):
    for before, cell in itertools.pairwise(source.cells):
        assert is_answer(before) == is_check(cell)
        if is_check(cell):
            exercise = EXERCISES[key_of(cell)]
            assert mark(cell)["locked"] and not mark(cell)["solution"]
            assert mark(cell)["points"] == exercise.points
            assert mark(cell)["grade_id"] == exercise.key.replace(".", "-")
            assert mark(before)["grade_id"] == f"{mark(cell)['grade_id']}-answer"


def test_an_answer_cell_only_defines_what_the_exercise_asks_for(source, release):
    for answer, check in itertools.pairwise(source.cells):
        if is_check(check):
            (definition,) = ast.parse(answer.source).body
            assert isinstance(definition, ast.FunctionDef | ast.ClassDef)
            assert definition.name == EXERCISES[key_of(check)].name
            assert ast.get_docstring(definition)
    for cell in filter(is_answer, release.cells):
        (definition,) = ast.parse(cell.source).body
        assert ast.get_docstring(definition), "the docstring stays in the release"


def test_each_solution_is_the_answer_of_its_exercise(source):
    for cell, check in itertools.pairwise(source.cells):
        if is_check(check) and EXERCISES[key_of(check)].answer:
            lines = cell.source.splitlines()
            solution = [line for line in lines if line.strip()[:4] != "### "]
            answer = inspect.getsource(EXERCISES[key_of(check)].answer)
            assert solution == answer.splitlines(), key_of(check)


def test_the_first_import_is_check(source):
    """It says what to install where torch is missing, before torch is imported."""
    first = next(cell for cell in source.cells if cell.cell_type == "code")
    assert first.source.startswith("from normlib.check import check\n\nimport ")


def test_the_notebook_takes_nothing_but_check_from_normlib(source):
    code = "\n".join(cell.source for cell in source.cells if cell.cell_type == "code")
    assert re.findall(r".*\bnormlib\b.*", code) == ["from normlib.check import check"]


def test_each_question_in_words_has_a_marking_scheme(source, release):
    asked = [cell for cell in source.cells if is_in_words(cell)]
    assert len(asked) <= 1  # a person marks them
    for cell in asked:
        assert mark(cell)["grade"] and mark(cell)["points"] > 0
        assert "Marking scheme" in cell.source
    for cell in filter(is_in_words, release.cells):
        assert cell.source == "YOUR ANSWER HERE"


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_a_misconception_gets_its_points(source, done, which):
    """The notebook's own check cells, given wrong answers of a known worth."""
    wanted = {}
    for key in map(key_of, filter(is_check, source.cells)):
        wrong = EXERCISES[key].misconceptions[which].implementation
        wanted[key] = judge(key, wrong, seed=0).points
    _, first, last = done
    assert points(last if which else first) == wanted
    assert all(wanted[key] < EXERCISES[key].points for key in wanted)
