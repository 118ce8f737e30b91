"""The protocols of feature scaling, which call an answer more than once."""

import numpy as np

from normlib.check.exercises.feature_scaling.protocols import (
    each_table,
    scalers_side_by_side,
)
from tests.check.running.test_protocols import Shift


def test_each_table_has_a_call_of_its_own():
    inputs = {"one row": np.ones(1), "two rows": np.zeros(2)}
    outputs = each_table(lambda x: x + 1.0, inputs)
    assert {name: y.tolist() for name, y in outputs.items()} == {
        "the result for one row": [2.0],
        "the result for two rows": [1.0, 1.0],
    }


ROWS = {
    "train": np.array([[1.0, 4.0], [3.0, 8.0]]),
    "new": np.array([[10.0, 20.0], [30.0, 40.0]]),
    "z": np.array([[0.0, 1.0]]),
}


def test_each_scaler_knows_its_own_rows_and_sees_arrays_of_its_own_kind():
    outputs = scalers_side_by_side(Shift, ROWS)
    means, kinds = [2.0, 6.0], ("transposed", "strided", "read-only")
    for factor, kind in enumerate(kinds, 1):
        mean = factor * np.array(means)
        z = outputs[f"transform of {kind} rows"]
        np.testing.assert_array_equal(z, ROWS["new"] - mean)
        x = outputs[f"inverse_transform of {kind} rows"]
        np.testing.assert_array_equal(x, ROWS["z"] + mean)
    np.testing.assert_array_equal(outputs["the first transform"], ROWS["new"] - mean)
    changed = outputs["transform of changed rows"]
    np.testing.assert_array_equal(changed, -2 * ROWS["new"] - mean)


def test_scalers_that_share_a_state_or_know_an_array_by_its_id_are_told_apart():
    shared = {}

    class Shared(Shift):
        def __init__(self):
            self.__dict__ = shared

    class ById(Shift):
        def fit(self, x):
            super().fit(x)
            self.known = {}

        def transform(self, x):
            return self.known.setdefault(id(x), (super().transform(x), x))[0]

    right = scalers_side_by_side(Shift, ROWS)

    def wrong(scaler):
        outputs = scalers_side_by_side(scaler, ROWS)
        return [n for n in right if not np.array_equal(outputs[n], right[n])]

    assert wrong(Shift) == []
    assert "transform of transposed rows" in wrong(Shared)
    assert wrong(ById) == ["transform of changed rows"]
