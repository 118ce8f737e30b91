"""The factory: which axes each layer averages over, and what it refuses."""

import pytest
import torch
from torch import nn

from normlib.torch import SwitchNorm1d, SwitchNorm2d, SwitchNorm3d, normalizer

SHAPES = [(5, 8), (4, 8, 5), (2, 8, 5, 3), (2, 8, 2, 3, 4)]
NAMES = ["none", "batch", "layer", "instance", "group", "switchable", "rms"]
every_name = pytest.mark.parametrize(
    ("name", "shape"),
    [(n, s) for n in NAMES for s in SHAPES if (n, len(s)) != ("instance", 2)],
)


def draw(shape, seed=0):
    """Numbers whose mean and spread differ between samples and between channels."""
    generator = torch.Generator().manual_seed(seed)
    level = torch.randn(shape[:2], generator=generator).double()
    level = level.view(*shape[:2], *[1] * (len(shape) - 2))
    noise = torch.randn(shape, generator=generator).double()
    return 3 * level + level.exp() * noise


def build(name, shape):
    torch.manual_seed(0)
    layer = normalizer(name, shape[1], len(shape) - 2).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    return layer


def standardized(x, axes):
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(var + 1e-5)


@every_name
def test_averages_over_the_axes_of_its_name(name, shape):
    x = draw(shape)
    layer = build(name, shape)
    trailing = tuple(range(2, x.ndim))
    expected = {
        "none": lambda: x,
        "batch": lambda: standardized(x, (0, *trailing)),
        "layer": lambda: standardized(x, (1, *trailing)),
        "instance": lambda: standardized(x, trailing),
        "group": lambda: torch.cat(
            [standardized(half, (1, *trailing)) for half in x.split(4, dim=1)], dim=1
        ),
        "rms": lambda: x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-5),
    }
    if name == "switchable":
        per_dim = (SwitchNorm1d, SwitchNorm1d, SwitchNorm2d, SwitchNorm3d)
        assert type(layer) is per_dim[len(trailing)]
        return
    y = expected[name]()
    if name != "none":
        y = y * layer.weight.view(1, -1, *[1] * len(trailing))
    if name not in ("none", "rms"):
        y = y + layer.bias.view(1, -1, *[1] * len(trailing))
    torch.testing.assert_close(layer(x), y, rtol=1e-9, atol=1e-9)


@every_name
def test_swaps_for_any_other_in_a_network(name, shape):
    """Same shapes in and out, in both modes, with gradients; C numbers each."""
    layer = build(name, shape)
    for training in (True, False):
        layer.train(training)
        x = draw(shape).requires_grad_()
        y = layer(x)
        assert y.shape == x.shape and y.dtype == x.dtype
        (dx,) = torch.autograd.grad(y, x, draw(shape, seed=1))
        assert dx.isfinite().all() and dx.abs().max() > 1e-3
    count = sum(parameter.numel() for parameter in layer.parameters())
    assert count == {"none": 0, "rms": 8, "switchable": 16 + 6}.get(name, 16)


def test_layers_are_those_of_torch():
    for name, ndim, layer in [
        ("none", 2, nn.Identity),
        ("batch", 0, nn.BatchNorm1d),
        ("batch", 1, nn.BatchNorm1d),
        ("batch", 2, nn.BatchNorm2d),
        ("batch", 3, nn.BatchNorm3d),
        ("layer", 0, nn.LayerNorm),
        ("layer", 2, nn.GroupNorm),
        ("instance", 1, nn.InstanceNorm1d),
        ("instance", 2, nn.InstanceNorm2d),
        ("instance", 3, nn.InstanceNorm3d),
        ("group", 0, nn.GroupNorm),
        ("rms", 0, nn.RMSNorm),
        ("rms", 2, nn.RMSNorm),
    ]:
        assert isinstance(normalizer(name, 8, ndim), layer)


@pytest.mark.parametrize(
    ("num_features", "num_groups"),
    [(1, 1), (4, 1), (7, 1), (8, 2), (10, 2), (12, 3), (16, 4), (64, 8), (100, 5)],
)
def test_groups_are_equal_and_not_too_small(num_features, num_groups):
    assert normalizer("group", num_features, 2).num_groups == num_groups


def test_names_and_numbers_of_axes_are_checked():
    for name in ("Batch", "", "spectral", None):
        with pytest.raises(ValueError) as error:
            normalizer(name, 8, 2)
        assert str(error.value) == (
            'name must be "none", "batch", "layer", "instance", "group", "switchable" '
            f'or "rms", got "{name}"'
        )
    for ndim in (-1, 4, 2.5, None):
        with pytest.raises(ValueError, match=f"ndim must be 0, 1, 2 or 3, got {ndim}"):
            normalizer("batch", 8, ndim)
    with pytest.raises(ValueError, match=r'1, 2 or 3 for "instance", got 0'):
        normalizer("instance", 8, 0)
