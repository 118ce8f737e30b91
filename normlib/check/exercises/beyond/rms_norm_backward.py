"""beyond.rms_norm_backward: send a gradient back through the root mean square."""

import numpy as np

import normlib
from normlib.check.exercise import Case, Exercise, Misconception
from normlib.check.running.protocols import call


def rms_norm_backward(dy, x, gamma, eps=1e-6):
    cache = normlib.rms_norm(x, gamma, eps=eps)[1]
    return normlib.rms_norm_backward(dy, cache)


# Cases. The upstream gradient and gamma are uneven: with ones for both, the path
# through the root mean square sees only the mean of x_hat.


def by_hand(rng):
    return dict(
        dy=np.array([[1.0, 0.0], [1.0, 1.0]]),
        x=np.array([[1.0, 7.0], [2.0, -2.0]]),
        gamma=np.array([5.0, 1.0]),
    )


def rows(rng, shape=(4, 5)):
    *outer, D = shape
    row = np.linspace(-1, 1, D) + rng.uniform(-0.1, 0.1, shape)
    row = rng.permuted(row, axis=-1) + 1
    size = rng.permutation(np.geomspace(0.5, 8, int(np.prod(outer))))
    sign = np.where(np.arange(D) % 3 == 1, -1, 1)
    return dict(
        dy=1 + rng.normal(size=shape),
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


def rows_of_zeros(rng):
    inputs = rows(rng)
    return inputs | dict(x=np.zeros_like(inputs["x"]))


# What people get wrong. In each, everything but the mistake is as it should be.


def constant_rms(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    return gamma * dy * inv_rms, dgamma


def as_layer_norm(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=-1, keepdims=True)
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_mean - through_rms), dgamma


def mean_subtracted(dy, x, gamma, eps=1e-6):
    centered = x - x.mean(axis=-1, keepdims=True)
    inv_std = 1 / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = centered * inv_std
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=-1, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_std * (dx_hat - through_mean - through_var), dgamma


def sum_for_mean(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).sum(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def wrong_sign(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat + through_rms), dgamma


def half_the_path(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = 0.5 * x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def twice_the_path(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = 2 * x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def x_for_x_hat(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x * (dx_hat * x).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def no_inv_rms(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return dx_hat - through_rms, dgamma


def no_gamma(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    through_rms = x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dy - through_rms), dgamma


def gamma_on_one_path(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    through_rms = x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (gamma * dy - through_rms), dgamma


def gamma_after_the_mean(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    through_rms = x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)
    return gamma * inv_rms * (dy - through_rms), dgamma


def over_the_rows(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=0)
    return inv_rms * (dx_hat - through_rms), dgamma


def one_mean_for_all(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean()
    return inv_rms * (dx_hat - through_rms), dgamma


def by_the_length(dy, x, gamma, eps=1e-6):
    inv_length = 1 / np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)
    unit = x * inv_length
    dgamma = (dy * unit).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_length = unit * (dx_hat * unit).sum(axis=-1, keepdims=True)
    return inv_length * (dx_hat - through_length), dgamma


def no_eps(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True))
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def fixed_eps(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def eps_outside(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def exact_projection(dy, x, gamma, eps=1e-6):
    mean_square = (x**2).mean(axis=-1, keepdims=True)
    inv_rms = 1 / np.sqrt(mean_square + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    exact = np.where(mean_square == 0, 1, mean_square)
    through_rms = x * (dx_hat * x).mean(axis=-1, keepdims=True) / exact
    return inv_rms * (dx_hat - through_rms), dgamma


def not_summed(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dy * x_hat


def summed_over_features(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), (dy * x_hat).sum(axis=-1)


def summed_over_one_axis(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), (dy * x_hat).sum(axis=0)


def mean_over_rows(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).mean(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def dgamma_from_x(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def gamma_in_dgamma(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dx_hat = gamma * dy
    dgamma = (dx_hat * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return inv_rms * (dx_hat - through_rms), dgamma


def swapped(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return dgamma, inv_rms * (dx_hat - through_rms)


def with_a_dbeta(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dx_hat = gamma * dy
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    dbeta = dy.reshape(-1, x.shape[-1]).sum(axis=0)
    return inv_rms * (dx_hat - through_rms), dgamma, dbeta


def into_dy(dy, x, gamma, eps=1e-6):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = x * inv_rms
    dgamma = (dy * x_hat).reshape(-1, x.shape[-1]).sum(axis=0)
    dy *= gamma
    dy -= x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)
    return dy * inv_rms, dgamma


# Right answers in other styles.


def node_by_node(dy, x, gamma, eps=1e-6):
    D = x.shape[-1]
    mean_square = (x**2).sum(axis=-1, keepdims=True) / D
    rms = np.sqrt(mean_square + eps)
    dx_hat = dy * gamma
    drms = -(dx_hat * x).sum(axis=-1, keepdims=True) / rms**2
    dmean_square = 0.5 * drms / rms
    dx = dx_hat / rms + 2 * x * dmean_square / D
    dgamma = dy * x / rms
    while dgamma.ndim > 1:
        dgamma = dgamma.sum(axis=0)
    return dx, dgamma


def by_the_jacobian(dy, x, gamma, eps=1e-6):
    D = x.shape[-1]
    dx, dgamma = np.empty(x.shape), np.zeros(D)
    for index in np.ndindex(x.shape[:-1]):
        rms = np.sqrt(x[index] @ x[index] / D + eps)
        x_hat = x[index] / rms
        jacobian = (np.eye(D) - np.outer(x_hat, x_hat) / D) / rms
        dx[index] = jacobian @ (gamma * dy[index])
        dgamma += dy[index] * x_hat
    return dx, dgamma


def with_einsum(dy, x, gamma, eps=1e-6):
    D, shape = len(gamma), x.shape
    dy, x = dy.reshape(-1, D), x.reshape(-1, D)
    inv_rms = (np.einsum("nd,nd->n", x, x) / D + eps) ** -0.5
    dgamma = np.einsum("nd,nd,n->d", dy, x, inv_rms)
    along = np.einsum("d,nd,nd,n->n", gamma, dy, x, inv_rms**3) / D
    dx = np.einsum("d,nd,n->nd", gamma, dy, inv_rms) - np.einsum("nd,n->nd", x, along)
    return dx.reshape(shape), dgamma


def by_autograd(dy, x, gamma, eps=1e-6):
    import torch

    x, gamma = (torch.tensor(a, requires_grad=True) for a in (x, gamma))
    y = gamma * x / torch.sqrt(torch.mean(x**2, dim=-1, keepdim=True) + eps)
    return torch.autograd.grad(y, (x, gamma), torch.tensor(dy))


def in_float32(dy, x, gamma, eps=1e-6):
    dy, x, gamma = (a.astype(np.float32) for a in (dy, x, gamma))
    rms = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + np.float32(eps))
    x = x / rms
    dgamma = (dy * x).sum(axis=tuple(range(x.ndim - 1)))
    d_hat = dy * gamma
    return (d_hat - (d_hat * x).mean(axis=-1, keepdims=True) * x) / rms, dgamma


EXERCISE = Exercise(
    key="beyond.rms_norm_backward",
    points=3,
    statement="The gradients of RMS norm for x and gamma.",
    section="beyond-rms-norm-backward",
    reference=rms_norm_backward,
    run=call("dx", "dgamma"),
    cases=(
        Case("two rows of two, by hand", 1 / 12, by_hand),
        Case(
            "dx of four rows of five",
            3 / 12,
            rows,
            run=call("dx", "dgamma", only=("dx",)),
        ),
        Case(
            "dgamma of four rows of five",
            2 / 12,
            rows,
            run=call("dx", "dgamma", only=("dgamma",)),
        ),
        Case("as many rows as features", 1 / 12, a_square),
        Case("tokens of two sequences, (2, 3, 7)", 1 / 12, tokens),
        Case("numbers so small that eps counts", 1 / 12, small_numbers),
        Case("a large eps counts as it should", 1 / 12, a_large_eps),
        Case("rows of zeros", 1 / 12, rows_of_zeros),
        Case("dy and x are left as they were", 1 / 12, rows, intact=True),
    ),
    misconceptions=(
        Misconception(
            "the root mean square treated as a constant",
            "Move one number, and the size of its row changes, which rescales all the "
            "others. x reaches the output in two ways.",
            constant_rms,
        ),
        Misconception(
            "the backward pass of layer norm, with a path through the mean",
            "On the way forward no mean was subtracted, so none comes back.",
            as_layer_norm,
        ),
        Misconception(
            "the mean subtracted from x",
            "That is layer norm. RMS norm measures x from zero, and so does x_hat on "
            "the way back.",
            mean_subtracted,
        ),
        Misconception(
            "a sum where a mean belongs",
            "Each number has a share of 1/D in the mean square. On the way back it "
            "gets that share.",
            sum_for_mean,
        ),
        Misconception(
            "the path through the root mean square has the wrong sign",
            "A larger row is divided by more: what grows makes the others shrink.",
            wrong_sign,
        ),
        Misconception(
            "half of the path through the root mean square",
            "The root brings a factor of one half and the square a factor of two.",
            half_the_path,
        ),
        Misconception(
            "twice the path through the root mean square",
            "The square brings a factor of two and the root a factor of one half.",
            twice_the_path,
        ),
        Misconception(
            "x in the place of x_hat",
            "The path through the root mean square runs along x divided by its size, "
            "both times it appears.",
            x_for_x_hat,
        ),
        Misconception(
            "dx not divided by the root mean square",
            "x_hat changes with x at the rate of one over the root mean square.",
            no_inv_rms,
        ),
        Misconception(
            "gamma left out of dx",
            "What comes back to x has gone through the multiplication by gamma.",
            no_gamma,
        ),
        Misconception(
            "gamma used on the direct path only",
            "Both paths leave from the gradient of x_hat, which holds gamma.",
            gamma_on_one_path,
        ),
        Misconception(
            "gamma taken out of the mean",
            "The features of a row share one size, and each has a gamma of its own: "
            "it cannot be taken out of a mean over the features.",
            gamma_after_the_mean,
        ),
        Misconception(
            "a mean over the rows",
            "A row's size depends on its own numbers, and only their gradients come "
            "back through it.",
            over_the_rows,
        ),
        Misconception(
            "one mean for the whole array",
            "A row's size depends on its own numbers, and only their gradients come "
            "back through it.",
            one_mean_for_all,
        ),
        Misconception(
            "divided by the length of the row",
            "The length grows with the number of features. The root of the mean "
            "square does not.",
            by_the_length,
            section="beyond-rms-norm",
        ),
        Misconception(
            "no eps",
            "The backward pass has the same eps as the forward pass, wherever the "
            "root mean square appears.",
            no_eps,
        ),
        Misconception(
            "an eps of its own instead of the argument",
            "The caller chooses eps; 1e-6 is only its default.",
            fixed_eps,
        ),
        Misconception(
            "eps added to the root",
            "eps belongs to the mean square, before the root is taken, on the way "
            "back as on the way forward.",
            eps_outside,
        ),
        Misconception(
            "no eps in the path through the root mean square",
            "Without eps, stretching a row changes nothing, and its gradient is "
            "orthogonal to it. With eps a small row does grow.",
            exact_projection,
        ),
        Misconception(
            "dgamma of every row by itself",
            "All rows share one gamma, so their gradients are gathered. Compare the "
            "shape of dgamma with that of gamma.",
            not_summed,
        ),
        Misconception(
            "dgamma summed over the features",
            "Each feature has its own gamma, shared by all rows. Compare the shape of "
            "dgamma with that of gamma.",
            summed_over_features,
        ),
        Misconception(
            "dgamma summed over the first axis alone",
            "Every row uses the same gamma, however the rows are laid out. With two "
            "axes in front of the features, two have to go.",
            summed_over_one_axis,
        ),
        Misconception(
            "a mean where a sum belongs in dgamma",
            "Every row contributes its whole gradient. If the loss is a mean, dy "
            "holds that already.",
            mean_over_rows,
        ),
        Misconception(
            "dgamma computed from x",
            "What does gamma multiply on the way forward? It is not x itself.",
            dgamma_from_x,
        ),
        Misconception(
            "gamma inside dgamma",
            "y is linear in gamma: its gradient does not depend on gamma.",
            gamma_in_dgamma,
        ),
        Misconception(
            "dx and dgamma swapped",
            "The order is dx, dgamma.",
            swapped,
        ),
        Misconception(
            "a third gradient, for a beta",
            "RMS norm has no shift. There are two inputs to learn about: x and gamma.",
            with_a_dbeta,
        ),
        Misconception(
            "the result written into dy",
            "Another branch of the network may need dy too. Work on a copy.",
            into_dy,
        ),
    ),
    equivalents=(node_by_node, by_the_jacobian, with_einsum, by_autograd, in_float32),
    symptoms=(
        (
            frozenset({"dx"}),
            "Only dx is wrong: x_hat is right, and so is what gamma gets. x reaches "
            "the output directly and through the size of its row.",
        ),
        (
            frozenset({"dgamma"}),
            "Only dgamma is wrong. Ask how y changes when gamma grows by a little.",
        ),
    ),
)
