"""beyond.rms_norm_backward: send a gradient back through the root mean square."""

from functools import partial

import numpy as np

import normlib
from normlib.check import cases
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call, called_again, from_any_memory


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
    *outer, D = shape
    row = np.linspace(-1, 1, D) + rng.uniform(-0.1, 0.1, shape)
    row = rng.permuted(row, axis=-1) + 1
    size = rng.permutation(np.geomspace(0.5, 8, int(np.prod(outer))))
    sign = np.where(np.arange(D) % 3 == 1, -1, 1)
    return dict(
        dy=1 + rng.normal(size=shape),
        x=row * size.reshape(*outer, 1),
        gamma=sign * rng.permutation(np.linspace(0.5, 3, D)),
    )


def tokens(rng):
    return rows(rng, (2, 3, 7))


def small_numbers(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=2e-3 * inputs["x"] / sizes)


def a_large_eps(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=inputs["x"] / sizes, eps=0.3)


def zeros_and_no_eps(rng):
    inputs = rows(rng) | dict(eps=0)
    inputs["gamma"][1] = 0
    inputs["x"][:, 2] = 0
    return inputs | dict(x=1e-3 * inputs["x"])  # so small that another eps would count


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
        Case("numbers so small that eps counts", 1 / 15, small_numbers),
        Case("a large eps counts as it should", 1 / 15, a_large_eps),
        Case("zeros in gamma, an eps of 0", 1 / 15, zeros_and_no_eps),
        Case("rows of zeros", 1 / 15, rows_of_zeros),
        Case(
            "float32 arrays: transposed, strided and read-only",
            1 / 15,
            lambda rng: cases.in_float32(rows(rng, (6, 4))),
            run=from_any_memory("dx", "dgamma"),
        ),
        Case(
            "a second call, with other numbers",
            1 / 15,
            rows,
            run=called_again("dx", "dgamma"),
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
