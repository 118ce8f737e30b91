"""A submission's graded cells are put in order, whatever happened to them."""

import copy

import nbformat
import pytest

from normlib.grade.converters import convert, course_config
from normlib.grade.preprocessor import restore_cells, skip_the_rest

NAMES = {"assignment": "01_feature_scaling", "notebook": "feature_scaling"}


@pytest.fixture(scope="module")
def resources(course, tmp_path_factory):
    """What nbgrader tells a preprocessor; its gradebook knows the assignment."""
    folder = tmp_path_factory.mktemp("gradebook")
    url = f"sqlite:///{folder}/gradebook.db"
    config = course_config(course, release_directory=str(folder), db_url=url)
    convert("GenerateAssignment", config, NAMES["assignment"])
    return {"nbgrader": NAMES | {"db_url": url}}


@pytest.fixture
def submission(course):
    """A notebook as released."""
    path = next(course.glob("exercises/01_*/*.ipynb"))
    return nbformat.read(path, as_version=4)


def graded(notebook):
    return [
        (cell.metadata.nbgrader.grade_id, cell.source)
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]


def index(notebook, grade_id):
    (found,) = [
        i
        for i, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    ]
    return found


def test_what_nobody_touched_stays(submission, resources):
    before = copy.deepcopy(submission)
    assert restore_cells(submission, resources)[0] == before


@pytest.mark.parametrize("gone", [["-answer", ""], [""], ["-answer"]])
def test_a_deleted_check_comes_back_where_it_was(submission, resources, gone):
    wanted = graded(submission)
    for tail in gone:
        del submission.cells[index(submission, f"feature_scaling-z_score{tail}")]
    # What the student wrote instead must run before the check.
    at = index(submission, "feature_scaling-min_max") + 1
    submission.cells.insert(at, nbformat.v4.new_code_cell("mine = 1"))
    restored, _ = restore_cells(submission, resources)
    assert graded(restored) == wanted
    assert at < index(restored, "feature_scaling-z_score")
    tagged = [c for c in restored.cells if c.metadata.get("tags") == ["restored"]]
    assert len(tagged) == ("" in gone)
    nbformat.validate(restored)


def test_of_copies_the_last_counts(submission, resources):
    wanted = graded(submission)
    at = index(submission, "feature_scaling-min_max-answer")
    for old in (at + 1, at):
        submission.cells.insert(old, copy.deepcopy(submission.cells[old]))
        submission.cells[old].id += "-copy"
    submission.cells[at + 1].source = "the last"
    restored, _ = restore_cells(submission, resources)
    assert graded(restored) == wanted
    last = restored.cells[index(restored, "feature_scaling-min_max-answer")]
    assert last.source == "the last"
    nbformat.validate(restored)


def test_what_a_cell_is_for_and_worth_is_not_the_students_to_say(submission, resources):
    before = copy.deepcopy(submission)
    for cell in submission.cells:
        cell.metadata.tags = ["skip-execution"]
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(points=100, locked=False, solution=True)
    submission.cells[0].metadata.nbgrader = {"grade_id": "invented", "grade": True}
    assert restore_cells(submission, resources)[0] == before


def test_a_notebook_of_an_older_format_is_taken(submission, resources):
    wanted = graded(submission)
    del submission.cells[index(submission, "feature_scaling-z_score")]
    for cell in submission.cells:
        del cell["id"]
    submission.nbformat_minor = 4
    restored, _ = restore_cells(submission, resources)
    assert graded(restored) == wanted
    nbformat.validate(restored)


def test_what_follows_the_last_graded_cell_is_not_executed(submission, resources):
    last = index(submission, graded(submission)[-1][0])
    skip_the_rest(submission, resources)
    tags = [cell.metadata.get("tags") for cell in submission.cells]
    assert not any(tags[: last + 1])
    assert all(tag == ["skip-execution"] for tag in tags[last + 1 :])
    assert any(cell.cell_type == "code" for cell in submission.cells[last + 1 :])
