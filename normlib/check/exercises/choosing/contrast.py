"""choosing.contrast: a normalizer for images from cameras it has never seen."""

import numpy as np
from torch import nn

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.choosing.networks import protocols
from normlib.check.exercises.choosing.networks.digits import (
    right_on,
    test_digits,
    the_same,
    training_digits,
)


def contrast_network(layers):
    first, *others = layers
    return [first, nn.InstanceNorm2d(16), *others]


def other_cameras(rng):
    """From a quarter to four times the contrast; black up to white, white to black."""
    x, labels = training_digits()
    contrast = 4 ** rng.uniform(-1, 1, (500, 1, 1, 1))
    brightness = rng.uniform(-2, 2, (500, 1, 1, 1))
    new_x = contrast * test_digits().reshape(-1, 1, 8, 8) + brightness
    return dict(
        seed=int(rng.integers(2**31)),
        x=x.reshape(-1, 1, 8, 8),
        labels=labels,
        new_x=new_x.astype(np.float32),
    )


# What people get wrong.


def no_normalizer(layers):
    return layers


def batch_norm(layers):
    conv1, relu1, conv2, *others = layers
    return [conv1, nn.BatchNorm2d(16), relu1, conv2, nn.BatchNorm2d(32), *others]


def layer_norm(layers):
    conv1, relu1, conv2, *others = layers
    before = [conv1, nn.LayerNorm([16, 6, 6]), relu1]
    return [*before, conv2, nn.LayerNorm([32, 4, 4]), *others]


def group_norm(layers):
    conv1, relu1, conv2, *others = layers
    return [conv1, nn.GroupNorm(4, 16), relu1, conv2, nn.GroupNorm(8, 32), *others]


def tracked(layers):
    return [nn.InstanceNorm2d(1, track_running_stats=True), *layers]


def too_late(layers):
    conv1, relu1, conv2, *others = layers
    return [conv1, relu1, conv2, nn.InstanceNorm2d(32), *others]


def before_the_average(layers):
    conv1, relu1, conv2, relu2, *others = layers
    before = [conv1, nn.InstanceNorm2d(16), relu1, conv2, relu2]
    return [*before, nn.InstanceNorm2d(32), *others]


def everywhere(layers):
    conv1, relu1, conv2, *others = layers
    return [conv1, nn.InstanceNorm2d(16), relu1, conv2, nn.InstanceNorm2d(32), *others]


# What these look like from outside. The given layers before a place: 0 none, 1 the
# first convolution, 2 its ReLU, 3 the second convolution, 4 its ReLU, 5 the average.


def _places(outputs, *roles):
    return {int(place) for role, place, _ in outputs["added"] if role in roles}


def _no_normalizer(outputs):
    return not len(outputs["added"])


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
    run=protocols.contrast,
    own_work=False,
    cases=(
        Case(
            "an image is judged alike, whatever its contrast and brightness",
            0.25,
            other_cameras,
            run=protocols.brighter,
            measure=the_same("the scores of x and of 3x + 1 differ"),
        ),
        Case(
            "the test digits, each with its own contrast and brightness",
            0.75,
            other_cameras,
            measure=right_on(0.9),
        ),
    ),
    misconceptions=(
        Misconception(
            "no normalizer",
            "In training all digits had about the same contrast. Nothing has told the "
            "network that it does not matter.",
            no_normalizer,
            recognize=_no_normalizer,
        ),
        Misconception(
            "batch norm",
            "At inference batch norm subtracts and divides by constants. Whatever "
            "the new images have that the old ones had not, it lets through.",
            batch_norm,
            recognize=_only(protocols.BATCH),
        ),
        Misconception(
            "layer norm behind a convolution",
            "It ignores the contrast. But brightness moves each channel by an amount "
            "of its own, after the convolution. Which line of your table ignores that?",
            layer_norm,
            recognize=_layer_norm,
        ),
        Misconception(
            "group norm with several channels in a group",
            "Brightness moves each channel by an amount of its own, after the "
            "convolution. A mean over several channels takes that out only in part.",
            group_norm,
            recognize=_group_norm,
        ),
        Misconception(
            "instance norm with running statistics",
            "Averages over the training images are constants at inference. Then it no "
            "longer looks at the image that it is given.",
            tracked,
            recognize=_tracked,
        ),
        Misconception(
            "instance norm behind the first ReLU and the second convolution",
            "A ReLU cuts a dark image off elsewhere than a bright one. What it has "
            "cut, no normalizer behind it brings back.",
            too_late,
            recognize=_too_late,
        ),
        Misconception(
            "instance norm right before the average",
            "The average keeps the mean of each channel and nothing else. And what is "
            "it that instance norm sets to 0?",
            before_the_average,
            recognize=_before_the_average,
        ),
        Misconception(
            "instance norm behind both convolutions",
            "One is enough for contrast and brightness. The second takes out how "
            "strongly each channel responds to the image, which is what the average "
            "at the end is there to measure.",
            everywhere,
            recognize=_everywhere,
        ),
    ),
    equivalents=(
        at_the_input,
        batch_norm_behind_it,
        layer_norm_of_one_channel,
        a_group_for_each_channel,
    ),
)
