"""layer_norm.forward: standardize each sample over its features, scale and shift."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def layer_norm(x, gamma, beta, eps=1e-5):
    return normlib.layer_norm(x, gamma, beta, eps=eps)[0]


# Cases. Samples differ in offset and spread, and so do features: whoever averages
# over the wrong axis, or over one too many, gets other numbers. gamma has both signs.


def by_hand(rng):
    x = np.array([[1.0, 3.0], [40.0, 20.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]), beta=np.array([0.0, 5.0]))


def arrays(rng, shape, axes=1):
    """``x`` of ``shape``, to be normalized over the last ``axes`` axes of it."""
    lead, normalized = shape[:-axes], shape[-axes:]
    m = int(np.prod(normalized))
    # Evenly spread, jittered and shuffled: no sample is nearly constant by chance.
    x = np.tile(np.linspace(-1.5, 1.5, m), (int(np.prod(lead)), 1))
    x = rng.permuted(x + rng.uniform(-0.2, 0.2, x.shape), axis=1)
    scale = rng.permutation(np.geomspace(1, 30, len(x)))[:, None]
    x = scale * (x + rng.normal(0, 3, (len(x), 1))) + rng.normal(0, 0.1, m)
    sign = np.where(np.arange(m) % 2, -1, 1)
    gamma, beta = sign * rng.uniform(0.5, 3, m), rng.uniform(0.5, 2, m)
    parameters = dict(gamma=gamma.reshape(normalized), beta=beta.reshape(normalized))
    return dict(x=x.reshape(shape)) | parameters


def rows(rng):
    return arrays(rng, (3, 5))


def as_many_rows_as_features(rng):
    return arrays(rng, (4, 4))  # N = D hides a lost axis


def tokens(rng):
    return arrays(rng, (2, 3, 5))


def images(rng):
    return arrays(rng, (2, 3, 2, 4), axes=3)


def a_large_eps(rng):
    inputs = rows(rng)
    x = inputs["x"] / inputs["x"].std(axis=1, keepdims=True)
    return inputs | dict(x=x * np.array([[1.0], [0.3], [0.1]]), eps=0.3)


def a_constant_sample(rng):
    inputs = rows(rng)
    inputs["x"][1] = 7.25
    return inputs


def far_from_zero(rng):
    inputs = rows(rng)
    x = inputs["x"] - inputs["x"].mean(axis=1, keepdims=True)
    inputs["x"] = 1e4 + x / x.std(axis=1, keepdims=True)
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def over_the_batch(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim))
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def over_everything(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


def all_but_the_first_axis(x, gamma, beta, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def last_axis_only(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def second_axis(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def positions_of_each_channel(x, gamma, beta, eps=1e-5):
    axes = tuple(range(2, x.ndim)) or (1,)
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def lost_axis(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def one_axis_too_few(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim - 1))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def uncentered(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    rms = np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    return gamma * x / rms + beta


def unbiased(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True, ddof=1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def sum_of_squares(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    centered = x - x.mean(axis=axes, keepdims=True)
    length = np.sqrt((centered**2).sum(axis=axes, keepdims=True) + eps)
    return gamma * centered / length + beta


def eps_outside(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    return gamma * (x - mean) / (std + eps) + beta


def eps_as_a_floor(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(np.maximum(var, eps)) + beta


def no_eps(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    return gamma * (x - mean) / std + beta


def fixed_eps(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + 1e-5) + beta


def by_variance(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * (x - mean) / (var + eps) + beta


def no_affine(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def swapped_affine(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return beta * (x - mean) / np.sqrt(var + eps) + gamma


def shifted_first(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma * ((x - mean) / np.sqrt(var + eps) + beta)


def one_gain(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return gamma.flat[0] * (x - mean) / np.sqrt(var + eps) + beta.flat[0]


def mean_of_squares(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    var = (x * x).mean(axis=axes, keepdims=True) - mean * mean
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def into_the_input(x, gamma, beta, eps=1e-5):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    x -= x.mean(axis=axes, keepdims=True)
    x /= np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    return gamma * x + beta


# Right answers in other styles.


def as_rows(x, gamma, beta, eps=1e-5):
    samples = x.reshape(-1, gamma.size)
    centered = samples - samples.sum(axis=1, keepdims=True) / gamma.size
    var = (centered**2).sum(axis=1, keepdims=True) / gamma.size
    return (centered / np.sqrt(var + eps)).reshape(x.shape) * gamma + beta


def with_loops(x, gamma, beta, eps=1e-5):
    lead = x.shape[: x.ndim - gamma.ndim]
    y = np.empty(x.shape)
    for place in np.ndindex(*lead):
        values = [float(value) for value in x[place].flat]
        mean = sum(values) / len(values)
        var = sum((value - mean) ** 2 for value in values) / len(values)
        for k in np.ndindex(*gamma.shape):
            x_hat = (x[place][k] - mean) / (var + eps) ** 0.5
            y[place][k] = gamma[k] * x_hat + beta[k]
    return y


def with_einsum(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, gamma.size)
    centered = rows - np.einsum("nd->n", rows)[:, None] / gamma.size
    var = np.einsum("nd,nd->n", centered, centered) / gamma.size
    y = np.einsum("nd,n,d->nd", centered, (var + eps) ** -0.5, gamma.ravel())
    return y.reshape(x.shape) + beta


def batch_norm_of_the_transpose(x, gamma, beta, eps=1e-5):
    columns = np.ascontiguousarray(x.reshape(-1, gamma.size).T)
    x_hat = (columns - columns.mean(axis=0)) / np.sqrt(columns.var(axis=0) + eps)
    return gamma * x_hat.T.reshape(x.shape) + beta


def in_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
    axes = tuple(range(-gamma.ndim, 0))
    var, mean = torch.var_mean(x, dim=axes, correction=0, keepdim=True)
    return gamma * (x - mean) * torch.rsqrt(var + eps) + beta


def in_float32(x, gamma, beta, eps=1e-5):
    axes = tuple(range(-gamma.ndim, 0))
    y = np.array(x, dtype=np.float32)
    y -= y.mean(axis=axes, keepdims=True)
    y /= np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + np.float32(eps))
    return y * gamma.astype(np.float32) + beta.astype(np.float32)


EXERCISE = Exercise(
    key="layer_norm.forward",
    points=4,
    statement="Standardize each sample over its features, then scale and shift it.",
    section="layer-norm-algorithm",
    reference=layer_norm,
    run=call("y"),
    cases=(
        Case("two rows, by hand", 0.125, by_hand),
        Case("three rows of five features", 0.125, rows),
        Case("as many rows as features", 0.125, as_many_rows_as_features),
        Case("sequences of tokens, each token by itself", 0.125, tokens),
        Case("images, over all three trailing axes", 0.125, images),
        Case("a large eps counts as it should", 0.125, a_large_eps),
        Case("a constant sample becomes beta", 0.0625, a_constant_sample),
        Case(
            "far from zero, in float32",
            0.125,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 0.0625, rows, intact=True),
    ),
    misconceptions=(
        Misconception(
            "statistics of each feature, over the batch",
            "That is batch norm. Layer norm looks at one sample and never at the "
            "others: which axes hold the numbers of one sample?",
            over_the_batch,
            section="layer-norm-idea",
        ),
        Misconception(
            "one mean and one variance for the whole array",
            "Each sample is standardized by itself, so there are as many means as "
            "samples.",
            over_everything,
            section="layer-norm-idea",
        ),
        Misconception(
            "one mean for all the tokens of a sequence",
            "The shape of gamma says what belongs together. With gamma of shape (D,) "
            "each token has a mean of its own, and none knows of the tokens after it.",
            all_but_the_first_axis,
        ),
        Misconception(
            "the last axis alone, whatever the shape of gamma",
            "gamma may have several axes. The numbers that share a mean are as many "
            "as gamma has.",
            last_axis_only,
        ),
        Misconception(
            "axis 1, whatever the shape of x",
            "For rows the features are on axis 1; for tokens they are not. Count the "
            "axes from the end, where gamma has its own.",
            second_axis,
        ),
        Misconception(
            "the axes behind axis 1, as for channels of an image",
            "That is instance norm, each channel by itself. Layer norm mixes "
            "features: the mean runs over all that gamma covers.",
            positions_of_each_channel,
        ),
        Misconception(
            "the mean of one row subtracted from a column",
            "A mean of shape (N,) is lined up with the last axis of x, which counts "
            "the features. With as many rows as features nothing complains.",
            lost_axis,
        ),
        Misconception(
            "the last of gamma's axes left out",
            "A range ends before its second number. With a gamma of one axis yours "
            "holds no axis at all, so that each number is its own mean.",
            one_axis_too_few,
        ),
        Misconception(
            "the mean left in",
            "Without subtracting the mean it is RMS norm. Layer norm takes out the "
            "offset of a sample as well as its scale.",
            uncentered,
        ),
        Misconception(
            "the unbiased variance, divided by D − 1",
            "The features of a sample are all there are: nothing larger is estimated "
            "from them, so divide by D.",
            unbiased,
        ),
        Misconception(
            "the sum of squares where their mean belongs",
            "You gave each sample length 1. Layer norm gives it variance 1, however "
            "many features there are.",
            sum_of_squares,
        ),
        Misconception(
            "eps added to the standard deviation",
            "eps belongs to the variance, before the root is taken.",
            eps_outside,
        ),
        Misconception(
            "eps as a lower bound of the variance",
            "eps is added to every variance, also to a large one.",
            eps_as_a_floor,
        ),
        Misconception(
            "no eps",
            "A sample of equal numbers has variance zero. What is divided by what "
            "then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-5 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of x's unit. What has the unit of x?",
            by_variance,
        ),
        Misconception(
            "gamma and beta left out",
            "After standardizing, each feature is scaled and shifted, so that the "
            "network can make some features louder than others.",
            no_affine,
        ),
        Misconception(
            "gamma and beta swapped",
            "gamma scales and beta shifts.",
            swapped_affine,
        ),
        Misconception(
            "beta scaled along with the input",
            "beta is added after the scaling.",
            shifted_first,
        ),
        Misconception(
            "one gain and one shift for all features",
            "The statistics are shared by the features of a sample; gamma and beta "
            "are not. Each feature has its own.",
            one_gain,
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
            section="layer-norm-numerical-care",
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x, not least for the backward pass.",
            into_the_input,
        ),
    ),
    equivalents=(
        as_rows,
        with_loops,
        with_einsum,
        batch_norm_of_the_transpose,
        in_torch,
        in_float32,
    ),
)
