"""weight_norm.forward: a direction from v, a length from g."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(v, g):
    return normlib.weight_norm(v, g)[0]


def weight_norm(v, g):
    """Give each v[i] the length g[i]; v has shape (out, *), g has (out,)."""
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    return np.expand_dims(g, over) * v / norm


# Cases. The rows of v differ much in length, and g has lengths of its own, of both
# signs: with g at the norms of v, w would be v whatever they are taken over.


def by_hand(rng):
    v = np.array([[3.0, 4.0], [0.0, 2.0], [-6.0, 8.0]])
    return dict(v=v, g=np.array([10.0, 1.0, -5.0]))


def a_weight(rng, *shape):
    length = rng.permutation(np.geomspace(1, 30, shape[0]))
    v = rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    sign = rng.permutation((-1.0) ** np.arange(shape[0]))
    return dict(v=(length * v.T).T, g=sign * rng.uniform(0.5, 3, shape[0]))


def a_linear_layer(rng, out=4, d=3):
    return a_weight(rng, out, d)


def images(rng):
    inputs = a_weight(rng, 4, 3, 2, 5)
    inputs["g"][1] = 0
    return inputs


def sequences(rng):
    return a_weight(rng, 3, 3, 4)  # out = in hides g on the wrong axis


def tiny(rng):
    inputs = a_linear_layer(rng)
    return inputs | dict(v=1e-6 * inputs["v"])


def one_output_in_float32(rng):
    return in_float32(a_linear_layer(rng, out=1, d=5))


# Right answers in other styles.


def with_einsum(v, g):
    rows = v.reshape(len(v), -1)
    scale = g / np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.einsum("i,i...->i...", scale, v)


def transposed(v, g):
    return (v.T * (g / np.sqrt(np.square(v.T).sum(axis=tuple(range(v.ndim - 1)))))).T


def in_torch(v, g):
    import torch

    v, g = torch.tensor(v.copy()), torch.tensor(g.copy())
    direction = torch.nn.functional.normalize(v.flatten(1), dim=1).view_as(v)
    return g.view(-1, *[1] * (v.ndim - 1)) * direction


def narrowed(v, g):
    v, g = v.astype(np.float32), g.astype(np.float32)
    over = tuple(range(1, v.ndim))
    return np.expand_dims(g, over) * (v / np.sqrt((v * v).sum(over, keepdims=True)))


EXERCISE = Exercise(
    key="weight_norm.forward",
    points=3,
    statement="Write each row of a weight as a length g times the direction of v.",
    section="weight-norm-algorithm",
    reference=reference,
    answer=weight_norm,
    run=call("w"),
    axes=("output", "input", "row", "column"),
    cases=(
        Case("three rows, by hand", 3 / 20, by_hand),
        Case("a linear layer", 3 / 20, a_linear_layer),
        # A lost axis goes through without an error.
        Case("as many inputs as outputs", 2 / 20, partial(a_linear_layer, out=3)),
        Case("a convolution of images, one of its lengths 0", 3 / 20, images),
        Case("a convolution of sequences, in = out", 2 / 20, sequences),
        Case("the length of v does not count, however small", 2 / 20, tiny),
        Case("a single output, in float32", 1 / 20, one_output_in_float32),
        Case("a single input", 1 / 20, partial(a_linear_layer, d=1)),
        any_memory(1 / 20, images, "w"),
        second_call(1 / 20, a_linear_layer, "w"),
        Case("v is left as it was", 1 / 20, a_linear_layer, intact=True),
    ),
    sections={
        "weight-norm-numerical-care": ("eps-beside-the-norm", "eps-under-the-root")
    },
    equivalents=(with_einsum, transposed, in_torch, narrowed),
)
