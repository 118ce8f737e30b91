"""How far a learner has come: notebooks are run, read, and left as they are."""

import shutil

import nbformat
import pytest

from normlib.check import EXERCISES, progress
from normlib.cli import main
from normlib.grade.sample_class.answers import pasted

NAME = "01_feature_scaling/feature_scaling.ipynb"


@pytest.fixture
def course(tmp_path, root, monkeypatch):
    """A learner's copy of chapter 1, and a way to write answers into it."""
    shutil.copytree(
        root / "exercises/01_feature_scaling", tmp_path / "exercises/01_feature_scaling"
    )
    shutil.copytree(
        root / "solutions/01_feature_scaling", tmp_path / "solutions/01_feature_scaling"
    )
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(course, **answers):
    """Answers by name of the exercise, as source or as an implementation."""
    path = course / "exercises" / NAME
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        name = grade_id.removeprefix("feature_scaling-").removesuffix("-answer")
        if grade_id.endswith("-answer") and name in answers:
            answer = answers[name]
            if not isinstance(answer, str):
                asked = EXERCISES[f"feature_scaling.{name}"].name
                answer = pasted(cell.source, answer, asked)
            cell.source = answer
    nbformat.write(notebook, path)
    return path


def of(kind, name, which=0):
    return getattr(EXERCISES[f"feature_scaling.{name}"], kind)[which]


def test_solved_in_part_and_not_begun_are_told_apart(course):
    half = of("misconceptions", "z_score", -1).implementation
    path = write(course, min_max=of("equivalents", "min_max"), z_score=half)
    before = path.read_bytes()
    found = {r.key.partition(".")[2]: r for r in progress.attempts(path)}
    assert list(found)[:2] == ["min_max", "z_score"]
    assert found["min_max"].solved and "3 of 3 points" in found["min_max"].report
    assert 0 < found["z_score"].points < found["z_score"].max_points
    assert "This looks like" in found["z_score"].report
    assert not found["decimal"].begun and found["decimal"].points == 0
    assert path.read_bytes() == before


def test_a_notebook_not_begun_is_not_run(course, monkeypatch):
    monkeypatch.setattr(progress, "execute", None)
    found = progress.attempts(course / "exercises" / NAME)
    assert not any(attempt.begun for attempt in found)


def test_cells_that_only_show_something_are_left_out(course, monkeypatch):
    path = write(course, min_max=of("equivalents", "min_max"))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell("LOW = 0.0"))  # the learner's
    nbformat.write(notebook, path)
    run = []
    monkeypatch.setattr(
        progress,
        "execute",
        lambda notebook, *_: run.extend(c.source for c in notebook.cells),
    )
    progress.attempts(path)
    assert "LOW = 0.0" in run
    assert any("from normlib.check import check" in source for source in run)
    assert not any(
        "sklearn" in s and "def " not in s and "import" not in s for s in run
    )
    shown = [c for c in notebook.cells if c.cell_type == "code" and c.source not in run]
    assert shown and not any("nbgrader" in c.metadata for c in shown)


SCALED = """def min_max_scale(x, low=0.0, high=1.0):
    span = x.max(axis=0) - x.min(axis=0)
    scale = (high - low) / np.where(span == 0, ONE, span)
    return low + scale * (x - x.min(axis=0))"""


def test_a_given_cell_runs_if_an_answer_uses_what_it_defines(course):
    """And an error that JupyterLab has saved with one that does not run is no news."""
    notebooks = [course / folder / NAME for folder in ("exercises", "solutions")]
    write(course, min_max=SCALED, z_score="def z_score_scale(x): return x")
    failed = nbformat.v4.new_output("error", ename="KeyError", traceback=[])
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        shown = nbformat.v4.new_code_cell("print('slow')", outputs=[failed])
        notebook.cells[2:2] = [nbformat.v4.new_code_cell("ONE = 1"), shown]
        nbformat.write(notebook, path)
    first, second, *_ = progress.attempts(notebooks[0])
    assert first.solved
    assert not second.solved and second.note == ""


@pytest.mark.parametrize(
    "harm", ["while True: pass", "import os; os._exit(1)"], ids=["endless", "died"]
)
def test_what_does_harm_costs_the_rest_and_ends_nothing(course, monkeypatch, harm):
    monkeypatch.setattr(progress, "SECONDS", 3)
    path = write(course, min_max=of("equivalents", "min_max"), z_score=harm)
    first, second, *_ = progress.attempts(path)
    assert first.solved
    assert not second.solved and second.begun and second.report


def test_the_cells_run_in_a_copy_of_the_folder(course):
    littering = "open('litter.txt', 'w').close()\ndef min_max_scale(x): return x"
    path = write(course, min_max=littering)
    assert not progress.attempts(path)[0].solved
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def change(course, change_cells):
    """Let ``change_cells`` do what a learner did to the notebook's cells, by id."""
    path = course / "exercises" / NAME
    notebook = nbformat.read(path, as_version=4)
    by_id = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    change_cells(notebook.cells, by_id)
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    ("harm", "note"),
    [
        (lambda cells, check: cells.remove(check), "check cell deleted"),
        (lambda _, check: check.update(source="# later"), "check cell changed"),
    ],
)
def test_a_check_cell_that_is_gone_or_changed_is_named_and_run(course, harm, note):
    write(course, min_max=of("equivalents", "min_max"))
    path = change(course, lambda c, by_id: harm(c, by_id["feature_scaling-min_max"]))
    found = progress.attempts(path)
    assert [attempt.key for attempt in found] == [
        key for key in EXERCISES if key.startswith("feature_scaling.")
    ]
    assert found[0].solved and found[0].note == note
    assert f"In the notebook: {note}" in found[0].report
    assert not any(attempt.note for attempt in found[1:])


def test_an_answer_whose_cell_is_gone_is_named(course):
    path = change(
        course,
        lambda cells, by_id: cells.remove(by_id["feature_scaling-min_max-answer"]),
    )
    first, second, *_ = progress.attempts(path)
    assert (first.points, first.begun, second.begun) == (0, True, False)
    assert first.note == "answer cell deleted"


def test_of_two_copies_of_an_answer_the_last_counts(course):
    path = write(course, min_max="def min_max_scale(x): return x")
    right = of("equivalents", "min_max")

    def copy(cells, by_id):
        cell = by_id["feature_scaling-min_max-answer"]
        source = pasted(cell.source, right, "min_max_scale")
        twin = nbformat.v4.new_code_cell(source, metadata=cell.metadata)
        cells.insert(cells.index(cell) + 1, twin)

    change(course, copy)
    assert progress.attempts(path)[0].solved


def test_a_cell_that_failed_is_shown_with_its_own_error(course):
    path = write(course, min_max="def min_max_scale(x:\n    return x", z_score="1 / 0")
    first, second, third, *_ = progress.attempts(path)
    assert first.note.startswith("SyntaxError")
    assert "def min_max_scale(x:" in first.report and "\x1b" not in first.report
    assert second.note == "ZeroDivisionError: division by zero"
    assert "1 / 0" in second.report
    assert third.report.endswith("not begun") and not third.note


def test_an_earlier_cell_that_failed_is_shown_where_nothing_is_checked(course):
    write(course, min_max=of("equivalents", "min_max"))
    path = change(course, lambda cells, _: cells[1].update(source="import nowhere"))
    first = progress.attempts(path)[0]
    assert "not checked" in first.report
    assert first.note == "ModuleNotFoundError: No module named 'nowhere'"


def test_a_cell_of_ones_own_that_failed_is_shown_beside_the_report(course):
    path = write(course, min_max="def min_max_scale(x, low=0, high=1): return helper")
    own = nbformat.v4.new_code_cell("helper = 1 / 0")
    change(course, lambda cells, _: cells.insert(2, own))
    first = progress.attempts(path)[0]
    assert first.note == "ZeroDivisionError: division by zero"
    assert "0 of 3 points" in first.report and "helper = 1 / 0" in first.report


def test_a_wrong_answer_is_told_of_no_error_below_it(course):
    path = write(course, min_max="def min_max_scale(x): return x", z_score="1 / 0")
    own = nbformat.v4.new_code_cell("2 / 0")
    change(course, lambda cells, _: cells.append(own))
    assert progress.attempts(path)[0].note == ""


@pytest.mark.parametrize(
    ("text", "mark"), [("", "· not written"), ("Trees.", "✓ written")]
)
def test_questions_in_words_are_listed(course, capsys, text, mark):
    write(course)
    if text:
        question = "feature_scaling-why-models"
        change(course, lambda _, by_id: by_id[question].update(source=text))
    path = course / "exercises" / NAME
    (found,) = progress.questions(path)
    assert (found.written, found.points) == (bool(text), 2)
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    (line,) = (s for s in shown.splitlines() if found.title in s)
    assert mark in line and found.title and "point" not in found.title
    main(["check", f"exercises/{NAME}"])
    assert f"In words: {found.title}: {mark[2:]}" in capsys.readouterr().out


def test_status_names_what_is_wrong_in_the_notebook(course, capsys):
    write(course, min_max="1 / 0")
    change(course, lambda c, by_id: c.remove(by_id["feature_scaling-z_score"]))
    main(["status"])
    shown = capsys.readouterr().out
    where = "in feature_scaling.ipynb"
    assert f"min_max_scale {where}: ZeroDivisionError: division by zero" in shown
    assert f"z_score_scale {where}: check cell deleted" in shown


def test_where_there_are_no_files_to_talk_by_a_kernel_gets_ports(course):
    assert progress._transport("win32") == {}
    assert progress._transport("linux")["transport"] == "ipc"


def test_status_says_what_to_do_next(course, capsys):
    write(course, min_max=of("equivalents", "min_max"))
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    assert "✓ solved" in shown and "· not begun" in shown
    assert "3 of 17" in shown
    assert "Next: `z_score_scale` in exercises/01_feature_scaling" in shown


def test_check_prints_the_reports_and_tells_by_its_exit_status(course, capsys):
    write(course, min_max=of("equivalents", "min_max"))
    assert main(["check", "exercises/01_feature_scaling"]) == 1
    shown = capsys.readouterr().out
    assert "feature_scaling.min_max: 3 of 3 points" in shown
    assert "feature_scaling.z_score: not begun" in shown
    solved = {
        name.partition(".")[2]: exercise.equivalents[0]
        for name, exercise in EXERCISES.items()
        if exercise.topic == "feature_scaling"
    }
    write(course, **solved)
    assert main(["check", f"exercises/{NAME}"]) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["status", "solutions/01_feature_scaling"], "holds no notebook of the course"),
        (["check", "exercises"], "should hold one notebook, it holds 0"),
        (["check", "nbgrader_config.py"], "cannot be read as a notebook"),
        (["check", "missing.ipynb"], "cannot be read as a notebook"),
    ],
)
def test_a_wrong_path_is_named(course, capsys, arguments, complaint):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert complaint in capsys.readouterr().err
