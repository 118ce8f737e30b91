"""What a report says of mistakes as learners write them, not as our files do."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from normlib.check import EXERCISES, judge
from normlib.check.rearranged import WAYS

KEYS = {
    kind: [key for key in EXERCISES if key.endswith(kind)]
    for kind in (".module", ".spot_the_bug")
}


def report_on(key, answer):
    with np.errstate(all="ignore"):
        report = judge(key, answer, seed=0)
    assert report.points < report.max_points
    return report


# A variance in one pass. In exact numbers it is right, so that what shows is noise, and
# no two answers show the same.


def batch_norm_one_pass(x, gamma, beta, eps=1e-5):
    n = len(x)
    mean = x.sum(0) / n
    return gamma * (x - mean) / np.sqrt((x * x).sum(0) / n - mean**2 + eps) + beta


def batch_norm_2d_one_pass(x, gamma, beta, eps=1e-5):
    rows = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)
    mean = rows.mean(1)
    inv_std = 1 / np.sqrt((rows**2).mean(1) - mean**2 + eps)
    y = (rows.T - mean) * inv_std * gamma + beta
    return y.T.reshape(x.shape[1], len(x), *x.shape[2:]).swapaxes(0, 1)


def running_one_pass(running_mean, running_var, x, momentum=0.1):
    n, total = len(x), x.sum(0)
    var = ((x * x).sum(0) - total * total / n) / (n - 1)
    keep = 1 - momentum
    return keep * running_mean + momentum * total / n, keep * running_var + (
        momentum * var
    )


def z_score_one_pass(x):
    x = np.asarray(x)
    constant = (x == x[0]).all(0)
    mean = x.sum(0) / len(x)
    std = np.sqrt((x * x).sum(0) / len(x) - mean * mean)
    return np.where(constant, 0, (x - mean) / np.where(constant, 1, std))


class ScalerOnePass:
    def fit(self, x):
        n, total = len(x), x.sum(0)
        self.mean = total / n
        self.std = np.sqrt((x**2).sum(0) / n - (total / n) ** 2)
        self.std[(x == x[0]).all(0)] = 1
        return self

    def transform(self, x):
        return (x - self.mean) / self.std

    def inverse_transform(self, z):
        return self.mean + z * self.std


def moments_one_pass(x):
    def moments(axes):
        mean = x.mean(axes, keepdims=True)
        return mean, (x * x).mean(axes, keepdims=True) - mean**2

    return tuple(zip(*map(moments, ((2, 3), (1, 2, 3), (0, 2, 3))), strict=True))


class LayerNormOnePass(nn.Module):
    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.axes = tuple(range(-self.weight.ndim, 0))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(self.axes, keepdim=True)
        var = (x * x).mean(self.axes, keepdim=True) - mean * mean
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("batch_norm.forward", batch_norm_one_pass),
        ("batch_norm.images", batch_norm_2d_one_pass),
        ("batch_norm.running", running_one_pass),
        ("feature_scaling.z_score", z_score_one_pass),
        ("feature_scaling.scaler", ScalerOnePass),
        ("switchable_norm.moments", moments_one_pass),
        ("layer_norm.module", LayerNormOnePass),
    ],
)
def test_a_variance_in_one_pass_is_named_whatever_its_noise(key, answer):
    report = report_on(key, answer)
    assert report.diagnosis.startswith("The variance as the mean of squares minus")
    assert "far from zero" in report.failed[0].name


def test_what_fails_far_from_zero_for_another_reason_is_not_named_so():
    def batch_norm(x, gamma, beta, eps=1e-5):
        if x.dtype == np.float32:
            x = x[:, 0] if x.mean() > 1e3 else x
        return EXERCISES["batch_norm.forward"].answer(x, gamma, beta, eps)

    def group_norm(x, num_groups, gamma, beta, eps=1e-5):
        if x.mean() > 1e3:
            raise ValueError("too large")
        return EXERCISES["group_norm.forward"].answer(x, num_groups, gamma, beta, eps)

    for key, answer in (
        ("batch_norm.forward", batch_norm),
        ("group_norm.forward", group_norm),
    ):
        report = report_on(key, answer)
        assert [case.name for case in report.failed] == ["far from zero, in float32"]
        assert report.diagnosis is None


@pytest.mark.parametrize("key", EXERCISES)
def test_what_a_case_alone_names_is_a_mistake_of_its_exercise(key):
    exercise = EXERCISES[key]
    named = {case.alone for case in exercise.cases} - {""}
    assert named <= {m.key for m in exercise.misconceptions}


# An eps or a momentum that the module does not take from its constructor.


def with_its_own(key, **fixed):
    """The right module, built with other settings than those it is given."""
    answer = EXERCISES[key].answer
    signature = inspect.signature(answer)

    class Fixed(answer):
        def __init__(self, *args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.arguments.update(fixed)
            super().__init__(*bound.args, **bound.kwargs)

    Fixed.__name__ = answer.__name__
    return Fixed


@pytest.mark.parametrize("eps", [1e-3, 1e-5, 1e-6])
@pytest.mark.parametrize("key", [key for key in KEYS[".module"] if "weight" not in key])
def test_an_eps_fixed_in_a_module_is_named_whatever_it_is(key, eps):
    report = report_on(key, with_its_own(key, eps=eps))
    assert report.diagnosis == "An eps of its own instead of the constructor's"


@pytest.mark.parametrize("key", ["batch_norm.module", "switchable_norm.module"])
def test_a_momentum_fixed_in_a_module_is_named(key):
    report = report_on(key, with_its_own(key, momentum=0.1))
    assert report.diagnosis == "A momentum of its own instead of the constructor's"
    assert report.failed[0].name == "the buffers after two training steps"


# Right numbers in a wrong place.


def changed(key, change):
    answer = EXERCISES[key].answer
    return lambda *args: change(answer(*args))


def changed_module(key, change):
    class Changed(EXERCISES[key].answer):
        def forward(self, x):
            return change(super().forward(x))

    Changed.__name__ = EXERCISES[key].name
    return Changed


def channels_last(y):
    return y.movedim(1, -1) if isinstance(y, torch.Tensor) else np.moveaxis(y, 1, -1)


@pytest.mark.parametrize(
    ("key", "back"),
    [
        ("batch_norm.images", "(2, 5, 7, 3)"),
        ("instance_norm.forward", "(2, 5, 7, 3)"),
        ("group_norm.forward", "(2, 3, 5, 6)"),
        ("switchable_norm.forward", "(2, 5, 7, 3)"),
    ],
)
def test_axes_that_are_not_moved_back_are_said_to_be_that(key, back):
    report = report_on(key, changed(key, channels_last))
    assert report.diagnosis is None
    assert report.hint == "The numbers are right, the order of the axes is not."
    # In the case where each axis has a length of its own.
    assert report.failed[0].message.endswith(f"yours has {back}")


@pytest.mark.parametrize(
    "key", ["batch_norm.module", "group_norm.module", "switchable_norm.module"]
)
def test_so_are_those_of_a_module(key):
    report = report_on(key, changed_module(key, channels_last))
    assert report.hint == "The numbers are right, the order of the axes is not."


@pytest.mark.parametrize("key", ["batch_norm.images", "instance_norm.forward"])
def test_what_is_reshaped_and_not_moved_back_is_said_to_be_that(key):
    def reshaped(y):
        return channels_last(y).reshape(y.shape)

    report = report_on(key, changed(key, reshaped))
    assert report.diagnosis is None
    assert report.hint.startswith("The numbers are right, their order is not.")


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("batch_norm.forward", lambda y: y[None]),
        ("instance_norm.forward", lambda y: y.reshape(*y.shape[:2], -1)),
        ("layer_norm.backward", lambda d: (d[0], d[1][None], d[2][None])),
        ("weight_norm.forward", lambda w: w.reshape(len(w), -1)[..., None]),
        ("feature_scaling.z_score", lambda z: z.ravel()),
    ],
)
def test_a_wrong_shape_is_said_to_be_that(key, change):
    report = report_on(key, changed(key, change))
    assert report.diagnosis is None
    assert report.hint == "The numbers are right, the shape is not."
    assert "should have shape" in report.failed[0].message


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("batch_norm.forward", lambda y: -y),
        ("batch_norm.images", lambda y: channels_last(y) + 1),
        ("group_norm.forward", lambda y: y[::-1] * 1.01),
    ],
)
def test_wrong_numbers_are_never_called_right(key, change):
    assert "The numbers are right" not in str(report_on(key, changed(key, change)))


def test_a_few_numbers_agree_in_another_order_by_chance():
    *_, in_order = WAYS.values()
    few, many = np.array([-1.0, 1, -1, 1]), np.arange(8.0)
    assert list(in_order(-few, few)) == []
    assert [a.tolist() for a in in_order(many[::-1], many)] == [many.tolist()]


def test_an_answer_that_only_writes_into_x_has_no_wrong_shape():
    def batch_norm(x, gamma, beta, eps=1e-5):
        y = EXERCISES["batch_norm.forward"].answer(x, gamma, beta, eps)
        if x.flags.writeable:
            x *= 0.5
        return y

    assert "The numbers" not in str(report_on("batch_norm.forward", batch_norm))


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        (
            "batch_norm.forward",
            lambda y: y.astype(complex),
            "y should hold floating-point numbers, yours is of type complex128",
        ),
        (
            "layer_norm.forward",
            lambda y: np.round(y).astype(int),
            "y should hold floating-point numbers, yours is of type int64",
        ),
    ],
)
def test_a_wrong_type_is_said_to_be_that(key, change, said):
    report = report_on(key, changed(key, change))
    assert report.diagnosis is None and report.hint is None
    assert said in report.failed[0].message


@pytest.mark.parametrize("key", ["layer_norm.module", "group_norm.module"])
def test_so_is_that_of_a_module(key):
    report = report_on(key, changed_module(key, lambda y: y.double()))
    assert report.diagnosis is None and report.hint is None
    assert (
        report.failed[0].message
        == "y should be of type torch.float32 like x, yours is torch.float64"
    )


# The place that is quoted is the one that the case is about.


@pytest.mark.parametrize(
    ("key", "case", "answer", "quoted"),
    [
        (
            "feature_scaling.z_score",
            "constant columns become 0, a column of tiny numbers does not",
            lambda x: (x - x.mean(0)) / np.maximum(x.std(0), 1e-12),
            "column 5",  # that of the tiny numbers
        ),
        (
            "feature_scaling.z_score",
            "constant columns become 0, a column of tiny numbers does not",
            lambda x: (x - x.mean(0)) / x.std(0),
            "column 3",  # the first constant one
        ),
        (
            "batch_norm.forward",
            "a feature that is constant, or has gamma 0, becomes beta",
            lambda x, gamma, beta, eps=1e-5: (
                gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) / gamma * gamma + beta
            ),
            "nan",
        ),
    ],
)
def test_a_message_quotes_what_the_case_is_about(key, case, answer, quoted):
    report = report_on(key, answer)
    [message] = [c.message for c in report.failed if c.name == case]
    assert quoted in message


# What a detector has no business with.


REFUSED = {
    "NaN": lambda a: np.full(a.shape, np.nan),
    "infinite": lambda a: np.full(a.shape, -np.inf),
    "too many": lambda a: np.ones((2000, 1000, *a.shape[2:])),
    "text": lambda a: "x",
    "nothing": lambda a: None,
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("key", KEYS[".spot_the_bug"])
def test_no_idea_is_read_into_what_is_no_input(key, kind):
    right = EXERCISES[key].answer()
    if isinstance(right, tuple):
        given = tuple(REFUSED[kind](np.asarray(array)) for array in right)
    else:
        given = REFUSED[kind](np.asarray(right))
    report = report_on(key, lambda: given)
    if kind == "too many" and "should have shape" in report.failed[0].message:
        return  # it is also of a wrong shape, which may be an idea
    assert report.diagnosis is None and report.points == 0


# How a module was made and called.


@pytest.mark.parametrize("key", KEYS[".module"])
def test_a_report_on_a_module_says_how_it_was_made_and_called(key):
    answer = EXERCISES[key].answer
    report = report_on(key, changed_module(key, lambda y: 1.5 * y))
    for case in report.failed:
        assert case.call.startswith(f"`{answer.__name__}("), case
        assert ")` called with `x`" in case.call, case


@pytest.mark.parametrize("key", ["layer_norm.module", "group_norm.forward"])
def test_one_error_in_all_shapes_is_told_once(key):
    def refuses(*args):
        raise TypeError(", ".join(["what", "is", "this"]))

    answer = refuses if key.endswith("forward") else changed_module(key, refuses)
    report = report_on(key, answer)
    assert len(report.failed) > 5
    assert str(report).count("what, is, this") == 1
