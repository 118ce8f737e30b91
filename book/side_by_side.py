"""Many small networks of one architecture, trained at once.

Each seed has its own split of the digits, initial weights and batches; each learning
rate trains a copy of these networks. A network learns what ``digits.train`` would have
taught it alone, up to rounding, in a fraction of the time.
"""

import math

import numpy as np
import torch
from digits import batches, load
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy


class SideBySide:
    """Networks in a grid of learning rates and seeds.

    Parameters
    ----------
    build : callable
        Draws one network; called once for each seed.
    rates : sequence of float
        Learning rates.
    seeds : int
        How many splits of the digits.
    """

    def __init__(self, build, rates, seeds):
        data, nets, self.draws = [], [], []
        for seed in range(seeds):
            data.append(load(seed))
            nets.append(build())
            self.draws.append(torch.get_rng_state())  # the batches follow from it
        self.net, self.copies = nets[0], len(rates)
        # (seeds, images, ...)
        self.x, self.y, *self.test = map(torch.stack, zip(*data, strict=True))
        parameters, buffers = stack_module_state(nets)
        self.parameters = {
            name: self._at_each_rate(value.detach()).requires_grad_()
            for name, value in parameters.items()
        }
        self.buffers = {name: self._at_each_rate(b) for name, b in buffers.items()}
        self.rates = torch.tensor(rates, dtype=torch.float32).repeat_interleave(seeds)

    def _at_each_rate(self, values):
        """(seeds, ...) to (rates · seeds, ...)."""
        return values.repeat(self.copies, *(1 for _ in values.shape[1:]))

    def __call__(self, x):
        """Class scores, (rates · seeds, images, 10), of (seeds, images, 64 pixels)."""

        def scores(parameters, buffers, x):
            return functional_call(self.net, (parameters, buffers), x)

        return vmap(scores)(self.parameters, self.buffers, self._at_each_rate(x))

    def train(self, steps, batch_size=64, momentum=0.0, decay=False):
        """The steps of ``digits.train``, all networks at once; yields their numbers."""
        rows = torch.stack([self._rows(d, steps, batch_size) for d in self.draws])
        each = torch.arange(len(rows))[:, None]
        weights = list(self.parameters.values())
        moving = [torch.zeros_like(w) for w in weights]
        for step in range(steps):
            picked = rows[:, step]
            scores = self(self.x[each, picked])
            labels = self._at_each_rate(self.y[each, picked])
            loss = cross_entropy(
                scores.flatten(0, 1), labels.flatten(), reduction="sum"
            )
            gradients = torch.autograd.grad(loss / batch_size, weights)
            share = (1 + math.cos(math.pi * step / steps)) / 2 if decay else 1
            with torch.no_grad():
                for w, v, g in zip(weights, moving, gradients, strict=True):
                    v.mul_(momentum).add_(g)
                    w -= share * self.rates.view(-1, *(1 for _ in w.shape[1:])) * v
            yield step + 1

    def _rows(self, draw, steps, batch_size):
        torch.set_rng_state(draw)
        numbers = torch.arange(self.x.shape[1])
        stream = batches(numbers, numbers, batch_size)
        return torch.stack([next(stream)[0] for _ in range(steps)])

    def trained(self, steps, **settings):
        """These networks after ``steps`` steps."""
        for _ in self.train(steps, **settings):
            pass
        return self

    def errors(self, x, y):
        """Percent of the images named wrongly in inference mode, (rates, seeds)."""
        self.net.eval()
        with torch.no_grad():
            wrong = self(x).argmax(dim=2) != self._at_each_rate(y)
        self.net.train()
        return 100 * wrong.float().mean(dim=1).view(self.copies, -1).numpy()

    def test_errors(self):
        return self.errors(*self.test)

    def steps_to(self, error, steps, **settings):
        """First of every ten steps with at most this test error, or infinity."""
        first = np.full((self.copies, len(self.draws)), math.inf)
        for step in self.train(steps, **settings):
            if step % 10 == 0:
                first[np.isinf(first) & (self.test_errors() <= error)] = step
                if np.isfinite(first).all():
                    break
        return first
