"""Whatever happened to a submission's cells, the notebook to grade is in order."""

import copy
import json

import nbformat
import pytest

from normlib.check.cells import grade_id, is_answer, is_graded, key_of
from normlib.grade.submission.pack import Limits, Pack
from normlib.grade.submission.rebuild import MOST_ADDED, rebuild, runs


@pytest.fixture(scope="module")
def pack(root):
    (path,) = root.glob("exercises/01_*/*.ipynb")
    return Pack.read(path, Limits())


@pytest.fixture
def handed_in(pack):
    """A submission with every answer cell filled, as a dictionary."""
    notebook = json.loads(pack.template)
    for i, cell in enumerate(notebook["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = [f"answer = {i}\n", "1"]
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "x", "text": "y"}]
    return notebook


def find(notebook, name):
    (found,) = [
        i
        for i, cell in enumerate(notebook["cells"])
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    ]
    return found


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def rebuilt(pack, notebook):
    result = rebuild(pack, json.dumps(notebook).encode())
    nbformat.validate(result.notebook)
    return result


ANSWER = "feature_scaling-z_score-answer"
CHECK = "feature_scaling-z_score"
WORDS = "feature_scaling-why-models"


def test_an_untouched_submission_gets_its_answers_and_nothing_else(pack, handed_in):
    result = rebuilt(pack, handed_in)
    assert (result.notes, result.added, result.unreadable) == ([], frozenset(), "")
    for cell, given, old in zip(
        result.notebook.cells, handed_in["cells"], pack.cells, strict=True
    ):
        assert cell.metadata == old.metadata and cell.cell_type == old.cell_type
        assert cell.source == "".join(given["source"])
        assert cell.cell_type != "code" or cell.outputs == []


def metadata_stripped(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def ids_stripped(notebook):
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]


def tags_and_flags_changed(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]
        mark = cell["metadata"].get("nbgrader", {})
        mark.update(points=100, locked=False, solution=True, grade=True, task=True)


def checks_overwritten(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("points"):
            if not cell["metadata"]["nbgrader"]["solution"]:
                cell["source"] = "score = 3.0"


def checks_copied(notebook):
    for cell in list(notebook["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            if not cell["metadata"]["nbgrader"]["solution"]:
                notebook["cells"].insert(0, copy.deepcopy(cell))


def answers_retyped(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            old = cell["cell_type"]
            cell["cell_type"] = "markdown" if old == "code" else "code"


def kernel_changed(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "rust", "display_name": "Rust"}
    notebook["metadata"]["language_info"] = {"name": "rust"}


def cells_reversed(notebook):
    notebook["cells"].reverse()


def another_format(notebook):
    notebook["nbformat"] = 99


def the_format_before(notebook):
    for cell in notebook["cells"]:
        cell["input"] = cell.pop("source")
    notebook["worksheets"] = [{"cells": notebook.pop("cells")}]
    notebook["nbformat"] = 3


def odd_metadata(notebook):
    notebook["metadata"] = ["?"]
    notebook["cells"][0]["metadata"] = None
    notebook["cells"] += [3, None, {"cell_type": 7}, {"source": {"a": 1}}, "text", []]
    notebook["cells"] += [{"metadata": {"nbgrader": [1]}, "id": 3}]


@pytest.mark.parametrize(
    "happened",
    [
        metadata_stripped,
        ids_stripped,
        tags_and_flags_changed,
        checks_overwritten,
        checks_copied,
        answers_retyped,
        kernel_changed,
        cells_reversed,
        another_format,
        the_format_before,
        odd_metadata,
    ],
)
def test_what_happened_to_the_cells_makes_no_difference(pack, handed_in, happened):
    wanted = rebuilt(pack, handed_in)
    happened(handed_in)
    result = rebuilt(pack, handed_in)
    assert result.notebook == wanted.notebook
    assert result.notes == []


def test_without_any_name_the_answers_still_run_before_their_checks(pack, handed_in):
    """As after a detour through a program that keeps texts alone."""
    ids_stripped(handed_in)
    metadata_stripped(handed_in)
    result = rebuilt(pack, handed_in)
    lines = sources(result.notebook)
    given = [
        "".join(handed["source"])
        for handed, cell in zip(handed_in["cells"], pack.cells, strict=True)
        if is_answer(cell) and cell.cell_type == "code"
    ]
    checks = [cell.source for cell in pack.cells if key_of(cell)]
    for answer, check in zip(given, checks, strict=True):
        assert lines.index(answer) < lines.index(check)
    assert "raise NotImplementedError" not in "\n".join(lines)


@pytest.mark.parametrize("copies", [1, 3])
def test_of_copies_the_last_counts_and_runs_last(pack, handed_in, copies):
    at = find(handed_in, ANSWER)
    for i in range(copies):
        cell = copy.deepcopy(handed_in["cells"][at])
        cell["source"] = f"copy = {i}"
        handed_in["cells"].append(cell)  # also after its check
    result = rebuilt(pack, handed_in)
    lines = sources(result.notebook)
    order = [f"answer = {at}\n1", *(f"copy = {i}" for i in range(copies))]
    places = [lines.index(line) for line in order]
    assert places == sorted(places)
    answer = result.notebook.cells[places[-1]]
    assert grade_id(answer) == ANSWER
    assert result.notes == [f"{ANSWER} was copied; the last one counts"]


def test_a_deleted_answer_does_not_overwrite_what_was_written_elsewhere(
    pack, handed_in
):
    at = find(handed_in, ANSWER)
    own = {"cell_type": "code", "metadata": {}, "source": "mine = 1"}
    handed_in["cells"][at] = own
    result = rebuilt(pack, handed_in)
    lines = sources(result.notebook)
    (place,) = [i for i, c in enumerate(result.notebook.cells) if grade_id(c) == ANSWER]
    check = lines.index('check("feature_scaling.z_score")')
    assert "NotImplementedError" not in result.notebook.cells[place].source
    assert lines.index("mine = 1") < check and place < check
    assert result.notes == [f"{ANSWER} was deleted"]


def test_a_deleted_answer_in_words_is_an_empty_one(pack, handed_in):
    del handed_in["cells"][find(handed_in, WORDS)]
    result = rebuilt(pack, handed_in)
    (cell,) = [c for c in result.notebook.cells if grade_id(c) == WORDS]
    assert cell.source == "YOUR ANSWER HERE"  # nbgrader sees that nobody has answered
    assert result.notes == [f"{WORDS} was deleted"]


def test_a_deleted_check_comes_back_and_is_reported(pack, handed_in):
    del handed_in["cells"][find(handed_in, CHECK)]
    result = rebuilt(pack, handed_in)
    wanted = [c.source for c in pack.cells if is_graded(c) and not is_answer(c)]
    found = [c.source for c in result.notebook.cells if key_of(c)]
    assert found == wanted
    assert result.notes == [f"{CHECK} was deleted"]


def test_added_and_changed_cells_stay_where_they_were(pack, handed_in):
    setup = next(
        i for i, c in enumerate(handed_in["cells"]) if c["cell_type"] == "code"
    )
    handed_in["cells"][setup]["source"] += "\nimport math"
    at = find(handed_in, ANSWER)
    for where, text in ((at + 1, "after"), (at, "before"), (0, "first")):
        new = {"cell_type": "code", "metadata": {"tags": ["x"]}, "source": text}
        handed_in["cells"].insert(where, new)
    handed_in["cells"].insert(1, {"cell_type": "markdown", "source": "# Mine"})
    handed_in["cells"].insert(1, {"cell_type": "raw", "source": "<script>"})
    result = rebuilt(pack, handed_in)
    lines = sources(result.notebook)
    assert lines[:2] == ["first", "# Mine"]
    answer = next(
        i for i, c in enumerate(result.notebook.cells) if grade_id(c) == ANSWER
    )
    assert [lines[answer - 1], lines[answer + 1]] == ["before", "after"]
    changed = next(i for i, line in enumerate(lines) if line.endswith("import math"))
    assert lines[changed - 1] == pack.cells[setup].source
    assert "<script>" not in lines
    own = [c for c in result.notebook.cells if c.id in result.added]
    assert len(own) == 5 and all(c.metadata == {} for c in own)
    assert result.notes == []


PNG, GIF = "iVBORw0KGgo=", "R0lGODlhAQ=="
PASTED = {
    "a.png": {"image/png": PNG},
    "moving.gif": {"image/gif": GIF},
    "b.html": {"text/html": "<script>"},
    "c.png": {"image/png": '"><script>'},
    "d.svg": {"image/svg+xml": "<svg>"},
    "e.png": {"image/png": GIF},
}
KEPT = {"a.png": {"image/png": PNG}, "moving.gif": {"image/gif": GIF}}


def test_pictures_in_an_answer_in_words_are_kept_and_nothing_else(pack, handed_in):
    handed_in["cells"][find(handed_in, WORDS)]["attachments"] = PASTED
    result = rebuilt(pack, handed_in)
    (cell,) = [c for c in result.notebook.cells if grade_id(c) == WORDS]
    assert cell.attachments == KEPT


def test_pictures_in_a_cell_of_ones_own_are_kept_and_nothing_else(pack, handed_in):
    own = {"cell_type": "markdown", "source": "![x](attachment:a.png)"}
    handed_in["cells"].insert(3, own | {"attachments": PASTED})
    result = rebuilt(pack, handed_in)
    (cell,) = [c for c in result.notebook.cells if c.id in result.added]
    assert cell.attachments == KEPT


def test_thousands_of_added_cells_are_cut(pack, handed_in):
    new = {"cell_type": "code", "metadata": {}, "source": "1"}
    handed_in["cells"] += [dict(new) for _ in range(MOST_ADDED + 200)]
    result = rebuilt(pack, handed_in)
    assert len(result.notebook.cells) == len(pack.cells) + MOST_ADDED
    assert "has 700 cells of its own; 500 were kept" in result.notes


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"[]", "it is not a notebook"),
        (b"3", "it is not a notebook"),
        (b'{"cells": 3}', "it is not a notebook"),
        (b'{"cells": [', "the file is damaged, or no notebook"),
        ("{}".encode("utf-16"), "the file is text in UTF-16, while notebooks are in"),
        (b"PK\x03\x04\x14\x00\xff", "the file is a ZIP archive"),
        (b"\n<!DOCTYPE html><html>", "the file is a web page"),
        (b"%PDF-1.7", "the file is a PDF"),
        (b"\xff\x00", "the file is damaged, or no notebook"),
        (b"[" * 100_000, "the file is damaged, or no notebook"),
        (b'{"cells": ' + b"[" * 10**6 + b"]" * 10**6 + b"}", "damaged"),
        (b'{"n": 1' + b"0" * 10_000 + b"}", ""),
    ],
)
def test_an_unreadable_file_is_a_note_and_the_release(pack, file, why):
    result = rebuild(pack, file)
    assert why in result.unreadable and result.unreadable
    assert result.notes == [f"could not be read: {result.unreadable}"]
    assert sources(result.notebook) == [cell.source for cell in pack.cells]
    nbformat.validate(result.notebook)


def test_a_file_that_takes_too_much_to_read_is_a_note(pack):
    bomb = b'{"cells": [' + b"{}," * 12_000_000 + b"{}]}"
    result = rebuild(pack, bomb)
    assert result.unreadable == "reading the file needed more than 512 MB of memory"
    assert result.notes == [f"could not be read: {result.unreadable}"]


def test_texts_that_are_too_large_are_left_out(pack, handed_in):
    handed_in["cells"][find(handed_in, ANSWER)]["source"] = "x = 1\n" * 400_000
    result = rebuilt(pack, handed_in)
    assert result.notes == ["has a cell of 2,400,000 characters: it is left out"]
    assert len(nbformat.writes(result.notebook)) < 200_000
    (cell,) = [c for c in result.notebook.cells if grade_id(c) == ANSWER]
    assert cell.source.startswith("# This cell held 2,400,000 characters")


def test_all_texts_together_are_bounded(pack, handed_in):
    new = {"cell_type": "code", "source": "1" * 200_000}
    handed_in["cells"] += [dict(new) for _ in range(50)]
    result = rebuilt(pack, handed_in)
    assert len(nbformat.writes(result.notebook)) < 2 << 20
    assert result.notes == ["has a cell of 200,000 characters: it is left out"]


def test_a_notebook_without_cells_is_reported(pack):
    result = rebuild(pack, b'{"cells": []}')
    assert result.notes == ["has no cells"]
    assert sources(result.notebook) == [cell.source for cell in pack.cells]


def test_text_that_is_no_text_can_still_be_written(pack, handed_in):
    raw = json.dumps(handed_in).replace('"1"]', '"\\ud800 \\u0000"]')
    result = rebuild(pack, b"\xef\xbb\xbf" + raw.encode())  # with a byte order mark
    assert nbformat.writes(result.notebook).encode()
    assert not result.unreadable


def test_what_follows_the_last_graded_cell_does_not_run(pack, handed_in):
    extra = dict(handed_in["cells"][1], cell_type="code", id="extra", source="1 / 0")
    handed_in["cells"].append({**extra, "execution_count": None, "outputs": []})
    result = rebuilt(pack, handed_in)
    cells = runs(result.notebook)
    assert all(cell.cell_type == "code" for cell in cells)
    last = max(i for i, cell in enumerate(result.notebook.cells) if is_graded(cell))
    before = [c for c in result.notebook.cells[: last + 1] if c.cell_type == "code"]
    assert cells == before and len(cells) < len(
        [c for c in result.notebook.cells if c.cell_type == "code"]
    )
