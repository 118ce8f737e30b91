"""weight_norm.forward: a direction from v, a length from g."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def weight_norm(v, g):
    return normlib.weight_norm(v, g)[0]


# Cases. The rows of v differ much in length, and g has lengths of its own, of both
# signs: with g at the norms of v, w would be v whatever they are taken over.


def by_hand(rng):
    v = np.array([[3.0, 4.0], [0.0, 2.0], [-6.0, 8.0]])
    return dict(v=v, g=np.array([10.0, 1.0, -5.0]))


def a_weight(rng, *shape):
    length = rng.permutation(np.geomspace(1, 30, shape[0]))
    v = rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    sign = rng.permutation((-1.0) ** np.arange(shape[0]))
    return dict(v=(length * v.T).T, g=sign * rng.uniform(0.5, 3, shape[0]))


def a_linear_layer(rng):
    return a_weight(rng, 4, 3)


def a_square_matrix(rng):
    return a_weight(rng, 3, 3)  # as many rows as columns hide a lost axis


def images(rng):
    return a_weight(rng, 4, 3, 2, 5)


def sequences(rng):
    return a_weight(rng, 3, 3, 4)  # out = in hides g on the wrong axis


def tiny(rng):
    inputs = a_weight(rng, 4, 3)
    return inputs | dict(v=1e-6 * inputs["v"])


# What people get wrong.


def one_length_for_all(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum())


def over_outputs(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=0, keepdims=True))


def over_inputs_only(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=1, keepdims=True))


def over_the_last_axis(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=-1, keepdims=True))


def over_each_kernel(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(2, v.ndim)) or 1
    return g * v / np.sqrt((v**2).sum(axis=over, keepdims=True))


def matrices_only(v, g):
    norm = np.sqrt((v.reshape(len(v), -1) ** 2).sum(axis=1))
    return (g / norm)[:, None] * v


def g_along_the_last_axis(v, g):
    over = tuple(range(1, v.ndim))
    return g * v / np.sqrt((v**2).sum(axis=over, keepdims=True))


def norm_along_the_last_axis(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim))))


def both_along_the_last_axis(v, g):
    return g / np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim)))) * v


def squared_norm(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / (v**2).sum(axis=tuple(range(1, v.ndim)), keepdims=True)


def sum_of_absolute_values(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.abs(v).sum(axis=tuple(range(1, v.ndim)), keepdims=True)


def largest_value(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.abs(v).max(axis=tuple(range(1, v.ndim)), keepdims=True)


def root_of_the_mean(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(1, v.ndim))
    return g * v / np.sqrt((v**2).mean(axis=over, keepdims=True))


def standardized(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(1, v.ndim))
    centered = v - v.mean(axis=over, keepdims=True)
    return g * centered / v.std(axis=over, keepdims=True)


def centered_first(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(1, v.ndim))
    centered = v - v.mean(axis=over, keepdims=True)
    return g * centered / np.sqrt((centered**2).sum(axis=over, keepdims=True))


def largest_singular_value(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.linalg.norm(v.reshape(len(v), -1), 2)


def not_divided(v, g):
    return g.reshape(-1, *[1] * (v.ndim - 1)) * v


def no_g(v, g):
    return v / np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim)), keepdims=True))


def positive_g(v, g):
    g = np.abs(g).reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim)), keepdims=True))


def exponential_of_g(v, g):
    g = np.exp(g).reshape(-1, *[1] * (v.ndim - 1))
    return g * v / np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim)), keepdims=True))


def eps_beside_the_norm(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(1, v.ndim))
    return g * v / (np.sqrt((v**2).sum(axis=over, keepdims=True)) + 1e-5)


def eps_under_the_root(v, g):
    g = g.reshape(-1, *[1] * (v.ndim - 1))
    over = tuple(range(1, v.ndim))
    return g * v / np.sqrt((v**2).sum(axis=over, keepdims=True) + 1e-5)


def into_v(v, g):
    v /= np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim)), keepdims=True))
    return g.reshape(-1, *[1] * (v.ndim - 1)) * v


# Right answers in other styles.


def row_by_row(v, g):
    w = np.empty(v.shape)
    for i in range(len(v)):
        w[i] = g[i] * v[i] / sum(float(value) ** 2 for value in v[i].flat) ** 0.5
    return w


def flattened(v, g):
    rows = v.reshape(v.shape[0], -1)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return (g[:, None] * rows / norm).reshape(v.shape)


def with_einsum(v, g):
    rows = v.reshape(len(v), -1)
    scale = g / np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.einsum("i,i...->i...", scale, v)


def transposed(v, g):
    return (v.T * (g / np.sqrt(np.square(v.T).sum(axis=tuple(range(v.ndim - 1)))))).T


def in_torch(v, g):
    import torch

    v, g = torch.from_numpy(v), torch.from_numpy(g)
    direction = torch.nn.functional.normalize(v.flatten(1), dim=1).view_as(v)
    return g.view(-1, *[1] * (v.ndim - 1)) * direction


def in_float32(v, g):
    v, g = v.astype(np.float32), g.astype(np.float32)
    over = tuple(range(1, v.ndim))
    return np.expand_dims(g, over) * (v / np.sqrt((v * v).sum(over, keepdims=True)))


EXERCISE = Exercise(
    key="weight_norm.forward",
    points=3,
    statement="Write each row of a weight as a length g times the direction of v.",
    section="weight-norm-algorithm",
    reference=weight_norm,
    run=call("w"),
    cases=(
        Case("three rows, by hand", 0.2, by_hand),
        Case("a linear layer", 0.2, a_linear_layer),
        Case("as many inputs as outputs", 0.1, a_square_matrix),
        Case("a convolution of images", 0.2, images),
        Case("a convolution of sequences, in = out", 0.1, sequences),
        Case("the length of v does not count, however small", 0.1, tiny),
        Case("v is left as it was", 0.1, a_linear_layer, intact=True),
    ),
    misconceptions=(
        Misconception(
            "one norm for the whole weight",
            "Each output has a direction and a length of its own, so there are as "
            "many norms as rows. Over what did you sum?",
            one_length_for_all,
        ),
        Misconception(
            "the norm of each column",
            "Axis 0 counts the outputs. What belongs to one output is everything at "
            "one index of that axis.",
            over_outputs,
        ),
        Misconception(
            "the norm over the input channels alone",
            "One output of a convolution sums over the input channels and over all "
            "positions of its kernel. All of these weights make up one vector.",
            over_inputs_only,
        ),
        Misconception(
            "the norm over the last axis alone",
            "In a matrix the last axis is all there is besides the outputs. In the "
            "kernel of a convolution there are more axes.",
            over_the_last_axis,
        ),
        Misconception(
            "a norm for every pair of output and input channel",
            "There is one g for an output, so one norm: over its input channels as "
            "well as over the positions.",
            over_each_kernel,
        ),
        Misconception(
            "a column of factors, which fits a matrix only",
            "NumPy lines axes up from the right. A kernel has more axes than a "
            "matrix, so where does a column end up?",
            matrices_only,
        ),
        Misconception(
            "g along the last axis",
            "g has an entry for each output, and the outputs are on axis 0. NumPy "
            "lines axes up from the right, unless you give g more axes.",
            g_along_the_last_axis,
        ),
        Misconception(
            "the norms along the last axis",
            "There is a norm for each output, and the outputs are on axis 0. NumPy "
            "lines axes up from the right, unless the norms keep their axes.",
            norm_along_the_last_axis,
        ),
        Misconception(
            "g and the norms along the last axis",
            "There is one factor for each output, and the outputs are on axis 0. "
            "NumPy lines axes up from the right, unless the factors get more axes.",
            both_along_the_last_axis,
        ),
        Misconception(
            "divided by the square of the norm",
            "Twice as long a v must give the same w. With the sum of squares as the "
            "divisor it gives half of it.",
            squared_norm,
        ),
        Misconception(
            "the sum of absolute values for the norm",
            "Length here is Euclidean: for the row 3, 4 it is 5 and not 7.",
            sum_of_absolute_values,
        ),
        Misconception(
            "the largest absolute value for the norm",
            "Length here is Euclidean: for the row 3, 4 it is 5 and not 4.",
            largest_value,
        ),
        Misconception(
            "the mean of squares under the root",
            "g is to be the length of w. The length is the root of a sum; with the "
            "mean, w grows with the number of inputs.",
            root_of_the_mean,
        ),
        Misconception(
            "each row standardized",
            "That is weight standardization, another method. Here nothing is "
            "subtracted, and g is the length of the result.",
            standardized,
        ),
        Misconception(
            "the mean of each row subtracted first",
            "w is to point where v points. Subtracting something turns it.",
            centered_first,
        ),
        Misconception(
            "divided by the largest singular value",
            "That is spectral norm: one number for the whole matrix. Weight norm "
            "takes the length of every row.",
            largest_singular_value,
        ),
        Misconception(
            "not divided by the norm",
            "g is to be the length of w, whatever the length of v is.",
            not_divided,
        ),
        Misconception(
            "g left out",
            "All rows have length 1 now. The length is learned too: that is g.",
            no_g,
        ),
        Misconception(
            "g without its sign",
            "g is a parameter like others and may become negative; then w points "
            "against v.",
            positive_g,
        ),
        Misconception(
            "the exponential of g",
            "The paper considers learning the logarithm of the length, and drops "
            "it. Here g is the length itself.",
            exponential_of_g,
        ),
        Misconception(
            "an eps beside the norm",
            "A short v points somewhere as much as a long one does. With an eps in "
            "the divisor its length counts again.",
            eps_beside_the_norm,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "an eps under the root",
            "A short v points somewhere as much as a long one does. With an eps in "
            "the divisor its length counts again.",
            eps_under_the_root,
            section="weight-norm-numerical-care",
        ),
        Misconception(
            "the result written into v",
            "v is a parameter, which the optimizer has to find as it left it.",
            into_v,
        ),
    ),
    equivalents=(
        row_by_row,
        flattened,
        with_einsum,
        transposed,
        in_torch,
        in_float32,
    ),
)
