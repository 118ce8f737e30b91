"""choosing.identify: which normalizer made y of x?"""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.cases import in_any_order
from normlib.check.exercises.choosing.protocols import KINDS, kinds
from normlib.check.running.observing import Unusable


def reference(x, y):
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


def identify_normalizer(x, y):
    """The name of the normalizer that made y of x, both of shape (N, C, H, W)."""
    N, C, H, W = x.shape
    ways = [("instance", C, (3, 4)), ("batch", C, (0, 3, 4)), ("layer", 1, (2, 3, 4))]
    ways += [("group", g, (2, 3, 4)) for g in range(2, C) if C % g == 0]
    for name, groups, axes in ways:
        parts = x.reshape(N, groups, C // groups, H, W).astype(np.float64)
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        made = (parts - mean) / np.sqrt(var + 1e-5)
        if np.allclose(y, made.reshape(y.shape), atol=1e-3):
            return name
    return "none"


# Cases. Samples and channels have different means and standard deviations, so that no
# two normalizers have the same statistics. Name -> axes that share statistics, and the
# number of groups, once C channels are split into groups: (N, G, C/G, H, W).
WAYS = {
    "batch": ((0, 3, 4), lambda C: C),
    "layer": ((2, 3, 4), lambda C: 1),
    "instance": ((3, 4), lambda C: C),
    "two groups": ((2, 3, 4), lambda C: 2),
    "groups of two": ((2, 3, 4), lambda C: C // 2),
}


def _normalized(x, way):
    if way == "none":
        return x.copy()
    axes, groups = WAYS[way]
    N, C, H, W = x.shape
    parts = x.reshape(N, groups(C), -1, H, W).astype(np.float64)
    centered = parts - parts.mean(axes, keepdims=True)
    var = (centered**2).mean(axes, keepdims=True)
    return (centered / np.sqrt(var + 1e-5)).reshape(x.shape).astype(x.dtype)


def _images(rng):
    C = rng.choice([6, 8])
    x = rng.normal(size=(5, C, 3, 4)) * 2.0 ** rng.permutation(C).reshape(C, 1, 1)
    x += 10 * rng.permutation(C).reshape(C, 1, 1)
    return x + rng.permutation([0.0, 7.0, 20.0, 33.0, 60.0]).reshape(5, 1, 1, 1)


def _in_float32(rng):
    return (50 + _images(rng)).astype(np.float32)


def _small(rng):
    x = 1e-3 * rng.permutation(4).reshape(4, 1, 1)
    x = x + 1e-3 * rng.permutation(5).reshape(5, 1, 1, 1)
    return x + rng.normal(scale=1e-3, size=(5, 4, 3, 4))


def _by_hand(rng):
    x = [[[[9.0, 17.0]], [[3.0, 11.0]]], [[[32.0, 44.0]], [[28.0, 16.0]]]]
    return np.array(x)


def made(*ways, images=_images):
    """Inputs: pairs (x, y) in which y was made in one of these ways."""

    def inputs(rng):
        order = in_any_order(rng, ways)
        xs = [images(rng) for _ in order]
        pairs = [(x, _normalized(x, way)) for x, way in zip(xs, order, strict=True)]
        return dict(pairs=pairs, made_by=[_name(way) for way in order])

    return inputs


def _name(way):
    return "group" if "groups" in way else way


def all_right(outputs, made_by):
    """The measure: whether each answer is right, and a sentence."""
    answers = [KINDS[int(place)] for place in outputs["kinds"]]
    wrong = {
        f'it was "{name}", yours says "{answer}"'
        for name, answer in zip(made_by, answers, strict=True)
        if answer != name
    }
    if wrong:
        raise Unusable("; ".join(sorted(wrong)))
    return {"right": np.array(1.0)}


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


EXERCISE = Exercise(
    key="choosing.identify",
    points=4,
    statement="Say which normalizer made y of x.",
    section="choosing-identify",
    reference=reference,
    answer=identify_normalizer,
    run=kinds,
    measure=all_right,
    own_work=False,
    cases=tuple(
        Case(name, share, inputs, kept=("made_by",))
        for name, share, inputs in (
            (
                "two samples, by hand: batch norm, layer norm or none",
                0.1,
                made("batch", "layer", "none", images=_by_hand),
            ),
            ("batch norm or layer norm", 0.2, made("batch", "layer")),
            ("batch norm or instance norm", 0.2, made("batch", "instance")),
            (
                "batch norm, layer norm, instance norm or none",
                0.1,
                made("batch", "layer", "instance", "none"),
            ),
            ("layer norm or two groups", 0.1, made("layer", "two groups")),
            (
                "instance norm or groups of two channels",
                0.1,
                made("instance", "groups of two"),
            ),
            (
                "float32, far from zero: batch norm or layer norm",
                0.1,
                made("batch", "layer", images=_in_float32),
            ),
            (
                "a variance below eps: batch norm or instance norm",
                0.1,
                made("batch", "instance", images=_small),
            ),
        )
    ),
    equivalents=(from_the_finest, with_torch, from_the_slopes),
)
