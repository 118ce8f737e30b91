"""layer_norm.recurrent: layer norm inside a recurrent network, at every step."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import (
    FAR,
    NO_EPS,
    alternating,
    any_memory,
    far_away,
    in_float32,
    second_call,
    steps,
)
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h)), x.dtype), []
    for t in range(x.shape[1]):
        summed = x[:, t] @ w_x + h @ w_h
        h = np.tanh(normlib.layer_norm(summed, gamma, beta, eps=eps or NO_EPS)[0])
        states.append(h)
    return np.stack(states, axis=1)


def layer_norm_rnn(x, w_x, w_h, gamma, beta, eps=1e-5):
    """States (N, T, H) of a network that reads the sequences x, of shape (N, T, D)."""
    h = np.zeros((len(x), len(w_h)))
    states = []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean = a.mean(axis=1, keepdims=True)
        var = a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error. There are few steps, so that a mistake shows before the states have forgotten
# where they came from, and gamma is about 1, so that tanh does not hide it.


def by_hand(rng):
    return dict(
        x=np.array([[[1.0], [0.0]]]),
        w_x=np.array([[1.0, 3.0]]),
        w_h=np.array([[0.0, 1.0], [1.0, 0.0]]),
        gamma=np.array([1.0, 2.0]),
        beta=np.array([0.0, 1.0]),
        eps=0.0,
    )


def sequences(rng, n=2, length=4, d=3, units=5):
    x = rng.normal(size=(n, length, d)) * rng.permutation(np.geomspace(0.5, 5, d))
    x += rng.uniform(0.5, 2, (n, 1, d)) * rng.choice([-1, 1], (n, 1, d))
    return dict(
        x=x,
        w_x=steps(rng, (d,), units),
        w_h=steps(rng, (units,), units),
        gamma=alternating(rng, units, high=1.5),
        beta=rng.uniform(0.2, 0.8, units),
    )


def equal_sizes(rng):
    inputs = sequences(rng, n=4, length=4, d=4, units=4)
    inputs["gamma"][2] = 0
    return inputs


def negative_inputs(rng):
    inputs = sequences(rng)
    return inputs | dict(x=-np.abs(inputs["x"]))


def zeros_first(rng):
    inputs = sequences(rng, length=2)
    inputs["x"][:, 0] = 0
    return inputs


def a_large_eps(rng):
    inputs = sequences(rng, length=2)
    return inputs | dict(w_x=inputs["w_x"] / 5, w_h=inputs["w_h"] / 5, eps=0.3)


def sums_far_from_zero(rng):
    inputs = sequences(rng, length=2)
    inputs["x"] *= np.array([[[0.1], [0.5]]])  # no two steps of the same scale
    inputs["x"][..., 0] = np.array([[1.0], [3.0]])
    inputs["w_x"][0] += FAR  # the same to all units, which layer norm takes out again
    return in_float32(inputs)


# Right answers in other styles.


def with_loops(x, w_x, w_h, gamma, beta, eps=1e-5):
    all_states = []
    for sequence in x:
        h, states = [0.0] * len(w_h), []
        for row in sequence:
            a = [
                sum(float(v) * float(w) for v, w in zip(row, w_x[:, j], strict=True))
                + sum(v * float(w) for v, w in zip(h, w_h[:, j], strict=True))
                for j in range(len(w_h))
            ]
            mean = sum(a) / len(a)
            std = (sum((v - mean) ** 2 for v in a) / len(a) + eps) ** 0.5
            h = [
                float(np.tanh(g * (v - mean) / std + b))
                for g, v, b in zip(gamma, a, beta, strict=True)
            ]
            states.append(h)
        all_states.append(states)
    return np.array(all_states)


def stacked_weights(x, w_x, w_h, gamma, beta, eps=1e-5):
    weights = np.concatenate([w_x, w_h])
    states = [np.zeros((x.shape[0], w_h.shape[0]))]
    for row in x.swapaxes(0, 1):
        a = np.concatenate([row, states[-1]], axis=1) @ weights
        a -= np.einsum("nh->n", a)[:, None] / a.shape[1]
        var = np.einsum("nh,nh->n", a, a)[:, None] / a.shape[1]
        states.append(np.tanh(a * (var + eps) ** -0.5 * gamma + beta))
    return np.array(states[1:]).transpose(1, 0, 2)


def in_torch(x, w_x, w_h, gamma, beta, eps=1e-5):
    import torch

    x, w_x, w_h, gamma, beta = (
        torch.tensor(array.copy()) for array in (x, w_x, w_h, gamma, beta)
    )
    h, states = torch.zeros(len(x), len(w_h), dtype=x.dtype), []
    for row in x.unbind(1):
        a = row @ w_x + h @ w_h
        var, mean = torch.var_mean(a, 1, correction=0, keepdim=True)
        h = torch.tanh(gamma * (a - mean) * torch.rsqrt(var + eps) + beta)
        states.append(h)
    return torch.stack(states, 1)


def all_in_float32(x, w_x, w_h, gamma, beta, eps=1e-5):
    x, w_x, w_h, gamma, beta = (
        np.asarray(array, np.float32) for array in (x, w_x, w_h, gamma, beta)
    )
    states = np.zeros((x.shape[0], x.shape[1] + 1, w_h.shape[0]), np.float32)
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + states[:, t] @ w_h
        a -= a.mean(axis=1, keepdims=True)
        a /= np.sqrt(np.square(a).mean(axis=1, keepdims=True) + np.float32(eps))
        states[:, t + 1] = np.tanh(gamma * a + beta)
    return states[:, 1:]


EXERCISE = Exercise(
    key="layer_norm.recurrent",
    points=4,
    statement="A recurrent network with layer norm on its summed inputs.",
    section="layer-norm-recurrent",
    reference=reference,
    answer=layer_norm_rnn,
    run=call("h"),
    axes=("sequence", "step", "unit"),
    cases=(
        Case("one sequence of two steps, by hand", 1 / 16, by_hand),
        Case("two sequences of four steps", 3 / 16, sequences),
        Case("all sizes equal, and one gamma 0", 2 / 16, equal_sizes),
        Case("sequences of a single step", 2 / 16, partial(sequences, length=1)),
        Case("a first step of zeros gives tanh(beta)", 2 / 16, zeros_first),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        far_away(
            2 / 16, sums_far_from_zero, name="summed inputs far from zero, in float32"
        ),
        any_memory(1 / 16, sequences, "h"),
        second_call(1 / 16, negative_inputs, "h"),
        Case("all arrays are left as they were", 1 / 16, sequences, intact=True),
    ),
    sections={
        "layer-norm-idea": ("over-the-batch", "over-batch-and-units"),
        "layer-norm-algorithm": (
            "uncentered",
            "lost-axis",
            "unbiased",
            "eps-outside",
            "no-eps",
            "fixed-eps",
            "no-affine",
        ),
        "layer-norm-numerical-care": ("mean-of-squares",),
    },
    equivalents=(with_loops, stacked_weights, in_torch, all_in_float32),
    symptoms={
        "h": "If sequences of a single step come out right, layer norm is right and "
        "the memory isn't. Otherwise begin with that case, in which the memory is "
        "zero.",
    },
)
