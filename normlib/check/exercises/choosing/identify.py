"""choosing.identify: which normalizer made y of x?"""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.protocols import KINDS, kind
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
    reference=reference,
    answer=identify_normalizer,
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
    equivalents=(from_the_finest, with_torch, from_the_slopes, with_einsum),
)
