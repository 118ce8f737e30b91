"""What several norms do with their arguments."""

import numpy as np
import pytest

from normlib._arguments import as_float_array, guard, verify


def test_as_float_array_names_what_it_refuses():
    with pytest.raises(ValueError, match=r"^gamma must be of dtype .*, got int64$"):
        as_float_array("gamma", np.ones(3, np.int64))
    with pytest.raises(ValueError, match=r"^x must be of dtype .*, got complex128$"):
        as_float_array("x", np.ones(3, complex))
    with pytest.raises(ValueError, match=r"gamma must have shape \(3,\), got \(1, 3\)"):
        as_float_array("gamma", np.ones((1, 3)), (3,))


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 10_000])
def test_what_is_remembered_comes_back_unless_all_of_it_changes(size):
    x = np.random.default_rng(0).normal(size=size)
    x[: size // 2] = np.nan
    memory = guard(x)
    assert verify(*memory) is x
    assert len(memory[1]) <= 64 * x.itemsize
    if size:
        x += 1
        x[: size // 2] = 0
        with pytest.raises(ValueError, match="stay as it is until the backward pass"):
            verify(*memory)
