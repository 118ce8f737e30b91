"""The handwritten digits, and how many of them a network has to know."""

from functools import cache

import numpy as np

from normlib.check.running.observing import Unusable


@cache
def _digits():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    return (pixels[order] / 8 - 1).astype(np.float32), labels[order]


def training_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels from −1 to 1, of shape (1297, 64), and labels."""
    pixels, labels = _digits()
    return pixels[:1297].copy(), labels[:1297].copy()


def test_digits() -> np.ndarray:
    """The pixels of 500 others."""
    return _digits()[0][1297:].copy()


def right_on(asked: float):
    """The measure: whether that share of the test digits is recognized."""

    def measure(outputs):
        labels = _digits()[1][1297:]
        scores = outputs["scores"]
        if not np.isfinite(scores).all():
            raise Unusable("the scores are NaN or infinite: training blew up")
        share = (scores.argmax(axis=1) == labels).mean()
        if share < asked:
            raise Unusable(
                f"right on {100 * share:.0f} % of the test digits; at least "
                f"{100 * asked:.0f} % are asked for"
            )
        return {"reached": np.array(1.0)}

    return measure


def the_same(otherwise: str):
    """The measure: whether the two sets of scores agree."""

    def measure(outputs):
        one, other = outputs["scores"], outputs["other scores"]
        if not np.allclose(one, other, rtol=0, atol=0.01 * np.abs(one).max()):
            raise Unusable(otherwise)
        return {"the same": np.array(1.0)}

    return measure
