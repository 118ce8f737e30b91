"""beyond.rms_norm: divide each row by its root mean square, then scale."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def rms_norm(x, gamma, eps=1e-6):
    return normlib.rms_norm(x, gamma, eps=eps)[0]


# Cases. Rows of very different size, none of mean 0, and gamma of both signs. The
# number of rows differs from that of features, except where a lost axis is to pass.


def by_hand(rng):
    x = np.array([[1.0, 7.0], [-3.0, 3.0], [0.0, 0.0]])
    return dict(x=x, gamma=np.array([1.0, 2.0]))


def rows(rng, shape=(4, 5)):
    *outer, D = shape
    row = np.linspace(-1, 1, D) + rng.uniform(-0.1, 0.1, shape)
    row = rng.permuted(row, axis=-1) + 1
    size = rng.permutation(np.geomspace(0.3, 30, int(np.prod(outer))))
    sign = np.where(np.arange(D) % 3 == 1, -1, 1)
    return dict(
        x=row * size.reshape(*outer, 1),
        gamma=sign * rng.permutation(np.linspace(0.5, 3, D)),
    )


def a_square(rng):
    return rows(rng, (5, 5))


def tokens(rng):
    return rows(rng, (2, 3, 7))


def one_row(rng):
    return rows(rng, (5,))


def small_numbers(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=2e-3 * inputs["x"] / sizes)


def a_large_eps(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=inputs["x"] / sizes, eps=0.3)


def in_half_precision(rng):
    inputs = rows(rng)
    sizes = np.abs(inputs["x"]).max(axis=-1, keepdims=True)
    return inputs | dict(x=(1000 * inputs["x"] / sizes).astype(np.float16))


# What people get wrong. Most of it overflows in half precision as well.


def divided_by_the_reciprocal(x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return gamma * x / inv_rms


def no_root(x, gamma, eps=1e-6):
    return gamma * x / ((x**2).mean(axis=-1, keepdims=True) + eps)


def square_of_the_mean(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt(x.mean(axis=-1, keepdims=True) ** 2 + eps)


def mean_subtracted(x, gamma, eps=1e-6):
    centered = x - x.mean(axis=-1, keepdims=True)
    return gamma * centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)


def by_the_standard_deviation(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt(x.var(axis=-1, keepdims=True) + eps)


def centered_then_rms(x, gamma, eps=1e-6):
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return gamma * (x - x.mean(axis=-1, keepdims=True)) / rms


def by_the_length(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)


def by_the_mean_size(x, gamma, eps=1e-6):
    return gamma * x / (np.abs(x).mean(axis=-1, keepdims=True) + eps)


def by_the_largest(x, gamma, eps=1e-6):
    return gamma * x / (np.abs(x).max(axis=-1, keepdims=True) + eps)


def over_the_rows(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=0) + eps)


def over_everything(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean() + eps)


def over_the_second_axis(x, gamma, eps=1e-6):
    axis = min(1, x.ndim - 1)
    return gamma * x / np.sqrt((x**2).mean(axis=axis, keepdims=True) + eps)


def lost_axis(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=-1) + eps)


def unbiased(x, gamma, eps=1e-6):
    D = x.shape[-1]
    return gamma * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) / (D - 1) + eps)


def eps_outside(x, gamma, eps=1e-6):
    return gamma * x / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + eps)


def no_eps(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=-1, keepdims=True))


def fixed_eps(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)


def default_of_torch(x, gamma, eps=1e-6):
    mean_square = (x.astype(float) ** 2).mean(axis=-1, keepdims=True)
    return gamma * x / np.sqrt(mean_square + np.finfo(float).eps)


def squares_in_half_precision(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


def eps_to_each(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2 + eps).sum(axis=-1, keepdims=True))


def eps_under_the_sum(x, gamma, eps=1e-6):
    D = x.shape[-1]
    return gamma * x / np.sqrt(((x**2).sum(axis=-1, keepdims=True) + eps) / D)


def no_gamma(x, gamma, eps=1e-6):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


def one_plus_gamma(x, gamma, eps=1e-6):
    return (1 + gamma) * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


def gamma_under_the_root(x, gamma, eps=1e-6):
    scaled = gamma * x
    return scaled / np.sqrt((scaled**2).mean(axis=-1, keepdims=True) + eps)


def into_the_input(x, gamma, eps=1e-6):
    x /= np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return gamma * x


# Right answers in other styles.


def step_by_step(x, gamma, eps=1e-6):
    squares = np.square(x, dtype=float)
    mean_square = squares.sum(axis=-1) / x.shape[-1]
    rms = np.sqrt(mean_square + eps)
    return x / rms[..., np.newaxis] * gamma


def with_loops(x, gamma, eps=1e-6):
    y = np.empty(x.shape)
    for index in np.ndindex(x.shape[:-1]):
        numbers = [float(value) for value in x[index]]
        mean_square = sum(value * value for value in numbers) / len(numbers)
        for d, value in enumerate(numbers):
            y[(*index, d)] = gamma[d] * value * (mean_square + eps) ** -0.5
    return y


def from_the_length(x, gamma, eps=1e-6):
    D = x.shape[-1]
    length = np.linalg.norm(x.astype(float), axis=-1, keepdims=True)
    return gamma * x * np.sqrt(D) / np.hypot(length, np.sqrt(D * eps))


def with_einsum(x, gamma, eps=1e-6):
    squares = np.einsum("...d,...d->...", x, x, dtype=float)
    inv_rms = (squares / len(gamma) + eps) ** -0.5
    return np.einsum("...d,...,d->...d", x, inv_rms, gamma)


def in_torch(x, gamma, eps=1e-6):
    import torch

    x, gamma = torch.tensor(x).double(), torch.tensor(gamma)
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gamma


def in_float32(x, gamma, eps=1e-6):
    x, gamma = x.astype(np.float32), gamma.astype(np.float32)
    return gamma * (x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps))


EXERCISE = Exercise(
    key="beyond.rms_norm",
    points=2,
    statement="Divide each row by its root mean square, then scale each feature.",
    section="beyond-rms-norm",
    reference=rms_norm,
    run=call("y"),
    cases=(
        Case("three rows of two, by hand", 2 / 16, by_hand),
        Case("four rows of five", 3 / 16, rows),
        Case("as many rows as features", 2 / 16, a_square),
        Case("tokens of two sequences, (2, 3, 7)", 2 / 16, tokens),
        Case("one row, (D,)", 1 / 16, one_row),
        Case("numbers so small that eps counts", 2 / 16, small_numbers),
        Case("a large eps counts as it should", 2 / 16, a_large_eps),
        Case(
            "in float16, whose largest number is 65,504",
            1 / 16,
            in_half_precision,
            tolerance=0.01,  # the rounding of a result in float16
        ),
        Case("x is left as it was", 1 / 16, rows, intact=True),
    ),
    misconceptions=(
        Misconception(
            "divided by one over the root",
            "One over the root is for multiplying. Dividing by it makes large rows "
            "larger.",
            divided_by_the_reciprocal,
        ),
        Misconception(
            "no root taken",
            "The mean of the squares has the square of x's unit. What has the unit of "
            "x?",
            no_root,
        ),
        Misconception(
            "the square of the mean for the mean of the squares",
            "For [3, −3] the mean is 0, and so is its square. The squares are 9 and 9. "
            "Which comes first?",
            square_of_the_mean,
        ),
        Misconception(
            "the mean subtracted first",
            "That is layer norm without its shift. RMS norm leaves the mean where it "
            "is, and measures the distance from zero.",
            mean_subtracted,
        ),
        Misconception(
            "divided by the standard deviation",
            "The standard deviation is measured from the mean. Here nothing is "
            "subtracted, in the denominator either.",
            by_the_standard_deviation,
        ),
        Misconception(
            "the mean subtracted above, and not below",
            "RMS norm subtracts no mean anywhere.",
            centered_then_rms,
        ),
        Misconception(
            "divided by the length of the row",
            "The length grows with the number of features. The root of the mean "
            "square does not.",
            by_the_length,
        ),
        Misconception(
            "divided by the mean absolute value",
            "Squares count large numbers more than absolute values do. In which order "
            "are square, mean and root taken?",
            by_the_mean_size,
        ),
        Misconception(
            "divided by the largest absolute value",
            "That is the maximum norm: it looks at one number of the row. The root "
            "mean square looks at all.",
            by_the_largest,
        ),
        Misconception(
            "a mean over the rows",
            "Each row is divided by its own size, and does not depend on the others.",
            over_the_rows,
        ),
        Misconception(
            "one mean for the whole array",
            "Each row is divided by its own size, and does not depend on the others.",
            over_everything,
        ),
        Misconception(
            "a mean over the second axis instead of the last",
            "For two axes they are the same. With more, the features are still the "
            "last.",
            over_the_second_axis,
        ),
        Misconception(
            "one number per row, lined up with the columns",
            "NumPy lines up shapes from the last axis. The root mean square of a row "
            "has to keep an axis of length 1 there.",
            lost_axis,
        ),
        Misconception(
            "divided by D − 1 under the root",
            "A mean of D squares divides by D. No degree of freedom was used up: no "
            "mean was taken before.",
            unbiased,
        ),
        Misconception(
            "eps added to the root",
            "eps belongs to the mean square, before the root is taken. For numbers "
            "near 0.001 that is the difference between 0.7 and 1.",
            eps_outside,
        ),
        Misconception(
            "no eps",
            "A row of zeros has size zero. What is divided by what then?",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-6 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "the default eps of torch instead of the argument",
            "torch takes the spacing of floats at 1, 1.2e-7 in float32 and 2.2e-16 in "
            "float64. Published models name an eps of their own, and so does the "
            "caller here.",
            default_of_torch,
        ),
        Misconception(
            "squares in half precision",
            "The square of 256 is infinite in float16, and a row divided by infinity "
            "is 0. The size is measured in a wider type.",
            squares_in_half_precision,
        ),
        Misconception(
            "the sum instead of the mean, with eps in each term",
            "The root of the mean square does not grow with the number of features, "
            "and eps is added to it once.",
            eps_to_each,
        ),
        Misconception(
            "eps added before dividing by D",
            "eps is added to the mean of the squares, and not to their sum, where it "
            "counts for D times less.",
            eps_under_the_sum,
        ),
        Misconception(
            "gamma left out",
            "After the division each feature is scaled by a learned number.",
            no_gamma,
        ),
        Misconception(
            "multiplied by 1 + gamma",
            "Some models store the deviation of the scale from 1. Here gamma is the "
            "scale itself, as in torch.",
            one_plus_gamma,
        ),
        Misconception(
            "gamma under the root as well",
            "What is measured is the size of x. gamma comes afterwards: measured along "
            "with x, it would nearly cancel.",
            gamma_under_the_root,
        ),
        Misconception(
            "the result written into x",
            "In a network x is needed again: it is also what is carried past the "
            "norm and added later.",
            into_the_input,
        ),
    ),
    equivalents=(
        step_by_step,
        with_loops,
        from_the_length,
        with_einsum,
        in_torch,
        in_float32,
    ),
)
