"""feature_scaling.hospitals: a question that numbers answer."""

from normlib.check.exercises.questions import question


def hospitals():
    """The five z-scores, and the number of what to fit on."""
    return 3, 1, 1, 59 / 15, 3, 2


EXERCISE = question(
    hospitals,
    key="feature_scaling.hospitals",
    points=2,
    statement="What z-score do ill patients get in hospitals that differ?",
    section="training-and-new-data",
    items=(
        "A, own statistics",
        "B, own statistics",
        "C, own statistics",
        "A, one scaler",
        "B, one scaler",
        "the best fit",
    ),
    mistaken={
        "factor-stays": ("A, own statistics", 3.6),
        "divided-by-variance": ("A, own statistics", 1),
        "as-in-training": ("B, own statistics", 3),
        "one-cancels-other": ("C, own statistics", 3),
        "factor-stays-in-c": ("C, own statistics", 1.2),
        "one-scaler-cancels": ("A, one scaler", 3),
        "factor-of-z": ("A, one scaler", 3.6),
        "one-scaler-strange": ("B, one scaler", 1),
        "fit-on-patients": ("the best fit", 1),
        "fit-on-all": ("the best fit", 3),
    },
    afterwards=(
        "A device that reads 20 % too high multiplies the mean and the standard "
        "deviation along with the values, so A's own statistics remove it. With the "
        "common scaler even A's ill patients get 3.93 instead of 3. B's values are "
        "correct, but half of its patients are ill and raise the mean and the standard "
        "deviation they are compared with. At a z-score of 1 the model finds none of "
        "them, in B or in C. A scaler should remove what the device adds and keep what "
        "makes the patients differ, so fit it on something that does not depend on who "
        "is ill."
    ),
)
