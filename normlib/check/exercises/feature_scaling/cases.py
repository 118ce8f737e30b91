"""Tables that several exercises on feature scaling share.

Columns differ widely in offset and standard deviation, and one of them is negative
throughout: a lost axis, minimum or sign shows.
"""

import numpy as np

from normlib.check.cases import steps

OFFSETS = np.array([3.0, -40.0, 500.0])
SCALES = np.array([0.5, 8.0, 90.0])


def a_table(rng, rows=6, dtype=np.float64):
    return dict(x=(OFFSETS + SCALES * steps(rng, (3,), rows).T).astype(dtype))


def small_tables(rng):
    """One row, or one column, or the fewest rows that differ."""
    return {
        "one row": a_table(rng, rows=1)["x"],
        "two rows": -np.abs(a_table(rng, rows=2)["x"]),
        "one column of whole numbers": rng.permutation([[3], [4], [6], [11], [60]]),
    }
