"""What `make test` tries of many that are alike; `make samples` tries them all."""

import os

WHOLE = bool(os.environ.get("WHOLE"))


def every(step: int) -> int:
    """The step from one that is tried to the next."""
    return 1 if WHOLE else step
