"""choosing.contrast: a normalizer for images from cameras it has never seen."""

import numpy as np
from torch import nn

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.networks import protocols
from normlib.check.exercises.choosing.networks.added import no_normalizer
from normlib.check.exercises.choosing.networks.digits import digits, recognizes


def contrast_network(layers):
    """The given layers, with normalizers between them."""
    first, *others = layers
    return [first, nn.InstanceNorm2d(16), *others]


def _through_a_lens(rng, x):
    """Turned or mirrored, and a pixel mixed with its neighbors; as (N, 1, 8, 8)."""
    x = np.rot90(x, rng.integers(4), axes=(1, 2))[:, :: rng.choice([-1, 1])]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    weights = rng.normal(size=(3, 3))
    seen = sum(
        weights[i, j] * padded[:, i : i + 8, j : j + 8] for i, j in np.ndindex(3, 3)
    )
    return ((seen - seen.mean()) * (x.std() / seen.std()))[:, None]


def other_cameras(rng):
    """From a quarter to four times the contrast; black up to white, white to black."""
    inputs = digits(rng, _through_a_lens)
    contrast = 4 ** rng.uniform(-1, 1, (len(inputs["new_x"]), 1, 1, 1))
    new_x = contrast * inputs["new_x"] + rng.uniform(-2, 2, contrast.shape)
    inputs["new_x"] = new_x.astype(np.float32)
    return dict(seed=int(rng.integers(2**31)), **inputs)


# What these look like from outside. The given layers before a place: 0 none, 1 the
# first convolution, 2 its ReLU, 3 the second convolution, 4 its ReLU, 5 the average.


def _places(outputs, *roles):
    return {int(place) for role, place, _ in outputs["added"] if role in roles}


def _only(role):
    def recognize(outputs):
        return set(outputs["added"][:, 0]) == {role}

    return recognize


def _layer_norm(outputs):
    """Over all channels, which a group norm with one group does as well."""
    role, place, size = outputs["added"][0]
    all_channels = {0: 64, 1: 576, 2: 576, 3: 512, 4: 512}.get(int(place)) == size
    alike = role == protocols.LAYER or (role == protocols.GROUP and all_channels)
    return alike and not _places(outputs, protocols.INSTANCE, protocols.TRACKED)


def _group_norm(outputs):
    return _only(protocols.GROUP)(outputs) and not _layer_norm(outputs)


def _tracked(outputs):
    return bool(_places(outputs, protocols.TRACKED))


def _too_late(outputs):
    places = _places(outputs, protocols.INSTANCE)
    return bool(places) and min(places) >= 3 and max(places) < 4


def _before_the_average(outputs):
    return 4 in _places(outputs, protocols.INSTANCE)


def _everywhere(outputs):
    places = _places(outputs, protocols.INSTANCE)
    return 3 in places and min(places) < 3 and 4 not in places


# Right answers in other styles.


def at_the_input(layers):
    return nn.Sequential(nn.InstanceNorm2d(1), *layers)


def batch_norm_behind_it(layers):
    network = []
    for layer in layers:
        network.append(layer)
        if isinstance(layer, nn.Conv2d):
            kind = nn.InstanceNorm2d if layer.in_channels == 1 else nn.BatchNorm2d
            network.append(kind(layer.out_channels))
    return network


def layer_norm_of_one_channel(layers):
    # At the input there is one channel: all of a sample is one instance.
    return (nn.LayerNorm([1, 8, 8]), *layers)


def a_group_for_each_channel(layers):
    network = list(layers)
    network.insert(1, nn.GroupNorm(num_groups=16, num_channels=16))
    return network


EXERCISE = Exercise(
    key="choosing.contrast",
    points=3,
    statement="Make a network recognize digits of any contrast and brightness.",
    section="choosing-in-practice",
    reference=contrast_network,
    answer=contrast_network,
    run=protocols.contrast,
    own_work=False,
    measure=recognizes(0.85, "the scores of x and of 3x + 1 differ"),
    cases=(
        Case(
            "the test digits, each with its own contrast and brightness",
            1,
            other_cameras,
            kept=("new_labels",),
        ),
    ),
    recognize={
        "no-normalizer": no_normalizer,
        "batch-norm": _only(protocols.BATCH),
        "layer-norm": _layer_norm,
        "group-norm": _group_norm,
        "tracked": _tracked,
        "too-late": _too_late,
        "before-the-average": _before_the_average,
        "everywhere": _everywhere,
    },
    equivalents=(
        at_the_input,
        batch_norm_behind_it,
        layer_norm_of_one_channel,
        a_group_for_each_channel,
    ),
)
