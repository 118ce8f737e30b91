"""The exercises of chapter 4: the leak is one, and no random images expose the bug."""

import numpy as np
import pytest
import torch

from normlib.check import EXERCISES, judge

LEAK = EXERCISES["instance_norm.leak"]


@pytest.mark.parametrize("case", LEAK.cases, ids=lambda case: case.name)
def test_the_leak_is_what_instance_norm_leaves_of_the_brightness(case):
    """With an image in front of a zero-padded convolution of torch's."""
    inputs, _ = case.draw(np.random.default_rng(0))
    w = torch.tensor(inputs["w"]).double()
    x = torch.randn(1, w.shape[1], inputs["height"], inputs["width"]).double()

    def centered(x):
        y = torch.nn.functional.conv2d(x, w, padding="same")[0]
        return (y - y.mean((1, 2), keepdim=True)).numpy()

    expected = (centered(x + 7) - centered(x)) / 7
    assert np.allclose(LEAK.reference(**inputs), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1  # or an answer of zeros would be right


def points(train, x):
    return judge("instance_norm.spot_the_bug", lambda: (train, x), 0).points


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 3, 8, 8), (1, 3, 8, 8)),
        ((2, 3, 4, 5), (2, 3, 4, 5)),
        ((1, 1, 2, 2), (1, 1, 3, 3)),
        ((2, 2, 4, 4), (1, 2, 6, 6)),
    ],
)
def test_images_without_a_thought_expose_no_bug(shapes):
    rng = np.random.default_rng(0)
    ranges = [np.arange(np.prod(shape)).reshape(shape) for shape in shapes]
    noise = [rng.normal(size=shape) for shape in shapes]
    constant = [np.zeros(shapes[0]), np.ones(shapes[1])]
    for train, x in (ranges, noise, (noise[0], 50 + 10 * noise[1]), constant):
        assert points(train, x) == 0
