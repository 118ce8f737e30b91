"""switchable_norm.copied_logits: a question that numbers answer."""

from normlib.check.exercises.questions import question


def copied_logits():
    """The six numbers, in the order of the list."""
    return 0.9, 0.06, 0.04, 2, 4, 1


EXERCISE = question(
    copied_logits,
    key="switchable_norm.copied_logits",
    points=2,
    statement="What does a trained layer do when its logits are read in another order?",
    section="switchable-norm-algorithm",
    items=(
        "weight of batch norm",
        "weight of instance norm",
        "weight of layer norm",
        "the layer that changes least",
        "the test",
        "the model that passes",
    ),
    mistaken={
        "by-meaning": ("weight of batch norm", 0.04),
        "turned-the-other-way": ("weight of batch norm", 0.06),
        "largest-safe": ("the layer that changes least", 1),
        "names-and-shapes": ("the test", 1),
        "still-standardized": ("the test", 2),
        "new-models": ("the test", 3),
        "still-one": ("the test", 5),
        "large-logits": ("the model that passes", 3),
    },
    afterwards=(
        "The arrays have the same shape, and any three numbers are valid logits, so "
        "a loader has nothing to check: the meaning of a position isn't in the "
        "file. Every output is still standardized and plausible. Where one weight "
        "is close to 1, the layer now uses another normalizer's statistics; where "
        "all are nearly equal, little changes. In a new model all logits are equal, "
        "and every order gives the same result, so compare trained models, or "
        "random logits."
    ),
)
