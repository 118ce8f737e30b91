"""The digits, and the small networks that the book's experiments train on them.

Left out on purpose: validation sets, data augmentation, tuning. The experiments
compare normalizers with one another, not with the best known error.
"""

import math
from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

N_TRAIN = 1297


def load(seed):
    """Draw a split into 1297 images for training and 500 for testing.

    The pixels are standardized with one mean and one standard deviation, those of
    the training images. What torch draws next (initial weights, batches) follows
    from ``seed`` too.

    Returns
    -------
    x_train, y_train, x_test, y_test : Tensor
        Images as rows of 64 pixels, and their labels.
    """
    torch.manual_seed(seed)
    pixels, labels = _digits()
    order = torch.randperm(len(pixels))
    x = torch.tensor(pixels, dtype=torch.float32)[order]
    y = torch.tensor(labels)[order]
    x = (x - x[:N_TRAIN].mean()) / x[:N_TRAIN].std(correction=0)
    return x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]


@cache
def _digits():
    return load_digits(return_X_y=True)


def mlp(hidden, activation=nn.ReLU, norm=None):
    """Fully connected network from 64 pixels to 10 classes.

    ``hidden`` lists the widths. ``norm(width)``, if given, builds the layer between
    each linear layer and its activation.
    """
    layers, width = [], 64
    for out in hidden:
        layers += [nn.Linear(width, out), *([norm(out)] if norm else []), activation()]
        width = out
    return nn.Sequential(*layers, nn.Linear(width, 10))


def batches(x, y, batch_size):
    """Shuffled mini-batches without end; an epoch's incomplete last one is dropped."""
    while True:
        for rows in torch.randperm(len(x)).split(batch_size):
            if len(rows) == batch_size:
                yield x[rows], y[rows]


def train(net, data, steps, lr, batch_size=64, momentum=0.0, decay=False):
    """Take steps of SGD; yields the number of each step once it is taken.

    With ``decay`` the learning rate falls to zero along half a cosine.
    """
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    stream = batches(*data[:2], batch_size)
    for step in range(1, steps + 1):
        x, y = next(stream)
        optimizer.zero_grad()
        cross_entropy(net(x), y).backward()
        optimizer.step()
        if decay:
            schedule.step()
        yield step


def test_error(net, data):
    """Share of the test images named wrongly, in percent, in inference mode."""
    net.eval()
    with torch.no_grad():
        wrong = (net(data[2]).argmax(dim=1) != data[3]).float().mean().item()
    net.train()
    return 100 * wrong


def trained(net, data, steps, lr, **settings):
    """The same network after ``steps`` steps of ``train``."""
    for _ in train(net, data, steps, lr, **settings):
        pass
    return net


def steps_to(error, net, data, steps, lr, **settings):
    """First of every ten steps with at most this test error; infinity if none."""
    for step in train(net, data, steps, lr, **settings):
        if step % 10 == 0 and test_error(net, data) <= error:
            return step
    return math.inf
