"""feature_scaling.scaler: learn from the training rows, apply to any others."""

from functools import partial

import numpy as np

import normlib
from normlib.check.cases import FAR, far_away, in_float32, steps
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.feature_scaling.cases import a_table
from normlib.check.exercises.feature_scaling.protocols import scalers_side_by_side
from normlib.check.running.protocols import fit_then


class StandardScaler:
    """Z-scores of any rows, with the statistics of the rows given to ``fit``."""

    def fit(self, x):
        """Learn from x of shape (n_samples, n_features), and from nothing else."""
        self.mean_, std = x.mean(axis=0), x.std(axis=0)
        self.scale_ = np.where(std == 0, 1, std)
        return self

    def transform(self, x):
        """The z-scores of the rows of x."""
        return (x - self.mean_) / self.scale_

    def inverse_transform(self, z):
        """The rows whose z-scores are z."""
        return z * self.scale_ + self.mean_


# Cases. New rows lie elsewhere than the training rows, so that their own statistics
# never do; their z-scores are drawn, so that it is known which lie far out.


def by_hand(rng):
    train = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(train=train, new=np.array([[4.0, 10.0], [2.0, 40.0]]))


def by_hand_and_back(rng):
    inputs = by_hand(rng)
    return inputs | dict(z=np.array([[0.5, 2.0], [-1.0, 0.0]]))


def rows_at(z, train):
    return train.mean(axis=0) + z * train.std(axis=0)


def other_rows(rng, dtype=np.float64):
    train = a_table(rng)["x"]
    new = rows_at(rng.uniform(0.5, 2.5, (4, 3)), train)
    return dict(train=train.astype(dtype), new=new.astype(dtype))


def one_whole_number(rng):
    train = rng.permutation([[3], [4], [6], [11], [60]])
    return dict(train=train, new=rng.integers(20, 50, (1, 1)))


def far_out(rng):
    train = a_table(rng)["x"] - 1000  # all of them negative
    z = np.array([[-7.0, 0.5, 1.0], [0.2, 9.0, -1.5]]) * rng.uniform(0.8, 1, (2, 3))
    return dict(train=train, new=rows_at(z, train))


def far_from_zero(rng):
    std = np.array([0.5, 1, 2])  # where all are 1, the variance does as well
    train = FAR + np.array([0, 20, 50]) + std * steps(rng, (3,), 6).T
    new = rows_at(rng.uniform(0.5, 2.5, (4, 3)), train)
    return in_float32(dict(train=train, new=new))


def twice(rng):
    inputs = other_rows(rng)
    return inputs | dict(again=inputs["new"][:2])


def and_back(rng, dtype=np.float64):
    z = rng.uniform(-2, 2, (3, 3))
    return other_rows(rng, dtype) | dict(z=z.astype(dtype))


def constant_columns(rng):
    inputs = other_rows(rng)
    inputs["train"][:, 1:] = 7.25, 0.0
    inputs["new"][:, 1:] = inputs["train"][0, 1:] + rng.uniform(1, 2, (4, 2))
    return inputs


def constant_columns_and_back(rng):
    return dict(train=constant_columns(rng)["train"], z=rng.uniform(1, 2, (3, 3)))


def two_fits(rng):
    inputs = other_rows(rng)
    return dict(first=10 - 3 * a_table(rng)["x"], **inputs)


# Right answers in other styles.


class InTorch:
    def fit(self, x):
        import torch

        x = torch.from_numpy(x.astype(np.float64))
        self.std, self.mean = torch.std_mean(x, dim=0, correction=0)
        self.std = torch.where(self.std > 0, self.std, 1.0)

    def transform(self, x):
        import torch

        return (torch.from_numpy(x.copy()) - self.mean) / self.std

    def inverse_transform(self, z):
        import torch

        return torch.addcmul(self.mean, torch.from_numpy(z.copy()), self.std)


class WithLoops:
    def fit(self, x):
        self.columns = []
        for column in x.T.tolist():
            mean = sum(column) / len(column)
            var = sum((value - mean) ** 2 for value in column) / len(column)
            self.columns.append((mean, var**0.5 or 1.0))

    def transform(self, x):
        rows = [zip(row, self.columns, strict=True) for row in x.tolist()]
        return [[(value - mean) / std for value, (mean, std) in row] for row in rows]

    def inverse_transform(self, z):
        rows = [zip(row, self.columns, strict=True) for row in z.tolist()]
        return [[value * std + mean for value, (mean, std) in row] for row in rows]


class InFloat32:
    def __init__(self, dtype=np.float32):
        self.dtype = dtype

    def fit(self, x):
        x = np.asarray(x, dtype=self.dtype)
        self.mean_ = x.mean(axis=0, keepdims=True)
        self.scale_ = np.sqrt(np.square(x - self.mean_).mean(axis=0, keepdims=True))
        self.scale_[self.scale_ == 0] = 1
        return self

    def transform(self, x):
        z = np.array(x, dtype=self.dtype)
        z -= self.mean_
        z /= self.scale_
        return z

    def inverse_transform(self, z):
        return self.mean_ + self.scale_ * np.asarray(z, dtype=self.dtype)


EXERCISE = Exercise(
    key="feature_scaling.scaler",
    points=4,
    statement="Learn each column's mean and standard deviation from the training rows, "
    "and apply them to any rows, there and back.",
    section="training-and-new-data",
    reference=normlib.StandardScaler,
    answer=StandardScaler,
    run=fit_then("transform"),
    cases=(
        Case("two training rows and two new ones, by hand", 2 / 16, by_hand),
        Case(
            "the same, and back",
            1 / 16,
            by_hand_and_back,
            run=fit_then("transform", "inverse_transform"),
        ),
        Case("new rows are scaled as the training rows were", 2 / 16, other_rows),
        Case("a single new row, of one whole number", 1 / 16, one_whole_number),
        Case("new rows may lie far out", 1 / 16, far_out),
        far_away(1 / 16, far_from_zero),
        Case(
            "a second transform still knows the training rows alone",
            1 / 16,
            twice,
            run=fit_then("transform", "transform"),
        ),
        Case(
            "z-scores return to the training rows' units",
            2 / 16,
            and_back,
            run=fit_then("transform", "inverse_transform"),
        ),
        Case("columns constant in training, not later", 1 / 16, constant_columns),
        Case(
            "those columns and back",
            1 / 16,
            constant_columns_and_back,
            run=fit_then("inverse_transform"),
        ),
        Case(
            "a second fit forgets the first",
            1 / 16,
            two_fits,
            run=fit_then("fit", "transform"),
        ),
        Case(
            "four scalers at once, on float32 rows in different memory layouts",
            1 / 16,
            partial(and_back, dtype=np.float32),
            run=scalers_side_by_side,
        ),
        Case(
            "no rows are written into",
            1 / 16,
            and_back,
            run=fit_then("transform", "inverse_transform"),
            intact=True,
        ),
    ),
    sections={
        "leakage": ("over-all-rows",),
        "z-score": ("unbiased", "by-variance", "over-everything", "mean-of-squares"),
        "constant-columns": (
            "zero-over-zero",
            "constant-not-centered",
            "constant-for-ever",
        ),
    },
    equivalents=(InTorch, WithLoops, InFloat32),
)
