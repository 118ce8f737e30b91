"""feature_scaling.z_score: zero mean and unit variance for each column."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def z_score_scale(x):
    return normlib.z_score_scale(x)


# Cases. Few rows, so that N and N - 1 differ; and columns that are constant, nearly
# constant, or only look so beside a fixed number.


def by_hand(rng):
    x = [[3.0, 10.0], [3.0, 40.0], [3.0, 20.0], [3.0, 30.0], [8.0, 25.0]]
    return dict(x=np.array(x))


def a_table(rng):
    offset = np.array([3.0, -40.0, 500.0])
    return dict(x=offset + np.array([0.5, 8.0, 90.0]) * rng.normal(size=(6, 3)))


def a_constant_column(rng):
    inputs = a_table(rng)
    inputs["x"][:, 1] = 7.25
    return inputs


def constant_up_to_rounding(rng):
    inputs = a_table(rng)
    value = rng.uniform(3.8, 3.9)  # where one step is smallest beside the value
    inputs["x"][:, 0] = rng.permutation([value] * 5 + [np.nextafter(value, np.inf)])
    inputs["x"][:, 1] = -0.1  # the mean of six of them is not -0.1
    return inputs


def tiny_numbers(rng):
    inputs = a_table(rng)
    inputs["x"][:, 0] = 1e-17 * rng.permutation([2.0, 3.0, 5.0, 6.0, 8.0, 9.0])
    return inputs


def a_small_spread(rng):
    inputs = a_table(rng)
    steps = rng.permutation([0.0, 0.01, 0.03, 0.06, 0.07, 0.08])
    inputs["x"][:, 2] = rng.uniform(1e4, 1.2e4) + steps
    return inputs


def far_from_zero(rng):
    return dict(x=(1e4 + rng.normal(size=(6, 3))).astype(np.float32))


# What people get wrong.


def over_columns(x):
    mean, std = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    return (x - mean) / std


def over_everything(x):
    return (x - x.mean()) / x.std()


def unbiased(x):
    mean, std = x.mean(axis=0), x.std(axis=0, ddof=1)
    return (x - mean) / np.where(std <= 1e-14 * abs(mean), 1, std)


def by_variance(x):
    mean, var = x.mean(axis=0), x.var(axis=0)
    return (x - mean) / np.where(np.sqrt(var) <= 1e-14 * abs(mean), 1, var)


def by_range(x):
    mean, span = x.mean(axis=0), np.ptp(x, axis=0)
    return (x - mean) / np.where(span <= 1e-14 * abs(mean), 1, span)


def not_centered(x):
    mean, std = x.mean(axis=0), x.std(axis=0)
    constant = std <= 1e-14 * abs(mean)
    return np.where(constant, 0, x / np.where(constant, 1, std))


def exactly_zero_only(x):
    std = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(std == 0, 1, std)


def zero_over_zero(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def constant_left_alone(x):
    mean, std = x.mean(axis=0), x.std(axis=0)
    constant = std <= 1e-14 * abs(mean)
    return np.where(constant, x, (x - mean) / np.where(constant, 1, std))


def fixed_threshold(x):
    std = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(std < 1e-8, 1, std)


def close_enough(x):
    std = x.std(axis=0)
    constant = np.isclose(x.min(axis=0), x.max(axis=0))
    return (x - x.mean(axis=0)) / np.where(constant, 1, std)


def mean_of_squares(x):
    mean = x.mean(axis=0)
    var = np.maximum((x * x).mean(axis=0) - mean * mean, 0)
    std = np.sqrt(var)
    return (x - mean) / np.where(std <= 1e-14 * abs(mean), 1, std)


def into_the_input(x):
    mean, std = x.mean(axis=0), x.std(axis=0)
    x -= mean
    x /= np.where(std <= 1e-14 * abs(mean), 1, std)
    return x


# Right answers in other styles.


def by_spacing(x):
    centered = x - x.sum(axis=0, keepdims=True) / len(x)
    largest = np.abs(x).max(axis=0)
    constant = np.ptp(x, axis=0) <= 4 * np.spacing(largest)
    std = np.sqrt((centered**2).sum(axis=0) / len(x))
    return np.divide(centered, std, out=np.zeros_like(x), where=~constant)


def with_loops(x):
    columns = []
    for column in x.T.tolist():
        n = len(column)
        mean = sum(column) / n
        std = (sum((value - mean) ** 2 for value in column) / n) ** 0.5
        if std <= 1e-15 * n * abs(mean):
            columns.append([0.0] * n)
        else:
            columns.append([(value - mean) / std for value in column])
    return [list(row) for row in zip(*columns, strict=True)]


def with_einsum(x):
    n = len(x)
    mean = np.einsum("nd->d", x) / n
    centered = x - mean
    var = np.einsum("nd,nd->d", centered, centered) / n
    constant = var <= (n * np.finfo(x.dtype).eps * mean) ** 2
    return np.einsum("nd,d->nd", centered, np.where(constant, 1, var) ** -0.5)


def in_torch(x):
    import torch

    x = torch.from_numpy(x)
    std, mean = torch.std_mean(x, dim=0, correction=0)
    constant = std <= 10 * torch.finfo(x.dtype).eps * mean.abs()
    return ((x - mean) / std).masked_fill(constant, 0.0)


def in_float32(x):
    x = np.array(x, dtype=np.float32)
    mean = x.mean(axis=0)
    x -= mean
    std = np.sqrt(np.square(x).mean(axis=0))
    std[std <= 4 * np.finfo(np.float32).eps * abs(mean)] = 1
    x /= std
    return x


EXERCISE = Exercise(
    key="feature_scaling.z_score",
    points=3,
    statement="Give each column zero mean and unit variance.",
    section="z-score",
    reference=z_score_scale,
    run=call("z"),
    cases=(
        Case("five rows, by hand", 2 / 12, by_hand),
        Case("columns of different offset and spread", 3 / 12, a_table),
        Case("a constant column becomes 0", 2 / 12, a_constant_column),
        Case("so does one constant up to rounding", 1 / 12, constant_up_to_rounding),
        Case("tiny numbers are scaled like any others", 1 / 12, tiny_numbers),
        Case(
            "so is a small spread far from zero",
            1 / 12,
            a_small_spread,
            tolerance=0.05,  # float32 keeps two digits of this spread
        ),
        Case(
            "far from zero, in float32",
            1 / 12,
            far_from_zero,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("x is left as it was", 1 / 12, a_table, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the mean and standard deviation of each row",
            "A row holds one sample: its numbers have different units, and their mean "
            "means nothing. A feature is compared with itself in the other samples.",
            over_columns,
        ),
        Misconception(
            "one mean and one standard deviation for the whole table",
            "Features have different units, so each needs statistics of its own: the "
            "mean has one entry per column.",
            over_everything,
        ),
        Misconception(
            "the unbiased standard deviation, divided by N − 1",
            "Here N divides, as in scikit-learn. N − 1 estimates the variance of a "
            "population, and is the default of pandas and torch.",
            unbiased,
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of the column's unit. What has its unit?",
            by_variance,
        ),
        Misconception(
            "divided by the range",
            "That is the measure of min-max scaling, and two extreme rows decide it. "
            "Unit variance needs the standard deviation.",
            by_range,
        ),
        Misconception(
            "the mean left where it was",
            "The spread is right, but the columns keep their offsets. A z-score counts "
            "standard deviations from the mean.",
            not_centered,
        ),
        Misconception(
            "constant only when the standard deviation is exactly zero",
            "A mean is rounded, and so equal numbers can have a standard deviation of "
            "1e-17. Divided by it, rounding errors become values near 1. "
            "Compare it with the size of the numbers.",
            exactly_zero_only,
            section="constant-columns",
        ),
        Misconception(
            "zero divided by zero in a constant column",
            "Where all values are equal, the standard deviation is zero. Find such "
            "columns before you divide.",
            zero_over_zero,
            section="constant-columns",
        ),
        Misconception(
            "a constant column left as it was",
            "It cannot be divided, but it can still be centered: every value equals "
            "the mean.",
            constant_left_alone,
            section="constant-columns",
        ),
        Misconception(
            "a fixed small number that decides which spread counts",
            "Added to the standard deviation, or used as its threshold, it wipes out "
            "columns of much smaller numbers. "
            "Small is a spread only beside the numbers it belongs to.",
            fixed_threshold,
            section="constant-columns",
        ),
        Misconception(
            "a tolerance far wider than rounding",
            "`np.isclose` and its kin call numbers equal that agree to five digits. "
            "Rounding touches the sixteenth.",
            close_enough,
            section="constant-columns",
        ),
        Misconception(
            "the variance as the mean of squares minus the squared mean",
            "Equal on paper. In float32 at an offset of 10,000 the two terms agree in "
            "all the digits there are, and their difference is noise. "
            "Subtract the mean first.",
            mean_of_squares,
        ),
        Misconception(
            "the result written into x",
            "The caller still needs x in its own units: the function works on a copy.",
            into_the_input,
        ),
    ),
    equivalents=(by_spacing, with_loops, with_einsum, in_torch, in_float32),
)
