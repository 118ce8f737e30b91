"""The handwritten digits for a check of a network, and how many it has to know.

The digits and their labels are public. So each check draws which of them are for
training and which for the test, renames the ten classes, changes contrast and
brightness a little, adds noise, and mixes up or turns the pixels, in the same way for
all images. No table holds these images, and none knows what they are called here.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from normlib.check.running.observing import Unusable

TRAINING = 1297  # of the 1797 digits; the others are for the test


@cache
def _digits():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels.reshape(-1, 8, 8) / 8 - 1, labels


def digits(rng, rearranged: Callable) -> dict[str, np.ndarray]:
    """Images ``x`` with their ``labels``, and others, ``new_x`` and ``new_labels``.

    Pixels are about −1 to 1. ``rearranged`` takes ``rng`` and all images, of shape
    (1797, 8, 8), and says what the pixels become; the first axis stays.
    """
    pixels, labels = _digits()
    order = rng.permutation(len(pixels))
    x, labels = pixels[order], rng.permutation(10)[labels[order]]
    x = x * rng.uniform(0.8, 1.2, (len(x), 1, 1))
    x = x + rng.uniform(-0.1, 0.1, (len(x), 1, 1)) + rng.normal(0, 0.1, x.shape)
    x = np.ascontiguousarray(rearranged(rng, x), dtype=np.float32)
    return dict(
        x=x[:TRAINING],
        labels=labels[:TRAINING],
        new_x=x[TRAINING:],
        new_labels=labels[TRAINING:],
    )


def mixed(rng, x: np.ndarray) -> np.ndarray:
    """The last axis turned by a rotation drawn at random, the same for all."""
    rotation, _ = np.linalg.qr(rng.normal(size=(x.shape[-1], x.shape[-1])))
    return x @ rotation


def recognizes(asked: float, otherwise: str):
    """The measure: whether an image is judged alike, and enough are recognized.

    ``asked`` is the share of the test images. ``otherwise`` says what is wrong when
    the network says something else about ``one`` and ``other``.
    """

    def measure(outputs, new_labels):
        scores, one, other = (outputs[n] for n in ("scores", "one", "other"))
        if not np.isfinite(scores).all():
            raise Unusable("the scores are NaN or infinite: training blew up")
        if not np.allclose(one, other, rtol=0, atol=0.01 * np.abs(one).max()):
            raise Unusable(otherwise)
        share = (scores.argmax(axis=1) == new_labels).mean()
        if share < asked:
            raise Unusable(
                f"right on {100 * share:.0f} % of the test digits; at least "
                f"{100 * asked:.0f} % are asked for"
            )
        return {"recognized": np.array(1.0)}

    return measure
