"""weight_norm.resumed: a question that numbers answer."""

from normlib.check.exercises.questions import question


def resumed():
    """The four numbers, in the order of the list."""
    return 2, 36, 1, 6


EXERCISE = question(
    resumed,
    key="weight_norm.resumed",
    points=2,
    statement="What changes when weight norm is removed and put on again?",
    section="weight-norm-length",
    items=(
        "length after loading",
        "rate of the directions",
        "rate of g",
        "factor for v",
    ),
    mistaken={
        "length-kept": ("length after loading", 12),
        "length-one": ("length after loading", 1),
        "factor-once": ("rate of the directions", 6),
        "slower": ("rate of the directions", 1 / 36),
        "g-too": ("rate of g", 6),
        "v-shorter": ("factor for v", 1 / 6),
    },
    afterwards=(
        "Removing weight norm keeps only w, whose rows have length 2; putting it on "
        "again sets v = w. A step turns the direction in proportion to g / (length "
        "of v)², which was 2/144 and is now 2/4. The gradient of g does not depend on "
        "the length of v. Outputs depend on w alone, so comparing outputs can't "
        "show any of this. Multiplying v by 6 restores its length, or save weight_g "
        "and weight_v."
    ),
)
