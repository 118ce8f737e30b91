"""weight_norm.backward: split a gradient into a part along v and a part across."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(dw, v, g):
    cache = normlib.weight_norm(v, g)[1]
    return normlib.weight_norm_backward(dw, cache)


def weight_norm_backward(dw, v, g):
    """Gradients for v and g; dw and v have shape (out, *), g has (out,)."""
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    direction = v / norm
    dg = (dw * direction).sum(axis=over, keepdims=True)
    dv = np.expand_dims(g, over) / norm * (dw - dg * direction)
    return dv, dg.reshape(g.shape)


# Cases. Every dw has a large part along v and a large part across it: in many
# dimensions a random one is almost all across, and the projection hardly matters.


def by_hand(rng):
    return dict(
        dw=np.array([[1.0, 0.0], [0.0, 3.0]]),
        v=np.array([[3.0, 4.0], [0.0, 2.0]]),
        g=np.array([10.0, 1.0]),
    )


def a_weight(rng, *shape):
    v = rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    along = rng.uniform(0.5, 1.5, shape[0]) * rng.choice([-1, 1], shape[0])
    dw = (along * v.T).T + rng.normal(size=shape)
    length = rng.permutation(np.geomspace(1, 30, shape[0]))
    sign = rng.permutation((-1.0) ** np.arange(shape[0]))
    return dict(
        dw=dw,
        v=(length * v.T).T,
        # So large that dv is of one size in all rows, and each row counts.
        g=sign * length * rng.uniform(1.2, 3, shape[0]),
    )


def a_linear_layer(rng, out=4, d=3):
    return a_weight(rng, out, d)


def images(rng):
    inputs = a_weight(rng, 4, 3, 2, 5)
    inputs["g"][1] = 0
    return inputs


def tiny(rng):
    inputs = a_linear_layer(rng)
    return inputs | dict(v=1e-6 * inputs["v"])


def one_input(rng):
    inputs = a_linear_layer(rng, d=1)
    return inputs | dict(dw=-np.abs(inputs["dw"]) * np.sign(inputs["v"]))


def one_output_in_float32(rng):
    return in_float32(a_linear_layer(rng, out=1, d=5))


# Right answers in other styles.


def as_in_the_paper(dw, v, g):
    rows, drows = v.reshape(len(v), -1), dw.reshape(len(v), -1)
    norm = np.linalg.norm(rows, axis=1)
    dg = (drows * rows).sum(axis=1) / norm
    dv = (g / norm)[:, None] * drows - (g * dg / norm**2)[:, None] * rows
    return dv.reshape(v.shape), dg


def by_projection(dw, v, g):
    dv, dg = np.empty(v.shape), np.empty(len(v))
    for i in range(len(v)):
        row = v[i].ravel()
        length = (row @ row) ** 0.5
        direction = row / length
        across = np.eye(len(row)) - np.outer(direction, direction)
        dv[i] = (g[i] / length * across @ dw[i].ravel()).reshape(v[i].shape)
        dg[i] = direction @ dw[i].ravel()
    return [dv, dg]


def in_torch(dw, v, g):
    import torch

    dw, v, g = (torch.tensor(array.copy()) for array in (dw, v, g))
    v.requires_grad_(), g.requires_grad_()
    lengths = torch.linalg.vector_norm(v.flatten(1), dim=1)
    w = (g / lengths).view(-1, *[1] * (v.ndim - 1)) * v
    return torch.autograd.grad(w, (v, g), dw)


def narrowed(dw, v, g):
    dw, v, g = (array.astype(np.float32) for array in (dw, v, g))
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v * v).sum(over, keepdims=True))
    direction = v / norm
    dg = (dw * direction).sum(over, keepdims=True)
    return (dw - dg * direction) * (np.expand_dims(g, over) / norm), dg.reshape(-1)


# A mistake in dg need not cost the points of dv, nor vice versa.
dv_only = call("dv", "dg", only=("dv",))
dg_only = call("dv", "dg", only=("dg",))

EXERCISE = Exercise(
    key="weight_norm.backward",
    points=4,
    statement="The gradients of the loss with respect to v and g.",
    section="weight-norm-backward",
    reference=reference,
    answer=weight_norm_backward,
    run=call("dv", "dg"),
    axes=("output", "input", "row", "column"),
    cases=(
        Case("two rows, by hand", 2 / 20, by_hand),
        Case("dg of a linear layer", 3 / 20, a_linear_layer, run=dg_only),
        Case("dv of a linear layer", 5 / 20, a_linear_layer, run=dv_only),
        # A lost axis goes through without an error.
        Case("as many inputs as outputs", 2 / 20, partial(a_linear_layer, out=3)),
        Case("a convolution of images, one of its lengths 0", 2 / 20, images),
        Case("a very short v", 1 / 20, tiny, run=dv_only),
        Case("a single output, in float32", 1 / 20, one_output_in_float32),
        # dv is 0 then, and what rounding leaves of it has no value to compare with.
        Case("dg of a single input", 1 / 20, one_input, run=dg_only),
        any_memory(1 / 20, images, "dv", "dg"),
        second_call(1 / 20, a_linear_layer, "dv", "dg"),
        Case("dw, v and g are left as they were", 1 / 20, a_linear_layer, intact=True),
    ),
    sections={"weight-norm-numerical-care": ("with-eps",)},
    equivalents=(as_in_the_paper, by_projection, in_torch, narrowed),
    symptoms={
        "dv": "dg is right and dv is not. Multiply dv by v and sum over a row: the "
        "result must be 0, because a longer v gives the same w.",
        "dg": "Only dg is wrong. Ask how w changes when g grows by a little.",
    },
)
