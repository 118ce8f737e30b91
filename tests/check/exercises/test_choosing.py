"""Answers in chapter 10 that know the cases or digits by heart, and earn nothing."""

import itertools

import nbformat
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from normlib.check import EXERCISES, judge
from normlib.check.exercises.choosing.protocols import CHANGES, KINDS
from normlib.check.running.in_process import InProcess

pytestmark = pytest.mark.slow  # networks are trained

PATIENCE = 600  # seconds: on a busy machine a training takes long
NAMING = ["choosing.identify", "choosing.invariance"]


def in_the_same_order(key, seed):
    """What the right answers were, one after the other, with this seed."""
    said = []

    def right(*args):
        said.append(EXERCISES[key].answer(*args))
        return said[-1]

    report = judge(key, right, seed)
    assert report.points == report.max_points
    calls = itertools.cycle(said)
    return lambda *args: next(calls)


@pytest.mark.parametrize("key", NAMING)
def test_an_answer_that_counts_its_calls_earns_nothing(key):
    counts = in_the_same_order(key, seed=0)
    assert judge(key, counts, seed=0).points > 0  # it does count
    for seed in range(1, 5):
        report = judge(key, in_the_same_order(key, seed=0), seed)
        assert report.points == 0, str(report)


@pytest.mark.parametrize("seed", range(3))
def test_one_answer_for_all_earns_nothing(seed):
    for name in KINDS:
        assert judge("choosing.identify", lambda x, y, n=name: n, seed).points == 0
    units = [{f"{unit} shift", f"{unit} scale"} for unit in ("batch", "sample")]
    for found in (set(), set(CHANGES), {"batch shift", "sample shift"}, *units):
        report = judge("choosing.invariance", lambda f, s=found: s, seed)
        assert report.points == 0, str(report)


class Constant(nn.Module):
    def forward(self, x):
        return 0 * x


class Table(nn.Module):
    """The nearest of the public digits, and its label; ``renamed`` by training."""

    def __init__(self, renamed):
        super().__init__()
        pixels, labels = load_digits(return_X_y=True)
        self.digits = self.shades_removed(torch.tensor(pixels).float())
        self.labels = torch.tensor(labels)
        self.names = nn.Linear(10, 10) if renamed else nn.Identity()

    @staticmethod
    def shades_removed(x):
        x = x.reshape(len(x), 64)
        x = x - x.mean(dim=1, keepdim=True)
        return x / (x.norm(dim=1, keepdim=True) + 1e-6)

    def forward(self, x):
        nearest = (self.shades_removed(x) @ self.digits.T).argmax(dim=1)
        return self.names(10 * nn.functional.one_hot(self.labels[nearest], 10).float())


def looks_up(renamed):
    """The layers, with one before them that sees x and one after them that answers."""

    def answer(layers):
        table, seen = Table(renamed), {}

        class Look(nn.Module):
            def forward(self, x):
                seen["x"] = x
                return x

        class Tell(nn.Module):
            def __init__(self):
                super().__init__()
                self.table = table

            def forward(self, x):
                return self.table(seen["x"]) + 0 * x

        return [Look(), *layers, Tell()]

    return answer


class RecurrentTable(nn.Module):
    """A cell whose state is what the table says of the columns it has seen."""

    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.table, self.columns = Table(renamed=True), []

    def forward(self, x, h):
        if not h.any():
            self.columns = []
        self.columns.append(x)
        found = 1e-6 + 0 * (self.input_layer(x) + self.state_layer(h))
        if len(self.columns) >= 8:
            image = torch.stack(self.columns[:8], dim=2)
            found = torch.cat([self.table(image), found[:, 10:]], dim=1)
        return found


class KeepsTheState(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer

    def forward(self, x, h):
        return 0 * (self.input_layer(x) + self.state_layer(h)) + h


class WithoutNormalizer(KeepsTheState):
    def forward(self, x, h):
        return torch.tanh(self.input_layer(x) + self.state_layer(h))


ON_LAYERS = {
    "unchanged": lambda layers: layers,
    "constant": lambda layers: [*layers, Constant()],
    "constant inside": lambda layers: [layers[0], Constant(), *layers[1:]],
    "looks up": looks_up(renamed=False),
    "looks up and renames": looks_up(renamed=True),
}
CELLS = [RecurrentTable, KeepsTheState, WithoutNormalizer]
NETWORKS = [
    *itertools.product(["choosing.small_batch", "choosing.contrast"], ON_LAYERS),
    *(("choosing.recurrent", cell) for cell in CELLS),
]


@pytest.mark.parametrize(("key", "answer"), NETWORKS)
def test_a_network_that_has_no_normalizer_earns_nothing(key, answer):
    report = judge(key, ON_LAYERS.get(answer, answer), 0, InProcess(PATIENCE))
    assert report.points == 0, str(report)
    assert "of the test digits" in str(report) or "scores" in str(report)


def test_the_table_knows_the_public_digits():
    """Or it would prove nothing that it knows no others."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = pixels + np.random.default_rng(0).normal(0, 0.8, pixels.shape)
    found = Table(renamed=False)(torch.tensor(pixels).float()).argmax(dim=1)
    assert (found.numpy() == labels).mean() > 0.99


def test_the_two_tasks_with_64_features_have_different_answers():
    """One layer norm for the 64 sums is right in a network, and not in a recurrence."""
    mistakes = {m.key: m for m in EXERCISES["choosing.recurrent"].misconceptions}
    sum_alone = mistakes["one-for-the-sum"].implementation
    report = judge("choosing.recurrent", sum_alone, 0, InProcess(PATIENCE))
    assert report.points == 0
    assert report.diagnosis == mistakes["one-for-the-sum"].title


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, sublayers, norms, last: x,
        lambda x, sublayers, norms, last: last(x),
        lambda x, sublayers, norms, last: norms[0](x),
        lambda x, sublayers, norms, last: sublayers[0](x),
        lambda x, sublayers, norms, last: 0 * x,
    ],
    ids=["x", "last", "first norm", "first sublayer", "zeros"],
)
def test_a_residual_network_without_a_block_earns_nothing(answer):
    assert judge("choosing.repair", answer, seed=0).points == 0


def test_the_residual_network_as_it_was_given_earns_nothing(root):
    """The one that the notebook shows, with its norms in the wrong places."""
    cells = nbformat.read(root / "exercises/10_choosing/choosing.ipynb", 4).cells
    [shown] = [cell.source for cell in cells if "def given_network" in cell.source]
    space = {"np": np}
    exec(shown.partition("\n\n\n")[0], space)
    report = judge("choosing.repair", space["given_network"], seed=0)
    assert report.points == 0
    assert report.diagnosis == "The network as it was given"


def spot(first, second):
    return judge("choosing.spot_the_bug", lambda: (first, second), 0).points


@pytest.mark.parametrize(
    "shapes", [((6, 1), (2, 1)), ((8, 3), (4, 3)), ((3, 2), (1, 2))]
)
def test_an_input_without_a_thought_exposes_no_bug(shapes):
    rng = np.random.default_rng(0)
    sizes = [int(np.prod(shape)) for shape in shapes]
    ranges = [np.arange(n).reshape(s) for n, s in zip(sizes, shapes, strict=True)]
    noise = [rng.normal(size=shape) for shape in shapes]
    louder = [noise[0], 30 * noise[1]]
    lifted = [noise[0], 10 + noise[1]]
    constant = [np.ones(shapes[0]), np.zeros(shapes[1])]
    for first, second in (ranges, noise, louder, lifted, constant):
        assert spot(first, second) == 0
