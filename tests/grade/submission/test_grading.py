"""Whoever did the work gets the points, in whatever style; nobody else does."""

import contextlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from normlib.check import EXERCISES, judge
from normlib.check.cells import grade_id, key_of
from normlib.grade.sample_class.answers import pasted
from normlib.grade.sandbox import backends
from normlib.grade.sandbox.session import Session
from normlib.grade.submission import grading, limited, running
from tests.grade.attacks import BOMBS, RIGHT, answer

ASSIGNMENTS = sorted(
    path.parent.name
    for path in Path(__file__).parents[3].glob("exercises/[!.]*/*.ipynb")
)
EACH = [  # one of them in `make quick`
    ASSIGNMENTS[0],
    *(pytest.param(name, marks=pytest.mark.slow) for name in ASSIGNMENTS[1:]),
]
KEY, NAME = "feature_scaling.z_score", "feature_scaling-z_score"


@pytest.fixture(scope="module")
def grade(zygote):
    def run(pack, submission, problem="", seed=0):
        where = zygote.address, zygote.backend.name
        return grading.grade(pack, submission, problem, seed, *where)

    return run


def full(pack):
    return {key.replace(".", "-"): EXERCISES[key].points for key in pack.keys}


def stub(pack, key):
    (cell,) = [
        c for c in pack.cells if grade_id(c) == key.replace(".", "-") + "-answer"
    ]
    return cell.source


def answered(pack, handed_in, chosen):
    """A submission with these implementations pasted in."""
    return handed_in(
        pack,
        {
            key: pasted(stub(pack, key), answer, EXERCISES[key].name)
            for key, answer in chosen.items()
        },
    )


@pytest.mark.parametrize("assignment", EACH)
def test_every_equivalent_gets_full_points_and_no_remark(
    packs, grade, handed_in, assignment
):
    pack = packs[assignment]
    styles = {key: EXERCISES[key].equivalents for key in pack.keys}
    for i in range(max(map(len, styles.values()))):
        chosen = {key: known[i % len(known)] for key, known in styles.items()}
        result = grade(pack, answered(pack, handed_in, chosen))
        assert result.points == full(pack), i
        assert result.notes == []
        nbformat.validate(nbformat.reads(result.notebook, as_version=4))


@pytest.mark.parametrize("assignment", EACH)
def test_misconceptions_get_what_the_learners_check_gives(
    packs, grade, handed_in, assignment
):
    """One after the other; among all exercises, each kind of case is met."""
    pack = packs[assignment]
    for i in range(3):
        chosen = {}
        for n, key in enumerate(pack.keys):
            known = EXERCISES[key].misconceptions
            chosen[key] = known[(3 * i + n) % len(known)].implementation
        submission = answered(pack, handed_in, chosen)
        wanted = {}
        for key, chosen_one in chosen.items():
            seed = grading.seed_of(submission, 0, key)
            wanted[key.replace(".", "-")] = judge(key, chosen_one, seed).points
        assert grade(pack, submission).points == wanted, i


HONEST = {
    "prints and warns": "import sys, warnings\n"
    + RIGHT.replace(
        "    mean =",
        "    print('here'); print('there', file=sys.stderr)\n"
        "    warnings.warn('careful'); np.log(np.zeros(2))\n    mean =",
    ),
    "logs": "import logging\nlogging.basicConfig(level='DEBUG')\n"
    + RIGHT.replace("    mean =", "    logging.warning('here')\n    mean ="),
    "writes a file and reads it": RIGHT
    + "\ntry:\n    np.savetxt('x.csv', np.ones(3)); np.loadtxt('x.csv')\n"
    "except OSError:\n    pass\n",
    "plots": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n" + RIGHT,
    "magic commands": "%matplotlib inline\n%time 1\n" + RIGHT,
    "a magic command of a cell": "%%time\n" + RIGHT,
    "a command of the shell": RIGHT + "\n!ls\n",
    "packages are installed": "!pip install numpy\n%pip install numpy\n"
    "%conda install numpy\n%ls\nfiles = !ls\nassert not len(files)\n" + RIGHT,
    "a module is written": RIGHT.replace("x.mean(axis=0)", "helper.mean_of(x)")
    + "\nimport helper\n",
    "slow": "import time; time.sleep(1)\n"
    + RIGHT.replace("    mean =", "    import time; time.sleep(0.1)\n    mean ="),
    "threads": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(4) as pool: list(pool.map(abs, range(9)))\n" + RIGHT,
    "a helper below": RIGHT.replace("x.mean(axis=0)", "mean_of(x)")
    + "\ndef mean_of(x): return x.mean(axis=0)\n",
    "a helper of the release": RIGHT + "\nside_by_side({'a': np.ones((1, 1))})\n",
    "a name found while running": RIGHT.replace(
        "    mean =", "    eval('preprocessing')\n    mean ="
    ),
    "an exit afterwards": RIGHT + "\nexit()\n",
    "tests of its own": RIGHT + "\nassert z_score_scale(np.ones((3, 2))).sum() == 0\n",
    "input is asked for": RIGHT + "\ninput('continue?')\n",
    "check is called": "from normlib.check import check\n" + RIGHT
    + "\nassert check('feature_scaling.z_score') == 0\n",
    "a class with state": "class Scaler:\n    def __call__(self, x): return _f(x)\n"
    + RIGHT.replace("z_score_scale", "_f") + "\nz_score_scale = Scaler()\n",
    "a network is trained": "import sklearn.linear_model, torch\n"
    "from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential\n"
    "net = Sequential(Conv2d(1, 64, 3, padding=1), ReLU(), Conv2d(64, 64, 3),\n"
    "                 Flatten(), Linear(64 * 36, 10))\n"
    "optimizer = torch.optim.Adam(net.parameters())\n"
    "net(torch.ones(512, 1, 8, 8)).mean().backward(); optimizer.step()\n" + RIGHT,
    "all pairs of 1797 digits": "digits = np.ones((1797, 8))\n"
    "assert not ((digits[:, None] - digits) ** 2).sum(-1).any()\n" + RIGHT,
    "torch": "import torch\n"
    "def z_score_scale(x):\n"
    "    x = torch.as_tensor(np.asarray(x, dtype=float))\n"
    "    centered = x - x.mean(0)\n"
    "    std = x.std(0, correction=0)\n"
    "    tiny = std <= 1e-12 * x.abs().amax(0)\n"
    "    return torch.where(tiny, 0.0, centered) / torch.where(tiny, 1.0, std)\n",
}  # fmt: skip


HELPER = "%%writefile helper.py\ndef mean_of(x):\n    return x.mean(axis=0)\n"


@pytest.mark.slow
@pytest.mark.parametrize("style", HONEST)
def test_honest_work_loses_nothing(scaling, grade, handed_in, style):
    result = grade(scaling, handed_in(scaling, {KEY: HONEST[style]}, first=HELPER))
    assert result.points == full(scaling)


COMMANDS = "!pip install numpy\n%pip list\n%ls\nx = !ls\nprint('after', x)"


@pytest.fixture(scope="module", params=["strongest", "landlock"])
def shell(request, zygote):
    """A session in the strongest sandbox, and in one where no file can be written."""
    with contextlib.ExitStack() as stack:
        if request.param == "landlock":
            (backend,) = (b for b in backends.BACKENDS if b.name == "landlock")
            if fault := backend.lacks():
                pytest.skip(fault)
            zygote = stack.enter_context(backends.Zygote(backend).wait())
        yield stack.enter_context(Session(zygote.address, 1 << 30, 60, 0))


def test_a_command_does_nothing_and_says_so(shell):
    shown = dict(shell.run(COMMANDS, 60))
    assert "error" not in shown
    assert shown["stdout"].count("Left out: no programs run while") == 4
    assert shown["stdout"].endswith("after []\n")
    shown = dict(shell.run("%%bash\nls", 60))
    assert shown["stdout"].startswith("Left out: no programs run") and len(shown) == 1


def test_a_module_that_a_cell_writes_is_imported(shell):
    shell.run("%%writefile helper_of_mine.py\ndef double(x):\n    return 2 * x\n", 60)
    shell.run("%%writefile -a helper_of_mine.py\ny = 3\n", 60)
    source = "import helper_of_mine as h\nprint(h.double(h.y))"
    assert dict(shell.run(source, 60)) == {"stdout": "6\n"}


def test_the_same_submission_gives_the_same_bytes(scaling, grade, handed_in):
    drawn = "print(np.random.rand(), {'a', 'b', 'c', 'd'})\n" + RIGHT
    submission = handed_in(scaling, {KEY: drawn})
    one, two = grade(scaling, submission), grade(scaling, submission)
    assert one == two
    assert grade(scaling, submission, seed=1).points == one.points


def test_a_report_stands_where_the_check_was(scaling, grade, handed_in):
    wrong = EXERCISES[KEY].misconceptions[0]
    source = pasted(stub(scaling, KEY), wrong.implementation, "z_score_scale")
    result = grade(scaling, handed_in(scaling, {KEY: source}))
    notebook = nbformat.reads(result.notebook, as_version=4)
    (cell,) = [c for c in notebook.cells if key_of(c) == KEY]
    report, points = cell.outputs
    assert wrong.title in report.data["text/plain"]
    assert "This looks like" in report.data["text/html"]
    assert points.output_type == "execute_result"
    assert points.data["text/plain"] == repr(result.points[NAME])


def test_what_cannot_be_read_is_a_report(scaling, grade):
    for file, problem in ((b"[]", ""), (b"", "there is no file x.ipynb")):
        result = grade(scaling, file, problem)
        assert result.points == dict.fromkeys(full(scaling), 0)
        (note,) = result.notes
        assert "could not be read" in note and problem in note
        assert "Your file was not read" in result.notebook


@pytest.mark.slow
def test_the_time_of_a_submission_ends(scaling, grade, handed_in):
    pack = replace(scaling, limits=replace(scaling.limits, submission=2))
    slow = "import time; time.sleep(60)"
    result = grade(pack, handed_in(pack, first=slow))
    assert result.points == dict.fromkeys(full(pack), 0)
    assert "took more than 2 seconds" in result.notebook
    assert result.stopped and not result.starved


@pytest.mark.slow
def test_answers_after_one_that_was_stopped_count(scaling, grade, handed_in):
    loop = "def z_score_scale(x):\n    while True: pass\n"
    uses = "\nfirst = z_score_scale(np.ones((2, 2)))\n"
    result = grade(scaling, handed_in(scaling, {KEY: loop}, first="before = 1"))
    assert result.points == full(scaling) | {NAME: 0}
    assert result.notes == [f"{NAME} ran out of time"]
    result = grade(scaling, handed_in(scaling, {KEY: loop + uses}))
    assert result.points == full(scaling) | {NAME: 0}
    assert f"{NAME}-answer ran out of time" in result.notes


TABLES = (
    "from IPython.display import HTML, display\n"
    "row = '<tr><td>1.25</td><td>2.5</td><td>3.75</td></tr>'\n"
    "for _ in range(5): display(HTML('<table>' + row * 20_000 + '</table>'))\n"
)


def test_large_tables_cost_no_points_and_are_shown_in_part(scaling, grade, handed_in):
    result = grade(scaling, handed_in(scaling, {KEY: TABLES + RIGHT}))
    assert (result.points, result.notes) == (full(scaling), [])
    assert "<td>1.25</td>" in result.notebook and len(result.notebook) < 5 << 20


def processor_time():
    """Seconds of this process, and of the forks that do its limited work."""
    limited.close()
    return sum(os.times()[:4])


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_hard_to_look_at_costs_nobody_anything(scaling, grade, handed_in, bomb):
    before = processor_time()
    result = grade(scaling, handed_in(scaling, {KEY: BOMBS[bomb] + RIGHT}))
    others = full(scaling) | {NAME: result.points[NAME]}
    assert result.points == others
    assert result.points[NAME] == full(scaling)[NAME] or result.notes
    assert len(result.notebook) < 5 << 20
    assert processor_time() - before < 100


def test_what_cannot_be_looked_at_at_all_is_reported(
    scaling, grade, handed_in, monkeypatch
):
    def fail(function, *args):
        if function is grading._look_at or function is grading._to_notebook:
            raise limited.Failed("took more than 10 seconds")
        return call(function, *args)

    call = limited.call
    monkeypatch.setattr(limited, "call", fail)
    result = grade(scaling, handed_in(scaling, {KEY: "print(41)\n" + RIGHT}))
    assert result.points == full(scaling)
    assert result.notes == [
        "looking through its code took more than 10 seconds",
        "making what its cells show safe to look at took more than 10 seconds",
    ]
    assert "it could not be made safe" in result.notebook


def test_what_an_answer_raises_is_its_own_report(scaling, grade, handed_in):
    """Whatever that leads to in the judge."""
    raising = "from normlib.check.running.observing import Unusable\n" + answer(
        "raise Unusable('')"
    )
    result = grade(scaling, handed_in(scaling, {KEY: raising}))
    assert result.points == full(scaling) | {NAME: 0}


def test_a_defect_that_a_submission_meets_is_its_report(
    scaling, grade, handed_in, monkeypatch
):
    def broken(key, *args):
        if key == KEY:
            raise TypeError("\x1b[2J" + "x" * 10_000)
        return judge(key, *args)

    monkeypatch.setattr(grading, "judge", broken)
    result = grade(scaling, handed_in(scaling))
    assert result.points == full(scaling) | {NAME: 0}
    (note,) = result.notes
    assert note.startswith("z_score_scale could not be judged: TypeError: \\x1b[2Jxx")
    assert "could not be judged: TypeError" in result.notebook


def test_the_judges_own_time_is_not_the_students(
    scaling, grade, handed_in, monkeypatch
):
    late = []

    def slow(*args):
        late.append(3600)
        return judge(*args)

    def now():
        return time.monotonic() + sum(late)

    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=now))
    monkeypatch.setattr(grading, "judge", slow)
    result = grade(scaling, handed_in(scaling, first="import time"))
    assert result.points == full(scaling)
    assert len(late) == len(scaling.keys) > 1


def test_remarks_are_few_and_short():
    notes = [f"{i} \x1b[31m" + "x" * 10_000 for i in range(1000)]
    found = grading.bounded(notes)
    assert len(found) == 20 and found[-1] == "and 981 more remarks"
    assert all(len(note) < 400 and note.isprintable() for note in found)


TORCH_ROUTES = {
    "torch.nn": "class BatchNorm2d(nn.BatchNorm2d): pass",
    "an alias": "BatchNorm2d = nn.BatchNorm2d",
    "functional": "def batch_norm(x, gamma, beta, eps=1e-5):\n"
    "    t = torch.as_tensor\n"
    "    return torch.nn.functional.batch_norm(\n"
    "        t(x), None, None, t(gamma), t(beta), True, 0.0, eps).numpy()",
    "an operator, in other modes": "def batch_norm(x, gamma, beta, eps=1e-5):\n"
    "    from torch._C import _len_torch_function_stack, _pop_torch_function_stack\n"
    "    while _len_torch_function_stack(): _pop_torch_function_stack()\n"
    "    t, mode = torch.as_tensor, torch.utils._python_dispatch\n"
    "    with mode._disable_current_modes():\n"
    "        return torch.ops.aten.native_batch_norm(\n"
    "            t(x), t(gamma), t(beta), None, None, True, 0.0, eps)[0].numpy()",
}


@pytest.mark.parametrize("route", TORCH_ROUTES)
def test_torchs_own_norms_are_no_answer(packs, grade, handed_in, route):
    pack = packs["02_batch_norm"]
    source = TORCH_ROUTES[route]
    key = f"batch_norm.{'module' if 'BatchNorm2d' in source else 'forward'}"
    result = grade(pack, handed_in(pack, {key: source}))
    assert result.points[key.replace(".", "-")] <= 0.2 * EXERCISES[key].points
    if "modes" not in route:
        told = "torch's own batch_norm, which is this exercise itself"
        assert told in result.notebook
    others = {n: p for n, p in result.points.items() if n != key.replace(".", "-")}
    assert others == {n: p for n, p in full(pack).items() if n in others}


def test_torch_works_again_for_the_notebooks_own_comparisons(packs, grade, handed_in):
    pack = packs["02_batch_norm"]
    notebook = json.loads(handed_in(pack))
    last = {"cell_type": "code", "metadata": {}, "source": "print(nn.BatchNorm1d(2)("
            "torch.tensor([[0.0, 1.0], [2.0, 5.0]])).sum().abs() < 1e-3)"}  # fmt: skip
    place = next(
        i for i, c in enumerate(notebook["cells"])
        if c["source"] == ['check("batch_norm.forward")']
    )  # fmt: skip
    notebook["cells"].insert(place + 1, last)
    result = grade(pack, json.dumps(notebook).encode())
    assert result.points == full(pack)
    assert "tensor(True)" in result.notebook


COMPARES = """
theirs = nn.BatchNorm2d(3)(torch.ones(2, 3, 4, 4))
print(theirs.sum().item())
for name in ("mean", "var"):
    print(name, getattr(theirs, name)().shape)
"""
HELPED = "\nroot = np.sqrt\n"


@pytest.fixture
def kinds(monkeypatch):
    """Which kinds of processes were started: whether torch's own norms were out."""
    started = []

    class Noted(Session):
        def __init__(self, *args):
            started.append(args[-1])
            super().__init__(*args)

    monkeypatch.setattr(grading, "Session", Noted)
    return started


def test_an_answer_whose_cell_compares_counts(packs, grade, handed_in, kinds):
    """The cell goes on where torch's own is out; what it shows is whole."""
    pack, key = packs["02_batch_norm"], "batch_norm.forward"
    right = pasted(stub(pack, key), EXERCISES[key].equivalents[0], "batch_norm")
    right = right.replace("np.sqrt", "root")
    assert "root" in right
    result = grade(pack, handed_in(pack, {key: COMPARES + right + HELPED}))
    assert result.points == full(pack)
    notebook = nbformat.reads(result.notebook, as_version=4)
    (cell,) = [c for c in notebook.cells if c.source.endswith(HELPED)]
    (shown,) = cell.outputs
    assert shown.text == "0.0\nmean torch.Size([])\nvar torch.Size([])\n"
    assert kinds == [True, False]


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_few_notebooks_need_two_processes(packs, grade, handed_in, kinds, assignment):
    grade(packs[assignment], handed_in(packs[assignment]))
    both = len({EXERCISES[key].own_work for key in packs[assignment].keys}) == 2
    assert kinds == ([True, False] if both else [True])
    assert both == (assignment == "10_choosing")


@pytest.mark.slow
def test_what_ends_a_comparison_costs_no_answer(packs, grade, handed_in):
    """Not even when another answer is stopped and its process has to begin again."""
    limits = replace(packs["02_batch_norm"].limits, cell=4, call=4, submission=60)
    pack = replace(packs["02_batch_norm"], limits=limits)
    key, other = "batch_norm.forward", "batch_norm.backward"
    right = pasted(stub(pack, key), EXERCISES[key].equivalents[0], "batch_norm")
    endless = "\nif nn.BatchNorm2d(3)(torch.ones(2, 3, 4, 4)) is not None:\n"
    answers = {key: right + endless + "    while True: pass\n"}
    answers[other] = "def batch_norm_backward(*args):\n    while True: pass\n"
    result = grade(pack, handed_in(pack, answers))
    assert result.points == full(pack) | {"batch_norm-backward": 0}
    assert "batch_norm-forward-answer ran out of time" in result.notes
