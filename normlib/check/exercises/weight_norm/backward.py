"""weight_norm.backward: split a gradient into a part along v and a part across."""

import numpy as np

import normlib
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


def a_linear_layer(rng):
    return a_weight(rng, 4, 3)


def a_square_matrix(rng):
    return a_weight(rng, 3, 3)  # as many rows as columns hide a lost axis


def images(rng):
    return a_weight(rng, 4, 3, 2, 5)


def tiny(rng):
    inputs = a_weight(rng, 4, 3)
    return inputs | dict(v=1e-6 * inputs["v"])


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


def with_einsum(dw, v, g):
    rows, drows = v.reshape(len(v), -1), dw.reshape(len(v), -1)
    inverse = np.einsum("ij,ij->i", rows, rows) ** -0.5
    direction = np.einsum("i,ij->ij", inverse, rows)
    dg = np.einsum("ij,ij->i", drows, direction)
    across = drows - np.einsum("i,ij->ij", dg, direction)
    return np.einsum("i,i,ij->ij", g, inverse, across).reshape(v.shape), dg


def through_the_norm(dw, v, g):
    over = tuple(range(1, v.ndim))
    g = np.expand_dims(g, over)
    norm = (v**2).sum(over, keepdims=True) ** 0.5
    dnorm = -(dw * g * v).sum(over, keepdims=True) / norm**2
    dsquares = dnorm * 0.5 / norm
    return g / norm * dw + dsquares * 2 * v, (dw * v).sum(over) / norm.squeeze(over)


def in_torch(dw, v, g):
    import torch

    v, g = (torch.tensor(array, requires_grad=True) for array in (v, g))
    lengths = torch.linalg.vector_norm(v.flatten(1), dim=1)
    w = (g / lengths).view(-1, *[1] * (v.ndim - 1)) * v
    return torch.autograd.grad(w, (v, g), torch.tensor(dw))


def in_float32(dw, v, g):
    dw, v, g = (array.astype(np.float32) for array in (dw, v, g))
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v * v).sum(over, keepdims=True))
    direction = v / norm
    dg = (dw * direction).sum(over, keepdims=True)
    return (dw - dg * direction) * (np.expand_dims(g, over) / norm), dg.reshape(-1)


# A mistake in dg need not cost the points of dv, nor the other way round.
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
    cases=(
        Case("two rows, by hand", 0.15, by_hand),
        Case("dg of a linear layer", 0.15, a_linear_layer, run=dg_only),
        Case("dv of a linear layer", 0.3, a_linear_layer, run=dv_only),
        Case("as many inputs as outputs", 0.1, a_square_matrix),
        Case("a convolution of images", 0.15, images),
        Case("a very short v", 0.1, tiny, run=dv_only),
        Case("dw, v and g are left as they were", 0.05, a_linear_layer, intact=True),
    ),
    sections={"weight-norm-numerical-care": ("with-eps",)},
    equivalents=(
        as_in_the_paper,
        by_projection,
        with_einsum,
        through_the_norm,
        in_torch,
        in_float32,
    ),
    symptoms=(
        (
            frozenset({"dv"}),
            "dg is right and dv is not. Multiply dv by v and sum over a row: the "
            "result must be 0, because a longer v gives the same w.",
        ),
        (
            frozenset({"dg"}),
            "Only dg is wrong. Ask how w changes when g grows by a little.",
        ),
    ),
)
