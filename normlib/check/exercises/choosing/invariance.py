"""choosing.invariance: what can be done to x without changing the output?"""

from functools import partial

import numpy as np

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.protocols import CHANGES, ignored, listed
from normlib.check.running.observing import Unusable


def invariances(normalizer):
    """The set of changes to its input that leave the normalizer's output unchanged."""
    rng = np.random.default_rng(0)
    N, C, H, W = 4, 6, 5, 3
    shapes = {
        "batch": (1, 1, 1, 1),
        "sample": (N, 1, 1, 1),
        "channel": (1, C, 1, 1),
        "instance": (N, C, 1, 1),
        "position": (1, 1, H, W),
    }
    x = 5 * rng.normal(size=(N, C, H, W))
    y, unseen = normalizer(x), set()
    for unit, shape in shapes.items():
        b, a = rng.uniform(2, 9, shape), rng.uniform(2, 9, shape)
        if np.allclose(normalizer(x + b), y, atol=1e-3):
            unseen.add(f"{unit} shift")
        if np.allclose(normalizer(x * a), y, atol=1e-3):
            unseen.add(f"{unit} scale")
    return unseen


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
    answer=invariances,
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
    equivalents=(ten_lines, with_loops, by_axes, in_torch),
)
