"""architectures.dynamic_tanh: the gradients of what may take a norm's place."""

from functools import partial

import numpy as np

from normlib.check.cases import alternating, any_memory, in_float32, second_call
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(dy, x, alpha, gamma):
    # 1 - tanh(z)**2 from the two exponentials, none of which overflows.
    z = np.abs(alpha * x.astype(float))
    slope = gamma * 4 * np.exp(-2 * z) / (1 + np.exp(-2 * z)) ** 2
    rows = dict(dy=dy, x=x, slope=slope, tanh=np.tanh(alpha * x.astype(float)))
    dy, x, slope, tanh = (a.reshape(-1, len(gamma)) for a in rows.values())
    return (
        (alpha * dy * slope).reshape(rows["x"].shape),
        np.einsum("md,md,md->", dy, slope, x),
        np.einsum("md,md->d", dy, tanh),
        np.einsum("md->d", dy),
    )


def dynamic_tanh_backward(dy, x, alpha, gamma):
    """Gradients for x, alpha, gamma and beta of y = gamma * tanh(alpha * x) + beta."""
    tanh = np.tanh(alpha * x)
    dz = gamma * dy * (1 - tanh**2)
    dalpha = (dz * x).sum()
    rows = tuple(range(x.ndim - 1))
    return alpha * dz, dalpha, (dy * tanh).sum(axis=rows), dy.sum(axis=rows)


# Cases. alpha * x lies where tanh bends, and alpha is never 1 nor near it.


def by_hand(rng):
    half = np.arctanh(0.5) / 2  # so that tanh(2 x) is 0.5
    return dict(
        dy=np.array([[1.0, 1.0], [4.0, -2.0]]),
        x=np.array([[half, 0.0], [-half, half]]),
        alpha=2.0,
        gamma=np.array([1.0, 3.0]),
    )


def rows(rng, shape=(6, 4), alpha=0.5):
    """alpha times x up to 2; neither the terms of dalpha nor those of dbeta cancel."""
    D = shape[-1]
    gamma = alternating(rng, D)
    dy = rng.normal(size=shape) + rng.permutation(np.linspace(2, 4, D))
    z = rng.permuted(np.linspace(0.2, 2, dy.size)).reshape(shape) * np.sign(gamma)
    z[..., 0] *= -0.2
    return dict(dy=dy, x=z / (alpha or 1), alpha=alpha, gamma=gamma)


def a_square(rng):
    return rows(rng, (5, 5), 0.3)


def tokens(rng):
    return rows(rng, (2, 3, 7), -0.4)


def images(rng):
    return rows(rng, (1, 2, 3, 5), 3.0)


def one_row(rng):
    inputs = rows(rng, (5,), 0.7)
    return inputs | dict(x=-np.abs(inputs["x"]))  # below 0, all of it


def zeros(rng):
    inputs = rows(rng)
    inputs["gamma"][2] = 0
    inputs["x"][:, 1] = 0
    return inputs


def saturated(rng):
    """tanh is 1 or -1, to all digits, in every other place."""
    inputs = rows(rng)
    inputs["x"][::2] *= 1e4
    return inputs


GRADIENTS = ("dx", "dalpha", "dgamma", "dbeta")


def only(*names):
    return call(*GRADIENTS, only=names)


# Right answers in other styles.


def step_by_step(dy, x, alpha, gamma):
    D = x.shape[-1]
    z = alpha * x
    t = np.tanh(z)
    dt = dy * gamma
    dz = dt * (1 - t) * (1 + t)
    dx = dz * alpha
    dalpha = np.sum(dz * x)
    dgamma = (dy * t).reshape(-1, D).sum(axis=0)
    dbeta = dy.reshape(-1, D).sum(axis=0)
    return dx, dalpha, dgamma, dbeta


def with_cosh(dy, x, alpha, gamma):
    D = len(gamma)
    z, flat = alpha * x.reshape(-1, D), dy.reshape(-1, D)
    with np.errstate(over="ignore"):
        slope = np.cosh(z.astype(float)) ** -2.0
    dx = (alpha * gamma * slope * flat).reshape(x.shape)
    dalpha = np.einsum("md,md,md,d", flat, x.reshape(-1, D), slope, gamma)
    return dx, dalpha, np.einsum("md,md->d", flat, np.tanh(z)), flat.T.sum(axis=-1)


def in_torch(dy, x, alpha, gamma):
    import torch

    dy, x, gamma = (torch.tensor(np.array(a)) for a in (dy, x, gamma))
    alpha, beta = torch.tensor(float(alpha)), torch.zeros_like(gamma)
    leaves = [x, alpha, gamma, beta]
    for leaf in leaves:
        leaf.requires_grad_()
    (gamma * torch.tanh(alpha * x) + beta).backward(dy)
    return tuple(leaf.grad for leaf in leaves)


EXERCISE = Exercise(
    key="architectures.dynamic_tanh",
    points=3,
    statement="The four gradients of a scaled tanh that takes the place of a norm.",
    section="architectures-dynamic-tanh",
    reference=reference,
    answer=dynamic_tanh_backward,
    run=call(*GRADIENTS),
    axes=(),  # any number of them
    cases=(
        Case("two rows of two features, by hand", 2 / 20, by_hand),
        Case("dx of six rows of four", 3 / 20, rows, run=only("dx")),
        Case("dalpha of six rows of four", 2 / 20, rows, run=only("dalpha")),
        Case(
            "dgamma and dbeta of six rows of four",
            2 / 20,
            rows,
            run=only("dgamma", "dbeta"),
        ),
        Case("as many rows as features", 1 / 20, a_square),
        Case("tokens of two sequences, (2, 3, 7)", 1 / 20, tokens),
        Case("an array with four axes", 1 / 20, images),
        Case("one row, (D,)", 1 / 20, one_row),
        Case("one feature", 1 / 20, partial(rows, shape=(3, 1), alpha=0.6)),
        Case("an alpha of 0", 1 / 20, partial(rows, alpha=0.0)),
        Case("a feature of zeros, and a gamma of 0", 1 / 20, zeros),
        Case("a tanh that is 1 to all digits", 1 / 20, saturated),
        any_memory(1 / 20, lambda rng: in_float32(rows(rng)), *GRADIENTS),
        second_call(1 / 20, rows, *GRADIENTS),
        Case("the arguments are left as they were", 1 / 20, rows, intact=True),
    ),
    equivalents=(step_by_step, with_cosh, in_torch),
    symptoms={
        "dx": "Only dx is wrong, so the slope of tanh is right. How much does alpha * "
        "x change when x grows by a little?",
        "dalpha": "Only dalpha is wrong. alpha is one number that all of x is "
        "multiplied by. How much does alpha * x change when alpha grows by a little?",
        "dx and dalpha": "dgamma and dbeta are right. dx and dalpha share the path "
        "through tanh.",
    },
)
