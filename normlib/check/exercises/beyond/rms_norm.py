"""beyond.rms_norm: divide each row by its root mean square, then scale."""

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


def reference(x, gamma, eps=1e-6):
    eps = eps or np.finfo(float).tiny  # normlib refuses an eps of 0
    return normlib.rms_norm(x, gamma, eps=eps)[0]


def rms_norm(x, gamma, eps=1e-6):
    """Divide each row of x, of shape (*, D), by its root mean square; scale it."""
    mean_square = (x.astype(float) ** 2).mean(axis=-1, keepdims=True)
    return gamma * x / np.sqrt(mean_square + eps)


# Cases. Rows of very different size, none of mean 0, and gamma of both signs. The
# number of rows differs from that of features, except where a lost axis is to pass.


def by_hand(rng):
    x = np.array([[1.0, 7.0], [-3.0, 3.0], [0.0, 0.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]))


def rows(rng, shape=(4, 5)):
    x = uneven(rng, shape, 0.3, 30)
    return dict(x=x, gamma=alternating(rng, shape[-1]))


def tokens(rng):
    return rows(rng, (2, 3, 7))


def a_single_number(rng):
    x, gamma = -rng.uniform(0.5, 1, (1, 1)), rng.uniform(2, 3, 1)
    return dict(x=x, gamma=gamma, eps=0.3)


def in_half_precision(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=(1000 * inputs["x"] / sizes).astype(np.float16))


# Right answers in other styles.


def from_the_length(x, gamma, eps=1e-6):
    D = x.shape[-1]
    length = np.linalg.norm(x.astype(float), axis=-1, keepdims=True)
    return gamma * x * np.sqrt(D) / np.hypot(length, np.sqrt(D * eps))


def with_einsum(x, gamma, eps=1e-6):
    squares = np.einsum("...d,...d->...", x, x, dtype=float)
    inv_rms = (squares / len(gamma) + eps) ** -0.5
    return np.einsum("...d,...,d->...d", x, inv_rms, gamma)


def in_torch(x, gamma, eps=1e-6):
    import torch

    x, gamma = torch.tensor(x.copy()).double(), torch.tensor(gamma.copy())
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gamma


def in_float32(x, gamma, eps=1e-6):
    x, gamma = x.astype(np.float32), gamma.astype(np.float32)
    return gamma * (x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps))


EXERCISE = Exercise(
    key="beyond.rms_norm",
    points=2,
    statement="Divide each row by its root mean square, then scale each feature.",
    section="beyond-rms-norm",
    reference=reference,
    answer=rms_norm,
    run=call("y"),
    cases=(
        Case("three rows of two, by hand", 2 / 20, by_hand),
        Case("four rows of five", 3 / 20, rows),
        Case("as many rows as features", 2 / 20, partial(rows, shape=(5, 5))),
        Case("tokens of two sequences, (2, 3, 7)", 2 / 20, tokens),
        Case("one row, (D,)", 1 / 20, partial(rows, shape=(5,))),
        Case("a single number, (1, 1)", 1 / 20, a_single_number),
        Case("numbers so small that eps counts", 2 / 20, partial(small_numbers, rows)),
        Case("a large eps counts as it should", 2 / 20, partial(a_large_eps, rows)),
        Case(
            "zeros in gamma, a feature of zeros, an eps of 0",
            1 / 20,
            partial(zeros_and_no_eps, rows),
        ),
        Case(
            "in float16, whose largest number is 65,504",
            1 / 20,
            in_half_precision,
            tolerance=0.01,  # the rounding of a result in float16
        ),
        any_memory(
            1 / 20,
            lambda rng: narrowed(rows(rng)),
            "y",
            name="float32 arrays: transposed, strided and read-only",
        ),
        second_call(1 / 20, rows, "y", name="a second call, with other numbers"),
        Case("x is left as it was", 1 / 20, rows, intact=True),
    ),
    equivalents=(from_the_length, with_einsum, in_torch, in_float32),
)
