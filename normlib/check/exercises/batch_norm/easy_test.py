"""batch_norm.easy_test: a question that numbers answer."""

from normlib.check.exercises.questions import question


def easy_test():
    """Why the test can't see bugs A, B and C, and the test that does."""
    return 3, 5, 2, 4


EXERCISE = question(
    easy_test,
    key="batch_norm.easy_test",
    points=2,
    statement="Why does a test let three bugs pass, and which test finds them all?",
    section="training-and-inference",
    items=("bug A", "bug B", "bug C", "the better test"),
    mistaken={
        "eval-unused": ("bug A", 1),
        "nearly-equal-a": ("bug A", 2),
        "start-equal-b": ("bug B", 3),
        "too-small": ("bug C", 4),
        "torch-too": ("bug C", 6),
        "only-more-data": ("the better test", 1),
        "many-values": ("the better test", 2),
        "loose": ("the better test", 3),
        "new-layers": ("the better test", 5),
    },
    afterwards=(
        "A: the data have mean 0 and variance 1, which are the initial running "
        "statistics. B: in a new layer weight is 1 and bias is 0. C: 4096 values "
        "share a mean, so the two variances differ by a factor of 4096/4095. A test "
        "that sees all three needs data with another mean or variance, random "
        "parameters, and few values per mean with a tolerance near the rounding "
        "error."
    ),
)
