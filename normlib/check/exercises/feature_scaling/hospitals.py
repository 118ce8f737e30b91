"""feature_scaling.hospitals: a question that numbers answer."""

from normlib.check.exercises.questions import question


def hospitals():
    """A and B with their own statistics and with one scaler; the best fit."""
    return 1, 3, 4, 2, 2


EXERCISE = question(
    hospitals,
    key="feature_scaling.hospitals",
    points=2,
    statement="What does the model find with another device, or other patients?",
    section="training-and-new-data",
    items=(
        "A, own statistics",
        "B, own statistics",
        "A, one scaler",
        "B, one scaler",
        "the best fit",
    ),
    mistaken={
        "factor-stays": ("A, own statistics", 4),
        "as-in-training": ("B, own statistics", 5),
        "value-of-own": ("B, own statistics", 2),
        "one-scaler-cancels": ("A, one scaler", 1),
        "one-scaler-strange": ("B, one scaler", 6),
        "fit-on-patients": ("the best fit", 1),
        "fit-on-all": ("the best fit", 3),
    },
    afterwards=(
        "A device that reads 20 % too high multiplies the mean and the standard "
        "deviation along with the values, so A's own statistics remove it, and a "
        "common scaler does not. B's values are correct; its own mean and standard "
        "deviation are not those of the ten, because half of its patients are ill. "
        "The device has to go and the patients have to stay, so fit on something "
        "that does not depend on who is ill."
    ),
)
