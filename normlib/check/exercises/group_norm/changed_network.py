"""group_norm.changed_network: a question that numbers answer."""

from normlib.check.exercises.questions import question


def changed_network():
    """The number of the reason for each of the four changes."""
    return 1, 4, 2, 5


EXERCISE = question(
    changed_network,
    key="group_norm.changed_network",
    points=2,
    statement="Which changes to a trained network leave its outputs as they were?",
    section="group-norm-idea",
    items=("change 1", "change 2", "change 3", "change 4"),
    mistaken={
        "order-matters": ("change 1", 6),
        "reversed-mixed": ("change 1", 4),
        "exchange-harmless": ("change 2", 1),
        "whole-group-missed": ("change 3", 5),
        "zeros-have-no-influence": ("change 4", 3),
    },
    afterwards=(
        "A group norm looks at groups, not at channels: moving whole groups, or "
        "deleting one that passes nothing on, changes nothing for the others. A "
        "channel whose weight is 0 passes nothing on, but before that its values "
        "were part of its group's mean and variance, so deleting it changes its "
        "neighbors."
    ),
)
