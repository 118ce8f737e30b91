"""How an answer is run: the calls made to it, and the arrays they bring back.

This module imports neither references nor exercises, so that it can stand beside an
untrusted answer without having anything to give away.
"""

import copy

import numpy as np

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import Protocol, factory, protocol


def as_array(value, name: str, whole: bool = False) -> np.ndarray:
    """``value`` as a floating-point array; ``Unusable`` when it is none.

    With ``whole``, whole numbers become floating-point numbers.
    """
    if value is None:
        raise Unusable(f"returned None for {name}: is there a `return`?")
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):  # ragged, or not array-like
        array = np.asarray(None)
        if isinstance(value, tuple | list):
            raise Unusable(
                f"{name} should be one array, yours is a {type(value).__name__} "
                f"of {len(value)} that fit into none"
            ) from None
    if whole and array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        found = array.dtype if array.dtype.kind in "biuc" else type(value).__name__
        raise Unusable(
            f"{name} should hold floating-point numbers, yours is of type {found}"
        )
    return array


@factory
def call(*names: str, only: tuple[str, ...] = (), whole: bool = False) -> Protocol:
    """One call; its result, or each item of the tuple it returns, under ``names``.

    With ``only``, the other items are not looked at. With ``whole``, whole numbers
    will do.
    """

    def run(implementation, inputs):
        result = implementation(*inputs.values())
        if len(names) == 1:
            return {names[0]: as_array(result, names[0], whole)}
        wanted = f"({', '.join(names)})"
        if result is None:
            raise Unusable(f"returned None, not {wanted}: is there a `return`?")
        if not isinstance(result, tuple | list):
            raise Unusable(f"returned one {type(result).__name__}, not {wanted}")
        if len(result) != len(names):
            raise Unusable(f"returned {len(result)} values, not {wanted}")
        named = zip(names, result, strict=True)
        return {n: as_array(r, n, whole) for n, r in named if n in (only or names)}

    return Protocol(run)


# How arrays may lie in memory: the same numbers, seen through other strides. Made
# here, beside the answer, because arrays that are sent or copied lie row after row.
# None lies backward: torch takes no negative strides, and an answer may use torch.


def _in_fortran_order(a):
    return np.asfortranarray(a)


def _every_second(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


MEMORY = {
    "transposed": _in_fortran_order,
    "strided": _every_second,
    "read-only": _read_only,
}


@factory
def from_any_memory(*names: str, only: tuple[str, ...] = ()) -> Protocol:
    """A call for each member of ``MEMORY``, all arrays lying in memory that way."""
    one_call = call(*names, only=only)
    return Protocol(lambda answer, inputs: in_each_memory(one_call, answer, inputs))


def in_each_memory(run, implementation, inputs) -> dict[str, np.ndarray]:
    """What the protocol ``run`` brings back for each member of ``MEMORY``."""
    outputs = {}
    for memory, lay_out in MEMORY.items():
        given = {n: _per_array(lay_out, value) for n, value in inputs.items()}
        for name, output in run(implementation, given).items():
            outputs[f"{name} of {memory} arrays"] = output.copy()
    return outputs


@factory
def called_again(*names: str, only: tuple[str, ...] = ()) -> Protocol:
    """Two calls with the same arrays, which hold other numbers the second time.

    The first results are looked at after the second call, which should not have
    changed them, and neither should the arrays have been shared with them.
    """
    one_call = call(*names, only=only)
    return Protocol(lambda answer, inputs: twice(one_call, answer, inputs))


def twice(run, implementation, inputs) -> dict[str, np.ndarray]:
    """What the protocol ``run`` brings back in two such calls."""
    given = {n: _per_array(np.copy, value) for n, value in inputs.items()}
    first = run(implementation, given)
    for value in given.values():
        _per_array(_change, value)
    second = run(implementation, given)
    return {
        **{f"{name} of the first call": output for name, output in first.items()},
        **{f"{name} of the second": output for name, output in second.items()},
    }


def _per_array(change, value):
    return change(value) if isinstance(value, np.ndarray) and value.ndim else value


def _change(a):
    """Other numbers of the same sign, in place; those that differ, differ more.

    Whole numbers may count something, as labels do: they only change places.
    """
    size = np.abs(a)
    other = a * (1 + size / (size.max(initial=0) or 1)) if a.dtype.kind == "f" else a
    a[...] = other[::-1].copy()


@factory
def fit_then(*methods: str) -> Protocol:
    """Construct a scaler, ``fit`` it on the first input, then call ``methods``.

    Each method is called with the next input, in order. ``fit`` may be among them:
    what it returns is not looked at.
    """

    def run(implementation, inputs):
        scaler = implementation()
        for method in ("fit", *methods):
            if not callable(getattr(scaler, method, None)):
                raise Unusable(f"{type(scaler).__name__} has no method `{method}`")
        train, *others = inputs.values()
        scaler.fit(train)
        outputs = {}
        for method, x in zip(methods, others, strict=True):
            result = getattr(scaler, method)(x)
            if method != "fit":
                outputs[method] = as_array(result, method)
        return outputs

    def describe(name, inputs):
        calls = zip(("fit", *methods), inputs, strict=True)
        return ", then ".join(f"`{method}({x})`" for method, x in calls)

    return Protocol(run, describe)


# Modules of torch. ``inputs`` holds the constructor's arguments under "new", in
# order; parameters and, for eval mode, buffers by name under "parameters" and
# "buffers"; and arrays x1, dy1, x2, dy2, ... for the steps.


@protocol()
def train_output(implementation, inputs) -> dict[str, np.ndarray]:
    """The output of one training step, also when it is of a wrong shape."""
    import torch

    module = _construct(implementation, inputs)
    x = torch.from_numpy(inputs["x1"]).requires_grad_()
    dy = torch.from_numpy(inputs["dy1"])
    y = _output(module, x)
    if y.shape == dy.shape:
        _backward(y, dy, x)
    return {"y": as_array(y, "y")}


@protocol()
def train_step(implementation, inputs) -> dict[str, np.ndarray]:
    """The output and every gradient of one training step."""
    module = _construct(implementation, inputs)
    y, dx = _step(module, inputs, "1")
    gradients = {
        f"gradient of {name}": as_array(parameter.grad, f"the gradient of {name}")
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    return {"y": y, "dx": dx} | gradients


@protocol()
def train_output_without_gradients(implementation, inputs) -> dict[str, np.ndarray]:
    """The output in training mode, under ``no_grad``."""
    import torch

    module = _construct(implementation, inputs)
    with torch.no_grad():
        y = _forward(module, torch.from_numpy(inputs["x1"]), inputs["dy1"].shape)
    return {"y": as_array(y, "y")}


@protocol()
def after_an_update(implementation, inputs) -> dict[str, np.ndarray]:
    """After a step of gradient descent: output and dx on other data, and the state."""
    import torch

    module = _construct(implementation, inputs)
    _step(module, inputs, "1")
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter -= inputs["lr"] * parameter.grad
    y, dx = _step(module, inputs, "2")
    return {"y": y, "dx": dx} | _numbers(module.state_dict())


@protocol()
def buffers(implementation, inputs) -> dict[str, np.ndarray]:
    """The buffers after two training steps."""
    module = _construct(implementation, inputs)
    _train(module, inputs, "12")
    return _buffers(module)


@protocol()
def inference(implementation, inputs) -> dict[str, np.ndarray]:
    """After two training steps: output and dx in eval mode, on other data."""
    module = _construct(implementation, inputs)
    _train(module, inputs, "12")
    before = copy.deepcopy(_parameters(module))
    y, dx = _step(_evaluating(module, inputs), inputs, "3")
    for name, value in _parameters(module).items():
        if name in before and not np.allclose(value, before[name], rtol=1e-4):
            raise Unusable(f"the call in eval mode changed the parameter {name}")
    return {"y": y, "dx": dx}


@protocol()
def inference_untrained(implementation, inputs) -> dict[str, np.ndarray]:
    """Output and dx in eval mode, before any training step, and the buffers then."""
    module = _evaluating(_construct(implementation, inputs), inputs)
    y, dx = _step(module, inputs, "3")
    return {"y": y, "dx": dx} | _buffers(module)


@protocol()
def buffers_after_inference(implementation, inputs) -> dict[str, np.ndarray]:
    """The buffers after a training step and a call in eval mode."""
    module = _construct(implementation, inputs)
    _train(module, inputs, "1")
    _step(_evaluating(module, inputs), inputs, "3")
    return _buffers(module)


@protocol()
def three_batches(implementation, inputs) -> dict[str, np.ndarray]:
    """The buffers after each of three batches in training mode, the last in no_grad."""
    import torch

    module = _construct(implementation, inputs)
    outputs = {}
    for i in "123":
        x, shape = torch.from_numpy(inputs[f"x{i}"]), inputs[f"dy{i}"].shape
        with torch.set_grad_enabled(i != "3"):
            _forward(module, x, shape)
        for name, value in _buffers(module).items():
            outputs[f"{name} after batch {i}"] = value.copy()
    return outputs


@protocol()
def in_a_model(implementation, inputs) -> dict[str, np.ndarray]:
    """Outputs as part of a model that is copied, saved and changed, under no_grad.

    Those in eval mode, and one in training mode. A second instance does something else
    in between.
    """
    import torch

    module, other = (_construct(implementation, inputs) for _ in range(2))
    model = torch.nn.Sequential(module)
    _train(model, inputs, "12")
    _scale_state(other, inputs, 3)
    _train(other, inputs, "2")
    _evaluating(module, inputs)
    module.train()

    def y(model):
        x, shape = torch.from_numpy(inputs["x3"].copy()), inputs["dy3"].shape
        with torch.no_grad():
            result = as_array(_forward(model, x, shape), "y").copy()
        if not np.array_equal(x, inputs["x3"], equal_nan=True):
            raise Unusable("forward wrote into x, which the caller still needs")
        return result

    outputs = {"y after the model's eval()": y(model.eval())}
    outputs["y of a deep copy"] = y(copy.deepcopy(model))
    loaded = torch.nn.Sequential(_new(implementation, inputs)).eval()
    loaded.load_state_dict(model.state_dict())
    outputs["y of a new model that loads the state_dict"] = y(loaded)
    outputs["y in training mode, under no_grad"] = y(model.train())
    _scale_state(module, inputs, 0.5)
    outputs["y after parameters and buffers have changed"] = y(model.train(False))
    return outputs


def _scale_state(module, inputs, factor):
    for name, value in (inputs["parameters"] | inputs.get("buffers", {})).items():
        _load(module, name, np.asarray(factor * value, value.dtype))


@protocol()
def in_float64(implementation, inputs) -> dict[str, np.ndarray]:
    """Output and gradients of one training step, module and x in float64."""
    module = _construct(implementation, inputs).double()
    wide = {
        name: value.astype(np.float64) if name in ("x1", "dy1") else value
        for name, value in inputs.items()
    }
    y, dx = _step(module, wide, "1")
    return {"y": y, "dx": dx}


@protocol()
def in_float16(implementation, inputs) -> dict[str, np.ndarray]:
    """The output in training mode, module and x in float16."""
    import torch

    module = _construct(implementation, inputs).half()
    with torch.no_grad():
        x = torch.from_numpy(inputs["x1"]).half()
        y = _forward(module, x, inputs["dy1"].shape)
    return {"y": as_array(y, "y")}


@protocol()
def of_transposed_x(implementation, inputs) -> dict[str, np.ndarray]:
    """The output and dx of one training step, for an x that does not lie row by row."""
    module = _construct(implementation, inputs)
    x = np.asfortranarray(inputs["x1"])
    y, dx = _step(module, inputs | {"x1": x}, "1")
    return {"y": y, "dx": dx}


@protocol()
def fresh_state(implementation, inputs) -> dict[str, np.ndarray]:
    """The ``state_dict`` of a module just constructed, of torch's default types."""
    import torch

    state = _new(implementation, inputs).state_dict()
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):  # torch's one whole number
            if value.is_floating_point():
                raise Unusable(
                    f"{name} should be a whole number, yours is of type {value.dtype}"
                )
        elif value.dtype != (wanted := torch.get_default_dtype()):
            raise Unusable(f"{name} should be of type {wanted}, yours is {value.dtype}")
    return _numbers(state)


def _new(implementation, inputs):
    import torch

    module = implementation(*inputs["new"])
    if not isinstance(module, torch.nn.Module):
        raise Unusable("your class should be a torch.nn.Module")
    return module


def _construct(implementation, inputs):
    """A module in training mode that holds the parameters of ``inputs``."""
    module = _new(implementation, inputs)
    own = ", ".join(name for name, _ in module.named_parameters())
    for name, value in inputs["parameters"].items():
        if not _load(module, name, value):
            if official := _official(module):
                raise Unusable(
                    f"your module holds torch's own {official}, which is this "
                    "exercise itself: write it with mean, sum, sqrt and the like"
                )
            raise Unusable(
                f"your module has no parameter `{name}` of {value.size} numbers; "
                f"its parameters: {own or 'none'}"
            )
    return module.train()


def _official(module):
    """The name of torch's own norm that the module holds, if it does."""
    kinds = (type(held) for held in module.modules())
    norms = (k for k in kinds if k.__module__.startswith("torch.nn"))
    return next((k.__name__.strip("_") for k in norms if "Norm" in k.__name__), None)


def _evaluating(module, inputs):
    """The module in eval mode, with the buffers of ``inputs`` if there are any.

    So a mistake in the running average does not cost the points of inference.
    """
    for name, value in inputs.get("buffers", {}).items():
        _load(module, name, value)
    return module.eval()


def _load(module, name, value):
    """Write ``value`` into the module's tensor ``name``, if it has one that fits."""
    import torch

    held = getattr(module, name, None)
    if not isinstance(held, torch.Tensor) or held.numel() != value.size:
        return False
    held.data.copy_(torch.from_numpy(value).reshape(held.shape))
    return True


def _train(module, inputs, steps):
    """The steps of a training loop; nothing may keep what a step has computed."""
    for i in steps:
        _step(module, inputs, i)
    for name, value in module.named_buffers():
        if value.requires_grad:
            raise Unusable(
                f"the buffer {name} still holds the graph of the training steps"
            )


def _step(module, inputs, i):
    """Forward and backward; returns y and the gradient that reaches x."""
    import torch

    x = torch.from_numpy(inputs[f"x{i}"]).requires_grad_()
    dy = torch.from_numpy(inputs[f"dy{i}"])
    y = _forward(module, x, dy.shape)
    _backward(y, dy, x)
    return as_array(y, "y"), as_array(x.grad, "dx")


def _backward(y, dy, x):
    if y.requires_grad:
        y.backward(dy)
    if x.grad is None:
        raise Unusable("no gradient reaches x: is something detached or in no_grad?")


def _forward(module, x, shape):
    y = _output(module, x)
    if y.shape != shape:
        raise Unusable(
            f"y should have shape {tuple(shape)}, yours has {tuple(y.shape)}"
        )
    return y


def _output(module, x):
    import torch

    y = module(x)
    if not isinstance(y, torch.Tensor):
        raise Unusable(f"forward should return a tensor, yours is a {type(y).__name__}")
    if y.dtype != x.dtype:
        raise Unusable(f"y should be of type {x.dtype} like x, yours is {y.dtype}")
    return y


def _parameters(module):
    return _numbers(dict(module.named_parameters()))


def _buffers(module):
    return _numbers(dict(module.named_buffers()))


def _numbers(tensors):
    return {name: value.detach().double().numpy() for name, value in tensors.items()}
