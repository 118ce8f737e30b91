"""choosing.unsuitable: a question that numbers answer."""

from normlib.check.exercises.questions import question


def unsuitable():
    """The number of the reason for each of the five proposals."""
    return 3, 5, 1, 6, 4


EXERCISE = question(
    unsuitable,
    key="choosing.unsuitable",
    points=2,
    statement="What goes wrong with a normalizer in the wrong place?",
    section="choosing-table",
    items=("the detector", "the conversation", "the catalog", "the style", "the valve"),
    mistaken={
        "two-modes": ("the detector", 2),
        "future": ("the conversation", 3),
        "catalog-few": ("the catalog", 3),
        "catalog-level": ("the catalog", 4),
        "style-loses": ("the style", 4),
        "valve-channels": ("the valve", 6),
    },
    afterwards=(
        "The detector is better off with group norm, which needs no other photo. "
        "The conversation wants statistics of each word over its own features: "
        "layer norm or RMS norm. The catalog has enough independent values and the "
        "same studio at inference, so batch norm folds away. The style wants "
        "instance norm, which removes scale and shift of each channel. And the "
        "valve must not lose the level of its only channel: standardize with "
        "constants from training."
    ),
)
