"""choosing.identify: which normalizer made y of x?"""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.choosing.protocols import KINDS, kind
from normlib.check.running.observing import Unusable


def identify_normalizer(x, y):
    C = x.shape[1]
    one, zero = np.ones(C, x.dtype), np.zeros(C, x.dtype)
    groups = [g for g in range(2, C) if C % g == 0]
    made = [
        ("none", x),
        ("batch", normlib.batch_norm(x, one, zero)[0]),
        ("instance", normlib.group_norm(x, C, one, zero)[0]),
        ("layer", normlib.group_norm(x, 1, one, zero)[0]),
        *(("group", normlib.group_norm(x, g, one, zero)[0]) for g in groups),
    ]
    return next((name for name, z in made if np.allclose(y, z, atol=1e-3)), "none")


# Cases. Samples and channels lie and spread differently, so that the statistics of
# no two kinds agree.


def _normalized(x, axes, groups=1):
    N, C, H, W = x.shape
    parts = x.reshape(N, groups, C // groups, H, W).astype(np.float64)
    centered = parts - parts.mean(axes, keepdims=True)
    var = (centered**2).mean(axes, keepdims=True)
    return (centered / np.sqrt(var + 1e-5)).reshape(x.shape).astype(x.dtype)


def _images(rng, C=6):
    x = rng.normal(size=(5, C, 3, 4)) * 2.0 ** rng.permutation(C).reshape(C, 1, 1)
    x += 10 * rng.permutation(C).reshape(C, 1, 1)
    return x + rng.permutation([0.0, 7.0, 20.0, 33.0, 60.0]).reshape(5, 1, 1, 1)


def by_hand(rng):
    x = [[[[9.0, 17.0]], [[3.0, 11.0]]], [[[32.0, 44.0]], [[28.0, 16.0]]]]
    y = [[[[-0.2, 1.4]], [[-1.4, 0.2]]], [[[0.2, 1.4]], [[-0.2, -1.4]]]]
    return dict(x=np.array(x), y=np.array(y))


def batch(rng):
    x = _images(rng)
    return dict(x=x, y=_normalized(x, (0, 3, 4), groups=6))


def layer(rng):
    x = _images(rng)
    return dict(x=x, y=_normalized(x, (1, 2, 3, 4)))


def instance(rng):
    x = _images(rng)
    return dict(x=x, y=_normalized(x, (3, 4), groups=6))


def nothing(rng):
    x = _images(rng)
    return dict(x=x, y=x.copy())


def two_groups(rng):
    x = _images(rng)
    return dict(x=x, y=_normalized(x, (2, 3, 4), groups=2))


def groups_of_two(rng):
    x = _images(rng, C=8)
    return dict(x=x, y=_normalized(x, (2, 3, 4), groups=4))


def in_float32(rng):
    x = (50 + _images(rng)).astype(np.float32)
    return dict(x=x, y=_normalized(x, (1, 2, 3, 4)))


def small_spread(rng):
    x = 1e-3 * rng.permutation(4).reshape(4, 1, 1)
    x = x + 1e-3 * rng.permutation(5).reshape(5, 1, 1, 1)
    x = x + rng.normal(scale=1e-3, size=(5, 4, 3, 4))
    return dict(x=x, y=_normalized(x, (3, 4), groups=4))


def was(expected):
    """The measure of a case: whether the answer is ``expected``, and a sentence."""

    def measure(outputs):
        answer = KINDS[int(outputs["kind"])]
        if answer != expected:
            raise Unusable(f'it was "{expected}", yours says "{answer}"')
        return {"right": np.array(1.0)}

    return measure


# What people get wrong.


def coarse_first_batch(x, y):
    N, C = y.shape[:2]
    if np.abs(y.mean((0, 2, 3))).max() < 1e-2:
        return "batch"
    if np.abs(y.mean((1, 2, 3))).max() < 1e-2:
        return "layer"
    for groups in range(2, C):
        if C % groups == 0:
            means = y.reshape(N, groups, -1).mean(2)
            if np.abs(means).max() < 1e-2:
                return "group"
    return "none"


def coarse_first_layer(x, y):
    if np.abs(y.mean((1, 2, 3))).max() < 1e-2:
        return "layer"
    if np.abs(y.mean((0, 2, 3))).max() < 1e-2:
        return "batch"
    return "none"


def one_mean(x, y):
    N, C = y.shape[:2]
    if np.abs(y.mean((2, 3))).max() < 1e-2:
        return "instance"
    for groups in range(2, C):
        if C % groups == 0:
            if np.abs(y.reshape(N, groups, -1).mean(2)).max() < 1e-2:
                return "group"
    return "layer" if abs(y.mean()) < 1e-2 else "none"


def batch_and_layer_swapped(x, y):
    N, C, H, W = x.shape
    made = [
        ("instance", (3, 4), C),
        ("layer", (0, 3, 4), C),
        ("batch", (1, 2, 3, 4), 1),
    ]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def batch_and_instance_swapped(x, y):
    N, C, H, W = x.shape
    made = [
        ("batch", (3, 4), C),
        ("instance", (0, 3, 4), C),
        ("layer", (1, 2, 3, 4), 1),
    ]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def each_position_apart(x, y):
    N, C, H, W = x.shape
    made = [("instance", (3, 4), C), ("batch", (0,), C), ("layer", (1, 2, 3, 4), 1)]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def layer_over_channels(x, y):
    N, C, H, W = x.shape
    made = [("instance", (3, 4), C), ("batch", (0, 3, 4), C), ("layer", (1, 2), 1)]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def interleaved_groups(x, y):
    N, C, H, W = x.shape
    made = [("instance", (2, 3)), ("batch", (0, 2, 3)), ("layer", (1, 2, 3))]
    for name, axes in made:
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        if np.allclose(y, (x - mean) / np.sqrt(var + 1e-5), atol=1e-3):
            return name
    for groups in range(2, C):
        if C % groups == 0:
            parts = x.reshape(N, C // groups, groups, H, W)
            mean = parts.mean((1, 3, 4), keepdims=True)
            var = parts.var((1, 3, 4), keepdims=True)
            z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
            if np.allclose(y, z, atol=1e-3):
                return "group"
    return "none"


def only_two_groups(x, y):
    N, C, H, W = x.shape
    made = [
        ("instance", (3, 4), C),
        ("batch", (0, 3, 4), C),
        ("layer", (1, 2, 3, 4), 1),
    ]
    for name, axes, groups in [*made, ("group", (2, 3, 4), 2)]:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def group_norm_by_default(x, y):
    for name, axes in [
        ("instance", (2, 3)),
        ("batch", (0, 2, 3)),
        ("layer", (1, 2, 3)),
    ]:
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        if np.allclose(y, (x - mean) / np.sqrt(var + 1e-5), atol=1e-3):
            return name
    return "group"


def any_number_of_groups(x, y):
    N, C, H, W = x.shape
    made = [("group", (2, 3, 4), g) for g in range(1, C + 1) if C % g == 0]
    for name, axes, groups in [*made, ("batch", (0, 3, 4), C)]:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-3):
            return name
    return "none"


def unbiased(x, y):
    N, C, H, W = x.shape
    made = [
        ("instance", (3, 4), C),
        ("batch", (0, 3, 4), C),
        ("layer", (1, 2, 3, 4), 1),
    ]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean = parts.mean(axes, keepdims=True)
        var = parts.var(axes, keepdims=True, ddof=1)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, atol=1e-4):
            return name
    return "none"


def no_eps(x, y):
    N, C, H, W = x.shape
    made = [
        ("instance", (3, 4), C),
        ("batch", (0, 3, 4), C),
        ("layer", (1, 2, 3, 4), 1),
    ]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, std = parts.mean(axes, keepdims=True), parts.std(axes, keepdims=True)
        if np.allclose(y, ((parts - mean) / std).reshape(x.shape), atol=1e-3):
            return name
    return "none"


def no_tolerance(x, y):
    N, C, H, W = x.shape
    made = [
        ("instance", (3, 4), C),
        ("batch", (0, 3, 4), C),
        ("layer", (1, 2, 3, 4), 1),
    ]
    made += [("group", (2, 3, 4), g) for g in range(2, C) if C % g == 0]
    for name, axes, groups in made:
        parts = x.reshape(N, groups, C // groups, H, W)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        z = ((parts - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
        if np.allclose(y, z, rtol=0, atol=1e-12):
            return name
    return "none"


# Right answers in other styles.


def from_the_finest(x, y):
    N, C = y.shape[:2]

    def centered(parts, axes):
        return np.abs(parts.mean(axes)).max() < 1e-2 * parts.std()

    if np.allclose(x, y, rtol=1e-4, atol=0):
        return "none"
    if centered(y, (2, 3)):
        return "instance"
    for size in range(2, C):
        if C % size == 0 and centered(y.reshape(N, C // size, -1), 2):
            return "group"
    if centered(y, (1, 2, 3)):
        return "layer"
    return "batch" if centered(y, (0, 2, 3)) else "none"


def with_torch(x, y):
    import torch
    from torch.nn import functional as F

    x, y = torch.tensor(x), torch.tensor(y)
    C = x.shape[1]
    answers = {
        "batch": [F.batch_norm(x, None, None, training=True)],
        "layer": [F.layer_norm(x, x.shape[1:])],
        "instance": [F.instance_norm(x)],
        "group": [F.group_norm(x, g) for g in range(2, C) if C % g == 0],
    }
    for name, made in answers.items():
        if any(torch.allclose(y, z, atol=1e-3) for z in made):
            return name
    return "none"


def from_the_slopes(x, y):
    """Between x and y lies one slope per instance. Which instances share it?"""
    C = x.shape[1]
    x, y = x.astype(np.float64), y.astype(np.float64)
    slope = y.std(axis=(2, 3)) / x.std(axis=(2, 3))

    def shared(slopes):
        return np.ptp(slopes, axis=-1).max() < 1e-3 * slopes.mean()

    if np.abs(slope - 1).max() < 1e-3:
        return "none"
    if shared(slope.T):
        return "batch"
    if shared(slope):
        return "layer"
    sizes = [size for size in range(2, C) if C % size == 0]
    grouped = any(shared(slope.reshape(len(x), -1, size)) for size in sizes)
    return "group" if grouped else "instance"


def with_einsum(x, y):
    N, C, H, W = x.shape

    def standardized(v):  # each row
        v = v - np.einsum("rk->r", v)[:, None] / v.shape[1]
        return v * (np.einsum("rk,rk->r", v, v)[:, None] / v.shape[1] + 1e-5) ** -0.5

    def error(z):
        return np.abs(z.reshape(y.shape) - y).max()

    channels_first = standardized(x.swapaxes(0, 1).reshape(C, -1))
    errors = {
        "none": error(x),
        "batch": error(channels_first.reshape(C, N, H, W).swapaxes(0, 1)),
    }
    for g in range(1, C + 1):
        if C % g == 0:
            name = {1: "layer", C: "instance"}.get(g, "group")
            found = error(standardized(x.reshape(N * g, -1)))
            errors[name] = min(found, errors.get(name, np.inf))
    return min(errors, key=errors.get)


EXERCISE = Exercise(
    key="choosing.identify",
    points=4,
    statement="Say which normalizer made y of x.",
    section="choosing-identify",
    reference=identify_normalizer,
    run=kind,
    own_work=False,
    cases=(
        Case("two samples, by hand", 0.1, by_hand, measure=was("layer")),
        Case("batch norm", 0.1, batch, measure=was("batch")),
        Case("layer norm", 0.1, layer, measure=was("layer")),
        Case("instance norm", 0.1, instance, measure=was("instance")),
        Case("no normalizer", 0.1, nothing, measure=was("none")),
        Case("group norm, two groups", 0.15, two_groups, measure=was("group")),
        Case(
            "group norm, two channels each", 0.15, groups_of_two, measure=was("group")
        ),
        Case("float32, some way from zero", 0.1, in_float32, measure=was("layer")),
        Case("a variance below eps", 0.1, small_spread, measure=was("instance")),
    ),
    misconceptions=(
        Misconception(
            "the largest sets asked first, the batch before all",
            "When every instance has mean 0, so have the channels of the batch, and "
            "the samples. A mean of 0 over a large set says little; over a small one "
            "it says more. Which set would you ask first?",
            coarse_first_batch,
        ),
        Misconception(
            "the largest sets asked first, the sample before all",
            "When every group or every instance has mean 0, the whole sample has, too. "
            "Ask the small sets before the large ones.",
            coarse_first_layer,
        ),
        Misconception(
            "one mean over the whole array",
            "All of them make the mean of everything 0. Layer norm makes it 0 in each "
            "sample: that is one mean per sample.",
            one_mean,
        ),
        Misconception(
            "batch norm and layer norm swapped",
            "The name says what shares one mean: the whole batch, channel by channel, "
            "or all that one layer holds of one sample.",
            batch_and_layer_swapped,
        ),
        Misconception(
            "batch norm and instance norm swapped",
            "Both keep the channels apart. Which of the two also keeps the samples "
            "apart?",
            batch_and_instance_swapped,
        ),
        Misconception(
            "batch norm with statistics for each position",
            "In images, batch norm has one mean per channel: the positions belong to "
            "the set, as the samples do.",
            each_position_apart,
        ),
        Misconception(
            "layer norm over the channels of each position",
            "That is how Transformers and some convolutional networks use layer norm. "
            "Here it takes in all of a sample: channels and positions.",
            layer_over_channels,
        ),
        Misconception(
            "group norm not found: the channels of a group lie together",
            "With six channels in two groups, the first three make one group and the "
            "last three the other. Each number of groups that divides the channels is "
            "possible.",
            interleaved_groups,
        ),
        Misconception(
            "no group count but two",
            "Every number that divides the channels could be the number of groups, "
            "except those that make another normalizer of it.",
            only_two_groups,
        ),
        Misconception(
            "whatever is left over called group norm",
            "What neither batch, layer nor instance norm explains may be group norm, "
            "and it may be nothing at all. Which numbers of groups are possible?",
            group_norm_by_default,
        ),
        Misconception(
            "one group, or a group for each channel, called group norm",
            "At its two ends, group norm has other names. All channels in one group: "
            "what is that called? And each channel in a group of its own?",
            any_number_of_groups,
        ),
        Misconception(
            "the unbiased variance",
            "A normalizer divides by the spread of the numbers at hand, whose variance "
            "is a plain mean of squares.",
            unbiased,
        ),
        Misconception(
            "eps forgotten",
            "Where the variance is not much larger than eps, the outputs have a spread "
            "below 1. A y that you make yourself needs the same eps, 1e-5.",
            no_eps,
        ),
        Misconception(
            "no room for rounding",
            "In float32 the same formula gives numbers that differ in the seventh "
            "digit. How close is close enough, and how far apart are two different "
            "normalizers?",
            no_tolerance,
        ),
    ),
    equivalents=(from_the_finest, with_torch, from_the_slopes, with_einsum),
)
