"""instance_norm.leak: what zero padding tells a network about the brightness."""

from functools import partial

import numpy as np

from normlib.check.cases import any_memory, in_float32, second_call, steps
from normlib.check.exercise import Case, Exercise
from normlib.check.running.protocols import call


def reference(w, height, width):
    """From cumulative sums: a window of the kernel lies inside of the image."""
    n, _, kh, kw = w.shape
    sums = np.zeros((n, kh + 1, kw + 1))
    sums[:, 1:, 1:] = w.sum(axis=1, dtype=np.float64).cumsum(axis=1).cumsum(axis=2)

    def inside(k, size):
        first = np.maximum(k // 2 - np.arange(size), 0)
        end = np.minimum(k // 2 + size - np.arange(size), k)
        return first, end

    (top, bottom), (left, right) = inside(kh, height), inside(kw, width)
    of_rows = sums[:, bottom] - sums[:, top]
    leak = of_rows[:, :, right] - of_rows[:, :, left]
    return leak - leak.mean(axis=(1, 2), keepdims=True)


def padding_leak(w, height, width):
    """What one unit of brightness leaves, for kernels w of shape (out, in, kh, kw)."""
    kh, kw = w.shape[2:]
    rows, columns = (kh // 2, kh // 2), (kw // 2, kw // 2)
    brighter = np.pad(np.ones((height, width)), (rows, columns))
    windows = np.lib.stride_tricks.sliding_window_view(brighter, (kh, kw))
    response = np.einsum("oikl,hwkl->ohw", w, windows)
    return response - response.mean(axis=(1, 2), keepdims=True)


# Cases. No two weights of a kernel are alike, and no two sums over a part of one.


def by_hand(rng):
    return dict(w=np.ones((1, 1, 3, 3)), height=3, width=3)


def kernels(rng, shape=(2, 3, 3, 3), height=4, width=6):
    out, inputs, kh, kw = shape
    w = steps(rng, (out, inputs), kh * kw) + rng.uniform(0.5, 1, (out, inputs, 1))
    return dict(w=w.reshape(shape), height=height, width=width)


def edge_detectors(rng):
    """Their weights add up to 0, and those of one are all 0."""
    inputs = kernels(rng, shape=(3, 2, 3, 3), height=5, width=4)
    w = inputs["w"] - inputs["w"].mean(axis=(1, 2, 3), keepdims=True)
    w[1] = 0
    return inputs | dict(w=w)


def rounded_kernels(rng):
    return in_float32(kernels(rng))


# Right answers in other styles.


def by_slices(w, height, width):
    kernel, (kh, kw) = w.sum(axis=1), w.shape[2:]
    leak = np.empty((len(w), height, width))
    for i, j in np.ndindex(height, width):
        top, left = kh // 2 - i, kw // 2 - j
        inside = kernel[:, max(0, top) : top + height, max(0, left) : left + width]
        leak[:, i, j] = inside.sum(axis=(1, 2))
    return leak - leak.mean(axis=(1, 2))[:, None, None]


def what_the_frame_lacks(w, height, width):
    """The other way around: what a frame of ones would have added is missing."""
    kh, kw = w.shape[2:]
    frame = np.ones((height + kh - 1, width + kw - 1))
    frame[kh // 2 : kh // 2 + height, kw // 2 : kw // 2 + width] = 0
    lacking = np.zeros((len(w), height, width))
    for k, m in np.ndindex(kh, kw):
        part = frame[k : k + height, m : m + width]
        lacking += w[:, :, k, m].sum(axis=1)[:, None, None] * part
    return lacking.mean(axis=(1, 2), keepdims=True) - lacking


def in_torch(w, height, width):
    import torch

    w = torch.tensor(w.copy())
    ones = torch.ones(1, w.shape[1], height, width, dtype=w.dtype)
    response = torch.nn.functional.conv2d(ones, w, padding="same")[0]
    return response - response.mean((1, 2), keepdim=True)


EXERCISE = Exercise(
    key="instance_norm.leak",
    points=5,
    statement="What zero padding lets through of the brightness, and instance norm "
    "does not take out.",
    section="instance-norm-module",
    reference=reference,
    answer=padding_leak,
    run=call("leak"),
    axes=("channel", "row", "column"),
    cases=(
        Case("a kernel of ones on 3 × 3 pixels, by hand", 1 / 10, by_hand),
        Case("kernels of 3 × 3 weights on 4 × 6 pixels", 2 / 10, kernels),
        Case(
            "kernels of 3 × 5 weights on 6 × 7 pixels",
            1 / 10,
            partial(kernels, shape=(2, 3, 3, 5), height=6, width=7),
        ),
        Case(
            "all six sizes equal",
            1 / 10,
            partial(kernels, shape=(3, 3, 3, 3), height=3, width=3),
        ),
        Case("kernels whose weights add up to 0", 1 / 10, edge_detectors),
        Case(
            "one kernel of a single column",
            0.5 / 10,
            partial(kernels, shape=(1, 2, 5, 1), height=6, width=3),
        ),
        Case(
            "kernels larger than the image",
            1 / 10,
            partial(kernels, shape=(3, 1, 7, 5), height=2, width=3),
        ),
        Case("kernels in float32", 0.5 / 10, rounded_kernels),
        any_memory(0.5 / 10, kernels, "leak"),
        second_call(0.5 / 10, kernels, "leak"),
        Case("w is left as it was", 1 / 10, kernels, intact=True),
    ),
    equivalents=(by_slices, what_the_frame_lacks, in_torch),
)
