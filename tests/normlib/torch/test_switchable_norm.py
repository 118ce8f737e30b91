"""Switchable norm: autograd on the plain formula, its members, then modes and edges."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from normlib.torch import SwitchNorm1d, SwitchNorm2d, SwitchNorm3d

LAYERS = {2: SwitchNorm1d, 3: SwitchNorm1d, 4: SwitchNorm2d, 5: SwitchNorm3d}
SHAPES = [
    (5, 3),
    (3, 3),
    (4, 1),
    (4, 3, 5),
    (2, 3, 5, 7),
    (1, 3, 5, 2),
    (4, 3, 1, 1),
    (3, 1, 2, 5),
    (2, 3, 2, 3, 5),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)
with_maps = pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 2])
every_mode = pytest.mark.parametrize("training", [True, False])


def draw(shape, seed=0):
    """x and dy in float64. Samples and channels differ in mean and in spread."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=generator, dtype=torch.float64)

    trailing = [1] * (len(shape) - 2)
    level = normal(shape[0], shape[1], *trailing) + 5 * normal(shape[1], *trailing)
    return level + level.exp().clamp(0.1, 10) * normal(*shape), normal(*shape)


def build(shape, eps=0.1, training=True, **options):
    """A layer in float64 with none of its numbers at the default."""
    layer = LAYERS[len(shape)](shape[1], eps=eps, **options).double().train(training)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(generator=generator)
        layer.running_mean.normal_(generator=generator)
        layer.running_var.uniform_(0.5, 4, generator=generator)
    return layer


def plain(layer, x):
    """The formula of the paper, in float64, with three ``var_mean`` calls."""
    x = x.double()
    mean_weight, var_weight, weight, bias = (p.double() for p in layer.parameters())
    trailing = tuple(range(2, x.ndim))
    per_channel = (1, -1, *[1] * len(trailing))

    def var_mean(axes):
        return torch.var_mean(x, axes, correction=0, keepdim=True)

    members = [var_mean(trailing)] if trailing else []
    members.append(var_mean((1, *trailing)))
    if layer.training:
        members.append(var_mean((0, *trailing)))
    else:
        running = (layer.running_var, layer.running_mean)
        members.append(tuple(r.double().view(per_channel) for r in running))
    mean_shares = mean_weight[-len(members) :].softmax(0)
    var_shares = var_weight[-len(members) :].softmax(0)
    mean = sum(s * mean for s, (_, mean) in zip(mean_shares, members, strict=True))
    var = sum(s * var for s, (var, _) in zip(var_shares, members, strict=True))
    y = (x - mean) / torch.sqrt(var + layer.eps)
    return y * weight.view(per_channel) + bias.view(per_channel)


def gradients(function, layer, x, dy):
    """y, dx and the gradients of the layer's parameters, by name."""
    x = x.detach().clone().requires_grad_()
    y = function(x)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    results = torch.autograd.grad(y, (x, *parameters), dy.to(y.dtype))
    return dict(zip(("y", "x", *names), (y.detach(), *results), strict=True))


def agree(results, expected, **tolerance):
    for name, result in results.items():
        torch.testing.assert_close(
            result, expected[name], msg=lambda text, n=name: f"{n}: {text}", **tolerance
        )


def set_logits(layer, member, strength=100.0):
    """Give all the weight to one of instance (0), layer (1) and batch norm (2)."""
    with torch.no_grad():
        for logits in (layer.mean_weight, layer.var_weight):
            logits.copy_(strength * torch.eye(3)[member])


# The oracles: autograd on the plain formula, finite differences, limiting cases


@every_shape
@every_mode
def test_agrees_with_autograd(shape, training):
    layer = build(shape, training=training)
    x, dy = draw(shape)
    results = gradients(layer, layer, x, dy)
    layer = build(shape, training=training)
    expected = gradients(lambda x: plain(layer, x), layer, x, dy)
    agree(results, expected, rtol=1e-9, atol=1e-11)


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple),
    training=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_autograd_for_any_shape(shape, training, seed):
    if training and shape[0] * torch.Size(shape[2:]).numel() == 1:
        training = False
    layer = build(shape, training=training)
    x, dy = draw(shape, seed)
    expected = gradients(lambda x: plain(layer, x), layer, x, dy)
    agree(gradients(layer, layer, x, dy), expected, rtol=1e-8, atol=1e-10)


@every_shape
@every_mode
def test_gradients_are_the_numerical_ones(shape, training):
    layer = build(shape, training=training, momentum=0.0)
    x = draw(shape)[0].requires_grad_()
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def function(x, *parameters):
        named = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, named, (x,))

    assert torch.autograd.gradcheck(function, (x, *parameters))


@with_maps
@every_mode
@pytest.mark.parametrize("member", [0, 1, 2], ids=["instance", "layer", "batch"])
def test_one_hot_shares_give_the_member_itself(shape, member, training):
    C = shape[1]
    ndim = len(shape) - 2
    instance = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[ndim - 1]
    batch = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[ndim - 1]
    layer = build(shape, training=training, momentum=0.3)
    set_logits(layer, member, strength=1000.0)
    expected_layer = (
        # torch's instance norm refuses rows of one number, its group norm does not.
        nn.GroupNorm(C, C, eps=0.1)
        if shape[2:] == (1, 1)
        else instance(C, eps=0.1, affine=True),
        nn.GroupNorm(1, C, eps=0.1),
        batch(C, eps=0.1, momentum=0.3),
    )[member]
    expected_layer = expected_layer.double().train(training)
    expected_layer.load_state_dict(layer.state_dict(), strict=False)
    x, dy = draw(shape)
    expected = gradients(expected_layer, expected_layer, x, dy)
    results = gradients(layer, layer, x, dy)
    agree({name: results[name] for name in expected}, expected, rtol=1e-9, atol=1e-11)
    if member == 2:
        for name, buffer in expected_layer.named_buffers():
            torch.testing.assert_close(layer.get_buffer(name), buffer)


def test_tables_have_layer_and_batch_norm_alone():
    x, dy = draw((5, 3))
    for member, expected_layer in [
        (1, nn.LayerNorm(3, eps=0.1)),
        (2, nn.BatchNorm1d(3, eps=0.1)),
    ]:
        layer = build((5, 3))
        set_logits(layer, member, strength=1000.0)
        expected_layer = expected_layer.double()
        expected_layer.load_state_dict(layer.state_dict(), strict=False)
        expected = gradients(expected_layer, expected_layer, x, dy)
        results = gradients(layer, layer, x, dy)
        agree({n: results[n] for n in expected}, expected, rtol=1e-9, atol=1e-11)
    layer = build((5, 3))
    results = gradients(layer, layer, x, dy)
    for name in ("mean_weight", "var_weight"):
        assert results[name][0] == 0 and results[name][1:].abs().min() > 1e-3
    with torch.no_grad():
        layer.mean_weight[0] += 7
        layer.var_weight[0] -= 7
    torch.testing.assert_close(layer(x).detach(), results["y"], rtol=0, atol=0)


@every_shape
@every_mode
def test_logit_gradients_sum_to_zero(shape, training):
    """A number added to all three logits changes no share."""
    layer = build(shape, training=training)
    results = gradients(layer, layer, *draw(shape))
    for name in ("mean_weight", "var_weight"):
        size = results[name].abs().max()
        assert results[name].sum().abs() <= 1e-12 * size
        if shape[1] > 1:
            assert size > 1e-3


@every_shape
def test_ignores_shift_and_scale_of_the_whole_input(shape):
    layer = build(shape, eps=1e-12)
    x, dy = draw(shape)
    y = layer(x)
    torch.testing.assert_close(layer(7 * x - 300), y, rtol=1e-5, atol=1e-5)
    dx = gradients(layer, layer, x, dy)["x"]
    dx_moved = gradients(layer, layer, 7 * x - 300, dy)["x"]
    torch.testing.assert_close(7 * dx_moved, dx, rtol=1e-5, atol=1e-5)
    assert dx.sum().abs() < 1e-8 * dx.abs().sum()
    assert (dx * x).sum().abs() < 1e-7 * (dx * x).abs().sum()


def test_by_hand():
    """Two samples, one channel, two pixels: instance means 2 and 6, variances 1 and 4.

    With one channel, layer norm is instance norm. The batch has mean 4 and variance
    mean(1, 4) + mean(2**2, 2**2) = 6.5.
    """
    layer = SwitchNorm1d(1, eps=1e-12).double()
    with torch.no_grad():
        layer.mean_weight.copy_(torch.tensor([1.0, 1.0, 2.0]).log())
        layer.var_weight.copy_(torch.tensor([2.0, 1.0, 1.0]).log())
        layer.weight.fill_(-3)
        layer.bias.fill_(1)
    y = layer(torch.tensor([[[1.0, 3.0]], [[4.0, 8.0]]], dtype=torch.float64))
    mean = torch.tensor([0.5 * 2 + 0.5 * 4, 0.5 * 6 + 0.5 * 4])
    std = torch.tensor([0.75 * 1 + 0.25 * 6.5, 0.75 * 4 + 0.25 * 6.5]).sqrt()
    first = -3 * (torch.tensor([1.0, 3.0]) - mean[0]) / std[0] + 1
    second = -3 * (torch.tensor([4.0, 8.0]) - mean[1]) / std[1] + 1
    expected = torch.stack([first, second])[:, None]
    torch.testing.assert_close(y.float(), expected)


# Running statistics and inference


@every_shape
def test_running_statistics_after_two_steps_are_those_of_batch_norm(shape):
    """Whatever the shares: the first moves by 0.3, and the variance is unbiased."""
    layer = build(shape, momentum=0.3)
    mean, var = layer.running_mean.clone(), layer.running_var.clone()
    axes = (0, *range(2, len(shape)))
    for seed in (1, 2):
        x, _ = draw(shape, seed)
        layer(x)
        mean = 0.7 * mean + 0.3 * x.mean(axes)
        var = 0.7 * var + 0.3 * x.var(axes, correction=1)
    torch.testing.assert_close(layer.running_mean, mean)
    torch.testing.assert_close(layer.running_var, var)
    assert layer.num_batches_tracked == 2
    for buffer in layer.buffers():
        assert buffer.grad_fn is None and not buffer.requires_grad


@every_shape
def test_without_momentum_they_are_the_plain_average_over_batches(shape):
    """The paper's batch average: reset, pass over some batches, then infer."""
    layer = build(shape, momentum=None)
    layer(100 + draw(shape, seed=9)[0])
    layer.reset_running_stats()
    for name, buffer in LAYERS[len(shape)](shape[1]).named_buffers():
        assert torch.equal(layer.get_buffer(name), buffer)
    batches = [draw(shape, seed)[0] for seed in range(5)]
    with torch.no_grad():
        for x in batches:
            layer(x)
    axes = (0, *range(2, len(shape)))
    mean = torch.stack([x.mean(axes) for x in batches]).mean(0)
    var = torch.stack([x.var(axes, correction=1) for x in batches]).mean(0)
    torch.testing.assert_close(layer.running_mean, mean)
    torch.testing.assert_close(layer.running_var, var)
    layer.eval()
    x, _ = draw(shape, seed=9)
    torch.testing.assert_close(layer(x), plain(layer, x))


@every_shape
def test_inference_changes_nothing_and_takes_each_sample_by_itself(shape):
    layer = build(shape, training=False)
    before = copy.deepcopy(layer.state_dict())
    x, _ = draw(shape)
    y = layer(x)
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])
    alone = torch.cat([layer(row[None]) for row in x])
    torch.testing.assert_close(alone, y, rtol=1e-12, atol=1e-12)


def test_statistics_are_tracked_without_gradients_too():
    layer = build((4, 3, 5))
    with torch.no_grad():
        layer(draw((4, 3, 5))[0])
    assert layer.num_batches_tracked == 1


def test_one_sample_has_the_batch_statistics_of_the_instance():
    x, _ = draw((1, 3, 5, 2))
    layer = build((1, 3, 5, 2))
    set_logits(layer, 0)
    y = layer(x)
    set_logits(layer, 2)
    torch.testing.assert_close(layer(x), y)


@every_mode
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4, 4), (2, 3, 0), (2, 3, 0, 4)])
def test_an_empty_batch_changes_nothing(shape, training):
    layer = build(shape, training=training)
    before = copy.deepcopy(layer.state_dict())
    x = torch.zeros(shape, dtype=torch.float64)
    results = gradients(layer, layer, x, x)
    assert results["y"].shape == results["x"].shape == shape
    for name, _ in layer.named_parameters():
        assert not results[name].any()
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])


# Precision


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("shape", [(8, 6, 16, 16), (256, 16)])
def test_float32_survives_an_offset(shape, offset):
    x, dy = (t.float() for t in draw(shape, seed=3))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) + offset
    layer = build(shape).float()
    expected_layer = copy.deepcopy(layer).double()
    results = gradients(layer, layer, x, dy)
    expected = gradients(
        lambda x: plain(expected_layer, x), expected_layer, x.double(), dy.double()
    )
    worst = {n: (r - expected[n]).abs().max().item() for n, r in results.items()}
    scale = layer.weight.abs().max()
    assert worst["y"] < 2e-6 * scale
    assert worst["x"] < 5e-6 * scale
    for name in ("mean_weight", "var_weight", "weight", "bias"):
        assert worst[name] < 1e-6 * x.numel() / shape[1], name


@pytest.mark.parametrize("member", [0, 1, 2])
def test_float32_survives_a_different_offset_in_each_channel(member):
    offsets = torch.tensor([0, 1e4, -1e4, 100]).view(1, -1, 1, 1)
    x = offsets + torch.randn(8, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    layer = SwitchNorm2d(4)
    set_logits(layer, member, strength=1000.0)
    torch.testing.assert_close(layer(x).double(), plain(layer, x), rtol=1e-6, atol=2e-6)


def test_a_long_row_loses_no_digits():
    x = 3 + torch.randn(1, 2, 1024, 1024, generator=torch.Generator().manual_seed(0))
    layer = SwitchNorm2d(2)
    torch.testing.assert_close(layer(x).double(), plain(layer, x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("parameters", ["half", "float"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("mean", "std"), [(0, 1), (3000, 200)])
def test_half_precision_is_within_one_spacing_of_the_rounded_result(
    dtype, parameters, mean, std
):
    """Squares of 3000 overflow in float16; sums in bfloat16 stall at 256."""
    generator = torch.Generator().manual_seed(0)
    x = (mean + std * torch.randn(8, 4, 12, 12, generator=generator)).to(dtype)
    dy = torch.randn(8, 4, 12, 12, generator=generator).to(dtype)
    layer = SwitchNorm2d(4)
    if parameters == "half":
        layer = layer.to(dtype)
    results = gradients(layer, layer, x, dy)
    exact = copy.deepcopy(layer).double()
    expected = gradients(lambda x: plain(exact, x), exact, x.double(), dy.double())
    assert results["y"].dtype == results["x"].dtype == dtype
    for name in ("y", "x"):
        rounded = expected[name].to(dtype).double()
        spacing = torch.finfo(dtype).eps * rounded.abs().log2().floor().exp2()
        error = (results[name].double() - rounded).abs()
        assert (error <= spacing.clamp(min=1e-6)).all(), name
    for name, parameter in layer.named_parameters():
        assert results[name].dtype == parameter.dtype
        torch.testing.assert_close(
            results[name].double(), expected[name], rtol=0.02, atol=0.02
        )
    if parameters == "float":
        layer = SwitchNorm2d(4, momentum=1.0)
        layer(x)
        var = x.double().var((0, 2, 3), correction=1)
        torch.testing.assert_close(layer.running_var.double(), var, rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(dtype):
    for x in (draw((4, 3, 5, 2))[0].float(), draw((4, 3, 5, 2))[0].to(dtype)):
        dy = draw((4, 3, 5, 2))[1].to(x.dtype)
        layer = build((4, 3, 5, 2)).float()
        expected = gradients(layer, layer, x, dy)
        x = x.requires_grad_()
        with torch.autocast("cpu", dtype):
            y = layer(x)
        assert y.dtype == x.dtype
        y.backward(dy)
        results = {name: p.grad for name, p in layer.named_parameters()}
        agree({"y": y.detach(), "x": x.grad, **results}, expected, rtol=0, atol=0)


# Edges


@every_shape
@every_mode
@pytest.mark.parametrize("member", [0, 1, 2, None])
@pytest.mark.parametrize("value", [0.0, 7.1, -1e4 / 3])
def test_constant_input_gives_finite_numbers(shape, training, member, value):
    layer = build(shape, training=training, eps=1e-5).float()
    if member is not None:
        set_logits(layer, member)
    x = torch.full(shape, value)
    results = gradients(layer, layer, x, draw(shape)[1])
    for name, result in results.items():
        assert result.isfinite().all(), name
    if training:
        bias = layer.bias.detach().view(1, -1, *[1] * (len(shape) - 2))
        torch.testing.assert_close(results["y"], bias.expand(shape), rtol=0, atol=1e-6)


@every_mode
@pytest.mark.parametrize("size", [1e-38, 1e-30, 1e18, 1e20, 1e30, 1e34])
def test_no_finite_float32_gives_nan(size, training):
    layer = build((2, 3, 5, 7), training=training).float()
    x, dy = draw((2, 3, 5, 7))
    results = gradients(layer, layer, (size * x).float(), dy)
    for name, result in results.items():
        assert not result.isnan().any(), name
    for buffer in layer.buffers():
        assert not buffer.isnan().any()


def test_nan_poisons_what_it_is_averaged_with_and_nothing_else():
    x, _ = draw((4, 3, 5))
    x[1, 2, 3] = torch.nan
    layer = build((4, 3, 5))
    nan = layer(x).isnan()
    assert nan[1].all() and nan[:, 2].all()
    assert not nan[[0, 2, 3], :2].any()
    assert layer.running_mean.isnan().tolist() == [False, False, True]


@every_shape
@every_mode
def test_input_is_left_alone_and_the_backward_pass_does_not_follow_the_output(
    shape, training
):
    layer = build(shape, training=training)
    x, dy = draw(shape)
    expected = gradients(layer, layer, x, dy)["x"]
    x.requires_grad_()
    before = x.detach().clone()
    y = layer(x) * 1
    y.mul_(2)  # what an in-place activation does
    y.backward(dy / 2)
    assert torch.equal(x, before)
    torch.testing.assert_close(x.grad, expected)


def test_only_the_input_is_kept_for_the_backward_pass():
    layer = SwitchNorm2d(3)
    x = torch.randn(4, 3, 16, 16, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t) or t, lambda t: t
    ):
        layer(x)
    assert [t.data_ptr() for t in kept if t.numel() >= x.numel()] == [x.data_ptr()]


def test_any_memory_layout_is_accepted_and_channels_last_is_kept():
    x, dy = draw((2, 3, 5, 7))
    layer = build((2, 3, 5, 7))
    expected = gradients(layer, layer, x, dy)
    last = torch.channels_last
    results = gradients(
        layer, layer, x.to(memory_format=last), dy.to(memory_format=last)
    )
    agree(results, expected, rtol=1e-10, atol=1e-12)
    assert results["y"].is_contiguous(memory_format=last)
    assert results["x"].is_contiguous(memory_format=last)
    stretched = torch.zeros(4, 3, 5, 14, dtype=torch.float64)[::2, :, :, ::2]
    stretched.copy_(x)
    agree(gradients(layer, layer, stretched, dy), expected, rtol=1e-10, atol=1e-12)
    x.requires_grad_()
    layer(x).sum().backward()  # dy is one number, expanded
    torch.testing.assert_close(
        x.grad.sum(), torch.zeros(()).double(), atol=1e-9, rtol=0
    )


# As a module


def test_state_dict_is_that_of_batch_norm_and_the_logits():
    layer = SwitchNorm2d(3)
    keys = set(nn.BatchNorm2d(3).state_dict()) | {"mean_weight", "var_weight"}
    assert set(layer.state_dict()) == keys
    trained = build((2, 3, 5, 7))
    trained(draw((2, 3, 5, 7))[0])
    layer = SwitchNorm2d(3, eps=trained.eps).double()
    layer.load_state_dict(trained.state_dict())
    twins = (layer, copy.deepcopy(trained))
    x, _ = draw((2, 3, 5, 7), seed=5)
    for training in (True, False):
        y = trained.train(training)(x)
        for twin in twins:
            assert torch.equal(twin.train(training)(x), y)


def test_starts_as_the_plain_average_of_the_three():
    layer = SwitchNorm2d(3)
    assert layer.eps == 1e-5 and layer.momentum == 0.1
    for name, value in {
        "mean_weight": [1, 1, 1],
        "var_weight": [1, 1, 1],
        "weight": [1, 1, 1],
        "bias": [0, 0, 0],
        "running_mean": [0, 0, 0],
        "running_var": [1, 1, 1],
        "num_batches_tracked": 0,
    }.items():
        assert layer.state_dict()[name].tolist() == value
    assert layer.num_batches_tracked.dtype == torch.int64
    assert repr(layer) == "SwitchNorm2d(3, eps=1e-05, momentum=0.1)"


@every_shape
@every_mode
def test_lives_on_any_device(shape, training):
    """The meta device has no numbers: whatever would be made elsewhere fails."""
    layer = LAYERS[len(shape)](shape[1], device="meta", dtype=torch.bfloat16)
    assert {t.device.type for t in layer.state_dict().values()} == {"meta"}
    assert layer.weight.dtype == layer.running_var.dtype == torch.bfloat16
    x = torch.empty(shape, device="meta", requires_grad=True)
    for layer.momentum in (0.1, None):
        y = layer.train(training)(x)
        y.sum().backward()
        assert y.device.type == x.grad.device.type == "meta"


@pytest.mark.slow
@pytest.mark.xdist_group("torch's compiler, which takes long to import")
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 5, 7)])
def test_compiles_into_one_graph(backend, shape):
    torch.compiler.reset()
    x, dy = draw(shape)
    layer = build(shape, momentum=None)
    twin = copy.deepcopy(layer)
    compiled = torch.compile(layer, backend=backend, fullgraph=True)
    for training in (True, True, False):
        layer.train(training)
        twin.train(training)
        results = gradients(compiled, layer, x, dy)
        agree(results, gradients(twin, twin, x, dy), rtol=1e-12, atol=1e-12)
    for name, buffer in twin.named_buffers():
        torch.testing.assert_close(layer.get_buffer(name), buffer)


def test_second_derivatives_are_refused():
    x, dy = draw((2, 3, 5, 7))
    x.requires_grad_()
    y = build((2, 3, 5, 7))(x)
    with pytest.raises(RuntimeError, match="switchable norm has no second derivatives"):
        torch.autograd.grad(y, x, dy, create_graph=True)
    torch.autograd.grad(y, x, dy)


# Errors


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (1, 3, 1, 1), (1, 3, 1, 1, 1)])
def test_one_value_per_channel_is_refused_in_training_alone(shape):
    layer = LAYERS[len(shape)](3)
    with pytest.raises(ValueError) as error:
        layer(torch.ones(shape))
    assert str(error.value) == (
        "Expected more than 1 value per channel when training, "
        f"got input size {torch.Size(shape)}"
    )
    assert layer.num_batches_tracked == 0
    assert layer.eval()(torch.ones(shape)).isfinite().all()


@pytest.mark.parametrize(
    ("layer", "expected", "ndims"),
    [
        (SwitchNorm1d(3), "2D or 3D", (1, 4, 5)),
        (SwitchNorm2d(3), "4D", (2, 3, 5)),
        (SwitchNorm3d(3), "5D", (2, 3, 4)),
    ],
)
def test_the_number_of_axes_is_checked(layer, expected, ndims):
    for ndim in ndims:
        message = rf"expected {expected} input \(got {ndim}D input\)"
        with pytest.raises(ValueError, match=message):
            layer(torch.ones([3] * ndim))


def test_channels_dtype_and_eps_are_checked():
    layer = SwitchNorm1d(3)
    with pytest.raises(ValueError, match=r"3 channels, got input size .*\[2, 4, 3\]"):
        layer(torch.ones(2, 4, 3))
    for dtype in (torch.int64, torch.bool, torch.complex64):
        with pytest.raises(ValueError, match=f"floating-point input, got {dtype}"):
            layer(torch.ones(4, 3, dtype=dtype))
    for eps in (0, -1e-5, float("nan")):
        with pytest.raises(ValueError, match=f"eps must be positive, got {eps}"):
            SwitchNorm1d(3, eps=eps)
