"""One outcome, told in each system's form."""

import json

import nbformat
import pytest

from normlib.check.cells import grade_id, key_of
from normlib.grade.lms import outcome
from normlib.grade.lms.outcome import Outcome, classroom50, gradescope, prairielearn
from normlib.grade.submission.grading import Result
from tests.grade.lms import documented

ENVIRONMENT = {
    "CLASSROOM": "norms",
    "ASSIGNMENT": "batch",
    "ASSIGNMENT_TYPE": "group",
    "OWNER": "ada",
    "SUBMISSION_TAG": "submit/1",
    **dict.fromkeys(("COMMIT_URL", "RELEASE_URL", "REVIEW_URL"), "https://github.com"),
}


@pytest.fixture
def make(packs):
    """The outcome of a submission to the longest notebook."""
    pack = packs["02_batch_norm"]

    def outcome_with(report, earned, notes=()):
        notebook, points = nbformat.reads(pack.template, as_version=4), {}
        for cell in notebook.cells:
            if key_of(cell):
                data = {"text/plain": report}
                cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
                points[grade_id(cell)] = earned(cell.metadata.nbgrader.points)
        result = Result(nbformat.writes(notebook), points, [*notes], "landlock")
        return Outcome.of(pack, result)

    return outcome_with


@pytest.mark.parametrize("sign", ["a", "\x07", "\U0001f600", "\U000e0001", "\ud800"])
def test_the_longest_reports_fit_into_what_prairielearn_takes(make, sign):
    written = outcome.as_json(prairielearn(make(sign * 10_000, lambda most: 0)))
    documented.prairielearn(json.loads(written), len(written))
    assert written.isascii()


def test_parts_of_points_are_told_as_each_system_counts(make):
    found = make("a report", lambda most: most / 8)
    total = sum(exercise.most for exercise in found.exercises)
    documented.gradescope(told := gradescope(found))
    assert sum(test["score"] for test in told["tests"]) == total / 8
    assert {test["status"] for test in told["tests"]} == {"failed"}
    documented.prairielearn(told := prairielearn(found), 0)
    assert told["score"] == 1 / 8
    documented.classroom50(told := classroom50(found, ENVIRONMENT))
    assert told["max-score"] == 100 * total
    for test in told["tests"]:  # an eighth of 2 points is 25 of 200
        assert abs(test["score"] - test["max-score"] / 8) <= 0.5
    assert told["assignment_type"] == "group"


def test_what_waits_for_a_person_is_said(make):
    found = make("a report", lambda most: most)
    assert found.told == "42 of 42 points. A person marks 1 answer in words."
    assert {test["status"] for test in gradescope(found)["tests"]} == {"passed"}


def test_a_file_that_was_not_read_is_not_gradable(make):
    found = make("a report", lambda most: 0, ["could not be read: it is empty"])
    documented.prairielearn(told := prairielearn(found), 0)
    assert told["format_errors"] == ["Your file was not read: it is empty."]
