"""choosing.small_batch: a normalizer for a network that sees two images a step."""

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


def small_batch_network(layers):
    """The given layers, with normalizers between them."""
    network = []
    for layer in layers[:-1]:
        network.append(layer)
        if isinstance(layer, nn.Linear):
            network.append(nn.LayerNorm(layer.out_features))
    return [*network, layers[-1]]


def mixed_digits(rng):
    inputs = digits(rng, lambda rng, x: mixed(rng, x.reshape(-1, 64)))
    return dict(seed=int(rng.integers(2**31)), **inputs)


# What these look like from outside. The last of the given layers is number 12.


def _small_groups(smallest, largest):
    def recognize(outputs):
        roles, _, size = outputs["added"].T
        small = (smallest <= size) & (size <= largest)
        return (roles == protocols.GROUP).any() and small.all()

    return recognize


def _all_at(place):
    def recognize(outputs):
        return len(outputs["added"]) > 0 and (outputs["added"][:, 1] == place).all()

    return recognize


def _one_inside(outputs):
    roles, places, _ = outputs["added"].T
    inside = (0 < places) & (places < 13)
    return inside.sum() == 1 and not (roles == protocols.BATCH).any()


# Right answers in other styles.


def groups_of_eight(layers):
    network = []
    for layer in layers:
        network.append(layer)
        if isinstance(layer, nn.Linear) and layer is not layers[-1]:
            network.append(nn.GroupNorm(8, 64))
    return network


def after_the_tanh(layers):
    network = nn.Sequential()
    for layer in layers:
        network.append(layer)
        if isinstance(layer, nn.Tanh):
            network.append(nn.LayerNorm(64))
    return network


def by_the_root_mean_square(layers):
    network = []
    for i in range(0, 12, 2):
        linear, tanh = layers[i : i + 2]
        network += [linear, nn.RMSNorm(64), tanh]
    network.append(layers[12])
    return tuple(network)


def in_blocks(layers):
    blocks = [
        nn.Sequential(linear, nn.LayerNorm(64, elementwise_affine=False), tanh)
        for linear, tanh in zip(layers[:-1:2], layers[1::2], strict=True)
    ]
    return nn.Sequential(*blocks, layers[-1])


def with_ones_own(layers):
    import torch

    class Standardize(torch.nn.Module):
        def forward(self, x):
            x = x - x.mean(dim=1, keepdim=True)
            return x / torch.sqrt((x * x).mean(dim=1, keepdim=True) + 1e-5)

    network = []
    for layer in layers:
        network += [Standardize(), layer] if isinstance(layer, nn.Tanh) else [layer]
    return network


EXERCISE = Exercise(
    key="choosing.small_batch",
    points=3,
    statement="Make a network learn that sees two images a step.",
    section="choosing-in-practice",
    reference=small_batch_network,
    answer=small_batch_network,
    run=protocols.small_batch,
    own_work=False,
    measure=recognizes(0.75, "an image's scores change with the image beside it"),
    cases=(
        Case(
            "the test digits, each of them judged by itself",
            1,
            mixed_digits,
            kept=("new_labels",),
        ),
    ),
    recognize={
        "no-normalizer": no_normalizer,
        "batch-norm": over_the_batch,
        "groups-of-two": _small_groups(2, 4),
        "groups-of-one": _small_groups(1, 1),
        "on-the-pixels": _all_at(0),
        "on-the-scores": _all_at(13),
        "first-layer-only": _one_inside,
    },
    equivalents=(
        groups_of_eight,
        after_the_tanh,
        by_the_root_mean_square,
        in_blocks,
        with_ones_own,
    ),
)
