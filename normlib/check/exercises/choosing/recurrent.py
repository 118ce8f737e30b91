"""choosing.recurrent: a normalizer inside a recurrence that has gone wild."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.networks import protocols
from normlib.check.exercises.choosing.networks.digits import (
    right_on,
    test_digits,
    the_same,
    training_digits,
)


class RecurrentCell(nn.Module):
    """One step of a recurrent network, with a normalizer."""

    def __init__(self, input_layer, state_layer):
        """Keep the two given layers, and make what else is needed."""
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.norm = nn.LayerNorm(state_layer.out_features)

    def forward(self, x, h):
        """The new state, of shape (N, 64), after one column x of shape (N, 8)."""
        return torch.tanh(self.norm(self.input_layer(x) + self.state_layer(h)))


def pairs(rng):
    """Digits as sequences of their eight columns; for the test, two after another."""
    x, labels = training_digits()
    x, new = (d.reshape(-1, 8, 8).swapaxes(1, 2) for d in (x, test_digits()))
    return dict(
        seed=int(rng.integers(2**31)),
        x=np.ascontiguousarray(x),
        labels=labels,
        new_x=np.concatenate([new, rng.permutation(new)], axis=1),
    )


# What these look like from outside.


def _no_normalizer(outputs):
    return not len(outputs["added"])


def _over_the_batch(outputs):
    return (outputs["added"][:, 0] == protocols.BATCH).any()


def _only_at(where):
    def recognize(outputs):
        roles, places, _ = outputs["added"].T
        alone = (places == where).all() and len(places) > 0
        return alone and protocols.BATCH not in roles

    return recognize


def _groups_of_two(outputs):
    roles, _, size = outputs["added"].T
    return (roles == protocols.GROUP).any() and (size <= 4).all()


# Right answers in other styles.


class GroupsOfSixteen(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.x, self.h = input_layer, state_layer
        self.norm = nn.GroupNorm(4, 64)

    def forward(self, x, h):
        total = self.x(x)
        total = total + self.h(h)
        return self.norm(total).tanh()


class ByTheRootMeanSquare(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.layers = nn.ModuleList([input_layer, state_layer])
        self.norm = nn.RMSNorm(64)

    def forward(self, x, h):
        return torch.tanh(self.norm(self.layers[0](x) + self.layers[1](h)))


class WithoutParameters(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer

    def forward(self, x, h):
        total = self.input_layer(x) + self.state_layer(h)
        return torch.tanh(nn.functional.layer_norm(total, total.shape[1:]))


class WithOnesOwn(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.weight = nn.Parameter(torch.ones(64))
        self.bias = nn.Parameter(torch.zeros(64))

    def forward(self, x, h):
        total = self.input_layer(x) + self.state_layer(h)
        total = total - total.mean(dim=1, keepdim=True)
        spread = torch.sqrt((total**2).mean(dim=1, keepdim=True) + 1e-5)
        return torch.tanh(self.weight * total / spread + self.bias)


EXERCISE = Exercise(
    key="choosing.recurrent",
    points=4,
    statement="Make a recurrent network remember whose state grows too fast.",
    section="choosing-in-practice",
    reference=RecurrentCell,
    answer=RecurrentCell,
    run=protocols.recurrent,
    own_work=False,
    cases=(
        Case(
            "a pair is judged alike, whatever else is in the batch",
            0.25,
            pairs,
            run=protocols.in_another_batch,
            measure=the_same("a pair's scores change with the other pairs"),
        ),
        Case("the first digit of each test pair", 0.75, pairs, measure=right_on(0.7)),
    ),
    recognize={
        "no-normalizer": _no_normalizer,
        "over-the-batch": _over_the_batch,
        "input-part-only": _only_at(protocols.ON_INPUT_PART),
        "pixels-only": _only_at(protocols.ON_X),
        "after-the-tanh": _only_at(protocols.ELSEWHERE),
        "state-before-its-layer": _only_at(protocols.ON_STATE),
        "groups-of-two": _groups_of_two,
    },
    equivalents=(GroupsOfSixteen, ByTheRootMeanSquare, WithoutParameters, WithOnesOwn),
)
