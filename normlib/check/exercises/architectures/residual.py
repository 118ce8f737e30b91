"""architectures.residual: a sublayer, a skip connection, and the place of the norm."""

from functools import partial

import numpy as np

from normlib.check.cases import alternating, feature_maps, in_float32
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.architectures.protocols import (
    block,
    called_again,
    counted,
    each_placement,
    from_any_memory,
    refused_placement,
)


def residual_block(x, f, norm, placement):
    """x of shape (N, T, D) with the sublayer f, its skip connection and its norms."""
    if placement == "pre":
        return x + f(norm(x))
    if placement == "post":
        return norm(x + f(x))
    if placement == "sandwich":
        return x + norm(f(norm(x)))
    raise ValueError(f"there is no placement {placement!r}")


# Cases. f and norm are made in the protocols of the arrays that stand beside x here.
NAMES = {"pre": "pre-norm", "post": "post-norm", "sandwich": "sandwich"}


def by_hand(placement, rng):
    return dict(
        x=np.array([[[2.0, 4.0], [-8.0, 4.0]]]),
        mixing=np.array([[0.0, 10.0], [10.0, 0.0]]),
        weight=np.eye(2),
        bias=np.zeros(2),
        gamma=np.ones(2),
        beta=np.zeros(2),
        eps=0.0,
        placement=placement,
    )


def tokens(rng, n=2, t=3, d=5, **others):
    return dict(
        x=feature_maps(rng, n, t, (d,), 9, channels_apart=4, samples_apart=5),
        mixing=rng.uniform(0.2, 1, (t, t)),
        weight=rng.uniform(-1, 1, (d, d)),
        bias=rng.uniform(1, 2, d),
        gamma=alternating(rng, d),
        beta=rng.uniform(0.5, 1, d),
        eps=2.0,  # so large that the norm of 2 x is not that of x
        **others,
    )


def many_samples(rng):
    inputs = tokens(rng, n=5, t=2, d=3)
    return inputs | dict(x=inputs["x"] - inputs["x"].max() - 1)  # below 0, all of it


def a_token_of_zeros(rng):
    inputs = tokens(rng)
    inputs["x"][1, 2] = 0
    inputs["gamma"][1] = 0
    return inputs


def returned_as_it_is(rng):
    """An f that returns what it is given, such as one that is switched off."""
    inputs = tokens(rng)
    kept = {name: inputs[name] for name in ("x", "gamma", "beta", "eps")}
    return kept | dict(placement="post")


# Right answers in other styles.


def from_a_table(x, f, norm, placement):
    ways = {
        "pre": lambda: x + f(norm(x)),
        "post": lambda: norm(x + f(x)),
        "sandwich": lambda: x + norm(f(norm(x))),
    }
    if placement not in ways:
        raise ValueError(f"{placement} is none of {list(ways)}")
    return ways[placement]()


def added_to_a_copy(x, f, norm, placement):
    y = np.array(x)
    if placement == "pre":
        y += f(norm(x))
    elif placement == "sandwich":
        y += norm(f(norm(x)))
    elif placement == "post":
        y += f(x)
        y = norm(y)
    else:
        raise ValueError
    return y


def three_switches(x, f, norm, placement):
    def as_it_is(z):
        return z

    switches = {"pre": "100", "post": "001", "sandwich": "110"}
    try:
        before, inside, after = (
            norm if on == "1" else as_it_is for on in switches[placement]
        )
    except KeyError:
        raise ValueError(f"unknown placement: {placement}") from None
    return after(x + inside(f(before(x))))


EXERCISE = Exercise(
    key="architectures.residual",
    points=2,
    statement="Put the norm before, after or on both sides of a sublayer with a skip.",
    section="architectures-placement",
    reference=residual_block,
    answer=residual_block,
    run=each_placement,
    axes=("sample", "token", "feature"),
    cases=(
        *(
            Case(f"{name}, by hand", 2 / 20, partial(by_hand, placement), run=block)
            for placement, name in NAMES.items()
        ),
        *(
            Case(
                f"{name}, two samples of three tokens",
                2 / 20,
                partial(tokens, placement=placement),
                run=block,
            )
            for placement, name in NAMES.items()
        ),
        Case("five samples of two tokens, all below 0", 1 / 20, many_samples),
        Case("a token of zeros", 1 / 20, a_token_of_zeros),
        Case("one token of one feature", 1 / 20, partial(tokens, n=3, t=1, d=1)),
        Case("f is called once", 1 / 20, tokens, run=counted),
        Case(
            "other placements are a ValueError",
            1 / 20,
            partial(tokens, others=("none", "pre-norm", "Post", "")),
            run=refused_placement,
        ),
        Case(
            "float32 arrays: transposed, strided and read-only",
            1 / 20,
            lambda rng: in_float32(tokens(rng)),
            run=from_any_memory,
        ),
        Case("called a second time", 1 / 20, tokens, run=called_again),
        Case(
            "x is left as it was, also by an f that returns it",
            1 / 20,
            returned_as_it_is,
            run=block,
            intact=True,
        ),
    ),
    equivalents=(from_a_table, added_to_a_copy, three_switches),
)
