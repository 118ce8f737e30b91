"""batch_norm.backward: send a gradient back through the statistics."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def batch_norm_backward(dy, x, gamma, eps=1e-5):
    cache = normlib.batch_norm(x, gamma, np.zeros_like(gamma), eps=eps)[1]
    return normlib.batch_norm_backward(dy, cache)


# Cases. The upstream gradient is random: the output's mean and spread do not depend
# on x, so that with ones or with 2 y even a dx of zeros would pass. Never two rows:
# they become −1 and 1 whatever x is, and dx vanishes.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0], [0.0], [0.0], [0.0]]),
        x=np.array([[1.0], [1.0], [3.0], [3.0]]),
        gamma=np.array([2.0]),
    )


def a_batch(rng, n=5, d=3):
    x = np.linspace(-1.5, 1.5, n)[:, None] + rng.uniform(-0.2, 0.2, (n, d))
    x = rng.permuted(x, axis=0) * np.geomspace(1, 9, d) + rng.uniform(2, 5, d)
    gamma = rng.uniform(1.2, 3, d) * (-1.0) ** np.arange(d)
    return dict(dy=rng.normal(size=(n, d)), x=x, gamma=gamma)


def a_square_batch(rng):
    return a_batch(rng, d=5)  # N = D hides a lost axis


def a_large_eps(rng):
    inputs = a_batch(rng)
    x = inputs["x"] * np.array([1.0, 0.2, 0.05])
    return inputs | dict(x=x, eps=0.3)


def equal_rows(rng):
    return a_batch(rng) | dict(x=np.full((5, 3), 7.25))


def far_from_zero(rng):
    inputs = a_batch(rng)
    x_hat = (inputs["x"] - inputs["x"].mean(axis=0)) / inputs["x"].std(axis=0)
    inputs["x"] = 1e4 + x_hat * np.array([1.0, 3.0, 9.0])
    inputs["dy"] = 1 + x_hat + x_hat**2  # all paths count, and dx stays far from 0
    return {name: value.astype(np.float32) for name, value in inputs.items()}


# What people get wrong.


def constant_statistics(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    return dy * gamma * inv_std, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def constant_mean(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    dx = inv_std * (dx_hat - x_hat * (dx_hat * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def constant_variance(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def sums_for_means(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).sum(axis=0)
    dx = inv_std * (dx_hat - dx_hat.sum(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def n_times_too_large(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    return gamma * inv_std * (len(x) * dy - dbeta - x_hat * dgamma), dgamma, dbeta


def mean_twice(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - 2 * dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def variance_sign(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) + through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def root_without_half(dy, x, gamma, eps=1e-5):
    n, centered = len(x), x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    dvar = -(dx_hat * centered).sum(axis=0) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=0)
    dx = dx_hat * inv_std + dvar * 2 * centered / n + dmean / n
    return dx, (dy * centered * inv_std).sum(axis=0), dy.sum(axis=0)


def square_without_two(dy, x, gamma, eps=1e-5):
    n, centered = len(x), x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum(axis=0) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=0)
    dx = dx_hat * inv_std + dvar * centered / n + dmean / n
    return dx, (dy * centered * inv_std).sum(axis=0), dy.sum(axis=0)


def x_not_centered(dy, x, gamma, eps=1e-5):
    n, centered = len(x), x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum(axis=0) * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=0)
    dx = dx_hat * inv_std + dvar * 2 * x / n + dmean / n
    return dx, (dy * centered * inv_std).sum(axis=0), dy.sum(axis=0)


def x_for_x_hat(dy, x, gamma, eps=1e-5):
    centered = x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    through_var = centered * (dx_hat * centered).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * centered * inv_std).sum(axis=0), dy.sum(axis=0)


def lost_axis_in_dvar(dy, x, gamma, eps=1e-5):
    n, centered = len(x), x - x.mean(axis=0)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    dvar = -0.5 * (dx_hat * centered).sum() * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=0)
    dx = dx_hat * inv_std + dvar * 2 * centered / n + dmean / n
    return dx, (dy * centered * inv_std).sum(axis=0), dy.sum(axis=0)


def no_gamma(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx = inv_std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def gamma_on_one_path(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    through_var = x_hat * (dy * x_hat).mean(axis=0)
    dx = inv_std * (dy * gamma - dy.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def no_inv_std(dy, x, gamma, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = dx_hat - dx_hat.mean(axis=0) - through_var
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def unbiased(dy, x, gamma, eps=1e-5):
    n = len(x)
    inv_std = 1 / np.sqrt(x.var(axis=0, ddof=1) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    dx = gamma * inv_std * (dy - dbeta / n - x_hat * dgamma / (n - 1))
    return dx, dgamma, dbeta


def unbiased_on_the_way_back(dy, x, gamma, eps=1e-5):
    n = len(x)
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    dx = gamma * inv_std * (dy - dbeta / n - x_hat * dgamma / (n - 1))
    return dx, dgamma, dbeta


def over_features(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=1, keepdims=True)) * inv_std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(axis=1, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def no_eps(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0))
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def fixed_eps(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def mean_of_squares(dy, x, gamma, eps=1e-5):
    mean = x.mean(axis=0)
    inv_std = 1 / np.sqrt((x * x).mean(axis=0) - mean * mean + eps)
    x_hat = (x - mean) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def means_for_sums(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma, dbeta = (dy * x_hat).mean(axis=0), dy.mean(axis=0)
    return gamma * inv_std * (dy - dbeta - x_hat * dgamma), dgamma, dbeta


def not_summed(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, dy * x_hat, dy


def summed_over_features(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x_hat).sum(axis=1), dy.sum(axis=1)


def dgamma_from_x(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dy * x).sum(axis=0), dy.sum(axis=0)


def gamma_in_dgamma(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, (dx_hat * x_hat).sum(axis=0), dx_hat.sum(axis=0)


def swapped(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dy * gamma
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - through_var)
    return dx, dy.sum(axis=0), (dy * x_hat).sum(axis=0)


def into_dy(dy, x, gamma, eps=1e-5):
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    dy -= dbeta / len(x)
    dy -= x_hat * dgamma / len(x)
    dy *= gamma * inv_std
    return dy, dgamma, dbeta


# Right answers in other styles. The mean's derivative of the variance is zero, so
# whether and how it is written down makes no difference.


def node_by_node(dy, x, gamma, eps=1e-5):
    n = x.shape[0]
    centered = x - x.mean(axis=0)
    std = np.sqrt((centered**2).mean(axis=0) + eps)
    dgamma, dbeta = (dy * centered / std).sum(axis=0), dy.sum(axis=0)
    dx_hat = gamma * dy
    dvar = np.sum(dx_hat * centered * -0.5 * std**-3, axis=0)
    dmean = np.sum(-dx_hat / std, axis=0) + dvar * np.sum(-2 * centered) / n
    return dx_hat / std + dvar * 2 * centered / n + dmean / n, dgamma, dbeta


def in_one_line(dy, x, gamma, eps=1e-5):
    n = len(x)
    inv_std = (x.var(axis=0, keepdims=True) + eps) ** -0.5
    x_hat = inv_std * (x - x.mean(axis=0, keepdims=True))
    dbeta, dgamma = dy.sum(axis=0), (dy * x_hat).sum(axis=0)
    return [gamma * inv_std / n * (n * dy - dbeta - x_hat * dgamma), dgamma, dbeta]


def by_projection(dy, x, gamma, eps=1e-5):
    n, d = x.shape
    dx = np.empty((n, d))
    x_hats = np.empty((n, d))
    for j in range(d):
        centered = x[:, j] - x[:, j].sum() / n
        std = (centered @ centered / n + eps) ** 0.5
        x_hats[:, j] = centered / std
        jacobian = np.eye(n) - 1 / n - np.outer(x_hats[:, j], x_hats[:, j]) / n
        dx[:, j] = gamma[j] / std * (jacobian @ dy[:, j])
    return dx, np.einsum("nd,nd->d", dy, x_hats), np.einsum("nd->d", dy)


def in_torch(dy, x, gamma, eps=1e-5):
    import torch

    x, gamma = (torch.tensor(array, requires_grad=True) for array in (x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    var, mean = torch.var_mean(x, dim=0, correction=0)
    y = gamma * (x - mean) / torch.sqrt(var + eps) + beta
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy))


def in_float32(dy, x, gamma, eps=1e-5):
    dy, gamma = dy.astype(np.float32), gamma.astype(np.float32)
    x_hat = np.array(x, dtype=np.float32)
    x_hat -= x_hat.mean(axis=0)
    inv_std = 1 / np.sqrt(np.square(x_hat).mean(axis=0) + np.float32(eps))
    x_hat *= inv_std
    dx = dy - dy.mean(axis=0)
    dx -= x_hat * (dy * x_hat).mean(axis=0)
    return dx * (gamma * inv_std), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


# A mistake in dgamma need not cost the points of dx, nor the other way round.
dx_only = call("dx", "dgamma", "dbeta", only=("dx",))
parameters_only = call("dx", "dgamma", "dbeta", only=("dgamma", "dbeta"))

EXERCISE = Exercise(
    key="batch_norm.backward",
    points=5,
    statement="The gradients of the loss with respect to x, gamma and beta.",
    section="the-backward-pass",
    reference=batch_norm_backward,
    run=call("dx", "dgamma", "dbeta"),
    cases=(
        Case("four rows, by hand", 0.1, by_hand),
        Case("dgamma and dbeta", 0.2, a_batch, run=parameters_only),
        Case("dx, along all three paths", 0.3, a_batch, run=dx_only),
        Case("as many rows as features", 0.1, a_square_batch),
        Case("a large eps counts as it should", 0.1, a_large_eps, run=dx_only),
        Case("a batch of equal rows", 0.05, equal_rows),
        Case(
            "far from zero, in float32",
            0.1,
            far_from_zero,
            run=dx_only,
            tolerance=0.02,  # float32 itself keeps three digits here
        ),
        Case("dy and x are left as they were", 0.05, a_batch, intact=True),
    ),
    misconceptions=(
        Misconception(
            "mean and variance treated as constants",
            "In training both are computed from x, so x reaches the output along two "
            "more paths. Yours is the backward pass of inference.",
            constant_statistics,
        ),
        Misconception(
            "the path through the mean left out",
            "Move one row and the mean moves with it, which shifts every row. The sum "
            "of dx over the batch must come out as zero.",
            constant_mean,
        ),
        Misconception(
            "the path through the variance left out",
            "Move one row and the spread changes, which rescales every row. The sum "
            "of dx times x_hat must come out almost as zero.",
            constant_variance,
        ),
        Misconception(
            "sums where means belong in dx",
            "The mean and the variance are averages: one row has only an N-th part "
            "in them.",
            sums_for_means,
        ),
        Misconception(
            "dx is N times too large",
            "The factor N was put in to avoid a fraction. It has to be divided out "
            "again.",
            n_times_too_large,
        ),
        Misconception(
            "the path through the mean counted twice",
            "The deviations from the mean sum to zero, so the mean has no effect on "
            "the variance. It reaches the output in one way only.",
            mean_twice,
        ),
        Misconception(
            "the wrong sign on the path through the variance",
            "A larger spread makes the output smaller. Which sign has the derivative "
            "of one over a root?",
            variance_sign,
        ),
        Misconception(
            "the path through the variance counted twice",
            "Differentiating a power brings its exponent to the front. What is the "
            "exponent in one over a square root?",
            root_without_half,
        ),
        Misconception(
            "half of the path through the variance",
            "The variance is a mean of squares. What does differentiating a square "
            "bring to the front?",
            square_without_two,
        ),
        Misconception(
            "x itself where its distance from the mean belongs",
            "The variance squares distances from the mean: its derivative at a row "
            "that lies on the mean is zero.",
            x_not_centered,
        ),
        Misconception(
            "the path through the variance in the units of x",
            "The gradient with respect to x_hat can be corrected only by something "
            "without a unit. Is it x minus its mean that belongs there, or x_hat?",
            x_for_x_hat,
        ),
        Misconception(
            "one gradient of the variance for all features",
            "Each feature has a variance of its own, so its gradient has one entry "
            "per feature. Over what did you sum?",
            lost_axis_in_dvar,
        ),
        Misconception(
            "gamma missing from dx",
            "gamma multiplies x_hat on the way forward, so it multiplies the gradient "
            "on the way back. With gamma at 1 nobody notices.",
            no_gamma,
        ),
        Misconception(
            "gamma on the direct path only",
            "All three paths pass through x_hat, and gamma lies behind it.",
            gamma_on_one_path,
        ),
        Misconception(
            "dx not divided by the standard deviation",
            "What you have is the gradient in units of x_hat. A spread ten times "
            "larger makes the gradient ten times smaller.",
            no_inv_std,
        ),
        Misconception(
            "the unbiased variance, divided by N − 1",
            "Batch norm divides by N when it normalizes, and so does its gradient. "
            "Yours is the gradient of another layer.",
            unbiased,
        ),
        Misconception(
            "N on the way forward, N − 1 on the way back",
            "The gradient belongs to the function that was computed: the same N in "
            "both directions.",
            unbiased_on_the_way_back,
        ),
        Misconception(
            "statistics of each row, over its features",
            "That is the backward pass of layer norm. In batch norm a feature's "
            "statistics come from the samples: which axis counts them?",
            over_features,
        ),
        Misconception(
            "no eps",
            "The gradient has the same eps as the forward pass, wherever the standard "
            "deviation appears.",
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
            section="numerical-care",
        ),
        Misconception(
            "means where sums belong in dgamma and dbeta",
            "Every row uses the same gamma and the same beta, and each contributes "
            "its whole gradient. If the loss is a mean, dy holds that already.",
            means_for_sums,
        ),
        Misconception(
            "dgamma and dbeta of every row by itself",
            "All rows share one gamma and one beta, so the gradients of the rows are "
            "gathered. Compare the shape of dgamma with that of gamma.",
            not_summed,
        ),
        Misconception(
            "dgamma and dbeta summed over the features",
            "Each feature has its own gamma, shared by all rows. Compare the shape of "
            "dgamma with that of gamma.",
            summed_over_features,
        ),
        Misconception(
            "dgamma computed from x",
            "What does gamma multiply on the way forward? It is not x itself.",
            dgamma_from_x,
        ),
        Misconception(
            "gamma inside dgamma and dbeta",
            "y is linear in gamma and in beta: their gradients do not depend on gamma.",
            gamma_in_dgamma,
        ),
        Misconception(
            "dgamma and dbeta swapped",
            "The order is dx, dgamma, dbeta. The gradient of a shift is the simpler "
            "one: it does not need x.",
            swapped,
        ),
        Misconception(
            "the result written into dy",
            "Another branch of the network may need dy too. Work on a copy.",
            into_dy,
        ),
    ),
    equivalents=(node_by_node, in_one_line, by_projection, in_torch, in_float32),
    symptoms=(
        (
            frozenset({"dx"}),
            "Only dx is wrong: x_hat is right, and so is what gamma and beta get. x "
            "reaches the output directly, through the mean and through the variance. "
            "Take one path at a time.",
        ),
        (
            frozenset({"dgamma"}),
            "Only dgamma is wrong. Ask how y changes when gamma grows by a little.",
        ),
        (
            frozenset({"dbeta"}),
            "Only dbeta is wrong. Ask how y changes when beta grows by a little.",
        ),
        (
            frozenset({"dgamma", "dbeta"}),
            "dx is right, and dgamma and dbeta are wrong: all rows share them.",
        ),
        (
            frozenset({"dx", "dgamma"}),
            "dbeta, the only gradient that does not need x_hat, is right. Look at "
            "x_hat first.",
        ),
    ),
)
