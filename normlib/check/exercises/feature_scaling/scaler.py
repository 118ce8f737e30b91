"""feature_scaling.scaler: learn from the training rows, apply to any others."""

import numpy as np

from normlib import StandardScaler
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import fit_then

# Cases. New rows lie elsewhere than the training rows, so that their own statistics
# never do; their z-scores are drawn, so that it is known which lie far out.


def by_hand(rng):
    train = np.array([[1.0, 10.0], [3.0, 30.0]])
    return dict(train=train, new=np.array([[4.0, 10.0], [2.0, 40.0]]))


def by_hand_and_back(rng):
    inputs = by_hand(rng)
    return inputs | dict(z=np.array([[0.5, 2.0], [-1.0, 0.0]]))


def training_rows(rng):
    offset = np.array([3.0, -40.0, 500.0])
    return offset + np.array([0.5, 8.0, 90.0]) * rng.normal(size=(6, 3))


def rows_at(z, train):
    return train.mean(axis=0) + z * train.std(axis=0)


def other_rows(rng):
    train = training_rows(rng)
    return dict(train=train, new=rows_at(rng.uniform(0.5, 2.5, (4, 3)), train))


def one_row(rng):
    inputs = other_rows(rng)
    return inputs | dict(new=inputs["new"][:1])


def far_out(rng):
    train = training_rows(rng)
    z = np.array([[-7.0, 0.5, 1.0], [0.2, 9.0, -1.5]]) * rng.uniform(0.8, 1, (2, 3))
    return dict(train=train, new=rows_at(z, train))


def twice(rng):
    inputs = other_rows(rng)
    return inputs | dict(again=inputs["new"][:2])


def and_back(rng):
    return other_rows(rng) | dict(z=rng.uniform(-2, 2, (3, 3)))


def a_constant_column(rng):
    inputs = other_rows(rng)
    inputs["train"][:, 1] = 7.25
    inputs["new"][:, 1] = 7.25 + rng.uniform(1, 2, 4)
    return inputs


def a_constant_column_and_back(rng):
    return dict(train=a_constant_column(rng)["train"], z=rng.uniform(1, 2, (3, 3)))


def two_fits(rng):
    inputs = other_rows(rng)
    return dict(first=10 - 3 * training_rows(rng), **inputs)


# What people get wrong.


class RefitsInTransform:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        self.fit(x)
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class OverAllRows:
    def fit(self, x):
        self.rows = x
        self.learn()

    def learn(self):
        self.mean, self.std = self.rows.mean(axis=0), self.rows.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        self.rows = np.concatenate([self.rows, x])
        self.learn()
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class Clipped:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        return np.clip((x - self.mean) / self.std, -3, 3)

    def inverse_transform(self, z):
        return z * self.std + self.mean


class Unbiased:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0, ddof=1)
        self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class ByVariance:
    def fit(self, x):
        self.mean, self.var = x.mean(axis=0), x.var(axis=0)
        self.var[self.var == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.var

    def inverse_transform(self, z):
        return z * self.var + self.mean


class OverEverything:
    def fit(self, x):
        self.mean, self.std = x.mean(), x.std()

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class ZeroOverZero:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class ConstantNotCentered:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.mean[self.std == 0] = 0
        self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class ConstantForEver:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)

    def transform(self, x):
        varies = self.std > 0
        return np.where(varies, (x - self.mean) / np.where(varies, self.std, 1), 0)

    def inverse_transform(self, z):
        return z * self.std + self.mean


class InverseOutOfOrder:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return (z + self.mean) * self.std


class InverseOfItself:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * z.std(axis=0) + z.mean(axis=0)


class InverseOfTheLast:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1
        self.back = self.mean, self.std

    def transform(self, x):
        self.back = x.mean(axis=0), x.std(axis=0)
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        mean, std = self.back
        return z * std + mean


class FirstFitOnly:
    def fit(self, x):
        if not hasattr(self, "mean"):
            self.mean, self.std = x.mean(axis=0), x.std(axis=0)
            self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class FitsAddUp:
    def __init__(self):
        self.rows = []

    def fit(self, x):
        self.rows.extend(x)
        self.mean, self.std = np.mean(self.rows, axis=0), np.std(self.rows, axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return z * self.std + self.mean


class IntoTheInput:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        self.std[self.std == 0] = 1

    def transform(self, x):
        x -= self.mean
        x /= self.std
        return x

    def inverse_transform(self, z):
        z *= self.std
        z += self.mean
        return z


# Right answers in other styles.


class InTorch:
    def fit(self, x):
        import torch

        self.std, self.mean = torch.std_mean(torch.from_numpy(x), dim=0, correction=0)
        self.std = torch.where(self.std > 0, self.std, 1.0)

    def transform(self, x):
        import torch

        return (torch.from_numpy(x) - self.mean) / self.std

    def inverse_transform(self, z):
        import torch

        return torch.addcmul(self.mean, torch.from_numpy(z), self.std)


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


class RowByRow:
    def fit(self, x):
        self.n, self.mean, squares = 0, np.zeros(x.shape[1]), np.zeros(x.shape[1])
        for row in x:  # Welford's updates
            self.n += 1
            before = row - self.mean
            self.mean = self.mean + before / self.n
            squares += before * (row - self.mean)
        self.precision = np.where(squares > 0, self.n / np.maximum(squares, 1e-300), 1)

    def transform(self, x):
        return np.array([(row - self.mean) * self.precision**0.5 for row in x])

    def inverse_transform(self, z):
        return np.array([self.mean + row / self.precision**0.5 for row in z])


EXERCISE = Exercise(
    key="feature_scaling.scaler",
    points=4,
    statement="Learn each column's mean and standard deviation from the training rows, "
    "and apply them to any rows, there and back.",
    section="training-and-new-data",
    reference=StandardScaler,
    run=fit_then("transform"),
    cases=(
        Case("two training rows and two new ones, by hand", 2 / 16, by_hand),
        Case(
            "the same, and back",
            1 / 16,
            by_hand_and_back,
            run=fit_then("transform", "inverse_transform"),
        ),
        Case("new rows are scaled as the training rows were", 3 / 16, other_rows),
        Case("a single new row", 2 / 16, one_row),
        Case("new rows may lie far out", 1 / 16, far_out),
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
        Case("a column constant in training, not later", 1 / 16, a_constant_column),
        Case(
            "that column and back",
            1 / 16,
            a_constant_column_and_back,
            run=fit_then("inverse_transform"),
        ),
        Case(
            "a second fit forgets the first",
            1 / 16,
            two_fits,
            run=fit_then("fit", "transform"),
        ),
        Case(
            "no rows are written into",
            1 / 16,
            and_back,
            run=fit_then("transform", "inverse_transform"),
            intact=True,
        ),
    ),
    misconceptions=(
        Misconception(
            "statistics learned anew from the rows to be transformed",
            "A shift of the new rows goes unseen, and a single row turns into zeros. "
            "What was learned in `fit` stays as it is.",
            RefitsInTransform,
        ),
        Misconception(
            "statistics over the training rows and the new ones together",
            "New rows then move the yardstick they are measured with, and test rows "
            "leak into what was learned. Only `fit` learns.",
            OverAllRows,
            section="leakage",
        ),
        Misconception(
            "z-scores clipped at 3",
            "A row far out is news: the data may have drifted, or a sensor failed. "
            "A scaler reports it, and does not hide it.",
            Clipped,
        ),
        Misconception(
            "the unbiased standard deviation, divided by N − 1",
            "Here N divides, as in scikit-learn. N − 1 estimates the variance of a "
            "population, and is the default of pandas and torch.",
            Unbiased,
            section="z-score",
        ),
        Misconception(
            "divided by the variance",
            "The variance has the square of the column's unit. What has its unit?",
            ByVariance,
            section="z-score",
        ),
        Misconception(
            "one mean and one standard deviation for the whole table",
            "Features have different units, so each needs statistics of its own: the "
            "mean has one entry per column.",
            OverEverything,
            section="z-score",
        ),
        Misconception(
            "a division by zero for a column constant in training",
            "Such a column has no spread to divide by, but new rows may still differ "
            "in it. Which divisor leaves a difference as it is?",
            ZeroOverZero,
            section="constant-columns",
        ),
        Misconception(
            "a column constant in training that is not centered",
            "Its spread is unusable, its mean is not: a new row is measured from the "
            "mean there too.",
            ConstantNotCentered,
            section="constant-columns",
        ),
        Misconception(
            "a column constant in training that counts for nothing ever after",
            "New rows may differ in it, and that difference should come through, there "
            "and back. Which divisor leaves a difference as it is?",
            ConstantForEver,
            section="constant-columns",
        ),
        Misconception(
            "a way back that takes the steps in the wrong order",
            "Shoes go on after socks and come off before them. Which step did "
            "`transform` take last?",
            InverseOutOfOrder,
        ),
        Misconception(
            "a way back by the statistics of the z-scores themselves",
            "The z-scores no longer know the unit they came from. Who does?",
            InverseOfItself,
        ),
        Misconception(
            "a way back by the statistics of the rows transformed last",
            "`transform` used what was learned in `fit`, and so must its inverse, "
            "whatever has passed through in between.",
            InverseOfTheLast,
        ),
        Misconception(
            "a scaler that learns once and for all",
            "Fitted to another table, it should know that table: each `fit` starts "
            "from nothing.",
            FirstFitOnly,
        ),
        Misconception(
            "a second fit added to the first",
            "Fitted to another table, it should know that table alone: each `fit` "
            "starts from nothing.",
            FitsAddUp,
        ),
        Misconception(
            "the result written into the rows passed",
            "The caller still needs the rows in their own units: the scaler works on "
            "a copy.",
            IntoTheInput,
        ),
    ),
    equivalents=(InTorch, WithLoops, InFloat32, RowByRow),
)
