"""group_norm.forward: standardize each group of channels of each sample."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.exercises.group_norm.protocols import refused_call
from normlib.check.running.protocols import call


def group_norm(x, num_groups, gamma, beta, eps=1e-5):
    return normlib.group_norm(x, num_groups, gamma, beta, eps=eps)[0]


# Cases. All sizes differ, except where a mix-up of axes is to go through without an
# error; samples, channels and groups differ in offset, and the channels in spread.


def by_hand(rng):
    x = np.array([[[1.0, 1.0], [3.0, 3.0], [10.0, 10.0], [30.0, 30.0]]])
    return dict(
        x=x,
        num_groups=2,
        gamma=np.array([1.0, 2.0, 1.0, 2.0]),
        beta=np.array([0.0, 0.0, 5.0, 5.0]),
    )


def maps(rng, n=2, c=6, positions=(3, 5), num_groups=3):
    m = int(np.prod(positions))
    # A single position stays at 0: it must not cancel a channel's offset.
    position = np.tile(np.linspace(-1.5, 1.5, m) if m > 1 else 0, (n, c, 1))
    x = rng.permuted(position, axis=2) + rng.uniform(-0.2, 0.2, position.shape)
    spread = rng.permutation(np.geomspace(1, 9, c))
    offset = 4 * rng.permutation(np.arange(c))
    x = spread[:, None] * x + offset[:, None] + 20 * np.arange(n).reshape(n, 1, 1)
    sign = np.where(np.arange(c) % 3 == 1, -1, 1)
    return dict(
        x=x.reshape(n, c, *positions),
        num_groups=num_groups,
        gamma=sign * rng.permutation(np.linspace(0.5, 3, c)),
        beta=rng.permutation(np.linspace(-2, 1, c)),
    )


def one_group(rng):
    return maps(rng, num_groups=1)


def a_group_per_channel(rng):
    return maps(rng, num_groups=6)


def sequences(rng):
    return maps(rng, n=3, positions=(7,))


def no_positions(rng):
    return maps(rng, n=3, positions=(), num_groups=2)


def equal_sizes(rng):
    return maps(rng, n=4, c=4, positions=(4, 4), num_groups=2)


def a_large_eps(rng):
    inputs = maps(rng)
    return inputs | dict(x=0.03 * inputs["x"], eps=0.3)


def a_constant_group(rng):
    inputs = maps(rng)
    inputs["x"][:, 2:4] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = maps(rng, n=1, positions=(5, 7))
    inputs["x"] += 1e4
    return {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else value
        for name, value in inputs.items()
    }


def groups_that_do_not_divide(rng):
    # 5 channels of 4 pixels are 20 numbers, of which a reshape makes 2 groups of 10.
    return maps(rng, c=5, positions=(2, 2), num_groups=2)


# What people get wrong.


def interleaved(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, C // num_groups, num_groups, -1)
    mean = grouped.mean(axis=(1, 3), keepdims=True)
    var = grouped.var(axis=(1, 3), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def groups_of_that_size(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} does not divide {C} channels")
    grouped = x.reshape(N, C // num_groups, num_groups, -1)
    mean = grouped.mean(axis=(2, 3), keepdims=True)
    var = grouped.var(axis=(2, 3), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def over_the_batch_too(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    mean = grouped.mean(axis=(0, 2, 3), keepdims=True)
    var = grouped.var(axis=(0, 2, 3), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def each_channel(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    mean = grouped.mean(axis=3, keepdims=True)
    var = grouped.var(axis=3, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def each_position(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def the_whole_sample(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    rows = x.reshape(N, -1)
    mean, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    x_hat = ((rows - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def channels_last(x, num_groups, gamma, beta, eps=1e-5):
    C = x.shape[-1]
    if x.shape[1] % num_groups or C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide the channels")
    grouped = x.reshape(len(x), -1, num_groups, C // num_groups)
    mean = grouped.mean(axis=(1, 3), keepdims=True)
    var = grouped.var(axis=(1, 3), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma * x_hat + beta


def only_images(x, num_groups, gamma, beta, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, num_groups, C // num_groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma.reshape(1, C, 1, 1) * x_hat + beta.reshape(1, C, 1, 1)


def nothing_checked(x, num_groups, gamma, beta, eps=1e-5):
    grouped = x.reshape(x.shape[0], num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def asserted(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    assert C % num_groups == 0, "the groups must divide the channels"
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def gamma_of_the_group(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = (grouped - mean) / np.sqrt(var + eps)
    y = gamma[:num_groups, None] * x_hat + beta[:num_groups, None]
    return y.reshape(x.shape)


def gamma_within_the_group(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    size = C // num_groups
    grouped = x.reshape(N, num_groups, size, -1)
    mean = grouped.mean(axis=(2, 3), keepdims=True)
    var = grouped.var(axis=(2, 3), keepdims=True)
    x_hat = (grouped - mean) / np.sqrt(var + eps)
    y = gamma[:size, None] * x_hat + beta[:size, None]
    return y.reshape(x.shape)


def along_the_width(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma * x_hat + beta


def no_affine(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    return ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)


def swapped_affine(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return beta.reshape(shape) * x_hat + gamma.reshape(shape)


def mean_of_variances(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, C // num_groups, -1)
    mean = grouped.mean(axis=(2, 3), keepdims=True)
    var = grouped.var(axis=3, keepdims=True).mean(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def unbiased(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, ddof=1, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def by_variance(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / (var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def eps_outside(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    std = grouped.std(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / (std + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def no_eps(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    std = grouped.std(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / std).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def fixed_eps(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + 1e-5)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def mean_of_squares(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = (grouped * grouped).mean(axis=2, keepdims=True) - mean * mean
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * x_hat + beta.reshape(shape)


def into_the_input(x, num_groups, gamma, beta, eps=1e-5):
    N, C = x.shape[:2]
    if C % num_groups:
        raise ValueError(f"{num_groups} groups do not divide {C} channels")
    grouped = x.reshape(N, num_groups, -1)  # a view: the same numbers
    grouped -= grouped.mean(axis=2, keepdims=True)
    grouped /= np.sqrt((grouped**2).mean(axis=2, keepdims=True) + eps)
    shape = (1, C) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * grouped.reshape(x.shape) + beta.reshape(shape)


# Right answers in other styles.


def group_by_group(x, num_groups, gamma, beta, eps=1e-5):
    size, left_over = divmod(x.shape[1], num_groups)
    if left_over:
        raise ValueError("the groups are not of equal size")
    y = np.empty(x.shape)
    for n, sample in enumerate(x):
        for start in range(0, len(sample), size):
            group = sample[start : start + size]
            m = group.size
            mean = group.sum() / m
            inv_std = (((group - mean) ** 2).sum() / m + eps) ** -0.5
            for c in range(start, start + size):
                y[n, c] = gamma[c] * (sample[c] - mean) * inv_std + beta[c]
    return y


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


def from_the_channels(x, num_groups, gamma, beta, eps=1e-5):
    channels = np.array(x, dtype=np.float64).reshape(*x.shape[:2], -1)
    size = channels.shape[1] // num_groups
    if size * num_groups != channels.shape[1]:
        raise ValueError("each group needs the same number of channels")
    same_group = np.kron(np.eye(num_groups), np.full((size, size), 1 / size))
    means = channels.mean(axis=2)
    mean = means @ same_group
    around_it = channels.var(axis=2) + (means - mean) ** 2
    inv_std = 1 / np.sqrt(around_it @ same_group + eps)
    y = (channels - mean[..., None]) * (gamma * inv_std)[..., None] + beta[:, None]
    return y.reshape(x.shape)


def in_torch(x, num_groups, gamma, beta, eps=1e-5):
    import torch

    if x.shape[1] % num_groups:
        raise ValueError("num_groups must divide the channels")
    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
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
    reference=group_norm,
    run=call("y"),
    cases=(
        Case("four channels in two groups, by hand", 1 / 16, by_hand),
        Case("images of 3 × 5 pixels, six channels in three groups", 3 / 16, maps),
        Case("one group: all channels together", 1 / 16, one_group),
        Case("six groups: each channel alone", 1 / 16, a_group_per_channel),
        Case("sequences, (N, C, L)", 1 / 16, sequences),
        Case("no positions, (N, C)", 1 / 16, no_positions),
        Case("all four sizes equal", 2 / 16, equal_sizes),
        Case(
            "groups that do not divide the channels are refused",
            2 / 16,
            groups_that_do_not_divide,
            run=refused_call,
        ),
        Case("a large eps counts as it should", 1 / 16, a_large_eps),
        Case("a constant group becomes beta", 1 / 16, a_constant_group),
        Case(
            "far from zero, in float32",
            1 / 16,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 16, maps, intact=True),
    ),
    misconceptions=(
        Misconception(
            "channels dealt out to the groups in turn, instead of neighbors together",
            "With three groups of six channels, the first group is channels 0 and 1, "
            "not 0 and 3. In which order does a reshape count, and which of the two "
            "new axes then is the group?",
            interleaved,
        ),
        Misconception(
            "num_groups taken for the number of channels in a group",
            "The argument says how many groups there are. How large they are follows "
            "from the number of channels.",
            groups_of_that_size,
        ),
        Misconception(
            "statistics over the batch as well",
            "Each sample is normalized by its own numbers. That is why group norm "
            "does not care how large the batch is.",
            over_the_batch_too,
        ),
        Misconception(
            "statistics of each channel by itself",
            "That is instance norm. The channels of a group share one mean and one "
            "variance.",
            each_channel,
        ),
        Misconception(
            "statistics of each position by itself, over the channels of a group",
            "The mean runs over all positions of the group's channels: one number for "
            "a sample and a group.",
            each_position,
        ),
        Misconception(
            "statistics of the whole sample, over all its channels",
            "That is group norm with one group. Channels of different groups do not "
            "meet.",
            the_whole_sample,
        ),
        Misconception(
            "the last axis taken for the channels",
            "Here the channels come second, (N, C, H, W), as in torch. Other "
            "libraries put them last.",
            channels_last,
        ),
        Misconception(
            "written for images only",
            "A sample may be a sequence, an image or a plain vector. After the "
            "channels come any number of axes, also none.",
            only_images,
        ),
        Misconception(
            "groups of unequal size are let through",
            "Numbers can often be split into groups where channels cannot: then a "
            "channel is torn in two. Nobody notices unless the function looks.",
            nothing_checked,
        ),
        Misconception(
            "an assertion instead of a ValueError",
            "Assertions are for what can never happen, and `python -O` leaves them "
            "out. What a caller may get wrong deserves an error of its own.",
            asserted,
        ),
        Misconception(
            "one gamma and one beta for each group",
            "Channels share statistics with their group, and nothing else: each has a "
            "gamma and a beta of its own.",
            gamma_of_the_group,
        ),
        Misconception(
            "gamma and beta of the first group, used in every group",
            "They are counted through all channels. The first channel of the second "
            "group is not channel 0.",
            gamma_within_the_group,
        ),
        Misconception(
            "gamma and beta laid along the width",
            "NumPy lines up shapes from the last axis, and gamma belongs to the "
            "second. It passes without an error only when the width equals C.",
            along_the_width,
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each channel is scaled and shifted, so that the "
            "network can restore any mean and spread.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "the mean of the channels' variances",
            "Within a channel the variance is taken around that channel's mean. How "
            "far the channels' means lie apart is lost.",
            mean_of_variances,
        ),
        Misconception(
            "the unbiased variance, divided by m − 1",
            "Group norm divides by the number of values in the group. Nothing is "
            "estimated here.",
            unbiased,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "A group of equal numbers has variance zero. What is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="group-norm-numerical-care",
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x, not least for the backward pass. A reshape is "
            "as a rule another view of the same numbers.",
            into_the_input,
        ),
    ),
    equivalents=(
        group_by_group,
        with_einsum,
        from_the_channels,
        in_torch,
        in_float32,
    ),
)
