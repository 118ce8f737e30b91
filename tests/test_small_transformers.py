"""The transformers of chapter 9, side by side, against torch, one at a time."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

DEPTH = 2
SPOTS = {
    "post": dict(spots=("sum",), last=False),
    "pre": dict(spots=("input",)),
    "sandwich": dict(spots=("input", "output")),
    "output, RMS": dict(spots=("output",), norm="RMS"),
    "none": dict(spots=(), last=False),
    "QK-norm": dict(qk_norm=True),
    "tanh": dict(norm="tanh"),
    "DeepNorm": dict(spots=("sum",), last=False, skip=1.7, gain=0.6),
    "zero gates": dict(spots=("output",), norm="none", first_scale=0, last=False),
}


@pytest.fixture
def small(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "book")
    import small_transformers

    torch.set_num_threads(1)
    return small_transformers


def alone(net, w, images):
    """Class scores of one network, from torch's attention and its own norms."""

    def norm(name, x):
        x = {
            "layer": lambda: F.layer_norm(x, (16,)),
            "RMS": lambda: x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt(),
            "tanh": lambda: torch.tanh(w[f"{name} alpha"] * x),
            "none": lambda: x,
        }[net.norm]()
        return w[f"{name} scale"].flatten() * x + w[f"{name} shift"].flatten()

    def attention(block, x):
        q, k, v = (x @ w[f"{block} qkv"]).view(-1, 4, 3, 2, 8).permute(2, 0, 3, 1, 4)
        if net.qk_norm:
            q = F.rms_norm(q, (8,), w[f"{block} q"].flatten(), eps=1e-6)
            k = F.rms_norm(k, (8,), w[f"{block} k"].flatten(), eps=1e-6)
        heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return heads.flatten(2) @ w[f"{block} mix"]

    def mlp(block, x):
        hidden = (x @ w[f"{block} up"] + w[f"{block} up bias"].flatten()).relu()
        return hidden @ w[f"{block} down"]

    x = images.view(-1, 4, 16) @ w["embed"] + w["position"]
    for block in range(DEPTH):
        for name, part in (("attention", attention), ("mlp", mlp)):
            h = norm(f"{block} {name} input", x) if "input" in net.spots else x
            h = part(block, h)
            h = norm(f"{block} {name} output", h) if "output" in net.spots else h
            x = net.skip * x + h
            x = norm(f"{block} {name} sum", x) if "sum" in net.spots else x
    return (norm("last", x) if net.last else x).mean(1) @ w["answer"]


@pytest.mark.parametrize("name", SPOTS)
def test_side_by_side_they_compute_what_each_computes_alone(small, name):
    net = small.Transformers(DEPTH, **SPOTS[name])
    torch.manual_seed(1)
    parameters = torch.stack([net.initial() for _ in range(3)])
    parameters += 0.1 * torch.randn_like(parameters)  # scales and shifts that differ
    images, weights = torch.randn(3, 5, 64), torch.randn(3, 5, 10)
    parameters.requires_grad_()
    together = net(parameters, images)
    (gradient,) = torch.autograd.grad((together * weights).sum(), parameters)
    for i in range(3):
        one = parameters[i : i + 1].detach().requires_grad_()
        w = {key: value[0] for key, value in net.unpacked(one).items()}
        scores = alone(net, w, images[i])
        assert torch.allclose(together[i], scores, atol=1e-5)
        (wanted,) = torch.autograd.grad((scores * weights[i]).sum(), one)
        assert torch.allclose(gradient[i], wanted[0], rtol=1e-4, atol=1e-4)


def test_a_network_starts_and_learns_as_with_torch_s_adam(small):
    from digits import load

    net = small.Transformers(DEPTH)
    net.train([0.01, 0.003], seeds=2, steps=6, batch=8)
    together = net.parameters[2]  # the second rate, the first seed

    x, y, *_ = load(0)
    parameters = nn.Parameter(net.initial())
    optimizer = torch.optim.Adam([parameters], 0.003, betas=(0.9, 0.98))
    draw = torch.Generator().manual_seed(0)
    for _ in range(6):
        rows = torch.randint(1297, (2, 8), generator=draw)[0]
        w = {k: v[0] for k, v in net.unpacked(parameters[None]).items()}
        optimizer.zero_grad()
        F.cross_entropy(alone(net, w, x[rows]), y[rows]).backward()
        optimizer.step()
    moved = (together - net_start(net)).norm()
    assert (together - parameters).norm() < 0.02 * moved


def net_start(net):
    from digits import load

    load(0)
    return net.initial()


def test_zero_gates_and_weights_start_as_promised(small):
    torch.manual_seed(0)
    gates = small.Transformers(3, **SPOTS["zero gates"])
    start, *states = gates.states(gates.initial()[None], torch.randn(1, 5, 64))
    assert all(torch.equal(x, start) for x in states)
    deep = small.Transformers(1, gain=0.5)
    w = {k: v[0] for k, v in deep.unpacked(deep.initial()[None]).items()}
    q, k, v = np.split(w["0 qkv"].numpy(), 3, axis=1)
    assert abs(v).max() < 0.6 * min(abs(q).max(), abs(k).max())


def test_each_rate_has_its_own_warm_up(small):
    net = small.Transformers(1)
    settings = dict(seeds=2, steps=4, batch=8)
    net.train([0.01, 0.01], warm_up=[1, 3], **settings)
    together = net.parameters
    net.train([0.01], **settings)
    assert torch.allclose(together[:2], net.parameters, atol=1e-6)
    net.train([0.01], warm_up=3, **settings)
    assert torch.allclose(together[2:], net.parameters, atol=1e-6)
    assert not torch.allclose(together[2:], together[:2], atol=1e-3)
