"""beyond.power_iteration: the largest singular value of a matrix, and its vectors."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def power_iteration(w, u, n_iterations):
    return normlib.power_iteration(w, u, n_iterations)


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


def three_iterations(rng):
    return a_matrix(rng, n_iterations=3)


def tall(rng):
    return a_matrix(rng, out=7, features=3, n_iterations=2)


def square(rng):
    return a_matrix(rng, out=4, features=4, n_iterations=2)


def a_long_u(rng):
    inputs = a_matrix(rng, n_iterations=2)
    return inputs | dict(u=100 * inputs["u"])


def many_iterations(rng):
    return a_matrix(rng, n_iterations=60)


# What people get wrong.


def once_only(w, u, n_iterations):
    v = w.T @ u
    v = v / np.linalg.norm(v)
    u = w @ v
    u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def one_too_few(w, u, n_iterations):
    u = u / np.linalg.norm(u)
    v = w.T @ u
    v = v / np.linalg.norm(v)
    for _ in range(n_iterations - 1):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def one_too_many(w, u, n_iterations):
    for _ in range(n_iterations + 1):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def half_a_step_on(w, u, n_iterations):
    v = w.T @ u
    v = v / np.linalg.norm(v)
    for _ in range(n_iterations):
        u = w @ v
        u = u / np.linalg.norm(u)
        v = w.T @ u
        v = v / np.linalg.norm(v)
    return u @ w @ v, u, v


def both_at_once(w, u, n_iterations):
    v = w.T @ u
    v = v / np.linalg.norm(v)
    u = u / np.linalg.norm(u)
    for _ in range(n_iterations):
        new_v = w.T @ u
        new_u = w @ v
        u = new_u / np.linalg.norm(new_u)
        v = new_v / np.linalg.norm(new_v)
    return u @ w @ v, u, v


def not_normalized(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        u = w @ v
    return u @ w @ v, u, v


def v_not_normalized(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def u_not_normalized(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
    return u @ w @ v, u, v


def by_the_squared_length(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / (v @ v)
        u = w @ v
        u = u / (u @ u)
    return u @ w @ v, u, v


def by_the_largest_entry(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.abs(v).max()
        u = w @ v
        u = u / np.abs(u).max()
    return u @ w @ v, u, v


def as_an_eigenvector(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def one_step_late(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u / np.linalg.norm(u)
        sigma = np.linalg.norm(v)
        v = v / sigma
        u = w @ v
        u = u / np.linalg.norm(u)
    return sigma, u, v


def of_the_first_step(w, u, n_iterations):
    sigma = None
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        if sigma is None:
            sigma = np.linalg.norm(u)
        u = u / np.linalg.norm(u)
    return sigma, u, v


def squared(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return (u @ w @ v) ** 2, u, v


def all_singular_values(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return np.sqrt((w**2).sum()), u, v


def the_largest_row_sum(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return np.linalg.norm(w, np.inf), u, v


def exactly(w, u, n_iterations):
    left, values, right = np.linalg.svd(w)
    return values[0], left[:, 0], right[0]


def the_normalized_weight(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return w / (u @ w @ v), u, v


def swapped(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, v, u


def as_columns(w, u, n_iterations):
    u = u.reshape(-1, 1)
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return (u.T @ w @ v).item(), u, v


def from_elsewhere(w, u, n_iterations):
    u = np.ones(len(w))
    for _ in range(n_iterations):
        v = w.T @ u
        v = v / np.linalg.norm(v)
        u = w @ v
        u = u / np.linalg.norm(u)
    return u @ w @ v, u, v


def into_u(w, u, n_iterations):
    for _ in range(n_iterations):
        v = w.T @ u
        v /= np.linalg.norm(v)
        u[:] = w @ v
        u /= np.linalg.norm(u)
    return u @ w @ v, u, v


# Right answers in other styles.


def by_the_length(w, u, n_iterations):
    for _ in range(n_iterations):
        u = u / np.sqrt((u**2).sum())
        v = np.dot(u, w)
        v = v / np.sqrt((v**2).sum())
        u = np.dot(w, v)
    sigma = np.sqrt((u**2).sum())
    return sigma, u / sigma, v


def with_the_gram_matrix(w, u, n_iterations):
    gram = w.T @ w
    v = u @ w
    v = v / np.linalg.norm(v)
    for _ in range(n_iterations - 1):
        v = gram @ v
        v = v / np.linalg.norm(v)
    stretched = w @ v
    sigma = np.linalg.norm(stretched)
    return sigma, stretched / sigma, v


def with_loops(w, u, n_iterations):
    out, features = w.shape
    for _ in range(n_iterations):
        v = [sum(w[i, j] * u[i] for i in range(out)) for j in range(features)]
        length = sum(value**2 for value in v) ** 0.5
        v = [value / length for value in v]
        u = [sum(w[i, j] * v[j] for j in range(features)) for i in range(out)]
        sigma = sum(value**2 for value in u) ** 0.5
        u = [value / sigma for value in u]
    return float(sigma), np.array(u), np.array(v)


def by_eigenvectors(w, u, n_iterations):
    values, vectors = np.linalg.eigh(w @ w.T)
    parts = (vectors.T @ u) * np.maximum(values / values[-1], 0) ** (n_iterations - 1)
    before = vectors @ parts
    v = w.T @ before
    v /= np.linalg.norm(v)
    return np.linalg.norm(w @ v), w @ v / np.linalg.norm(w @ v), v


def in_torch(w, u, n_iterations):
    import torch

    w, u = torch.tensor(w), torch.tensor(u)
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


EXERCISE = Exercise(
    key="beyond.power_iteration",
    points=3,
    statement="The largest singular value of w and its two vectors, by power "
    "iteration from u.",
    section="beyond-spectral-norm",
    reference=power_iteration,
    run=call("sigma", "u", "v"),
    cases=(
        Case("one iteration, by hand", 1 / 12, by_hand),
        Case("one iteration, on a 4 × 6 matrix", 2 / 12, a_matrix),
        Case("three iterations", 2 / 12, three_iterations),
        Case("two iterations, on a 7 × 3 matrix", 2 / 12, tall),
        Case("two iterations, on a square matrix", 1 / 12, square),
        Case("a u that is not of length 1", 1 / 12, a_long_u),
        Case(
            "sigma after sixty iterations is the largest singular value",
            2 / 12,
            many_iterations,
            run=call("sigma", "u", "v", only=("sigma",)),
        ),
        Case("w and u are left as they were", 1 / 12, a_matrix, intact=True),
    ),
    misconceptions=(
        Misconception(
            "a single iteration, whatever n_iterations is",
            "Each iteration brings u and v nearer to the singular vectors. The "
            "caller says how many there are.",
            once_only,
        ),
        Misconception(
            "one iteration too few",
            "With `n_iterations=1`, both v and u are computed once.",
            one_too_few,
        ),
        Misconception(
            "one iteration too many",
            "With `n_iterations=1`, both v and u are computed once.",
            one_too_many,
        ),
        Misconception(
            "v half an iteration ahead of u",
            "torch's own order ends with v. Here an iteration ends with u, and the v "
            "that is returned is the one that u came from.",
            half_a_step_on,
        ),
        Misconception(
            "u and v computed from each other's old values",
            "Within an iteration u comes from the v just computed. From the old one, "
            "two chains run side by side and learn nothing from each other.",
            both_at_once,
        ),
        Misconception(
            "nothing normalized",
            "u and v are directions. Left to themselves they grow with every step, "
            "and sigma with them.",
            not_normalized,
        ),
        Misconception(
            "v not normalized",
            "sigma says how much w stretches a vector of length 1. Both u and v have "
            "to be of that length.",
            v_not_normalized,
        ),
        Misconception(
            "u not normalized",
            "Both u and v are directions. With a u that has the length sigma, the "
            "product of u, w and v is sigma squared.",
            u_not_normalized,
        ),
        Misconception(
            "divided by the squared length",
            "The length is the root of the sum of squares. A vector divided by it has "
            "length 1.",
            by_the_squared_length,
        ),
        Misconception(
            "divided by the largest entry",
            "That finds the direction too, but sigma belongs to vectors of Euclidean "
            "length 1.",
            by_the_largest_entry,
        ),
        Misconception(
            "w applied twice, without its transpose",
            "That iteration finds eigenvectors, and needs a square matrix. Going "
            "there by w, one comes back by its transpose.",
            as_an_eigenvector,
        ),
        Misconception(
            "sigma from before the last step of u",
            "The length of the transpose times the old u is an estimate too, half an "
            "iteration older. sigma belongs to the u and the v that are returned.",
            one_step_late,
        ),
        Misconception(
            "sigma of the first iteration",
            "u and v go on improving. sigma belongs to the u and the v that are "
            "returned.",
            of_the_first_step,
        ),
        Misconception(
            "sigma squared",
            "w times its transpose stretches by sigma squared, w alone by sigma.",
            squared,
        ),
        Misconception(
            "the Frobenius norm as sigma",
            "The root of the sum of all squares counts every singular value. The "
            "spectral norm is the largest alone.",
            all_singular_values,
        ),
        Misconception(
            "the largest row sum as sigma",
            "That is the norm of w for vectors measured by their largest entry. Here "
            "lengths are Euclidean.",
            the_largest_row_sum,
        ),
        Misconception(
            "the exact decomposition instead of the iteration",
            "A singular value decomposition in every training step is what the "
            "iteration is there to avoid. After few steps its result is an estimate, "
            "and that is what is asked for.",
            exactly,
        ),
        Misconception(
            "w divided by sigma in the place of sigma",
            "The caller divides. What is asked for is the number.",
            the_normalized_weight,
        ),
        Misconception(
            "u and v swapped",
            "The order is sigma, u, v. u has as many entries as w has rows, v as many "
            "as w has columns.",
            swapped,
        ),
        Misconception(
            "u and v as columns",
            "Both are vectors: their shapes are `(out,)` and `(in,)`, with one axis.",
            as_columns,
        ),
        Misconception(
            "not started from the u given",
            "In training u comes from the step before, and that is why one iteration "
            "is enough. Started anew each time, it would never arrive.",
            from_elsewhere,
        ),
        Misconception(
            "the new u written into the old one",
            "The caller decides whether the old u is still needed: at inference, for "
            "one, it must not change. Work on new arrays.",
            into_u,
        ),
    ),
    equivalents=(
        by_the_length,
        with_the_gram_matrix,
        with_loops,
        by_eigenvectors,
        in_torch,
        in_float32,
    ),
    symptoms=(
        (
            frozenset({"sigma"}),
            "u and v are right, and sigma is not: how much does w stretch v, in the "
            "direction of u?",
        ),
        (
            frozenset({"v"}),
            "Only v is wrong. It is the one that u was computed from.",
        ),
    ),
)
