"""beyond.power_iteration: the largest singular value of a matrix, and its vectors."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import any_memory, second_call
from normlib.check.cases import in_float32 as narrowed
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(w, u, n_iterations):
    return normlib.power_iteration(w, u, n_iterations)


def power_iteration(w, u, n_iterations):
    """Estimate the largest singular value of w, (out, in), and its vectors u, v."""
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


# Cases. The singular values lie close enough together that a few iterations are far
# from the end, and u starts with a part along each, so that every half step counts.


def by_hand(rng):
    w = np.array([[3.0, 4.0, 0.0], [0.0, 15.0, 2.0]])
    return dict(w=w, u=np.array([1.0, 0.0]), n_iterations=1)


def a_matrix(rng, out=4, features=6, n_iterations=1):
    rank = min(out, features)
    left = np.linalg.qr(rng.normal(size=(out, out)))[0][:, :rank]
    right = np.linalg.qr(rng.normal(size=(features, features)))[0][:, :rank]
    values = 3 * 0.7 ** np.arange(rank)
    parts = rng.choice([-1, 1], rank) * rng.uniform(0.8, 1.2, rank) / values
    return dict(
        w=left * values @ right.T,
        u=left @ parts,  # less of those that grow faster
        n_iterations=n_iterations,
    )


def tall(rng):
    return a_matrix(rng, out=7, features=3, n_iterations=2)


def square(rng):
    return a_matrix(rng, out=4, features=4, n_iterations=2)


def a_long_u(rng):
    inputs = a_matrix(rng, n_iterations=2)
    return inputs | dict(u=100 * inputs["u"])


def a_single_number(rng):
    return dict(w=-rng.uniform(2, 3, (1, 1)), u=rng.uniform(3, 4, 1), n_iterations=1)


def a_number(outputs):
    """A sigma in brackets is taken for the number in them."""
    return {
        name: a.reshape(()) if name.startswith("sigma") and a.size == 1 else a
        for name, a in outputs.items()
    }


# Right answers in other styles.


def with_loops(w, u, n_iterations):
    out, features = w.shape
    for _ in range(n_iterations):
        v = [sum(w[i, j] * u[i] for i in range(out)) for j in range(features)]
        length = sum(value**2 for value in v) ** 0.5
        v = [value / length for value in v]
        u = [sum(w[i, j] * v[j] for j in range(features)) for i in range(out)]
        sigma = sum(value**2 for value in u) ** 0.5
        u = [value / sigma for value in u]
    return [sigma], np.array(u), np.array(v)


def by_eigenvectors(w, u, n_iterations):
    values, vectors = np.linalg.eigh(w @ w.T)
    parts = (vectors.T @ u) * np.maximum(values / values[-1], 0) ** (n_iterations - 1)
    before = vectors @ parts
    v = w.T @ before
    v /= np.linalg.norm(v)
    return np.linalg.norm(w @ v), w @ v / np.linalg.norm(w @ v), v


def in_torch(w, u, n_iterations):
    import torch

    w, u = torch.tensor(w.copy()), torch.tensor(u.copy())
    for _ in range(n_iterations):
        v = torch.nn.functional.normalize(torch.mv(w.t(), u), dim=0, eps=1e-12)
        u = torch.nn.functional.normalize(torch.mv(w, v), dim=0, eps=1e-12)
    return torch.dot(u, torch.mv(w, v)), u, v


def in_float32(w, u, n_iterations):
    w, u = w.astype(np.float32), u.astype(np.float32)
    for _ in range(n_iterations):
        v = w.T @ u
        v /= np.linalg.norm(v)
        u = w @ v
        u /= np.linalg.norm(u)
    return np.einsum("i,ij,j", u, w, v), u, v


NAMES = ("sigma", "u", "v")

EXERCISE = Exercise(
    key="beyond.power_iteration",
    points=3,
    statement="The largest singular value of w and its two vectors, by power "
    "iteration from u.",
    section="beyond-spectral-norm",
    reference=reference,
    answer=power_iteration,
    run=call(*NAMES),
    measure=a_number,
    cases=(
        Case("one iteration, by hand", 1 / 15, by_hand),
        Case("one iteration, on a 4 × 6 matrix", 2 / 15, a_matrix),
        Case("three iterations", 2 / 15, partial(a_matrix, n_iterations=3)),
        Case("two iterations, on a 7 × 3 matrix", 2 / 15, tall),
        Case("two iterations, on a square matrix", 1 / 15, square),
        Case("a weight of a single number", 1 / 15, a_single_number),
        Case("a u that is not of length 1", 1 / 15, a_long_u),
        Case(
            "sigma after sixty iterations is the largest singular value",
            2 / 15,
            partial(a_matrix, n_iterations=60),
            run=call(*NAMES, only=("sigma",)),
        ),
        any_memory(
            1 / 15,
            lambda rng: narrowed(a_matrix(rng)),
            *NAMES,
            name="float32 arrays: transposed, strided and read-only",
        ),
        second_call(1 / 15, a_matrix, *NAMES, name="a second call, with other numbers"),
        Case("w and u are left as they were", 1 / 15, a_matrix, intact=True),
    ),
    equivalents=(with_loops, by_eigenvectors, in_torch, in_float32),
    symptoms={
        "sigma": "u and v are right, and sigma isn't: how much does w stretch v, in "
        "the direction of u?",
        "v": "Only v is wrong. It is the one that u was computed from.",
    },
)
