"""weight_norm.backward: split a gradient into a part along v and a part across."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def weight_norm_backward(dw, v, g):
    cache = normlib.weight_norm(v, g)[1]
    return normlib.weight_norm_backward(dw, cache)


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


# What people get wrong.


def constant_norm(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dv = g.reshape(norm.shape) / norm * dw
    return dv, (dw * v / norm).sum(axis=over)


def wrong_sign(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw + dg * v / norm)
    return dv, dg.reshape(g.shape)


def projected_twice(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - 2 * dg * v / norm)
    return dv, dg.reshape(g.shape)


def half_projected(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm / 2)
    return dv, dg.reshape(g.shape)


def v_for_its_direction(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v)
    return dv, dg.reshape(g.shape)


def dg_for_dw(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    return -g.reshape(norm.shape) / norm * dg * v / norm, dg.reshape(g.shape)


def g_once(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * dw - dg * v / norm**2
    return dv, dg.reshape(g.shape)


def factor_once(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * dw - dg * v / norm
    return dv, dg.reshape(g.shape)


def no_g(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    return (dw - dg * v / norm) / norm, dg.reshape(g.shape)


def no_norm(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    return g.reshape(norm.shape) * (dw - dg * v / norm), dg.reshape(g.shape)


def only_projected(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    return dw - dg * v / norm, dg.reshape(g.shape)


def positive_g(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = np.abs(g).reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, dg.reshape(g.shape)


def one_projection_for_all(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    along = (dw * v / norm).sum()
    dv = g.reshape(norm.shape) / norm * (dw - along * v / norm)
    return dv, (dw * v / norm).sum(axis=over)


def one_norm_for_all(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum())
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(dg.shape) / norm * (dw - dg * v / norm)
    return dv, dg.reshape(g.shape)


def over_outputs(dw, v, g):
    norm = np.sqrt((v**2).sum(axis=0, keepdims=True))
    dg = (dw * v / norm).sum(axis=0, keepdims=True)
    dv = g.reshape(-1, *[1] * (v.ndim - 1)) / norm * (dw - dg * v / norm)
    return dv, (dw * v / norm).sum(axis=tuple(range(1, v.ndim)))


def over_inputs_only(dw, v, g):
    norm = np.sqrt((v**2).sum(axis=1, keepdims=True))
    dg = (dw * v / norm).sum(axis=1, keepdims=True)
    dv = g.reshape(-1, *[1] * (v.ndim - 1)) / norm * (dw - dg * v / norm)
    return dv, dg.reshape(len(g), -1).sum(axis=1)


def matrices_only(dw, v, g):
    norm = np.sqrt((v**2).sum(axis=-1, keepdims=True))
    dg = (dw * v / norm).sum(axis=-1, keepdims=True)
    dv = g.reshape(-1, *[1] * (v.ndim - 1)) / norm * (dw - dg * v / norm)
    return dv, dg.squeeze(-1)


def dg_along_v(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, (dw * v).sum(axis=over)


def dg_along_w(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, (g.reshape(norm.shape) * dw * v / norm).sum(axis=over)


def length_of_dw(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, np.sqrt((dw**2).sum(axis=over))


def dg_not_summed(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, dw * v / norm


def dg_with_axes(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    return g.reshape(norm.shape) / norm * (dw - dg * v / norm), dg


def dg_summed_over_outputs(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, (dw * v / norm).sum(axis=0)


def dg_as_mean(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, (dw * v / norm).mean(axis=over)


def swapped(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dg.reshape(g.shape), dv


def with_eps(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True)) + 1e-5
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dv = g.reshape(norm.shape) / norm * (dw - dg * v / norm)
    return dv, dg.reshape(g.shape)


def into_dw(dw, v, g):
    over = tuple(range(1, v.ndim))
    norm = np.sqrt((v**2).sum(axis=over, keepdims=True))
    dg = (dw * v / norm).sum(axis=over, keepdims=True)
    dw -= dg * v / norm
    dw *= g.reshape(norm.shape) / norm
    return dw, dg.reshape(g.shape)


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
    reference=weight_norm_backward,
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
    misconceptions=(
        Misconception(
            "the norm treated as a constant",
            "v reaches w in two ways, directly and through its norm. A longer v gives "
            "the same w, so no part of dv may point along v.",
            constant_norm,
        ),
        Misconception(
            "the wrong sign on the path through the norm",
            "A larger norm makes w smaller. Which sign has the derivative of one over "
            "something?",
            wrong_sign,
        ),
        Misconception(
            "the path through the norm counted twice",
            "Differentiating a root brings one half to the front, which goes against "
            "the two of the square. No part of dv may point along v.",
            projected_twice,
        ),
        Misconception(
            "half of the path through the norm",
            "Differentiating a square brings two to the front, which goes against "
            "the half of the root. No part of dv may point along v.",
            half_projected,
        ),
        Misconception(
            "v where its direction belongs",
            "What is taken from dw is its part along v: that much of a vector of "
            "length 1. v itself is longer or shorter.",
            v_for_its_direction,
        ),
        Misconception(
            "the part along v in place of the part across",
            "A v that grows along itself leaves w as it is. What is left of dw when "
            "its part along v is taken out?",
            dg_for_dw,
        ),
        Misconception(
            "g on the direct path only",
            "g multiplies v over its norm, so it multiplies what comes back along "
            "both paths.",
            g_once,
        ),
        Misconception(
            "the factor g over the norm on the direct path only",
            "First the part along v is taken out of dw, and then all that remains is "
            "multiplied. Where do the parentheses stand?",
            factor_once,
        ),
        Misconception(
            "g missing from dv",
            "g multiplies the direction on the way forward, so it multiplies the "
            "gradient on the way back. With g at 1 nobody notices.",
            no_g,
        ),
        Misconception(
            "dv not divided by the norm",
            "A v twice as long is turned half as far by the same step. Its gradient "
            "is half as large.",
            no_norm,
        ),
        Misconception(
            "the projection alone, without the factor g over the norm",
            "The part of dw across v is right. On the way forward the direction is "
            "multiplied by g, and v is divided by its norm.",
            only_projected,
        ),
        Misconception(
            "g without its sign",
            "Where g is negative, w points against v, and so does its gradient.",
            positive_g,
        ),
        Misconception(
            "one projection for all rows together",
            "Each row has a direction of its own, so each has its own part along it. "
            "Over what did you sum?",
            one_projection_for_all,
        ),
        Misconception(
            "one norm for the whole weight",
            "The forward pass has a norm for each output, and so has the backward "
            "pass.",
            one_norm_for_all,
        ),
        Misconception(
            "the norm of each column",
            "Axis 0 counts the outputs. What belongs to one output is everything at "
            "one index of that axis.",
            over_outputs,
        ),
        Misconception(
            "norm and projection over the input channels alone",
            "The kernel's positions belong to the same vector as its input channels: "
            "one norm and one projection for an output.",
            over_inputs_only,
        ),
        Misconception(
            "norm and projection over the last axis alone",
            "In a matrix the last axis is all there is besides the outputs. In the "
            "kernel of a convolution there are more axes.",
            matrices_only,
        ),
        Misconception(
            "dg as the product of dw and v",
            "What does g multiply on the way forward? It has length 1.",
            dg_along_v,
        ),
        Misconception(
            "dg as the product of dw and w",
            "w is linear in g: the gradient of g does not depend on g.",
            dg_along_w,
        ),
        Misconception(
            "the length of dw for dg",
            "Only the part of dw along v makes w longer, and it may be negative.",
            length_of_dw,
        ),
        Misconception(
            "dg not summed",
            "All weights of an output share one g, and what each contributes is "
            "added up. Compare the shape of dg with that of g.",
            dg_not_summed,
        ),
        Misconception(
            "dg with more axes than g",
            "The numbers are right. An optimizer subtracts dg from g, so both have "
            "the same shape.",
            dg_with_axes,
        ),
        Misconception(
            "dg summed over the outputs",
            "Each output has its own g, which all its weights share. Compare the "
            "shape of dg with that of g.",
            dg_summed_over_outputs,
        ),
        Misconception(
            "a mean where a sum belongs in dg",
            "Each weight of an output contributes its whole gradient to dg.",
            dg_as_mean,
        ),
        Misconception(
            "dv and dg swapped",
            "The order is dv, dg. dv has the shape of v.",
            swapped,
        ),
        Misconception(
            "an eps beside the norm",
            "The forward pass has none. A short v has a large gradient, and with an "
            "eps also one along v.",
            with_eps,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "the result written into dw",
            "Whoever gave you dw may need it again. Work on a copy.",
            into_dw,
        ),
    ),
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
            "dg is right and dv is not. Multiply dv by v and sum over a row: that "
            "must be 0, for a longer v makes the same w.",
        ),
        (
            frozenset({"dg"}),
            "Only dg is wrong. Ask how w changes when g grows by a little.",
        ),
    ),
)
