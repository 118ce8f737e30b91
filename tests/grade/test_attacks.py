"""No attack earns a point, does harm, or stops the next submission."""

import json
import socket
from pathlib import Path

import nbformat
import pytest

from normlib.check import EXERCISES
from normlib.check.cells import grade_id
from normlib.grade.sandbox.backends import UNSAFE, Zygote
from normlib.grade.sandbox.session import Session
from normlib.grade.submission import grading
from tests.grade.attacks import (
    ENDING,
    ENDING_CALLS,
    FORGING,
    HARM,
    RIGHT,
    SABOTAGE,
    TORCH_IN_A_THREAD,
    UNLOCKING,
)

pytestmark = pytest.mark.slow  # more than a hundred submissions

KEY, NAME = "feature_scaling.z_score", "feature_scaling-z_score"


@pytest.fixture(scope="module")
def full(scaling):
    """The points of the others, all right."""
    return {key.replace(".", "-"): EXERCISES[key].points for key in scaling.keys}


@pytest.fixture(scope="module")
def graded(scaling, zygote, handed_in):
    """Grade a submission whose answer to one exercise is the attack."""

    def grade(source):
        submission = handed_in(scaling, {KEY: source})
        where = zygote.address, zygote.backend.name
        return grading.grade(scaling, submission, "", 0, *where)

    return grade


def shown(result, name=f"{NAME}-answer"):
    notebook = nbformat.reads(result.notebook, as_version=4)
    nbformat.validate(notebook)
    (cell,) = [cell for cell in notebook.cells if grade_id(cell) == name]
    return json.dumps(cell.outputs)


@pytest.mark.parametrize("attack", FORGING)
def test_forging_earns_nothing_and_costs_the_others_nothing(graded, full, attack):
    result = graded(FORGING[attack])
    assert result.points == full | {NAME: 0}


@pytest.mark.parametrize("attack", SABOTAGE)
def test_sabotage_earns_nothing(graded, attack):
    assert graded(SABOTAGE[attack]).points[NAME] == 0


@pytest.mark.parametrize("attack", UNLOCKING)
def test_torch_is_not_unlocked_and_who_tries_is_named(packs, zygote, handed_in, attack):
    key, pack = "batch_norm.forward", packs["02_batch_norm"]
    submission = handed_in(pack, {key: UNLOCKING[attack]})
    where = zygote.address, zygote.backend.name
    result = grading.grade(pack, submission, "", 0, *where)
    name = key.replace(".", "-")
    # Some cases ask for an exception, which a call that fails raises as well.
    assert result.points[name] <= 0.2 * EXERCISES[key].points
    assert any(note.startswith(f"{name}-answer uses ") for note in result.notes)


def test_torch_comes_without_its_norms_where_it_was_not_imported(scaling, handed_in):
    """The watch by Python's means sees neither another thread nor the first import."""
    submission = handed_in(scaling, {KEY: TORCH_IN_A_THREAD})
    with Zygote(UNSAFE, ["numpy"]).wait() as zygote:
        where = zygote.address, zygote.backend.name
        result = grading.grade(scaling, submission, "", 0, *where)
    assert result.points[NAME] == 0
    assert "which is this exercise itself" in result.notebook


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """What could be harmed: a gradebook, submissions, a server."""
    folder = tmp_path_factory.mktemp("world")
    for name in ("gradebook", "other", "solution"):
        (folder / name).write_text("secret")
        (folder / name).chmod(0o666)
    folder.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield {"course": str(folder), "port": server.getsockname()[1], "server": server}


@pytest.mark.parametrize("attack", HARM)
def test_harm_is_not_done(graded, full, world, zygote, attack):
    known = {n: f"{world['course']}/{n}" for n in ("gradebook", "other", "solution")}
    source = HARM[attack].format(address=zygote.address, **world, **known)
    result = graded(source)
    assert "DONE" not in shown(result)
    assert "failed" in shown(result)
    assert result.points == full
    assert zygote.alive
    files = {path.name: path.read_text() for path in Path(world["course"]).iterdir()}
    assert files == dict.fromkeys(("gradebook", "other", "solution"), "secret")
    with pytest.raises(BlockingIOError):
        world["server"].accept()


@pytest.mark.parametrize("attack", ENDING)
def test_a_cell_that_ends_the_process_costs_its_own_points(graded, full, attack):
    result = graded(ENDING[attack])
    assert result.points == full | {NAME: 0}
    assert len(result.notebook) < 500_000
    assert "There is no `z_score_scale`".replace("`", "") in shown(result, NAME)


@pytest.mark.parametrize("attack", ENDING_CALLS)
def test_a_call_that_ends_the_process_costs_its_own_points(graded, full, attack):
    result = graded(ENDING_CALLS[attack])
    assert result.points == full | {NAME: 0}
    assert len(result.notebook) < 500_000
    assert any(note.startswith(f"{NAME} ") for note in result.notes)


def test_output_is_cut(graded, full):
    flood = "for _ in range(2000): print('x' * 10_000)\nprint('y' * 10**7)\n"
    result = graded(flood + RIGHT)
    assert result.points == full
    assert len(result.notebook) < 500_000
    assert "more characters" in shown(result)


def test_what_one_submission_leaves_the_next_does_not_find(graded, full):
    leave = (
        "import os, tempfile\n"
        "for folder in ('.', tempfile.gettempdir(), '/dev/shm', '/var/tmp'):\n"
        "    try: open(folder + '/left', 'w').write('behind')\n"
        "    except OSError: pass\n"
        "np.left = os.left = True\n"
    )
    look = (
        "import os, tempfile\n"
        "print([os.path.exists(folder + '/left') for folder in\n"
        "       ('.', tempfile.gettempdir(), '/dev/shm', '/var/tmp')],\n"
        "      hasattr(np, 'left'), hasattr(os, 'left'))\n"
    )
    assert graded(leave + RIGHT).points == full
    assert "[False, False, False, False] False False" in shown(graded(look + RIGHT))


def test_the_attacks_are_seen_when_nothing_confines_them(world):
    """So the tests above can fail."""
    known = dict.fromkeys(("other", "solution"), "")
    known |= world | {"gradebook": f"{world['course']}/gradebook"}
    with (
        Zygote(UNSAFE, ["numpy"]).wait() as zygote,
        Session(zygote.address, 1 << 30, 60, 0) as session,
    ):
        session.run("import numpy as np", 30)
        for attack in ("read the gradebook", "connect by TCP", "a program", "fork"):
            source = HARM[attack].format(address=zygote.address, **known)
            shown = dict(session.run(source, 30))
            assert shown["stdout"].startswith("DONE"), attack
    world["server"].accept()[0].close()
