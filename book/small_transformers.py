"""Small transformers that read digits, many of them trained side by side.

All arrays have one more axis in front, the network: each network has a seed and a
learning rate of its own. Side by side, 25 of them take little longer than one.

The residual stream has the shape (networks, features, tokens · images). With the
features in front of the images, sums over features and softmaxes over tokens run along
whole rows of images, which torch does several times faster than over short last axes.
"""

import math

import torch
from digits import N_TRAIN, load
from torch.nn.functional import cross_entropy

TOKENS = 4  # two rows of the image each
WIDTH, HEADS = 16, 2
PER_HEAD = WIDTH // HEADS
PARTS = "attention", "mlp"


class Divided(torch.autograd.Function):
    """``x`` over its root mean square along ``axis``, after its mean with ``center``.

    With a backward pass of its own, which is the book's formula: autograd would take
    twice as many steps.
    """

    @staticmethod
    def forward(ctx, x, axis, eps, center):
        if center:
            x = x - x.mean(axis, keepdim=True)
        inv_size = torch.rsqrt(x.square().mean(axis, keepdim=True) + eps)
        x_hat = x * inv_size
        ctx.save_for_backward(x_hat, inv_size)
        ctx.axis, ctx.center = axis, center
        return x_hat

    @staticmethod
    def backward(ctx, dx_hat):
        x_hat, inv_size = ctx.saved_tensors
        through_size = (dx_hat * x_hat).mean(ctx.axis, keepdim=True)
        dx = torch.addcmul(dx_hat, x_hat, through_size, value=-1)
        if ctx.center:
            dx -= dx_hat.mean(ctx.axis, keepdim=True)
        return dx.mul_(inv_size), None, None, None


NORMS = {
    "layer": lambda x: Divided.apply(x, 1, 1e-5, True),
    "RMS": lambda x: Divided.apply(x, 1, 1e-6, False),
    "none": lambda x: x,
}


class Transformers:
    """One architecture, computed from vectors of parameters, a vector per network.

    Parameters
    ----------
    depth : int
        Blocks. Each has two branches, attention and an MLP.
    spots : sequence
        Where norms stand on every branch: any of "input", "output" and "sum". Each is
        followed by a learned scale and shift per feature.
    norm : {"layer", "RMS", "tanh", "none"}
        "tanh" is dynamic tanh; "none" leaves scale and shift alone.
    last : bool
        Whether a norm follows the last block.
    qk_norm : bool
        Whether queries and keys go through an RMS norm.
    skip, gain : float
        The factor of the skip connection, and that of the branches' initial weights.
    first_scale : float
        Initial value of the scales of the norms at the output.
    """

    def __init__(
        self,
        depth,
        spots=("input",),
        norm="layer",
        last=True,
        qk_norm=False,
        skip=1,
        gain=1,
        first_scale=1,
    ):
        self.depth, self.spots, self.norm = depth, spots, norm
        self.last, self.qk_norm, self.skip = last, qk_norm, skip
        self.gain, self.first_scale = gain, first_scale
        self.shapes = {
            "embed": (64 // TOKENS, WIDTH),
            "position": (TOKENS, WIDTH),
            "answer": (WIDTH, 10),
        }
        for block in range(depth):
            self.shapes |= {
                f"{block} qkv": (WIDTH, 3 * WIDTH),
                f"{block} mix": (WIDTH, WIDTH),
                f"{block} up": (WIDTH, 2 * WIDTH),
                f"{block} up bias": (2 * WIDTH,),
                f"{block} down": (2 * WIDTH, WIDTH),
            }
            for part in PARTS:
                for spot in spots:
                    self._add_norm(f"{block} {part} {spot}")
            if qk_norm:
                self.shapes |= {f"{block} q": (PER_HEAD,), f"{block} k": (PER_HEAD,)}
        if last:
            self._add_norm("last")

    def _add_norm(self, name):
        self.shapes |= {f"{name} scale": (WIDTH,), f"{name} shift": (WIDTH,)}
        if self.norm == "tanh":
            self.shapes[f"{name} alpha"] = (1,)

    def initial(self):
        """One network's parameters as a vector: Xavier's weights, no shifts."""
        pieces = []
        for name, shape in self.shapes.items():
            piece = torch.zeros(shape)
            if name == "position":
                piece.normal_(std=0.02)
            elif len(shape) == 2:
                torch.nn.init.xavier_uniform_(piece)
                if name.endswith(("mix", "up", "down")):
                    piece *= self.gain
                elif name.endswith("qkv"):
                    piece[:, 2 * WIDTH :] *= self.gain  # queries and keys stay
            elif name.endswith("output scale"):
                piece.fill_(self.first_scale)
            elif name.endswith("alpha"):
                piece.fill_(0.5)
            elif not name.endswith(("shift", "bias")):
                piece.fill_(1)
            pieces.append(piece.flatten())
        return torch.cat(pieces)

    def unpacked(self, parameters):
        """Name -> views of (networks, all parameters): matrices and columns."""
        pieces = parameters.split([math.prod(s) for s in self.shapes.values()], dim=1)
        return {
            name: piece.view(
                len(parameters), *(shape if len(shape) == 2 else (*shape, 1))
            )
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def normalized(self, w, name, x):
        if self.norm == "tanh":
            x = torch.tanh(w[f"{name} alpha"] * x)
        else:
            x = NORMS[self.norm](x)
        return torch.addcmul(w[f"{name} shift"], x, w[f"{name} scale"])

    def attention_logits(self, w, block, x):
        """The logits, (networks, heads, queries, keys, images), and the values."""
        qkv = torch.bmm(w[f"{block} qkv"].mT, x)
        q, k, v = qkv.view(len(x), 3, HEADS, PER_HEAD, TOKENS, -1).unbind(1)
        if self.qk_norm:
            shape = len(x), 1, PER_HEAD, 1, 1
            q, k = (
                Divided.apply(part, 2, 1e-6, False) * w[f"{block} {name}"].view(shape)
                for name, part in (("q", q), ("k", k))
            )
        products = q.unsqueeze(4) * k.unsqueeze(3)
        return products.sum(2) / math.sqrt(PER_HEAD), v

    def attention(self, w, block, x):
        logits, v = self.attention_logits(w, block, x)
        mixed = (logits.softmax(3).unsqueeze(2) * v.unsqueeze(3)).sum(4)
        return torch.bmm(w[f"{block} mix"].mT, mixed.view(x.shape))

    def mlp(self, w, block, x):
        hidden = torch.baddbmm(w[f"{block} up bias"], w[f"{block} up"].mT, x).relu_()
        return torch.bmm(w[f"{block} down"].mT, hidden)

    def states(self, parameters, images):
        """The residual stream at the beginning, and after each branch."""
        w, count = self.unpacked(parameters), len(parameters)
        x = images.view(count, -1, TOKENS, 64 // TOKENS).permute(0, 3, 2, 1)
        x = torch.bmm(w["embed"].mT, x.flatten(2)).view(count, WIDTH, TOKENS, -1)
        x = x + w["position"].mT[..., None]
        states = [x.flatten(2)]
        for block in range(self.depth):
            for part in PARTS:
                x = branch = states[-1]
                if "input" in self.spots:
                    branch = self.normalized(w, f"{block} {part} input", branch)
                branch = getattr(self, part)(w, block, branch)
                if "output" in self.spots:
                    branch = self.normalized(w, f"{block} {part} output", branch)
                x = torch.add(branch, x, alpha=self.skip)
                if "sum" in self.spots:
                    x = self.normalized(w, f"{block} {part} sum", x)
                states.append(x)
        return states

    def __call__(self, parameters, images):
        """Class scores of (networks, images, 64 pixels)."""
        w, x = self.unpacked(parameters), self.states(parameters, images)[-1]
        if self.last:
            x = self.normalized(w, "last", x)
        x = x.view(len(parameters), WIDTH, TOKENS, -1).mean(dim=2)
        return torch.bmm(x.mT, w["answer"])

    def train(self, rates, seeds=5, steps=100, batch=16, warm_up=1):
        """Test errors in percent, (rates, seeds), after so many steps of Adam.

        Networks of the same seed see the same batches, from the same initial weights.
        ``warm_up`` is the number of steps until the full rate, or one for each rate.
        ``parameters`` and test ``images`` of all are kept, for a look inside.
        """
        data, start = [], []
        for seed in range(seeds):
            data.append(load(seed))
            start.append(self.initial())
        x, y, x_test, y_test = map(torch.stack, zip(*data, strict=True))
        parameters = torch.stack(start).repeat(len(rates), 1).requires_grad_()
        rate = torch.tensor(rates).repeat_interleave(seeds)[:, None]
        warm_up = torch.tensor(warm_up).expand(len(rates))
        warm_up = warm_up.repeat_interleave(seeds)[:, None]
        mean, square = torch.zeros(2, *parameters.shape)
        draw, each = torch.Generator().manual_seed(0), torch.arange(seeds)[:, None]
        for step in range(1, steps + 1):
            rows = torch.randint(N_TRAIN, (seeds, batch), generator=draw)
            scores = self(parameters, x[each, rows].repeat(len(rates), 1, 1))
            labels = y[each, rows].repeat(len(rates), 1).flatten()
            loss = cross_entropy(scores.flatten(0, 1), labels, reduction="sum") / batch
            (gradient,) = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                mean.lerp_(gradient, 1 - 0.9)
                square.lerp_(gradient * gradient, 1 - 0.98)
                size = (square / (1 - 0.98**step)).sqrt() + 1e-8
                warm = (step / warm_up).clamp(max=1)
                parameters -= warm * rate * mean / (1 - 0.9**step) / size
        self.parameters = parameters.detach()
        self.images = x_test.repeat(len(rates), 1, 1)
        with torch.no_grad():  # a few images at a time stay in the cache
            parts = self.images.split(50, dim=1)
            answers = [self(self.parameters, part).argmax(-1) for part in parts]
        wrong = torch.cat(answers, dim=1) != y_test.repeat(len(rates), 1)
        return 100 * wrong.double().mean(dim=1).view(len(rates), seeds).numpy()
