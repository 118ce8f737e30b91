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
        self.net, self.shape = nets[0], (len(rates), seeds)
        # (seeds, images, ...)
        self.x, self.y, *self.test = map(torch.stack, zip(*data, strict=True))
        self.seed_of = torch.arange(seeds).repeat(len(rates))  # of each network
        self.rates = torch.tensor(rates, dtype=torch.float32).repeat_interleave(seeds)
        parameters, buffers = stack_module_state(nets)
        self.parameters = {
            name: value.detach()[self.seed_of].requires_grad_()
            for name, value in parameters.items()
        }
        self.buffers = {name: value[self.seed_of] for name, value in buffers.items()}

    def __call__(self, x):
        """Class scores, (networks, images, 10), of (seeds, images, 64 pixels)."""

        def scores(parameters, buffers, x):
            return functional_call(self.net, (parameters, buffers), x)

        return vmap(scores)(self.parameters, self.buffers, x[self.seed_of])

    def train(self, steps, batch_size=64, momentum=0.0, decay=False):
        """The steps of ``digits.train``, all networks at once; yields their numbers."""
        rows = torch.stack([self._rows(d, steps, batch_size) for d in self.draws])
        each = torch.arange(len(rows))[:, None]
        self.moving = {n: torch.zeros_like(w) for n, w in self.parameters.items()}
        for step in range(steps):
            picked = rows[:, step]
            scores = self(self.x[each, picked]).flatten(0, 1)
            labels = self.y[each, picked][self.seed_of].flatten()
            loss = cross_entropy(scores, labels, reduction="sum") / batch_size
            gradients = torch.autograd.grad(loss, list(self.parameters.values()))
            share = (1 + math.cos(math.pi * step / steps)) / 2 if decay else 1
            with torch.no_grad():
                for (name, w), g in zip(
                    self.parameters.items(), gradients, strict=True
                ):
                    v = self.moving[name].mul_(momentum).add_(g)
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
        return self._errors(x, y).reshape(self.shape)

    def test_errors(self):
        return self.errors(*self.test)

    def _errors(self, x, y):
        self.net.eval()
        with torch.no_grad():
            wrong = self(x).argmax(dim=2) != y[self.seed_of]
        self.net.train()
        return 100 * wrong.float().mean(dim=1).numpy()

    def steps_to(self, error, steps, **settings):
        """First of every ten steps with at most this test error, or infinity.

        A network that has arrived is trained no further, and is gone afterward.
        """
        first = np.full(len(self.rates), math.inf)
        running = np.arange(len(first))
        for step in self.train(steps, **settings):
            if step % 10 == 0:
                arrived = self._errors(*self.test) <= error
                first[running[arrived]] = step
                running = running[~arrived]
                if not len(running):
                    break
                if arrived.any():
                    self._keep(torch.from_numpy(~arrived))
        return first.reshape(self.shape)

    def _keep(self, chosen):
        for name, w in self.parameters.items():
            self.parameters[name] = w.detach()[chosen].requires_grad_()
        for held in (self.buffers, self.moving):
            for name, value in held.items():
                held[name] = value[chosen]
        self.seed_of, self.rates = self.seed_of[chosen], self.rates[chosen]
