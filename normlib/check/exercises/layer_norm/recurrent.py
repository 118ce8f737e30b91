"""layer_norm.recurrent: layer norm inside a recurrent network, at every step."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def layer_norm_rnn(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h)), x.dtype), []
    for t in range(x.shape[1]):
        summed = x[:, t] @ w_x + h @ w_h
        h = np.tanh(normlib.layer_norm(summed, gamma, beta, eps=eps)[0])
        states.append(h)
    return np.stack(states, axis=1)


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error. There are few steps, so that a mistake shows before the states have forgotten
# where they came from, and gains of about 1, so that tanh does not hide it.


def by_hand(rng):
    return dict(
        x=np.array([[[1.0], [0.0]]]),
        w_x=np.array([[1.0, 3.0]]),
        w_h=np.array([[0.0, 1.0], [1.0, 0.0]]),
        gamma=np.array([1.0, 2.0]),
        beta=np.array([0.0, 1.0]),
    )


def sequences(rng, n=2, steps=4, d=3, units=5):
    # Evenly spread, jittered and shuffled: no unit and no step is silent by chance.
    even = np.tile(np.linspace(-1.5, 1.5, units), (d + units, 1))
    w = rng.permuted(even + rng.uniform(-0.2, 0.2, even.shape), axis=1)
    x = rng.normal(size=(n, steps, d)) * rng.permutation(np.geomspace(0.5, 5, d))
    x += rng.uniform(0.5, 2, (n, 1, d)) * rng.choice([-1, 1], (n, 1, d))
    sign = np.where(np.arange(units) % 2, -1, 1)
    return dict(
        x=x,
        w_x=w[:d],
        w_h=w[d:],
        gamma=sign * rng.uniform(0.5, 1.5, units),
        beta=rng.uniform(0.2, 0.8, units),
    )


def equal_sizes(rng):
    return sequences(rng, 4, 4, 4, 4)


def one_step(rng):
    return sequences(rng, steps=1)


def zeros_first(rng):
    inputs = sequences(rng, steps=2)
    inputs["x"][:, 0] = 0
    return inputs


def a_large_eps(rng):
    inputs = sequences(rng, steps=2)
    return inputs | dict(w_x=inputs["w_x"] / 5, w_h=inputs["w_h"] / 5, eps=0.3)


def far_from_zero(rng):
    inputs = sequences(rng, steps=2)
    inputs["x"] *= np.array([[[0.1], [0.5]]])  # no two steps of the same spread
    inputs["x"][..., 0] = np.array([[1.0], [3.0]])
    inputs["w_x"][0] += 1e4  # to all units the same, which layer norm takes out again
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def over_the_batch(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=0), a.var(axis=0)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def over_batch_and_units(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(), a.var()
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def over_time(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        h = np.tanh(a)
        states.append(a)
    a = np.stack(states, axis=1)
    mean, var = a.mean(axis=(1, 2), keepdims=True), a.var(axis=(1, 2), keepdims=True)
    return np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)


def steps_so_far(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    y = np.empty((*x.shape[:2], len(w_h)))
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        states.append(a)
        seen = np.stack(states, axis=1)
        mean = seen.mean(axis=(1, 2))[:, None]
        var = seen.var(axis=(1, 2))[:, None]
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        y[:, t] = h
    return y


def after_the_network(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        h = np.tanh(a)
        states.append(h)
    y = np.stack(states, axis=1)
    mean, var = y.mean(axis=2, keepdims=True), y.var(axis=2, keepdims=True)
    return gamma * (y - mean) / np.sqrt(var + eps) + beta


def on_the_new_state(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = np.tanh(x[:, t] @ w_x + h @ w_h)
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = gamma * (a - mean) / np.sqrt(var + eps) + beta
        states.append(h)
    return np.stack(states, axis=1)


def on_the_last_state(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        mean, var = h.mean(axis=1, keepdims=True), h.var(axis=1, keepdims=True)
        memory = gamma * (h - mean) / np.sqrt(var + eps) + beta
        h = np.tanh(x[:, t] @ w_x + memory @ w_h)
        states.append(h)
    return np.stack(states, axis=1)


def each_summand(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = np.stack([x[:, t] @ w_x, h @ w_h])
        mean, var = a.mean(axis=2, keepdims=True), a.var(axis=2, keepdims=True)
        both = gamma * (a - mean) / np.sqrt(var + eps) + beta
        h = np.tanh(both.sum(axis=0))
        states.append(h)
    return np.stack(states, axis=1)


def only_the_input(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta + h @ w_h)
        states.append(h)
    return np.stack(states, axis=1)


def only_the_memory(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        a = gamma * (a - mean) / np.sqrt(var + eps) + beta
        h = np.tanh(x[:, t] @ w_x + a)
        states.append(h)
    return np.stack(states, axis=1)


def input_before_the_weights(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t]
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        a = (a - mean) / np.sqrt(var + eps)
        h = np.tanh(gamma * (a @ w_x + h @ w_h) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def no_normalization(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        h = np.tanh(gamma * a + beta)
        states.append(h)
    return np.stack(states, axis=1)


def no_tanh(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = gamma * (a - mean) / np.sqrt(var + eps) + beta
        states.append(h)
    return np.stack(states, axis=1)


def no_memory(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def starts_from_x(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = x[:, 0] @ w_x, []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def first_step_not_normalized(x, w_x, w_h, gamma, beta, eps=1e-5):
    h = np.tanh(x[:, 0] @ w_x)
    states = [h]
    for t in range(1, x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def never_reset(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros(len(w_h)), []
    for sequence in x:
        for row in sequence:
            a = row @ w_x + h @ w_h
            a = (a - a.mean()) / np.sqrt(a.var() + eps)
            h = np.tanh(gamma * a + beta)
            states.append(h)
    return np.array(states).reshape(*x.shape[:2], -1)


def backward_in_time(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in reversed(range(x.shape[1])):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states[::-1], axis=1)


def time_first(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((x.shape[1], len(w_h))), []
    for row in x:
        a = row @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states)


def stacked_time_first(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states)


def last_state(x, w_x, w_h, gamma, beta, eps=1e-5):
    h = np.zeros((len(x), len(w_h)))
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
    return h


def one_array(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h[...] = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def gain_for_each_step(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma[t] * (a - mean) / np.sqrt(var + eps) + beta[t])
        states.append(h)
    return np.stack(states, axis=1)


def transposed_weights(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h.T
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def uncentered(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean_square = (a * a).mean(axis=1, keepdims=True)
        h = np.tanh(gamma * a / np.sqrt(mean_square + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def lost_axis(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1), a.var(axis=1)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def unbiased(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean = a.mean(axis=1, keepdims=True)
        var = a.var(axis=1, keepdims=True, ddof=1)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def eps_outside(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / (np.sqrt(var) + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def no_eps(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def fixed_eps(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + 1e-5) + beta)
        states.append(h)
    return np.stack(states, axis=1)


def no_affine(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = np.tanh((a - mean) / np.sqrt(var + eps))
        states.append(h)
    return np.stack(states, axis=1)


def affine_after_tanh(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean, var = a.mean(axis=1, keepdims=True), a.var(axis=1, keepdims=True)
        h = gamma * np.tanh((a - mean) / np.sqrt(var + eps)) + beta
        states.append(h)
    return np.stack(states, axis=1)


def mean_of_squares(x, w_x, w_h, gamma, beta, eps=1e-5):
    h, states = np.zeros((len(x), len(w_h)), x.dtype), []
    for t in range(x.shape[1]):
        a = x[:, t] @ w_x + h @ w_h
        mean = a.mean(axis=1, keepdims=True)
        var = (a * a).mean(axis=1, keepdims=True) - mean * mean
        h = np.tanh(gamma * (a - mean) / np.sqrt(var + eps) + beta)
        states.append(h)
    return np.stack(states, axis=1)


# Right answers in other styles.


def inputs_at_once(x, w_x, w_h, gamma, beta, eps=1e-5):
    summed = x @ w_x
    h = np.zeros_like(summed)
    for t in range(x.shape[1]):
        a = summed[:, t] + (h[:, t - 1] @ w_h if t else 0)
        a = a - a.mean(axis=-1)[:, None]
        var = (a * a).mean(axis=-1)[:, None]
        h[:, t] = np.tanh(gamma * a / np.sqrt(var + eps) + beta)
    return h


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

    x, w_x, w_h, gamma, beta = map(torch.tensor, (x, w_x, w_h, gamma, beta))
    h, states = torch.zeros(len(x), len(w_h), dtype=x.dtype), []
    for row in x.unbind(1):
        a = row @ w_x + h @ w_h
        var, mean = torch.var_mean(a, 1, correction=0, keepdim=True)
        h = torch.tanh(gamma * (a - mean) * torch.rsqrt(var + eps) + beta)
        states.append(h)
    return torch.stack(states, 1)


def in_float32(x, w_x, w_h, gamma, beta, eps=1e-5):
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
    reference=layer_norm_rnn,
    run=call("h"),
    cases=(
        Case("one sequence of two steps, by hand", 0.125, by_hand),
        Case("two sequences of four steps", 0.25, sequences),
        Case("all sizes equal", 0.125, equal_sizes),
        Case("sequences of a single step", 0.125, one_step),
        Case("a first step of zeros gives tanh(beta)", 0.125, zeros_first),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case(
            "summed inputs far from zero, in float32",
            0.125,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
    ),
    misconceptions=(
        Misconception(
            "statistics of each unit, over the sequences",
            "That is batch norm at every step: the state of one sequence depends on "
            "the others. The units of one state share a mean.",
            over_the_batch,
            section="layer-norm-idea",
        ),
        Misconception(
            "one mean for all sequences of a step",
            "Each sequence is to be read as if it were alone. At each step there are "
            "as many means as sequences.",
            over_batch_and_units,
            section="layer-norm-idea",
        ),
        Misconception(
            "one mean for all steps of a sequence",
            "The mean of all steps knows the future, and a state cannot wait for it: "
            "the next summed input needs it. Every step has statistics of its own.",
            over_time,
        ),
        Misconception(
            "statistics gathered over the steps so far",
            "There is nothing to gather: the units of a single step are enough for a "
            "mean, and each step takes its own.",
            steps_so_far,
        ),
        Misconception(
            "a plain recurrent network, its states normalized in the end",
            "Behind the recurrence, layer norm comes too late: inside, the summed "
            "inputs grow and shrink as before. It belongs into every step.",
            after_the_network,
        ),
        Misconception(
            "the state normalized, after tanh",
            "Layer norm is for what goes into tanh, so that tanh gets values it does "
            "not flatten. What comes out of tanh stays.",
            on_the_new_state,
        ),
        Misconception(
            "the last state normalized, before the weights",
            "What is normalized is the summed input of a unit: all that arrives "
            "there, from the input and from the last state.",
            on_the_last_state,
        ),
        Misconception(
            "the two summands normalized one by one",
            "Add first. The input and the memory go through one layer norm, so a "
            "strong input may drown a weak memory.",
            each_summand,
        ),
        Misconception(
            "only what comes from the input is normalized",
            "It is the memory that runs through the same weights at every step, and "
            "can grow or die. It has to be inside.",
            only_the_input,
        ),
        Misconception(
            "only what comes from the memory is normalized",
            "Add first. Both parts of the summed input go through one layer norm.",
            only_the_memory,
        ),
        Misconception(
            "the input normalized, before the weights",
            "What is normalized is the summed input of the units, behind the weights. "
            "Its mean is one over units.",
            input_before_the_weights,
        ),
        Misconception(
            "no normalization at all",
            "gamma and beta are there, and the standardizing between the sum and them "
            "is not.",
            no_normalization,
        ),
        Misconception(
            "tanh left out",
            "The state is what tanh makes of the normalized sum.",
            no_tanh,
        ),
        Misconception(
            "no memory",
            "Each state is to depend on the one before. Where does the last state "
            "come in?",
            no_memory,
        ),
        Misconception(
            "the first input taken for the first memory",
            "Before the first step nothing has been seen: the memory is zero. You use "
            "the first input twice.",
            starts_from_x,
        ),
        Misconception(
            "the first step without layer norm",
            "The first step is like all the others. Only its memory is zero.",
            first_step_not_normalized,
        ),
        Misconception(
            "the memory of one sequence carried into the next",
            "Every sequence begins with an empty memory, and none knows of another.",
            never_reset,
        ),
        Misconception(
            "read from the last step to the first",
            "The state after step t knows the steps up to t. Which of them has been "
            "read first?",
            backward_in_time,
        ),
        Misconception(
            "sequences and steps exchanged",
            "x is (N, T, D): sequences first. torch's recurrent layers expect the "
            "steps first unless told otherwise.",
            time_first,
        ),
        Misconception(
            "the states returned as (T, N, H)",
            "The steps were gathered along a new first axis. The result is (N, T, H).",
            stacked_time_first,
        ),
        Misconception(
            "the last state alone",
            "All states are asked for, one for each step: (N, T, H).",
            last_state,
        ),
        Misconception(
            "the last state at every step",
            "You wrote each state into the same array, and gathered that array T "
            "times. Each step needs its own.",
            one_array,
        ),
        Misconception(
            "a gain for each step",
            "gamma has an entry for each unit, and all steps share it: so a sequence "
            "may be of any length.",
            gain_for_each_step,
        ),
        Misconception(
            "w_h transposed",
            "Both weights stand on the right of what they multiply, `x_t @ w_x + h @ "
            "w_h`.",
            transposed_weights,
        ),
        Misconception(
            "the mean left in",
            "Without subtracting the mean it is RMS norm. Layer norm takes out what "
            "all units have in common.",
            uncentered,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the mean of one sequence subtracted from a unit",
            "A mean of shape (N,) is lined up with the last axis of the sum, which "
            "counts the units. With as many sequences as units nothing complains.",
            lost_axis,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "the unbiased variance, divided by H − 1",
            "The units of a state are all there are: divide by H.",
            unbiased,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "no eps",
            "With an input of zeros and an empty memory, all summed inputs are equal. "
            "What is divided by what then?",
            no_eps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each unit is scaled and shifted, before tanh.",
            no_affine,
            section="layer-norm-algorithm",
        ),
        Misconception(
            "gamma and beta behind tanh",
            "gamma and beta belong to layer norm, and tanh comes after it.",
            affine_after_tanh,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. Subtract the "
            "mean first.",
            mean_of_squares,
            section="layer-norm-numerical-care",
        ),
    ),
    equivalents=(inputs_at_once, with_loops, stacked_weights, in_torch, in_float32),
    symptoms=(
        (
            frozenset({"h"}),
            "If sequences of a single step come out right, layer norm is right, and it "
            "is the memory that is not. Otherwise begin with that case: there the "
            "memory is zero.",
        ),
    ),
)
