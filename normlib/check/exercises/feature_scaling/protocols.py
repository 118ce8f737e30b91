"""How answers are run on several tables, and scalers beside each other."""

import numpy as np

from normlib.check.running.protocol import protocol
from normlib.check.running.protocols import MEMORY, as_array


@protocol(lambda name, inputs: f"`{name}(x)` for each table")
def each_table(implementation, inputs) -> dict[str, np.ndarray]:
    """A call for each input, which is the only argument."""
    results = {
        f"the result for {name}": implementation(x) for name, x in inputs.items()
    }
    return {name: as_array(result, name) for name, result in results.items()}


@protocol(
    lambda name, inputs: f"four of `{name}()`, all fitted before any of them is used"
)
def scalers_side_by_side(implementation, inputs) -> dict[str, np.ndarray]:
    """A scaler for each member of ``MEMORY``, fitted on multiples of the first input.

    All are fitted before any is used, there and back, on the next two inputs. Then an
    array is transformed that holds other numbers than when it was last passed.
    """
    train, new, z = inputs.values()
    scalers = {}
    for factor, (memory, lay_out) in enumerate(MEMORY.items(), 1):
        scalers[memory] = implementation()
        scalers[memory].fit(lay_out(factor * train))
    outputs = {}
    for memory, scaler in scalers.items():
        for method, x in (("transform", new), ("inverse_transform", z)):
            result = as_array(getattr(scaler, method)(MEMORY[memory](x)), method)
            outputs[f"{method} of {memory} rows"] = result.copy()
    rows = new.copy()
    first = as_array(scaler.transform(rows), "transform")
    rows *= -2
    outputs["transform of changed rows"] = as_array(scaler.transform(rows), "transform")
    return outputs | {"the first transform": first}
