"""beyond.rms_norm_backward: send a gradient back through the root mean square."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import alternating, any_memory, second_call
from normlib.check.cases import in_float32 as narrowed
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.beyond.cases import (
    a_large_eps,
    small_numbers,
    uneven,
    zeros_and_no_eps,
)
from normlib.check.running.protocols import call


def reference(dy, x, gamma, eps=1e-6):
    eps = eps or np.finfo(float).tiny  # normlib refuses an eps of 0
    cache = normlib.rms_norm(x, gamma, eps=eps)[1]
    return normlib.rms_norm_backward(dy, cache)


def rms_norm_backward(dy, x, gamma, eps=1e-6):
    """Gradients for x, of shape (*, D), and gamma."""
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)

    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


# Cases. The upstream gradient and gamma are uneven: with ones for both, the path
# through the root mean square sees only the mean of x_hat.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0, 0.0], [1.0, 1.0]]),
        x=np.array([[1.0, 7.0], [2.0, -2.0]]),
        gamma=np.array([5.0, 1.0]),
    )


def rows(rng, shape=(4, 5)):
    x = uneven(rng, shape, 0.5, 8)
    dy = 1 + rng.normal(size=shape)
    return dict(dy=dy, x=x, gamma=alternating(rng, shape[-1]))


def tokens(rng):
    return rows(rng, (2, 3, 7))


def a_single_number(rng):
    numbers = dict(dy=rng.uniform(1, 2, (1, 1)), x=-rng.uniform(0.5, 1, (1, 1)))
    return numbers | dict(gamma=rng.uniform(2, 3, 1), eps=0.3)


def rows_of_zeros(rng):
    inputs = rows(rng)
    return inputs | dict(x=np.zeros_like(inputs["x"]))


# Right answers in other styles.


def with_einsum(dy, x, gamma, eps=1e-6):
    D, shape = len(gamma), x.shape
    dy, x = dy.reshape(-1, D), x.reshape(-1, D)
    inv_rms = (np.einsum("nd,nd->n", x, x) / D + eps) ** -0.5
    dgamma = np.einsum("nd,nd,n->d", dy, x, inv_rms)
    along = np.einsum("d,nd,nd,n->n", gamma, dy, x, inv_rms**3) / D
    dx = np.einsum("d,nd,n->nd", gamma, dy, inv_rms) - np.einsum("nd,n->nd", x, along)
    return dx.reshape(shape), dgamma


def by_autograd(dy, x, gamma, eps=1e-6):
    import torch

    dy, x, gamma = (torch.tensor(a.copy()) for a in (dy, x, gamma))
    x.requires_grad_(), gamma.requires_grad_()
    y = gamma * x / torch.sqrt(torch.mean(x**2, dim=-1, keepdim=True) + eps)
    return torch.autograd.grad(y, (x, gamma), dy)


def in_float32(dy, x, gamma, eps=1e-6):
    dy, x, gamma = (a.astype(np.float32) for a in (dy, x, gamma))
    rms = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + np.float32(eps))
    x = x / rms
    dgamma = (dy * x).sum(axis=tuple(range(x.ndim - 1)))
    d_hat = dy * gamma
    return (d_hat - (d_hat * x).mean(axis=-1, keepdims=True) * x) / rms, dgamma


EXERCISE = Exercise(
    key="beyond.rms_norm_backward",
    points=3,
    statement="The gradients of RMS norm for x and gamma.",
    section="beyond-rms-norm-backward",
    reference=reference,
    answer=rms_norm_backward,
    run=call("dx", "dgamma"),
    cases=(
        Case("two rows of two, by hand", 1 / 15, by_hand),
        Case(
            "dx of four rows of five",
            3 / 15,
            rows,
            run=call("dx", "dgamma", only=("dx",)),
        ),
        Case(
            "dgamma of four rows of five",
            1 / 15,
            rows,
            run=call("dx", "dgamma", only=("dgamma",)),
        ),
        Case("as many rows as features", 1 / 15, partial(rows, shape=(5, 5))),
        Case("tokens of two sequences, (2, 3, 7)", 1 / 15, tokens),
        Case("a single number, (1, 1)", 1 / 15, a_single_number),
        Case("numbers so small that eps counts", 1 / 15, partial(small_numbers, rows)),
        Case("a large eps counts as it should", 1 / 15, partial(a_large_eps, rows)),
        Case(
            "zeros in gamma, an eps of 0",
            1 / 15,
            partial(zeros_and_no_eps, rows, size=1e-3),
        ),
        Case("rows of zeros", 1 / 15, rows_of_zeros),
        any_memory(
            1 / 15,
            lambda rng: narrowed(rows(rng, (6, 4))),
            "dx",
            "dgamma",
            name="float32 arrays: transposed, strided and read-only",
        ),
        second_call(
            1 / 15, rows, "dx", "dgamma", name="a second call, with other numbers"
        ),
        Case("dy and x are left as they were", 1 / 15, rows, intact=True),
    ),
    sections={"beyond-rms-norm": ("by-the-length",)},
    equivalents=(with_einsum, by_autograd, in_float32),
    symptoms={
        "dx": "Only dx is wrong, so x_hat is right. x reaches the output directly and "
        "through the size of its row.",
        "dgamma": "Only dgamma is wrong. Ask how y changes when gamma grows by a "
        "little.",
    },
)
