"""Numerical gradients against derivatives known in closed form."""

import numpy as np
import pytest

from normlib import numerical_gradient


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [(np.sin, np.cos), (np.exp, np.exp), (lambda x: x**3, lambda x: 3 * x**2)],
)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 2)])
def test_elementwise_derivatives(function, derivative, shape):
    x, dy = draw(*shape), draw(*shape, seed=1)
    gradient = numerical_gradient(function, x, dy)
    assert gradient.shape == shape and gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, derivative(x) * dy, rtol=1e-8, atol=1e-9)


def test_a_matrix_product_with_an_output_of_another_shape():
    w, x, dy = draw(2, 4), draw(4, 3, seed=1), draw(2, 3, seed=2)
    gradient = numerical_gradient(lambda x: w @ x, x, dy)
    np.testing.assert_allclose(gradient, w.T @ dy, rtol=1e-8, atol=1e-9)


def test_a_large_mean_does_not_spoil_the_step():
    """x + step is rounded: at 1e6 a step of 1e-6 comes out 8e-6 too long."""
    x, dy = 1e6 + draw(5), draw(5, seed=1)
    gradient = numerical_gradient(lambda x: x - 1e6, x, dy)
    np.testing.assert_allclose(gradient, dy, rtol=1e-8)


def test_the_error_shrinks_with_the_square_of_the_step():
    """The mark of central differences; one-sided ones lose only a factor of 10."""
    x, dy = draw(5), draw(5, seed=1)
    coarse, fine = (
        np.abs(numerical_gradient(np.exp, x, dy, step=step) - np.exp(x) * dy).max()
        for step in (1e-2, 1e-3)
    )
    assert coarse / fine == pytest.approx(100, rel=0.01)


def test_x_is_converted_and_left_alone():
    x = np.array([1, 2, 3])

    def halve_in_place(x):
        x /= 2
        return x

    gradient = numerical_gradient(halve_in_place, x, np.array([1.0, 2.0, -3.0]))
    np.testing.assert_allclose(gradient, [0.5, 1.0, -1.5], rtol=1e-8)
    np.testing.assert_array_equal(x, [1, 2, 3])


def test_a_sum_as_loss_would_hide_the_gradient():
    """Why dy is an argument: standardized numbers always add up to zero."""

    def standardize(x):
        return (x - x.mean()) / x.std()

    x = draw(5)
    assert np.abs(numerical_gradient(standardize, x, np.ones(5))).max() < 1e-8
    assert np.abs(numerical_gradient(standardize, x, draw(5, seed=1))).max() > 0.1


@pytest.mark.parametrize("step", [0, -1e-6, np.nan, np.inf])
def test_step_must_be_positive(step):
    with pytest.raises(ValueError, match=f"step must be positive .*, got {step}"):
        numerical_gradient(np.sin, draw(2), draw(2), step=step)


def test_function_must_return_float64_of_the_shape_of_dy():
    with pytest.raises(ValueError, match=r"shape \(3,\), got float64 of shape \(2,\)"):
        numerical_gradient(np.sin, draw(2), draw(3))
    with pytest.raises(ValueError, match=r"shape \(2,\), got float32 of shape \(2,\)"):
        numerical_gradient(lambda x: np.sin(x, dtype=np.float32), draw(2), draw(2))
