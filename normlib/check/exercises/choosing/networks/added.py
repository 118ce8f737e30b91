"""What the normalizers that an answer adds to a network look like from outside."""

from normlib.check.exercises.choosing.networks.protocols import BATCH


def no_normalizer(outputs):
    return not len(outputs["added"])


def over_the_batch(outputs):
    return (outputs["added"][:, 0] == BATCH).any()
