"""The calls made to an answer, and what is said of results that cannot be used."""

import numpy as np
import pytest
import torch

from normlib.check.running import protocols
from normlib.check.running.observing import Unusable
from normlib.check.running.protocols import (
    as_array,
    call,
    called_again,
    fit_then,
    from_any_memory,
)


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.5, 2.0]),
        [1.5, 2.0],
        (np.float32(1.5), 2.0),
        torch.tensor([1.5, 2.0], requires_grad=True),
    ],
    ids=["array", "list", "tuple", "tensor"],
)
def test_whatever_holds_numbers_becomes_an_array(value):
    np.testing.assert_array_equal(as_array(value, "y"), [1.5, 2.0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "returned None for y: is there a `return`?"),
        (np.array([1, 2]), "yours is of type int64"),
        (np.array([True]), "yours is of type bool"),
        (np.array([1j]), "yours is of type complex128"),
        ("text", "yours is of type str"),
        ([[1.0], [1.0, 2.0]], "y should be one array, yours is a list of 2"),
        ((np.ones(2), np.ones((2, 1, 3))), "y should be one array, yours is a tuple"),
        (lambda: 1, "yours is of type function"),
    ],
    ids=["None", "int", "bool", "complex", "str", "ragged", "tuple", "function"],
)
def test_what_is_no_floating_point_array_is_named(value, message):
    with pytest.raises(Unusable) as caught:
        as_array(value, "y")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, r"returned None, not \(dx, dgamma\)"),
        (np.zeros(2), r"returned one ndarray, not \(dx, dgamma\)"),
        ((np.zeros(2),) * 3, r"returned 3 values, not \(dx, dgamma\)"),
        ((np.zeros(2), None), "returned None for dgamma"),
    ],
)
def test_a_tuple_of_results_is_asked_for_by_name(result, message):
    with pytest.raises(Unusable, match=message):
        call("dx", "dgamma")(lambda: result, {})


def test_whole_numbers_will_do_where_a_protocol_says_so():
    outputs = call("x", "y", whole=True)(lambda: ([[1, 10]], np.ones(2)), {})
    assert outputs["x"].dtype == np.float64 and outputs["x"].tolist() == [[1, 10]]
    with pytest.raises(Unusable, match="yours is of type bool"):
        call("x", whole=True)(lambda: [True], {})


def test_inputs_are_passed_in_order():
    outputs = call("y")(lambda a, b: a - b, {"a": np.ones(1), "b": np.zeros(1)})
    assert outputs["y"] == 1


class Shift:
    def fit(self, x):
        self.shift = x.mean(axis=0)

    def transform(self, x):
        return x - self.shift

    def inverse_transform(self, z):
        return z + self.shift


def test_a_scaler_is_fitted_once_and_applied_to_other_data():
    train, new = np.array([[1.0], [3.0]]), np.array([[10.0]])
    run = fit_then("transform", "inverse_transform")
    outputs = run(Shift, {"train": train, "new": new, "z": new})
    assert outputs["transform"] == 8 and outputs["inverse_transform"] == 12


def test_a_scaler_may_be_fitted_again_and_its_calls_are_described():
    train, again, new = (np.array([[1.0], [3.0]]) + shift for shift in (0, 6, 0))
    run = fit_then("fit", "transform")
    outputs = run(Shift, {"train": train, "again": again, "new": new})
    np.testing.assert_array_equal(outputs["transform"], [[-7], [-5]])
    inputs = {"train": train, "again": again, "new": new}
    described = run.describe("StandardScaler", inputs)
    assert described == "`fit(train)`, then `fit(again)`, then `transform(new)`"


def test_only_some_of_several_results_may_be_compared():
    outputs = call("dx", "dgamma", only=("dx",))(lambda: (np.ones(1), None), {})
    assert list(outputs) == ["dx"]


def test_a_missing_method_is_named():
    class Half:
        fit = Shift.fit

    with pytest.raises(Unusable, match="Half has no method `transform`"):
        fit_then("transform")(Half, {"train": np.ones((2, 1)), "x": np.ones((1, 1))})


X = {"x": np.arange(12.0).reshape(3, 4) + 1, "g": np.array([1.0, -2.0, 3.0, 4.0])}


def test_arrays_lie_in_memory_in_every_way_and_hold_the_same_numbers():
    flags, seen = [], []

    def answer(x, g):
        assert [*x.ravel(), *g] == [*X["x"].ravel(), *X["g"]]
        flags.append((x.flags.c_contiguous, x.flags.f_contiguous, x.flags.writeable))
        seen.append(x.strides)
        return x * g

    outputs = from_any_memory("y")(answer, X)
    assert list(outputs) == [
        *("y of transposed arrays", "y of strided arrays", "y of read-only arrays"),
    ]
    assert flags == [
        *((False, True, True), (False, False, True)),
        (True, False, False),
    ]
    assert seen == [(8, 24), (64, 16), (32, 8)]
    for output in outputs.values():
        np.testing.assert_array_equal(output, X["x"] * X["g"])


def test_a_second_call_gets_the_same_arrays_with_other_numbers():
    seen = []

    def answer(x, g):
        seen.append((x, x.copy()))
        return x * g

    outputs = called_again("y")(answer, X)
    (first, one), (second, other) = seen
    assert first is second and first is not X["x"]
    assert not np.isclose(one, other).any() and (other > 0).all()
    np.testing.assert_array_equal(outputs["y of the first call"], one * X["g"])


@pytest.mark.parametrize("shape", [(6, 4), (1, 3), (0, 3)])
def test_numbers_of_a_second_call_lie_as_far_apart_and_labels_are_the_same(shape):
    rng = np.random.default_rng(0)
    x, labels, seen = rng.normal(size=shape), np.arange(shape[0]), []

    def answer(x, labels):
        seen.append((np.sort(x, axis=None), np.sort(labels)))
        return x

    called_again("y")(answer, {"x": x, "labels": labels})
    (first, counted), (second, again) = seen
    assert (np.diff(second) >= np.diff(first)).all()
    np.testing.assert_array_equal(again, counted)


def test_a_result_that_shares_memory_shows_in_a_second_call():
    buffer = np.zeros((3, 4))

    def reused(x, g):
        buffer[...] = x * g
        return buffer

    for answer in (reused, lambda x, g: x):
        fresh = called_again("y")(lambda x, g, f=answer: f(x, g).copy(), X)
        shared = called_again("y")(answer, X)
        changed = [n for n in fresh if not np.array_equal(fresh[n], shared[n])]
        assert changed == ["y of the first call"]


@pytest.fixture
def steps():
    rng = np.random.default_rng(3)
    arrays = {
        f"{name}{i}": rng.normal(3, 2, (2, 3, 2, 2)).astype(np.float32)
        for i in "123"
        for name in ("x", "dy")
    }
    weights = {
        "weight": np.array([0.5, -2, 3], np.float32),
        "bias": np.array([1, 0.5, -1], np.float32),
    }
    return {"new": [3, 0.1, 0.3], "parameters": weights} | arrays


def test_a_training_step_gives_torchs_outputs_and_gradients(steps):
    outputs = protocols.train_step(torch.nn.BatchNorm2d, steps)
    x = torch.tensor(steps["x1"], requires_grad=True)
    weight, bias = (
        torch.tensor(value, requires_grad=True)
        for value in steps["parameters"].values()
    )
    y = torch.nn.functional.batch_norm(x, None, None, weight, bias, True, 0.3, 0.1)
    wanted = torch.autograd.grad(
        y, (x, weight, bias), grad_outputs=torch.tensor(steps["dy1"])
    )
    np.testing.assert_array_equal(outputs.pop("y"), y.detach())
    for got, want in zip(outputs.values(), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_buffers_and_inference_come_after_two_training_steps(steps):
    module = torch.nn.BatchNorm2d(3, 0.1, 0.3)
    module.load_state_dict(
        {n: torch.tensor(v) for n, v in steps["parameters"].items()}, strict=False
    )
    for i in "12":
        module(torch.tensor(steps[f"x{i}"]))
    held = protocols.buffers(torch.nn.BatchNorm2d, steps)
    np.testing.assert_array_equal(held["running_mean"], module.running_mean.double())
    np.testing.assert_array_equal(held["running_var"], module.running_var.double())
    assert held["num_batches_tracked"] == 2
    outputs = protocols.inference(torch.nn.BatchNorm2d, steps)
    y = module.eval()(torch.tensor(steps["x3"])).detach()
    np.testing.assert_array_equal(outputs["y"], y)


def test_inference_may_come_before_any_training(steps):
    outputs = protocols.inference_untrained(torch.nn.BatchNorm2d, steps)
    weight, bias = (torch.tensor(v) for v in steps["parameters"].values())
    slope = weight[:, None, None] / 1.1**0.5  # variance 1, eps 0.1
    y = slope * torch.tensor(steps["x3"]) + bias[:, None, None]
    np.testing.assert_allclose(outputs["y"], y, rtol=1e-5, atol=1e-6)
    dx = slope * torch.tensor(steps["dy3"])
    np.testing.assert_allclose(outputs["dx"], dx, rtol=1e-5, atol=1e-6)
    assert outputs["running_mean"].tolist() == [0, 0, 0]
    assert outputs["num_batches_tracked"] == 0


def test_what_is_no_module_is_said_to_be_none(steps):
    with pytest.raises(Unusable, match=r"should be a torch\.nn\.Module"):
        protocols.train_step(lambda *args: Shift(), steps)


class HoldsTheGraph(torch.nn.BatchNorm2d):
    def forward(self, x):
        self.running_mean = self.running_mean + 0.3 * x.mean((0, 2, 3))
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class WithoutGradient(torch.nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x.detach())


class InDouble(torch.nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).double()


class Nameless(torch.nn.Module):
    def __init__(self, num_features, eps, momentum):
        super().__init__()
        self.gamma = torch.nn.Parameter(torch.ones(num_features))


class HoldsTorchs(torch.nn.Module):
    def __init__(self, num_features, eps, momentum):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(num_features, eps, momentum)


class HoldsAParametrization(torch.nn.Module):
    def __init__(self, *args):
        super().__init__()
        self.linear = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 3))


class StoresDoubles(torch.nn.BatchNorm2d):
    def __init__(self, *args):
        super().__init__(*args)
        self.running_var = self.running_var.double()


class CountsInFloats(torch.nn.BatchNorm2d):
    def __init__(self, *args):
        super().__init__(*args)
        self.num_batches_tracked = torch.tensor(0.0)


class HalvesItsWeightsInEval(torch.nn.BatchNorm2d):
    def forward(self, x):
        y = super().forward(x)
        if not self.training:
            self.weight.data = self.weight.data / 2
        return y


@pytest.mark.parametrize(
    ("module", "protocol", "message"),
    [
        (HoldsTheGraph, protocols.buffers, "running_mean.*graph"),
        (WithoutGradient, protocols.train_step, "no gradient reaches x"),
        (InDouble, protocols.train_output, "float64"),
        (Nameless, protocols.train_output, "no parameter `weight`"),
        (HoldsTorchs, protocols.train_output, "torch's own BatchNorm2d"),
        (HoldsAParametrization, protocols.train_output, "torch's own .*WeightNorm"),
        (StoresDoubles, protocols.fresh_state, r"running_var .*float32.*float64"),
        (CountsInFloats, protocols.fresh_state, "num_batches_tracked .*whole number"),
        (HalvesItsWeightsInEval, protocols.inference, "eval mode changed .*weight"),
    ],
)
def test_what_a_module_does_wrong_has_its_own_words(module, protocol, message, steps):
    with pytest.raises(Unusable, match=message):
        protocol(module, steps)


def test_a_new_modules_state_is_its_own_initial_values(steps):
    state = protocols.fresh_state(torch.nn.BatchNorm2d, steps)
    assert state["weight"].tolist() == state["running_var"].tolist() == [1, 1, 1]
    assert state["num_batches_tracked"] == 0


def test_an_update_is_a_step_of_gradient_descent_on_every_parameter(steps):
    outputs = protocols.after_an_update(torch.nn.BatchNorm2d, steps | {"lr": 0.5})
    module = torch.nn.BatchNorm2d(3, 0.1, 0.3)
    module.load_state_dict(
        {n: torch.tensor(v) for n, v in steps["parameters"].items()}, strict=False
    )
    module(torch.tensor(steps["x1"])).backward(torch.tensor(steps["dy1"]))
    torch.optim.SGD(module.parameters(), lr=0.5).step()
    x = torch.tensor(steps["x2"], requires_grad=True)
    y = module(x)
    y.backward(torch.tensor(steps["dy2"]))
    np.testing.assert_array_equal(outputs["y"], y.detach())
    np.testing.assert_array_equal(outputs["dx"], x.grad)
    for name, value in module.state_dict().items():
        np.testing.assert_array_equal(outputs[name], value.double())
    start = steps["parameters"]["weight"]
    assert not np.allclose(outputs["weight"], start)


class Standing(torch.nn.BatchNorm2d):
    """Its statistics stand still under ``no_grad``."""

    def forward(self, x):
        before = self.running_mean.clone()
        y = super().forward(x)
        if not torch.is_grad_enabled():
            self.running_mean.copy_(before)
        return y


def test_buffers_are_looked_at_after_each_of_three_batches(steps):
    outputs = protocols.three_batches(torch.nn.BatchNorm2d, steps)
    assert len(outputs) == 9
    wrong = protocols.three_batches(Standing, steps)
    changed = [n for n in outputs if not np.array_equal(outputs[n], wrong[n])]
    assert changed == ["running_mean after batch 3"]


class DeafToTrain(torch.nn.BatchNorm2d):
    def train(self, mode=True):
        return super().train()


class NewWhenCopied(torch.nn.BatchNorm2d):
    def __deepcopy__(self, memo):
        return type(self)(3, 0.1, 0.3).eval()


class LoadsNothing(torch.nn.BatchNorm2d):
    def _load_from_state_dict(self, *args):
        pass


class KeepsItsFirstScale(torch.nn.BatchNorm2d):
    first = None

    def forward(self, x):
        if self.training:
            return super().forward(x)
        if self.first is None:
            self.first = self.running_var.clone()
        self.running_var.copy_(self.first)
        return super().forward(x)


class WithTheOthersStatistics(torch.nn.BatchNorm2d):
    shared = torch.zeros(3)

    def forward(self, x):
        y = super().forward(x) + self.shared.sum()
        self.shared.add_(x.detach().mean())
        return y


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        (DeafToTrain, {"y after the model's eval()", "y of a deep copy"}),
        (NewWhenCopied, {"y of a deep copy"}),
        (LoadsNothing, {"y of a new model that loads the state_dict"}),
        (KeepsItsFirstScale, {"y after parameters and buffers have changed"}),
        (WithTheOthersStatistics, {"y after the model's eval()"}),
    ],
)
def test_a_model_is_copied_saved_and_changed(module, wrong, steps):
    buffers = {"running_var": np.array([4, 9, 2], np.float32)}
    inputs = steps | {"buffers": buffers | {"num_batches_tracked": np.array(7)}}
    right = protocols.in_a_model(torch.nn.BatchNorm2d, inputs)
    found = protocols.in_a_model(module, inputs)
    assert wrong <= {n for n in right if not np.allclose(right[n], found[n])}


def test_a_model_is_also_called_in_training_mode_without_gradients(steps):
    class Wrong(torch.nn.BatchNorm2d):
        def forward(self, x):
            y = super().forward(x)
            return y + 1 if self.training and not torch.is_grad_enabled() else y

    right = protocols.in_a_model(torch.nn.BatchNorm2d, steps)
    found = protocols.in_a_model(Wrong, steps)
    differ = {n for n in right if not np.allclose(right[n], found[n])}
    assert differ == {"y in training mode, under no_grad"}


def test_a_module_works_in_float64(steps):
    outputs = protocols.in_float64(torch.nn.BatchNorm2d, steps)
    assert outputs["y"].dtype == outputs["dx"].dtype == np.float64


def test_a_module_works_in_float16(steps):
    outputs = protocols.in_float16(torch.nn.BatchNorm2d, steps)
    assert outputs["y"].dtype == np.float16
    wide = protocols.train_output(torch.nn.BatchNorm2d, steps)
    np.testing.assert_allclose(outputs["y"], wide["y"], atol=0.02)


def test_an_x_may_lie_in_memory_in_another_order(steps):
    seen = []

    class Layer(torch.nn.BatchNorm2d):
        def forward(self, x):
            seen.append(x.is_contiguous())
            return super().forward(x)

    outputs = protocols.of_transposed_x(Layer, steps)
    usual = protocols.train_step(Layer, steps)
    assert seen == [False, True]
    for name, value in outputs.items():
        np.testing.assert_allclose(value, usual[name], rtol=1e-5, atol=1e-6)
