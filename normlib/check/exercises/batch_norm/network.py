"""batch_norm.network: a network with batch norm, forward and backward, by hand."""

import numpy as np

import normlib
from normlib.check.cases import NO_EPS, alternating, in_float32
from normlib.check.exercise import Case, Exercise
from normlib.check.exercises.batch_norm import protocols
from normlib.check.exercises.batch_norm.cases import negative, rows


def reference(parameters, x, labels, eps=1e-5):
    w1, gamma, beta, w2, b2 = (parameters[name] for name in protocols.PARAMETERS)
    z, cache, _, _ = normlib.batch_norm(x @ w1, gamma, beta, eps=eps or NO_EPS)
    scores = np.maximum(z, 0) @ w2 + b2
    log_p = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    one_hot = labels[:, None] == np.arange(len(b2))
    dscores = (np.exp(log_p) - one_hot) / len(x)
    dz = np.where(z > 0, dscores @ w2.T, 0)
    dh, dgamma, dbeta = normlib.batch_norm_backward(dz, cache)
    dw2 = np.maximum(z, 0).T @ dscores
    gradients = (x.T @ dh, dgamma, dbeta, dw2, dscores.sum(axis=0))
    return -log_p[one_hot].mean(), dict(
        zip(protocols.PARAMETERS, gradients, strict=True)
    )


def loss_and_gradients(parameters, x, labels, eps=1e-5):
    """The loss, and a dict of its gradients with the names of the parameters."""
    w1, gamma, beta = parameters["w1"], parameters["gamma"], parameters["beta"]
    w2, b2 = parameters["w2"], parameters["b2"]
    n = len(x)

    h = x @ w1
    inv_std = 1 / np.sqrt(h.var(axis=0) + eps)
    h_hat = (h - h.mean(axis=0)) * inv_std
    z = gamma * h_hat + beta
    a = np.maximum(z, 0)
    scores = a @ w2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(n), labels].mean()

    dscores = np.exp(log_p)
    dscores[np.arange(n), labels] -= 1
    dscores = dscores / n
    dw2 = a.T @ dscores
    db2 = dscores.sum(axis=0)
    da = dscores @ w2.T
    dz = da * (z > 0)
    dgamma = (dz * h_hat).sum(axis=0)
    dbeta = dz.sum(axis=0)
    dh_hat = gamma * dz
    through_mean = dh_hat.mean(axis=0)
    through_var = h_hat * (dh_hat * h_hat).mean(axis=0)
    dh = inv_std * (dh_hat - through_mean - through_var)
    return loss, dict(w1=x.T @ dh, gamma=dgamma, beta=dbeta, w2=dw2, b2=db2)


# Cases. Each has its parameters one by one: see the protocol. No z is exactly 0.


def by_hand(rng):
    return dict(
        w1=np.array([[1.0], [0.0]]),
        gamma=np.array([1.0]),
        beta=np.array([0.0]),
        w2=np.array([[0.0, np.log(3)]]),
        b2=np.array([0.0, 0.0]),
        x=np.array([[1.0, 0.0], [1.0, 1.0], [3.0, 0.0], [3.0, 1.0]]),
        labels=np.array([0, 1, 1, 0]),
    )


def a_batch(rng, n=8, d=3, hidden=5, k=4):
    x = rows(rng, n, d, low=6, high=12)
    w1 = rng.uniform(0.4, 1.2, (d, hidden)) * rng.choice([-1, 1], (d, hidden))
    return dict(
        w1=w1,
        gamma=alternating(rng, hidden, low=1.2, high=2),
        beta=rng.uniform(0.3, 0.6, hidden) * np.resize([1, 1, -1], hidden),
        w2=rng.normal(size=(hidden, k)) + np.linspace(-1, 1, k),
        b2=rng.normal(size=k),
        x=x,
        labels=rng.permutation(np.resize(np.arange(k), n)),
    )


def small_variance(rng):
    inputs = a_batch(rng)
    return inputs | dict(x=0.004 * inputs["x"])


def missing_classes(rng):
    inputs = a_batch(rng)
    return inputs | dict(labels=rng.permutation(np.resize([0, 2], 8)))


def large_scores(rng):
    inputs = a_batch(rng)
    inputs["w2"] *= 2000
    inputs["b2"] *= 1000
    return inputs


def zeros(rng):
    inputs = a_batch(rng)
    inputs["gamma"][0] = 0  # its beta is positive: the unit is alive, and constant
    inputs["x"][:, 1] = 0
    inputs["b2"][:] = 0
    return inputs


def two_samples(rng):
    inputs = a_batch(rng, n=2, d=1)
    return inputs | dict(eps=3.0)


def large_eps(rng):
    return a_batch(rng) | dict(eps=5.0)


def all_sizes_equal(rng):
    inputs = a_batch(rng, n=4, d=4, hidden=4, k=4)  # a lost axis raises no error
    return inputs | dict(x=0.01 * negative(inputs["x"]), eps=0.0)


def few_samples_in_float32(rng):
    return in_float32(a_batch(rng, n=5, d=6)) | dict(labels=np.array([3, 1, 0, 2, 1]))


# Right answers in other styles.


def in_functions(parameters, x, labels, eps=1e-5):
    def forward(h, gamma, beta):
        std = np.sqrt(h.var(axis=0) + eps)
        h_hat = (h - h.mean(axis=0)) / std
        return gamma * h_hat + beta, (h_hat, std, gamma)

    def backward(dz, cache):
        h_hat, std, gamma = cache
        dgamma, dbeta = (dz * h_hat).sum(axis=0), dz.sum(axis=0)
        rest = len(dz) * dz - dbeta - h_hat * dgamma
        return gamma / std / len(dz) * rest, dgamma, dbeta

    z, cache = forward(x @ parameters["w1"], parameters["gamma"], parameters["beta"])
    active = z > 0
    a = z * active
    scores = a @ parameters["w2"] + parameters["b2"]
    highest = scores.max(axis=1)
    log_sum = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    one_hot = np.eye(scores.shape[1])[labels]
    loss = np.mean(log_sum - (scores * one_hot).sum(axis=1))
    dscores = (np.exp(scores - log_sum[:, None]) - one_hot) / len(x)
    dh, dgamma, dbeta = backward(dscores @ parameters["w2"].T * active, cache)
    gradients = {"b2": dscores.sum(axis=0), "w2": a.T @ dscores}
    return [loss, gradients | {"gamma": dgamma, "beta": dbeta, "w1": x.T @ dh}]


def stage_by_stage(parameters, x, labels, eps=1e-5):
    """The mean and the variance as nodes of their own."""
    p, n = parameters, len(x)
    h = np.einsum("nd,dh->nh", x, p["w1"])
    centered = h - h.mean(axis=0)
    variance = (centered**2).mean(axis=0) + eps
    h_hat = centered * variance**-0.5
    z = p["gamma"] * h_hat + p["beta"]
    a = np.where(z > 0, z, 0)
    scores = np.einsum("nh,hk->nk", a, p["w2"]) + p["b2"]
    scores -= scores.max(axis=1)[:, None]
    exps = np.exp(scores)
    sums = exps.sum(axis=1)
    loss = (np.log(sums) - scores[range(n), labels]).sum() / n
    ds = exps / sums[:, None]
    for sample, label in enumerate(labels):
        ds[sample, label] -= 1.0
    ds /= n
    dz = np.where(z > 0, np.einsum("nk,hk->nh", ds, p["w2"]), 0)
    dh_hat = p["gamma"] * dz
    dmean = -dh_hat.sum(axis=0) * variance**-0.5
    dvar = -0.5 * (dh_hat * centered).sum(axis=0) * variance**-1.5
    dh = dh_hat * variance**-0.5 + dmean / n + dvar * 2 * centered / n
    return loss, {
        "w1": np.einsum("nd,nh->dh", x, dh),
        "gamma": (dz * h_hat).sum(axis=0),
        "beta": dz.sum(axis=0),
        "w2": np.einsum("nh,nk->hk", a, ds),
        "b2": ds.sum(axis=0),
    }


def in_torch(parameters, x, labels, eps=1e-5):
    import torch

    tensors = {name: torch.tensor(value.copy()) for name, value in parameters.items()}
    for tensor in tensors.values():
        tensor.requires_grad_()
    h = torch.tensor(x.copy()) @ tensors["w1"]
    var, mean = torch.var_mean(h, dim=0, correction=0)
    z = tensors["gamma"] * (h - mean) / (var + eps).sqrt() + tensors["beta"]
    scores = z.relu() @ tensors["w2"] + tensors["b2"]
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels.copy()))
    loss.backward()
    return loss, {name: tensor.grad for name, tensor in tensors.items()}


def part(*names):
    """A measure: a mistake in the others costs nothing here."""
    return lambda outputs: {n: v for n, v in outputs.items() if n in names}


EXERCISE = Exercise(
    key="batch_norm.network",
    points=6,
    statement="The loss of a network with batch norm, and the gradients of all its "
    "parameters.",
    section="the-backward-pass",
    reference=reference,
    answer=loss_and_gradients,
    run=protocols.loss_and_gradients,
    cases=(
        Case("four samples, by hand", 1 / 24, by_hand),
        Case("the loss", 3 / 24, a_batch, measure=part("loss")),
        Case(
            "the gradients of w2 and b2",
            4 / 24,
            a_batch,
            measure=part("gradient of w2", "gradient of b2"),
        ),
        Case(
            "the gradients of gamma and beta",
            4 / 24,
            a_batch,
            measure=part("gradient of gamma", "gradient of beta"),
        ),
        Case("the gradient of w1", 5 / 24, a_batch, measure=part("gradient of w1")),
        Case("hidden units of small variance", 1 / 48, small_variance),
        Case("classes that no sample has", 1 / 48, missing_classes),
        Case("scores in the thousands", 1 / 24, large_scores),
        Case("a gamma of 0, and a feature of zeros", 1 / 24, zeros),
        Case("two samples of one feature, and a large eps", 1 / 48, two_samples),
        Case("a large eps counts as it should", 1 / 48, large_eps),
        Case("all four sizes equal, and an eps of 0", 1 / 48, all_sizes_equal),
        Case("fewer samples than features, float32", 1 / 48, few_samples_in_float32),
        Case(
            "transposed, strided and read-only arrays",
            1 / 48,
            a_batch,
            run=protocols.loss_and_gradients_from_any_memory,
        ),
        Case(
            "called a second time",
            1 / 48,
            a_batch,
            run=protocols.loss_and_gradients_called_again,
        ),
        Case(
            "parameters, x and labels are left as they were",
            1 / 24,
            a_batch,
            intact=True,
        ),
    ),
    equivalents=(in_functions, stage_by_stage, in_torch),
    symptoms={
        "loss": "All gradients are right and the loss is not. Check its sign and its "
        "mean.",
        "gradient of w1": "Only the gradient of w1 is wrong, and it alone needs batch "
        "norm's dx. Test that backward pass by itself: it is exercise 6.",
        "gradient of gamma and gradient of beta and gradient of w1": (
            "The loss and the last layer are right. Look at what comes back through "
            "the last layer and the ReLU."
        ),
        "gradient of w2": "Only the gradient of w2 is wrong. Its input is what the "
        "ReLU returned.",
        " and ".join(f"gradient of {name}" for name in protocols.PARAMETERS): (
            "The loss is right and all gradients are wrong, so look at the first one "
            "that you compute, the gradient of the scores."
        ),
    },
)
