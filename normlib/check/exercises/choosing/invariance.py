"""choosing.invariance: what can be done to x without changing the output?"""

import numpy as np

from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.cases import in_any_order
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


# Cases: normalizers, by the axes that share statistics once the channels are split into
# groups, (N, G, C/G, H, W). Batch norm and instance norm keep channels apart: among all
# channels as one group, they don't average over the axis inside the group.


def _units(*units):
    return {f"{unit} {change}" for unit in units for change in ("shift", "scale")}


# Name -> the normalizer, and what it ignores.
NORMALIZERS = {
    "batch norm": (dict(axes=(0, 3, 4)), _units("batch", "channel")),
    "layer norm": (dict(axes=(1, 2, 3, 4)), _units("batch", "sample")),
    "instance norm": (
        dict(axes=(3, 4)),
        _units("batch", "sample", "channel", "instance"),
    ),
    "group norm": (dict(axes=(2, 3, 4), groups=2), _units("batch", "sample")),
    "norm of each position": (
        dict(axes=(1, 2)),
        _units("batch", "sample", "position"),
    ),
    "mean subtracted": (
        dict(axes=(1, 2, 3, 4), scaled=False),
        {"batch shift", "sample shift"},
    ),
    "divided by the root mean square": (
        dict(axes=(1, 2, 3, 4), centered=False),
        {"batch scale", "sample scale"},
    ),
    "nothing": (dict(axes=(), centered=False, scaled=False), set()),
}


def given(*names):
    """Inputs: these normalizers."""

    def inputs(rng):
        order = in_any_order(rng, names)
        return dict(normalizers=[NORMALIZERS[name][0] for name in order], order=order)

    return inputs


def all_right(outputs, order):
    """The measure: whether each set is right, and a sentence."""
    wrong = {}
    for name, row in zip(order, outputs["ignored"], strict=True):
        _, expected = NORMALIZERS[name]
        held = {change for change, is_in in zip(CHANGES, row, strict=True) if is_in}
        found = []
        if missed := [n for n in CHANGES if n in expected - held]:
            found.append(f"{listed(missed)} should be in the set")
        if extra := [n for n in CHANGES if n in held - expected]:
            found.append(f"{listed(extra)} should not be in the set")
        if found:
            wrong[name] = f"{name}: {'; '.join(found)}"
    if wrong:
        raise Unusable(". ".join(sentence for _, sentence in sorted(wrong.items())))
    return {"right": np.array(1.0)}


# Right answers in other styles.


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
    found = set()
    for unit, kept in axes.items():
        shape = [s if a in kept else 1 for a, s in zip("nchw", x.shape, strict=True)]
        number = 1 + 10 * rng.random(shape)
        change = {"shift": number + x, "scale": number * x}
        for name, z in change.items():
            error = np.linalg.norm(normalizer(z) - normalizer(x))
            if error < 1e-3 * np.linalg.norm(normalizer(x)):
                found.add(f"{unit} {name}")
    return frozenset(found)


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
    measure=all_right,
    cases=tuple(
        Case(name, 0.2, given(*names), kept=("order",))
        for name, *names in (
            ("batch norm or layer norm", "batch norm", "layer norm"),
            (
                "instance norm or group norm with two groups",
                "instance norm",
                "group norm",
            ),
            (
                "layer norm of a whole sample, or of each of its positions",
                "layer norm",
                "norm of each position",
            ),
            (
                "only the mean subtracted, or only divided by the root mean square",
                "mean subtracted",
                "divided by the root mean square",
            ),
            ("batch norm, or a function that returns x", "batch norm", "nothing"),
        )
    ),
    equivalents=(with_loops, by_axes, in_torch),
)
