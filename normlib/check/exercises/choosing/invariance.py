"""choosing.invariance: what can be done to x without changing the output?"""

from functools import partial

import numpy as np

from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.choosing.protocols import CHANGES, ignored, listed
from normlib.check.running.observing import Unusable


def invariances(normalizer):
    rng = np.random.default_rng()
    N, C, H, W = 4, 6, 5, 3
    shapes = {
        "batch": (1, 1, 1, 1),
        "sample": (N, 1, 1, 1),
        "channel": (1, C, 1, 1),
        "instance": (N, C, 1, 1),
        "position": (1, 1, H, W),
    }
    x = 5 * rng.normal(size=(N, C, H, W)) + rng.uniform(-9, 9, (N, C, 1, 1))
    y, found = normalizer(x), set()
    for unit, shape in shapes.items():
        if np.allclose(normalizer(x + rng.uniform(1, 20, shape)), y, atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * rng.uniform(2, 5, shape)), y, atol=1e-3):
            found.add(f"{unit} scale")
    return found


# Cases: a normalizer each, once the channels are split into groups: (N, G, C/G, H, W).


def _normalizer(rng, axes, groups=1, centered=1, scaled=1):
    return dict(
        axes=np.array(axes),
        groups=np.array(groups),
        centered=np.array(centered),
        scaled=np.array(scaled),
    )


# Batch norm and instance norm keep channels apart: a group norm with as many groups
# as channels. They let the axis of the groups, and that inside a group, share nothing.
batch = partial(_normalizer, axes=(0, 3, 4))
layer = partial(_normalizer, axes=(1, 2, 3, 4))
instance = partial(_normalizer, axes=(3, 4))
group = partial(_normalizer, axes=(2, 3, 4), groups=2)
each_position = partial(_normalizer, axes=(1, 2))
mean_only = partial(_normalizer, axes=(1, 2, 3, 4), scaled=0)
spread_only = partial(_normalizer, axes=(1, 2, 3, 4), centered=0)
nothing = partial(_normalizer, axes=(1, 2, 3, 4), centered=0, scaled=0)


def _units(*units):
    return {f"{unit} {change}" for unit in units for change in ("shift", "scale")}


def ignores(expected):
    """The measure of a case: whether the set is ``expected``, and a sentence."""

    def measure(outputs):
        held = {name for name in CHANGES if outputs[name]}
        found = []
        if missed := [n for n in CHANGES if n in expected - held]:
            found.append(f"{listed(missed)} should be in the set")
        if wrong := [n for n in CHANGES if n in held - expected]:
            found.append(f"{listed(wrong)} should not be in the set")
        if found:
            raise Unusable("; ".join(found))
        return {"right": np.array(1.0)}

    return measure


# What people get wrong.


def one_sample(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(1, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (1, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (1, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def two_channels(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 2, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 2, 1, 1),
        "instance": (4, 2, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def one_pixel(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 1, 1)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 1, 1),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def all_ones(normalizer):
    rng = np.random.default_rng(0)
    x, found = np.ones((4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def one_number_for_all(normalizer):
    x = 5 * np.random.default_rng(0).normal(size=(4, 6, 5, 3))
    found = set()
    for unit in ("batch", "sample", "channel", "instance", "position"):
        if np.allclose(normalizer(x + 7), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * 7), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def factors_below_zero(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = -np.abs(rng.normal(size=shape)) - 1
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def sample_and_channel_swapped(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(6, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (6, 1, 1),
        "channel": (6, 1, 1, 1),
        "instance": (6, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def no_tolerance(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.array_equal(normalizer(x + number), normalizer(x)):
            found.add(f"{unit} shift")
        if np.array_equal(normalizer(x * number), normalizer(x)):
            found.add(f"{unit} scale")
    return found


def statistics_of_the_output(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()

    def summary(y):
        return y.mean(), y.std()

    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(summary(normalizer(x + number)), summary(normalizer(x))):
            found.add(f"{unit} shift")
        if np.allclose(summary(normalizer(x * number)), summary(normalizer(x))):
            found.add(f"{unit} scale")
    return found


def hardly_changed(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(1e-6, 1e-5, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * (1 + number)), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def what_changes_the_output(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if not np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if not np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def the_output_changed_alike(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x) + number, atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x) * number, atol=1e-3):
            found.add(f"{unit} scale")
    return found


def instances_by_channel(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (1, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found.add(f"{unit} shift")
        if np.allclose(normalizer(x * number), normalizer(x), atol=1e-3):
            found.add(f"{unit} scale")
    return found


def shifts_speak_for_scales(normalizer):
    rng = np.random.default_rng(0)
    x, found = 5 * rng.normal(size=(4, 6, 5, 3)), set()
    for unit, shape in {
        "batch": (1, 1, 1, 1),
        "sample": (4, 1, 1, 1),
        "channel": (1, 6, 1, 1),
        "instance": (4, 6, 1, 1),
        "position": (1, 1, 5, 3),
    }.items():
        number = rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + number), normalizer(x), atol=1e-3):
            found |= {f"{unit} shift", f"{unit} scale"}
    return found


# Right answers in other styles.


def ten_lines(normalizer):
    rng = np.random.default_rng(1)
    x = rng.uniform(-50, 50, size=(3, 4, 6, 7))
    n, c = rng.uniform(2, 30, (3, 1, 1, 1)), rng.uniform(2, 30, (1, 4, 1, 1))
    nc, hw = rng.uniform(2, 30, (3, 4, 1, 1)), rng.uniform(2, 30, (1, 1, 6, 7))
    changed = {
        "batch shift": x + 11,
        "batch scale": x * 11,
        "sample shift": x + n,
        "sample scale": x * n,
        "channel shift": x + c,
        "channel scale": x * c,
        "instance shift": x + nc,
        "instance scale": x * nc,
        "position shift": x + hw,
        "position scale": x * hw,
    }
    y = normalizer(x)
    return {k for k, z in changed.items() if np.abs(normalizer(z) - y).max() < 1e-3}


def with_loops(normalizer):
    rng = np.random.default_rng(2)
    x = 10 * rng.normal(size=(2, 4, 3, 3))
    answer = []
    for unit in ("batch", "sample", "channel", "instance", "position"):
        factors = np.ones_like(x)
        drawn = {}
        for n, c, h, w in np.ndindex(*x.shape):
            which = {
                "batch": (),
                "sample": (n,),
                "channel": (c,),
                "instance": (n, c),
                "position": (h, w),
            }[unit]
            if which not in drawn:
                drawn[which] = rng.uniform(2, 9)
            factors[n, c, h, w] = drawn[which]
        for change, z in (("shift", x + factors), ("scale", x * factors)):
            if np.isclose(normalizer(z), normalizer(x), atol=1e-3).all():
                answer.append(f"{unit} {change}")
    return answer


def by_axes(normalizer):
    axes = {"batch": "", "sample": "n", "channel": "c", "instance": "nc"}
    axes["position"] = "hw"
    rng = np.random.default_rng()
    x = rng.normal(100, 20, size=(5, 8, 2, 6))
    found = frozenset()
    for unit, kept in axes.items():
        shape = [s if a in kept else 1 for a, s in zip("nchw", x.shape, strict=True)]
        number = 1 + 10 * rng.random(shape)
        change = {"shift": number + x, "scale": number * x}
        for name, z in change.items():
            error = np.linalg.norm(normalizer(z) - normalizer(x))
            if error < 1e-3 * np.linalg.norm(normalizer(x)):
                found |= {f"{unit} {name}"}
    return found


def in_torch(normalizer):
    import torch

    torch_rng = torch.Generator().manual_seed(3)
    x = 20 * torch.randn(6, 4, 3, 5, generator=torch_rng, dtype=torch.float64)
    units = {
        "batch": x[:1, :1, :1, :1],
        "sample": x[:, :1, :1, :1],
        "channel": x[:1, :, :1, :1],
        "instance": x[:, :, :1, :1],
        "position": x[:1, :1],
    }
    found = set()
    for unit, number in units.items():
        number = 1 + number.abs()
        for name, z in (("shift", x + number), ("scale", x * number)):
            made, y = map(
                torch.as_tensor, (normalizer(z.numpy()), normalizer(x.numpy()))
            )
            if torch.allclose(made, y, atol=1e-3):
                found.add(f"{unit} {name}")
    return found


EXERCISE = Exercise(
    key="choosing.invariance",
    points=4,
    statement="Find out which changes of x a normalizer's output does not show.",
    section="choosing-invariance",
    reference=invariances,
    run=ignored,
    cases=(
        Case("batch norm", 0.15, batch, measure=ignores(_units("batch", "channel"))),
        Case("layer norm", 0.15, layer, measure=ignores(_units("batch", "sample"))),
        Case(
            "instance norm",
            0.15,
            instance,
            measure=ignores(_units("batch", "sample", "channel", "instance")),
        ),
        Case(
            "group norm, two groups",
            0.15,
            group,
            measure=ignores(_units("batch", "sample")),
        ),
        Case(
            "layer norm over the channels of each position",
            0.1,
            each_position,
            measure=ignores(_units("batch", "sample", "position")),
        ),
        Case(
            "a normalizer that subtracts each sample's mean, no more",
            0.1,
            mean_only,
            measure=ignores({"batch shift", "sample shift"}),
        ),
        Case(
            "a normalizer that divides each sample by its root mean square, no more",
            0.1,
            spread_only,
            measure=ignores({"batch scale", "sample scale"}),
        ),
        Case("a function that returns x", 0.1, nothing, measure=ignores(set())),
    ),
    misconceptions=(
        Misconception(
            "an x with a single sample",
            "With one sample there is no telling what batch norm takes from the batch "
            "and what from the sample: it acts as instance norm.",
            one_sample,
        ),
        Misconception(
            "an x with two channels",
            "Two groups of two channels hold one channel each, and that is instance "
            "norm. Take more channels than any group count you may meet.",
            two_channels,
        ),
        Misconception(
            "an x with a single position",
            "An instance of one number always becomes 0, whatever is done to it. "
            "Which sizes should not be 1?",
            one_pixel,
        ),
        Misconception(
            "an x in which all numbers are equal",
            "Where nothing varies there is little to change: times 5 is plus 4, too. "
            "Draw an x with random numbers.",
            all_ones,
        ),
        Misconception(
            "the same number for all samples and channels",
            "Adding 7 to everything is the batch shift, under each of the names. A "
            "sample shift adds another number to each sample.",
            one_number_for_all,
        ),
        Misconception(
            "scales missed",
            "What is divided by its spread does not show a factor above zero. A "
            "negative one turns large into small, and that always shows. Which factors "
            "do you try?",
            factors_below_zero,
        ),
        Misconception(
            "sample and channel swapped",
            "x is (N, C, H, W), and shapes are aligned from the right: `(6, 1, 1)` "
            "holds a number for each channel.",
            sample_and_channel_swapped,
        ),
        Misconception(
            "no room for rounding",
            "What is equal on paper differs in the last digits on a computer, and eps "
            "adds a little. Compare with a tolerance.",
            no_tolerance,
        ),
        Misconception(
            "the mean and the spread of the output compared",
            "A normalizer gives every output the same mean and spread; that is its "
            "work. Ignoring means that each single number is the same.",
            statistics_of_the_output,
        ),
        Misconception(
            "changes too small to see",
            "A change that is lost in the tolerance leaves every output as it was, "
            "even that of a function that does nothing.",
            hardly_changed,
        ),
        Misconception(
            "what changes the output, not what leaves it",
            "The set asked for holds what the normalizer ignores.",
            what_changes_the_output,
        ),
        Misconception(
            "an output that changes along with the input",
            "To shift with the input is the opposite of ignoring a shift. Compare with "
            "the output for x as it was.",
            the_output_changed_alike,
        ),
        Misconception(
            "one number per channel for the instances",
            "An instance is one channel of one sample: there are N times C of them, "
            "and each gets a number of its own.",
            instances_by_channel,
        ),
        Misconception(
            "scales taken to go with shifts",
            "Subtracting the mean makes it ignore a shift, dividing by the spread a "
            "scale. Some normalizers do only one of the two, so try both.",
            shifts_speak_for_scales,
        ),
    ),
    equivalents=(ten_lines, with_loops, by_axes, in_torch),
)
