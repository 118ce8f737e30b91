"""What is asked of an input that tells a right function from a wrong one."""

import numpy as np
import pytest

from normlib.check.running.observing import Unusable
from normlib.check.separation import separates


def to_unit_length(x):
    return x / np.sqrt((x**2).sum())


def by_the_largest(x):
    return x / np.abs(x).max()


@pytest.mark.parametrize("unchanged", [False, True])
def test_right_and_wrong_must_differ(unchanged):
    measure = separates(to_unit_length, by_the_largest, 0.1, unchanged=unchanged)
    assert measure({"x": np.array([0.6, 0.8])})
    with pytest.raises(Unusable, match=r"nearly the same.* less than 0\.01 %"):
        measure({"x": np.array([0.0, 1.0])})
    with pytest.raises(Unusable, match=r"nearly the same.* at most 0\.5 %"):
        measure({"x": np.array([0.1, 1.0])})


def test_right_must_leave_an_unchanged_input_as_it_is():
    x = {"x": np.array([3.0, 4.0])}
    assert separates(to_unit_length, by_the_largest, 0.1)(x)
    measure = separates(to_unit_length, by_the_largest, 0.1, unchanged=True)
    with pytest.raises(Unusable, match="does not return x as it is"):
        measure(x)
    assert measure({"x": np.array([0.6001, 0.8])})
