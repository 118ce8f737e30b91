"""group_norm.forward: standardize each group of channels of each sample."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    NO_EPS,
    alternating,
    any_memory,
    far_away,
    far_from_zero,
    feature_maps,
    second_call,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.group_norm.protocols import refused_call
from normlib.check.running.protocols import call


def reference(x, num_groups, gamma, beta, eps=1e-5):
    return normlib.group_norm(x, num_groups, gamma, beta, eps=eps or NO_EPS)[0]


def group_norm(x, num_groups, gamma, beta, eps=1e-5):
    """Normalize each group of channels of each sample; x has shape (N, C, *)."""
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    mean = grouped.mean(axis=(2, 3), keepdims=True)
    var = grouped.var(axis=(2, 3), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; samples, channels and groups have different means, and channels different
# standard deviations.


def by_hand(rng):
    return dict(
        x=np.array([[[1.0, 1.0], [3.0, 3.0], [10.0, 10.0], [30.0, 30.0]]]),
        num_groups=2,
        gamma=np.array([1.0, 2.0, 1.0, 2.0]),
        beta=np.array([0.0, 0.0, 5.0, 5.0]),
    )


def maps(rng, n=2, c=6, positions=(3, 5), num_groups=3, **others):
    return dict(
        x=feature_maps(rng, n, c, positions, 9, channels_apart=4, samples_apart=20),
        num_groups=num_groups,
        gamma=alternating(rng, c),
        beta=rng.permutation(np.linspace(-2, 1, c)),
        **others,
    )


def one_group(rng):
    inputs = maps(rng, num_groups=1)
    inputs["x"] -= inputs["x"].max() + 1  # below 0, all of it
    return inputs


def sequences(rng):
    inputs = maps(rng, n=3, positions=(7,))
    inputs["x"][:, 1] = 0
    inputs["gamma"][4] = 0
    return inputs


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=0.03 * inputs["x"], eps=0.3)


def a_constant_group(rng):
    inputs = maps(rng)
    inputs["x"][:, 2:4] = 7.25
    return inputs


def one_sample_far_from_zero(rng):
    return far_from_zero(maps(rng, n=1, positions=(5, 7)))


# Right answers in other styles.


def with_einsum(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups != 0:
        raise ValueError(f"C = {C} is no multiple of {num_groups}")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    m = grouped[0, 0].size
    centered = grouped - (np.einsum("ngcp->ng", grouped) / m)[:, :, None, None]
    var = np.einsum("ngcp,ngcp->ng", centered, centered) / m
    gains = gamma.reshape(num_groups, -1)
    y = np.einsum("ngcp,ng,gc->ngcp", centered, (var + eps) ** -0.5, gains)
    return (y + beta.reshape(num_groups, -1, 1)).reshape(x.shape)


def in_torch(x, num_groups, gamma, beta, eps=1e-5):
    import torch

    if x.shape[1] % num_groups:
        raise ValueError("num_groups must divide the channels")
    x, gamma, beta = (torch.tensor(a.copy()) for a in (x, gamma, beta))
    grouped = x.unflatten(1, (num_groups, -1)).flatten(2)
    var, mean = torch.var_mean(grouped, dim=-1, correction=0, keepdim=True)
    x_hat = ((grouped - mean) * torch.rsqrt(var + eps)).view_as(x)
    shape = [-1] + [1] * (x.ndim - 2)
    return torch.addcmul(beta.view(shape), gamma.view(shape), x_hat)


def in_float32(x, num_groups, gamma, beta, eps=1e-5):
    rows = np.array(np.moveaxis(x, 1, -1), dtype=np.float32)
    if rows.shape[-1] not in range(num_groups, rows.shape[-1] + 1, num_groups):
        raise ValueError("num_groups must divide the channels")
    groups = np.split(rows, num_groups, axis=-1)
    axes = tuple(range(1, rows.ndim))
    for group in groups:
        group -= group.mean(axis=axes, keepdims=True)
        group /= np.sqrt(np.square(group).mean(axis=axes, keepdims=True) + eps)
    y = np.concatenate(groups, axis=-1, dtype=np.float32)
    y = y * gamma.astype(np.float32) + beta.astype(np.float32)
    return np.moveaxis(y, -1, 1)


EXERCISE = Exercise(
    key="group_norm.forward",
    points=4,
    statement="Standardize each group of channels of each sample, then scale and "
    "shift each channel.",
    section="group-norm-algorithm",
    reference=reference,
    answer=group_norm,
    run=call("y"),
    cases=(
        Case("four channels in two groups, by hand", 1 / 20, by_hand),
        Case("images of 3 × 5 pixels, six channels in three groups", 3 / 20, maps),
        Case("one group: all channels together", 1 / 20, one_group),
        Case(
            "six groups: each channel alone, and no eps",
            1 / 20,
            partial(maps, num_groups=6, eps=0),
        ),
        Case("sequences, (N, C, L)", 1 / 20, sequences),
        Case(
            "no positions, (N, C)",
            1 / 20,
            partial(maps, n=7, positions=(), num_groups=2),
        ),
        Case("a single channel", 1 / 20, partial(maps, c=1, num_groups=1)),
        Case("a single pixel", 1 / 20, partial(maps, positions=(1, 1), num_groups=2)),
        Case(
            "all four sizes equal",
            2 / 20,
            partial(maps, n=4, c=4, positions=(4, 4), num_groups=2),
        ),
        Case(
            "groups that do not divide the channels are refused",
            2 / 20,
            # 5 channels of 4 pixels: NumPy would make 2 groups of 10 numbers.
            partial(maps, c=5, positions=(2, 2), num_groups=2),
            run=refused_call,
        ),
        Case("a large eps counts as it should", 1 / 20, a_large_eps),
        Case("a constant group becomes beta", 1 / 20, a_constant_group),
        far_away(1 / 20, one_sample_far_from_zero),
        any_memory(1 / 20, maps, "y"),
        second_call(1 / 20, maps, "y"),
        Case("x is left as it was", 1 / 20, maps, intact=True),
    ),
    sections={"group-norm-numerical-care": ("mean-of-squares",)},
    equivalents=(with_einsum, in_torch, in_float32),
)
