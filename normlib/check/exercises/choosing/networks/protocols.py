"""How the networks of this chapter are run: built with the answer, and trained.

As in ``normlib.check.running``, nothing here knows what is right. A protocol that
trains brings back scores for the test images, never the accuracy, for which it
would have to know their labels. ``added`` tells which normalizers were added, and
where.
"""

import contextlib

import numpy as np
import torch
from torch import nn

from normlib.check.running.observing import Unusable
from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import as_array

# The first number in a row of ``added``; the second tells the place, and the third,
# for a group norm, how many numbers a group holds.
BATCH, LAYER, GROUP, INSTANCE, TRACKED, OTHER = range(6)
# Places in a recurrent cell. In a list of layers, the place is the number of given
# layers before it.
ON_SUM, ON_INPUT_PART, ON_STATE_PART, ON_X, ON_STATE, ELSEWHERE = range(6)


# The columns of a flash in a recurrent network's sequence, and how bright they are.
FLASH_COLUMNS, FLASH = 4, 30


@protocol(lambda name, inputs: f"`{name}(layers)`, trained on pairs")
def small_batch(implementation, inputs):
    """Train with two images a step; scores for the test images.

    And for one image beside two others, in training mode, before the training.
    """
    x = inputs["x"]
    with _repeatable(inputs):
        net, added = _network(implementation, _fully_connected(), x[:2])
        one, other = (_scores(net.train(), x[[0, i]])[0] for i in (1, 2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.015)
        _fit(net, optimizer, inputs, steps=600, size=2)
        scores = _scores(net.eval(), inputs["new_x"])
    return {"scores": scores, "one": one, "other": other, "added": added}


@protocol(lambda name, inputs: f"`{name}(layers)`, trained")
def contrast(implementation, inputs):
    """Train a convolutional network; scores for the test images.

    And for some images, and for them altered, in eval mode, before the training.
    """
    x = inputs["x"][:8]
    with _repeatable(inputs):
        net, added = _network(implementation, _convolutional(), x)
        one, other = (_scores(net.eval(), images) for images in (x, 3 * x + 1))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        _fit(net, optimizer, inputs, steps=300, size=32)
        scores = _scores(net.eval(), inputs["new_x"])
    return {"scores": scores, "one": one, "other": other, "added": added}


@protocol(lambda name, inputs: f"a network with your `{name}`, trained")
def recurrent(implementation, inputs):
    """Train on digits, each with a flash after it; scores for such test sequences.

    And for one sequence in two batches, in training mode, before the training.
    """
    new_x = inputs["new_x"]
    with _repeatable(inputs):
        net, added = _recurrent_network(implementation, inputs)
        batches = new_x[:8], new_x[[0, *range(8, 15)]]
        one, other = (_scores(net.train(), batch)[0] for batch in batches)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        # Without clip and warm-up, one in a hundred trainings ends in chance.
        _fit(net, optimizer, inputs, steps=150, size=64, clip=0.25, warm_up=30)
        scores = _scores(net.eval(), new_x)
    return {"scores": scores, "one": one, "other": other, "added": added}


@contextlib.contextmanager
def _repeatable(inputs):
    """The same numbers for the same seed, and the caller's generator left alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(inputs["seed"]))
            yield
    finally:
        torch.set_num_threads(threads)


# The given layers.


def _fully_connected():
    """Six layers with tanh, and weights so small that the signal dies on its way."""
    linears = [*(nn.Linear(64, 64) for _ in range(6)), nn.Linear(64, 10)]
    for linear in linears:
        nn.init.normal_(linear.weight, std=0.05)
        nn.init.zeros_(linear.bias)
    return [*(f for linear in linears[:-1] for f in (linear, nn.Tanh())), linears[-1]]


def _convolutional():
    return [
        *(nn.Conv2d(1, 16, 3), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
    ]


def _recurrent_layers():
    """The second with weights six times as large as keeps a signal's size."""
    layers = [nn.Linear(8, 64), nn.Linear(64, 64, bias=False)]
    nn.init.normal_(layers[1].weight, std=6 / 64**0.5)
    return layers


# What the answer makes of them.


def _network(implementation, layers, x):
    """The network of the layers that the answer returns, and what it added."""
    given = {layer: _weights(layer) for layer in layers}
    answer = implementation(list(layers))
    if answer is None:
        raise Unusable("returned None: is there a `return`?")
    if isinstance(answer, list | tuple):
        for layer in answer:
            if not isinstance(layer, nn.Module):
                raise Unusable(f"the list holds {layer!r:.60}, which is no layer")
        answer = nn.Sequential(*answer)
    _check_module(answer, "should return a list of layers")
    _check_weights(given)
    used, added = [], []

    def look(module, args, output):
        if module in given:
            used.append(layers.index(module))
        else:
            added.append([_role(module), len(used), _group_size(module, args[0])])

    with _watched(answer, look), torch.no_grad():
        answer.train()(torch.from_numpy(x))
    if used != list(range(len(layers))):
        raise Unusable(
            f"should use each of the {len(layers)} given layers once, in their order; "
            f"yours uses {', '.join(map(str, used)) or 'none'} (counted from 0)"
        )
    return answer, _rows(added)


def _recurrent_network(implementation, inputs):
    """The network around the answer's cell, and what the cell adds."""
    layers = _recurrent_layers()
    given = {layer: _weights(layer) for layer in layers}
    cell = implementation(*layers)
    _check_module(cell, "your class should be a torch.nn.Module")
    _check_weights(given)
    seen, added = [], []

    def look(module, args, output):
        seen.append((module, args[0].detach(), output.detach()))

    net = _Reader(cell)
    x = torch.from_numpy(inputs["new_x"][:8])
    with torch.no_grad():
        state = net.step(x[:, 0], torch.zeros(8, 64))
        with _watched(cell, look):
            net.step(x[:, 1], state)
    parts = [output for layer in layers for m, _, output in seen if m is layer]
    if len(parts) != 2:
        raise Unusable("each step should use both given layers once")
    places = [parts[0] + parts[1], *parts, x[:, 1], state]  # as the constants count
    for module, z, _ in seen:
        if module not in given:
            same = [p.shape == z.shape and torch.allclose(p, z) for p in places]
            place = same.index(True) if any(same) else ELSEWHERE
            added.append([_role(module), place, _group_size(module, z)])
    return net, _rows(added)


class _Reader(nn.Module):
    """A network that reads columns with ``cell`` and names a digit at the end."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.out = cell, nn.Linear(64, 10)

    def step(self, x, state):
        new = self.cell(x, state)
        if not isinstance(new, torch.Tensor) or new.shape != state.shape:
            found = type(new).__name__
            if isinstance(new, torch.Tensor):
                found = f"a tensor of shape {tuple(new.shape)}"
            raise Unusable(
                f"forward should return the new h, of shape {tuple(state.shape)}; "
                f"yours returns {found}"
            )
        return new

    def forward(self, x):
        state = torch.zeros(len(x), 64)
        for column in x.unbind(dim=1):
            state = self.step(column, state)
        return self.out(state)


def _check_module(answer, otherwise):
    if not isinstance(answer, nn.Module):
        raise Unusable(f"{otherwise}, yours is a {type(answer).__name__}")


def _weights(layer):
    return [p.detach().clone() for p in layer.parameters()]


def _check_weights(given):
    for layer, before in given.items():
        if not all(map(torch.equal, before, layer.parameters())):
            raise Unusable(f"changes the weights of {layer}; they are given, too")


@contextlib.contextmanager
def _watched(net, look):
    """``look`` at each call of a module that has none inside."""
    inner = [m for m in net.modules() if not list(m.children())]
    hooks = [module.register_forward_hook(look) for module in inner]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _role(module):
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return TRACKED if module.track_running_stats else INSTANCE
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return BATCH
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        return LAYER
    return GROUP if isinstance(module, nn.GroupNorm) else OTHER


def _group_size(module, x):
    if isinstance(module, nn.GroupNorm):
        return x.numel() // len(x) // module.num_groups
    return 0


def _rows(added):
    return np.array(added, dtype=np.float64).reshape(-1, 3)


def _fit(net, optimizer, inputs, steps, size, clip=None, warm_up=1):
    """Train on random batches of ``size``, with a rate that rises and falls to zero."""
    x, labels = torch.from_numpy(inputs["x"]), torch.from_numpy(inputs["labels"])
    rate = optimizer.param_groups[0]["lr"]
    net.train()
    for step in range(steps):
        slowly = min(1, (step + 1) / warm_up)
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps) * slowly
        rows = torch.randint(len(x), (size,))
        batch = x[rows]
        if clip:  # the recurrent network: a flash after each digit
            others = x[torch.randint(len(x), (size,))]
            batch = torch.cat([batch, FLASH * others[:, :FLASH_COLUMNS]], dim=1)
        loss = nn.functional.cross_entropy(net(batch), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()


def _scores(net, x):
    with torch.no_grad():
        scores = as_array(net(torch.from_numpy(x)), "the scores")
    if scores.shape != (len(x), 10):
        raise Unusable(
            f"should give {len(x)} images ten scores each; the shape is {scores.shape}"
        )
    return scores
