"""choosing.repair: a residual network whose norms stand in the wrong places."""

import numpy as np

from normlib.check.cases import alternating, feature_maps, in_float32
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.choosing.protocols import (
    residual,
    residual_called_again,
    residual_counted,
    residual_from_any_memory,
)


def repaired_network(x, sublayers, norms, last):
    """A residual network with a norm for each sublayer, and a last one."""
    for f, norm in zip(sublayers, norms, strict=True):
        x = x + f(norm(x))
    return last(x)


# Cases. The functions are made in the protocols of the arrays that stand beside x here.


def by_hand(rng):
    return dict(
        x=np.array([[[4.0, -8.0]]]),
        mixing=np.ones((2, 1, 1)),
        weight=np.array([[[2.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [1.0, 0.0]]]),
        bias=np.zeros((2, 2)),
        gamma=np.ones((3, 2)),
        eps=0.0,
    )


def network(rng, sublayers=4, n=2, t=3, d=5, size=1.0):
    """``size`` is that of what the sublayers return."""
    L = sublayers
    return dict(
        x=feature_maps(rng, n, t, (d,), 9, channels_apart=4, samples_apart=5),
        mixing=rng.uniform(0.2, 1, (L, t, t)),
        weight=size * rng.uniform(-1, 1, (L, d, d)),
        bias=size * rng.uniform(1, 2, (L, d)) * rng.choice([-1, 1], (L, d)),
        gamma=np.array([alternating(rng, d) for _ in range(L + 1)]),
        eps=2.0,  # so large that the norm of 2 x is not that of x
    )


def one_sublayer(rng):
    return network(rng, sublayers=1, n=1, t=1, d=3)


def small_branches(rng):
    """At the start, many networks have sublayers that return next to nothing."""
    return network(rng, size=0.05)


def large_x(rng):
    inputs = network(rng, n=3)
    return inputs | dict(x=10 * inputs["x"])


# Right answers in other styles.


def by_number(x, sublayers, norms, last):
    stream = np.array(x)
    for i in range(len(sublayers)):
        stream += sublayers[i](norms[i](stream))
    return last(stream)


def recursive(x, sublayers, norms, last):
    def rest(stream, i):
        if i == len(sublayers):
            return last(stream)
        return rest(np.add(stream, sublayers[i](norms[i](stream))), i + 1)

    return rest(x, 0)


def all_branches_kept(x, sublayers, norms, last):
    terms = [x]
    for norm, f in zip(norms, sublayers, strict=True):
        terms.append(f(norm(sum(terms))))
    return last(np.sum(terms, axis=0))


EXERCISE = Exercise(
    key="choosing.repair",
    points=2,
    statement="Put the norms of a residual network where they belong.",
    section="choosing-in-practice",
    reference=repaired_network,
    answer=repaired_network,
    run=residual,
    axes=("sample", "token", "feature"),
    cases=(
        Case("two sublayers, by hand", 4 / 20, by_hand),
        Case("four sublayers", 4 / 20, network),
        Case("four sublayers that return little", 4 / 20, small_branches),
        Case("four sublayers, and a large x", 3 / 20, large_x),
        Case("one sublayer, one token", 1 / 20, one_sublayer),
        Case("each function is called once", 1 / 20, network, run=residual_counted),
        Case(
            "float32 arrays: transposed, strided and read-only",
            1 / 20,
            lambda rng: in_float32(network(rng)),
            run=residual_from_any_memory,
        ),
        Case("called a second time", 1 / 20, network, run=residual_called_again),
        Case("x is left as it was", 1 / 20, network, intact=True),
    ),
    equivalents=(by_number, recursive, all_branches_kept),
)
