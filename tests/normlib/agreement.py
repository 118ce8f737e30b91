"""What the results of each norm are compared with, and how close they have to come."""

import numpy as np

from normlib import numerical_gradient

# Of the largest number. Sums are in float64, so float16 is only rounded in the end.
SPACINGS = {np.float16: 1.1, np.float32: 16, np.float64: 512}


def assert_rounded(results, exact, dtype):
    """They are the ``exact`` ones, of float64, in ``dtype``, but for its rounding."""
    for result, wanted in zip(results, exact, strict=True):
        assert result.dtype == dtype
        worst = np.abs(result.astype(np.float64) - wanted).max()
        assert worst <= SPACINGS[dtype] * np.finfo(dtype).eps * np.abs(wanted).max()


def assert_numerical(gradients, forward, inputs, dy):
    """They are the numerical gradients for the ``inputs``.

    ``forward`` is called with one of the inputs changed, by its name.
    """
    for name, gradient in zip(inputs, gradients, strict=True):
        expected = numerical_gradient(
            lambda array, name=name: forward(**{name: array})[0], inputs[name], dy
        )
        np.testing.assert_allclose(
            gradient, expected, rtol=1e-6, atol=1e-7, err_msg=name
        )
