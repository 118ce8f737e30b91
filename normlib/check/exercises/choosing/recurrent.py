"""choosing.recurrent: normalizers for a network that forgets when a flash comes."""

import numpy as np
import torch
from torch import nn

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.networks import protocols
from normlib.check.exercises.choosing.networks.added import (
    no_normalizer,
    over_the_batch,
)
from normlib.check.exercises.choosing.networks.digits import (
    digits,
    mixed,
    recognizes,
)


class RecurrentCell(nn.Module):
    """One step of a recurrent network, with normalizers."""

    def __init__(self, input_layer, state_layer):
        """Keep the two given layers, and make what else is needed."""
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.input_norm = nn.LayerNorm(64)
        self.state_norm = nn.LayerNorm(64)

    def forward(self, x, h):
        """The new state, of shape (N, 64), after one column x of shape (N, 8)."""
        input_part = self.input_norm(self.input_layer(x))
        state_part = self.state_norm(self.state_layer(h))
        return torch.tanh(input_part + state_part)


def sequences(rng):
    """Digits by their columns; after each test digit, a flash from another digit."""
    inputs = digits(rng, lambda rng, x: mixed(rng, x.swapaxes(1, 2)))
    new = inputs["new_x"]
    flash = protocols.FLASH * rng.permutation(new)[:, : protocols.FLASH_COLUMNS]
    inputs["new_x"] = np.concatenate([new, flash], axis=1)
    return dict(seed=int(rng.integers(2**31)), **inputs)


# What these look like from outside.


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


class PixelsAndSum(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.x, self.h = input_layer, state_layer
        self.pixels, self.sum = nn.LayerNorm(8), nn.LayerNorm(64)

    def forward(self, x, h):
        total = self.x(self.pixels(x))
        total = total + self.h(h)
        return self.sum(total).tanh()


class InputPartThenSum(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.layers = nn.ModuleList([input_layer, state_layer])
        self.norms = nn.ModuleList([nn.LayerNorm(64), nn.LayerNorm(64)])

    def forward(self, x, h):
        input_part = self.norms[0](self.layers[0](x))
        return torch.tanh(self.norms[1](input_part + self.layers[1](h)))


class ByTheRootMeanSquare(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_part = nn.Sequential(input_layer, nn.RMSNorm(64))
        self.state_part = nn.Sequential(state_layer, nn.RMSNorm(64))

    def forward(self, x, h):
        return torch.tanh(self.input_part(x) + self.state_part(h))


class GroupsOfSixteen(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.norm, self.state_norm = nn.GroupNorm(4, 64), nn.GroupNorm(4, 64)

    def forward(self, x, h):
        total = self.norm(self.input_layer(x)) + self.state_norm(self.state_layer(h))
        return torch.tanh(total)


class WithoutParameters(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer

    def forward(self, x, h):
        parts = self.input_layer(x), self.state_layer(h)
        first, second = (nn.functional.layer_norm(p, [64]) for p in parts)
        return torch.tanh(first + second)


class WithOnesOwn(nn.Module):
    def __init__(self, input_layer, state_layer):
        super().__init__()
        self.input_layer, self.state_layer = input_layer, state_layer
        self.bias = nn.Parameter(torch.zeros(64))

    def forward(self, x, h):
        total = self.bias
        for part in (self.input_layer(x), self.state_layer(h)):
            part = part - part.mean(dim=1, keepdim=True)
            std = torch.sqrt((part**2).mean(dim=1, keepdim=True) + 1e-5)
            total = total + part / std
        return torch.tanh(total)


EXERCISE = Exercise(
    key="choosing.recurrent",
    points=4,
    statement="Make a recurrent network remember what it read before a flash.",
    section="choosing-in-practice",
    reference=RecurrentCell,
    answer=RecurrentCell,
    run=protocols.recurrent,
    own_work=False,
    measure=recognizes(0.7, "a sequence's scores change with the rest of its batch"),
    cases=(
        Case(
            "the test digits, each followed by a flash",
            1,
            sequences,
            kept=("new_labels",),
        ),
    ),
    recognize={
        "no-normalizer": no_normalizer,
        "over-the-batch": over_the_batch,
        "groups-of-two": _groups_of_two,
        "one-for-the-sum": _only_at(protocols.ON_SUM),
        "input-part-only": _only_at(protocols.ON_INPUT_PART),
        "state-part-only": _only_at(protocols.ON_STATE_PART),
        "pixels-only": _only_at(protocols.ON_X),
        "after-the-tanh": _only_at(protocols.ELSEWHERE),
        "state-before-its-layer": _only_at(protocols.ON_STATE),
    },
    equivalents=(
        PixelsAndSum,
        InputPartThenSum,
        ByTheRootMeanSquare,
        GroupsOfSixteen,
        WithoutParameters,
        WithOnesOwn,
    ),
)
