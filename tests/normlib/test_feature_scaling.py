"""The three scalings: scikit-learn, definitions and properties, then edge cases."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import preprocessing

from normlib import (
    DecimalScaler,
    MinMaxScaler,
    StandardScaler,
    decimal_scale,
    min_max_scale,
    z_score_scale,
)

SCALERS = [MinMaxScaler, StandardScaler, DecimalScaler]
FUNCTIONS = [min_max_scale, z_score_scale, decimal_scale]
FLOATS = [np.float16, np.float32, np.float64]
every_scaler = pytest.mark.parametrize("scaler", SCALERS)
every_function = pytest.mark.parametrize("function", FUNCTIONS)

tables = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 3)),
    elements=st.floats(-1e9, 1e9, allow_subnormal=False),
)


def draw(n_samples=7, seed=0):
    """Four columns of sizes from 1e-12 to 1e6, with a mean far from 0 and below it."""
    z = np.random.default_rng(seed).normal(size=(n_samples, 4))
    return z * [1.0, 1e-12, 200.0, 1e6] + [3.0, 2e-12, -5000.0, 0.0]


def column(*values, dtype=None):
    return np.array(values, dtype)[:, np.newaxis]


# Against scikit-learn


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.5, 7.0)])
@pytest.mark.parametrize("hole", [False, True])
def test_min_max_agrees_with_sklearn(low, high, hole):
    train, test = draw()[:, [0, 2, 3]], draw(seed=1)[:, [0, 2, 3]]
    if hole:
        train[1, 0] = train[2, 1] = test[0, 2] = np.nan
    ours = MinMaxScaler(low, high).fit(train)
    theirs = preprocessing.MinMaxScaler((low, high)).fit(train)
    np.testing.assert_allclose(ours.data_min_, theirs.data_min_)
    np.testing.assert_allclose(ours.data_max_, theirs.data_max_)
    np.testing.assert_allclose(ours.scale_, theirs.scale_)
    assert ours.n_features_in_ == theirs.n_features_in_
    for x in (train, test):
        z = theirs.transform(x)
        np.testing.assert_allclose(ours.transform(x), z, atol=1e-12)
        back = theirs.inverse_transform(z)
        np.testing.assert_allclose(ours.inverse_transform(z), back, rtol=1e-9)


@pytest.mark.parametrize("hole", [False, True])
def test_z_score_agrees_with_sklearn(hole):
    train, test = draw(), draw(seed=1)
    if hole:
        train[1, 0] = train[2, 1] = test[0, 2] = np.nan
    ours, theirs = (
        StandardScaler().fit(train),
        preprocessing.StandardScaler().fit(train),
    )
    np.testing.assert_allclose(ours.mean_, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.var_, theirs.var_, rtol=1e-12)
    np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-12)
    for x in (train, test):
        z = theirs.transform(x)
        np.testing.assert_allclose(ours.transform(x), z, rtol=1e-9)
        np.testing.assert_allclose(
            ours.inverse_transform(z), theirs.inverse_transform(z), rtol=1e-12
        )


@pytest.mark.parametrize("n_samples", [3, 10, 100])
@pytest.mark.parametrize("spread", [0.0, 0.2, 0.8, 1.25, 5.0])
def test_constant_up_to_rounding_is_decided_as_in_sklearn(n_samples, spread):
    """``spread`` is the standard deviation in units of sklearn's bound, n * eps."""
    noise = np.random.default_rng(0).permutation(n_samples) % 2 - 0.5
    noise *= 2 * spread * n_samples * np.finfo(float).eps / (2 * noise.std())
    x = (2**20 * (1 + noise))[:, np.newaxis]
    ours, theirs = StandardScaler().fit(x), preprocessing.StandardScaler().fit(x)
    assert (ours.scale_ == 1) == (theirs.scale_ == 1) == (spread < 1)


def test_difference_to_sklearn_ends_of_the_range():
    """They compute x * scale + min, which misses an end by rounding; we do not."""
    x = np.random.default_rng(0).normal(size=(5, 2000)) * 1e3
    theirs = preprocessing.minmax_scale(x)
    assert (theirs.max(axis=0) != 1).sum() + (theirs.min(axis=0) != 0).sum() > 20
    ours = min_max_scale(x)
    assert (ours.max(axis=0) == 1).all() and (ours.min(axis=0) == 0).all()


def test_difference_to_sklearn_size_of_a_constant_column():
    """Their min-max threshold is 10 spacings of 1, whatever the size of the column."""
    tiny, noise = column(1e-15, 2e-15, 3e-15), 1e10 * column(1.0, 1.0, 1 + 4e-16)
    assert preprocessing.minmax_scale(tiny).max() < 1e-14
    assert preprocessing.minmax_scale(noise).max() == 1
    np.testing.assert_allclose(min_max_scale(tiny), column(0, 0.5, 1))
    np.testing.assert_allclose(min_max_scale(noise), 0, atol=4e-6)


def test_difference_to_sklearn_squares_that_vanish():
    x = column(1e-200, 2e-200, 3e-200)
    assert preprocessing.StandardScaler().fit(x).scale_ == 1
    np.testing.assert_allclose(z_score_scale(x), z_score_scale(column(1.0, 2.0, 3.0)))


# Against the definitions, by properties


@given(x=tables, low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3))
def test_min_max_hits_both_ends_and_keeps_between_them(x, low, width):
    high = low + width
    scaler = MinMaxScaler(low, high).fit(x)
    z = scaler.transform(x)
    varies = np.ptp(x, axis=0) > 1e-12 * np.abs(x).max(axis=0)
    assert (z.min(axis=0)[varies] == low).all()
    assert (z.max(axis=0)[varies] == high).all()
    order = np.argsort(x, axis=0)
    assert (np.diff(np.take_along_axis(z, order, axis=0), axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("low", "high"), [(-4.6, -0.3), (-4.6, 4.2), (-4.6, 0.8), (-1e9, 1e-9)]
)
def test_both_ends_are_exact_where_low_plus_width_is_not(low, high):
    assert low + (high - low) != high
    z = min_max_scale(column(*np.linspace(3.0, 7.0, 101)), low, high)
    assert z.min() == low and z.max() == high


@given(x=tables)
def test_z_score_has_mean_zero_and_the_biased_deviation_one(x):
    z = z_score_scale(x)
    n = len(x)
    varies = x.std(axis=0) > 1e-9 * np.abs(x).max(axis=0)
    np.testing.assert_allclose(z.mean(axis=0)[varies], 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0)[varies], 1, rtol=1e-6)
    assert (np.abs(z[:, varies]) <= np.sqrt(n - 1) * (1 + 1e-6)).all()


@given(x=tables, shift=st.integers(-1000, 1000), scale=st.sampled_from([0.25, 2, 1024]))
def test_min_max_and_z_score_ignore_shift_and_scale(x, shift, scale):
    x = np.round(x)  # so that the shift is exact
    for function in (min_max_scale, z_score_scale):
        z, moved = function(x), function((x + shift) * scale)
        np.testing.assert_allclose(moved, z, rtol=1e-6, atol=1e-6)


@given(x=tables)
def test_scaling_a_second_time_changes_nothing(x):
    varies = x.std(axis=0) > 1e-6 * np.abs(x).max(axis=0)
    for function in FUNCTIONS:
        once = function(x[:, varies]) if varies.any() else np.zeros((1, 1))
        np.testing.assert_allclose(function(once), once, rtol=1e-6, atol=1e-6)


@given(x=tables, other=st.floats(-1e9, 1e9), scaler=st.sampled_from(SCALERS))
def test_inverse_undoes_transform_also_for_unseen_rows(x, other, scaler):
    fitted = scaler().fit(x)
    for rows in (x, np.full_like(x, other)):
        # A unit of rounding in z is worth this much in x.
        worth = np.spacing(np.abs(fitted.transform(rows))) * _unit(fitted)
        size = np.maximum(np.abs(x).max(axis=0), np.abs(rows))
        error = np.abs(fitted.inverse_transform(fitted.transform(rows)) - rows)
        assert (error <= 4 * worth + 8 * np.spacing(size)).all()


def _unit(scaler):
    """How much of x makes a step of 1 in z."""
    if isinstance(scaler, DecimalScaler):
        return 10.0**scaler.exponent_
    return 1 / scaler.scale_ if isinstance(scaler, MinMaxScaler) else scaler.scale_


def edge_values(dtype):
    """The powers of ten, and the numbers just below and just above each."""
    with np.errstate(over="ignore"):
        powers = np.array([float(f"1e{k}") for k in range(-323, 309)]).astype(dtype)
    powers = powers[np.isfinite(powers) & (powers > 0)]
    neighbors = [np.nextafter(powers, dtype(end)) for end in (0, np.inf)]
    values = np.concatenate([powers, *neighbors])
    return values[np.isfinite(values) & (values > 0)]


@pytest.mark.parametrize("dtype", FLOATS)
def test_decimal_exponent_is_exact_at_every_power_of_ten(dtype):
    """The decimal point of the number as Python writes it is the oracle."""
    values = edge_values(dtype)
    scaler = DecimalScaler().fit(values[np.newaxis])
    expected = [Decimal(str(value)).adjusted() + 1 for value in values]
    np.testing.assert_array_equal(scaler.exponent_, expected)
    z = scaler.transform(values[np.newaxis])
    assert z.dtype == dtype
    assert (z < 1).all() and (z > 0.098).all()


@pytest.mark.parametrize(
    ("largest", "exponent", "scaled"),
    [
        (1000.0, 4, 0.1),
        (999.0, 3, 0.999),
        (np.nextafter(1000, 0), 3, 1.0),
        (1.0, 1, 0.1),
        (0.5, 0, 0.5),
        (0.1, 0, 0.1),
        (0.05, -1, 0.5),
        (1e-6, -5, 0.1),
        (-20.0, 2, -0.2),
        (0.0, 0, 0.0),
        (1e23, 24, 0.1),
        (1.7e308, 309, 0.17),
    ],
)
def test_decimal_by_hand(largest, exponent, scaled):
    x = column(largest, 0.0, largest / 4)
    scaler = DecimalScaler().fit(x)
    assert scaler.exponent_ == [exponent]
    z = scaler.transform(x)
    np.testing.assert_allclose(z[0], scaled, rtol=1e-15)
    assert np.abs(z).max() < 1
    np.testing.assert_allclose(scaler.inverse_transform(z), x, rtol=1e-15)


@given(x=tables)
def test_decimal_finds_the_smallest_exponent(x):
    scaler = DecimalScaler().fit(x)
    z = scaler.transform(x)
    assert (np.abs(z) < 1).all()
    largest = np.abs(z).max(axis=0)
    assert ((largest > 0.1 - 1e-15) | (largest == 0)).all()
    np.testing.assert_allclose(z * 10.0**scaler.exponent_, x, rtol=1e-14, atol=1e-299)


def test_decimal_divides_by_powers_of_ten():
    """Multiplying by 10**-j instead gives other numbers for 144 of these."""
    x = np.arange(1000.0)[:, np.newaxis]
    np.testing.assert_array_equal(decimal_scale(x), x / 1000)


# Fitted on some rows, applied to others


@every_scaler
def test_what_is_learned_comes_from_the_training_rows(scaler):
    train, test = draw(), 10 * draw(seed=1)
    together = np.concatenate([train, test])
    fitted = scaler().fit(train)
    np.testing.assert_array_equal(
        fitted.transform(together)[: len(train)], scaler().fit_transform(train)
    )
    assert not np.allclose(fitted.transform(test), scaler().fit_transform(test))
    row_by_row = np.concatenate([fitted.transform(test[[i]]) for i in range(len(test))])
    np.testing.assert_array_equal(fitted.transform(test), row_by_row)


@every_scaler
def test_refitting_forgets(scaler):
    fitted = scaler().fit(100 * draw(seed=1)[:, :2])
    fitted.fit(draw())
    fresh = scaler().fit(draw())
    assert vars(fitted).keys() == vars(fresh).keys()
    for name, value in vars(fresh).items():
        np.testing.assert_array_equal(getattr(fitted, name), value)


@every_scaler
def test_a_refused_table_leaves_what_was_learned(scaler):
    fitted = scaler().fit(draw())
    z = fitted.transform(draw())
    refused = [np.full((2, 4), np.inf), np.zeros((0, 4))]
    if scaler is not DecimalScaler:  # which has no differences to overflow
        refused.append(column(1.7e308, -1.7e308, 1.7e308))
    for x in refused:
        with pytest.raises(ValueError, match="x must"):
            fitted.fit(x)
        np.testing.assert_array_equal(fitted.transform(draw()), z)


@pytest.mark.parametrize(
    ("function", "scaler"), list(zip(FUNCTIONS, SCALERS, strict=True))
)
def test_function_and_class_agree(function, scaler):
    np.testing.assert_array_equal(
        function(draw()), scaler().fit(draw()).transform(draw())
    )
    np.testing.assert_array_equal(function(draw()), scaler().fit_transform(draw()))
    np.testing.assert_array_equal(
        min_max_scale(draw(), -2.0, 5.0), MinMaxScaler(-2.0, 5.0).fit_transform(draw())
    )


def test_unseen_rows_are_not_clipped():
    x, unseen = column(10.0, 30.0), column(0.0, 50.0)
    np.testing.assert_allclose(
        MinMaxScaler().fit(x).transform(unseen), column(-0.5, 2.0)
    )
    np.testing.assert_allclose(
        StandardScaler().fit(x).transform(unseen), column(-2.0, 3.0)
    )
    np.testing.assert_allclose(
        DecimalScaler().fit(x).transform(column(250.0)), column(2.5)
    )


# Edge cases


@pytest.mark.parametrize("value", [5.0, 0.0, -1e17, 0.1, 1e-300, 1e300])
def test_a_constant_column_is_shifted_but_not_scaled(value):
    x = np.full((10, 1), value)
    np.testing.assert_array_equal(min_max_scale(x), 0)
    np.testing.assert_array_equal(min_max_scale(x, -3.0, 7.0), -3)
    np.testing.assert_array_equal(z_score_scale(x), 0)
    np.testing.assert_array_equal(StandardScaler().fit(x).mean_, value)
    for scaler in (MinMaxScaler(), StandardScaler()):
        assert scaler.fit(x).scale_ == 1
        np.testing.assert_array_equal(scaler.transform(x + 2), (x + 2) - x)
        np.testing.assert_array_equal(scaler.inverse_transform(x - x), x)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e10])
def test_a_column_constant_up_to_rounding_is_not_blown_up(size):
    x = size * column(*[0.1 + 0.2, 0.3] * 3)
    assert x[0] != x[1]
    for function in (min_max_scale, z_score_scale):
        assert np.abs(function(x)).max() <= 1e-15 * size


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e-12, 1e150])
def test_small_and_large_columns_are_scaled_like_others(size):
    x = draw()[:, :1]
    for function in (min_max_scale, z_score_scale):
        np.testing.assert_allclose(function(size * x), function(x), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e10])
def test_a_column_that_hardly_varies_is_scaled_all_the_same(size):
    x = size * (1 + column(0.0, 2.0**-42, 2.0**-41))  # a range of 2048 spacings
    np.testing.assert_allclose(min_max_scale(x), column(0, 0.5, 1), atol=1e-3)
    np.testing.assert_allclose(z_score_scale(x), column(-1, 0, 1) * 1.5**0.5, atol=2e-3)


def test_a_single_row_is_constant():
    x = np.array([[3.0, -0.7]])
    np.testing.assert_array_equal(min_max_scale(x, 1.0, 2.0), [[1, 1]])
    np.testing.assert_array_equal(z_score_scale(x), [[0, 0]])
    np.testing.assert_array_equal(decimal_scale(x), [[0.3, -0.7]])


@every_function
def test_nan_is_skipped_and_passed_on(function):
    x = draw()
    with_nan = np.insert(x, [0, 3], np.nan, axis=0)
    with_nan[0, 1:], with_nan[4, 0] = x[0, 1:], x[0, 0]  # the NaN of each column differ
    rows = np.isnan(with_nan)
    assert rows.any(axis=0).all()
    z = function(with_nan)
    np.testing.assert_array_equal(np.isnan(z), rows)
    for j in range(x.shape[1]):
        kept = with_nan[~rows[:, j], j]
        np.testing.assert_allclose(
            z[~rows[:, j], j], function(kept[:, np.newaxis])[:, 0], rtol=1e-12
        )


@every_scaler
def test_a_column_of_nan_becomes_nan_and_spares_the_others(scaler):
    x = draw()
    x[:, 1] = np.nan
    fitted = scaler().fit(x)
    z = fitted.transform(x)
    assert np.isnan(z[:, 1]).all()
    np.testing.assert_array_equal(z[:, 0], scaler().fit_transform(x[:, :1])[:, 0])
    assert np.isnan(fitted.inverse_transform(z)[:, 1]).all()
    for name, learned in vars(fitted).items():
        if name.endswith("_") and np.ndim(learned) and name != "exponent_":
            np.testing.assert_array_equal(np.isnan(learned), [0, 1, 0, 0], name)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
@every_scaler
def test_infinity_is_refused(scaler, infinity):
    x = draw()
    fitted = scaler().fit(x)
    x[2, 1] = infinity
    message = f"x must be finite or NaN, got {infinity} at row 2, column 1"
    for method in (scaler().fit, fitted.transform, fitted.inverse_transform):
        with pytest.raises(ValueError, match=message):
            method(x)


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_keep_their_dtype(function, dtype):
    x = draw()[:, [0, 2]].astype(dtype)
    z = function(x)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, function(x.astype(np.float64)).astype(dtype))


@every_scaler
@pytest.mark.parametrize("dtype", FLOATS)
def test_inverse_keeps_the_dtype_of_what_it_gets(scaler, dtype):
    fitted = scaler().fit(draw()[:, [0, 2]])
    z = fitted.transform(draw()[:, [0, 2]]).astype(dtype)
    assert fitted.inverse_transform(z).dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_both_ends_are_hit_in_every_dtype(dtype):
    z = min_max_scale(draw()[:, [0, 2]].astype(dtype), 0.1, 0.7)
    assert (z.min(axis=0) == dtype(0.1)).all() and (z.max(axis=0) == dtype(0.7)).all()


def test_float16_does_not_overflow_on_the_way():
    x = column(-60000, 60000, 0, dtype=np.float16)
    np.testing.assert_array_equal(min_max_scale(x), column(0, 1, 0.5))
    np.testing.assert_allclose(z_score_scale(x), column(-1, 1, 0) * 1.5**0.5, 1e-3)


@every_function
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, bool])
def test_integers_and_booleans_become_float64(function, dtype):
    x = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    z = function(x)
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z, function(x.astype(np.float64)))


def test_the_smallest_int8_has_no_absolute_value_in_int8():
    x = column(-128, 127, 0, dtype=np.int8)
    np.testing.assert_allclose(decimal_scale(x), column(-0.128, 0.127, 0))
    np.testing.assert_allclose(min_max_scale(x), column(0, 1, 128 / 255))
    np.testing.assert_allclose(z_score_scale(x), z_score_scale(column(-128.0, 127, 0)))


@every_scaler
def test_input_is_left_alone(scaler):
    x = draw()
    fitted = scaler().fit(x)
    fitted.inverse_transform(fitted.transform(x))
    np.testing.assert_array_equal(x, draw())


@every_scaler
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (), (2, 3, 4)])
def test_x_must_be_a_table_with_something_in_it(scaler, shape):
    with pytest.raises(
        ValueError, match=r"x must have shape \(n_samples, n_features\)"
    ):
        scaler().fit(np.zeros(shape))
    with pytest.raises(ValueError, match=f"got {shape}".replace("(", r"\(")[:-1]):
        scaler().fit(np.zeros((2, 3))).transform(np.zeros(shape))


@every_scaler
@pytest.mark.parametrize(
    "x", [[["a"]], [[1j]], [[None]], np.ones((2, 2), np.longdouble)]
)
def test_x_must_hold_numbers_that_fit_float64(scaler, x):
    with pytest.raises(ValueError, match=f"got dtype {np.asarray(x).dtype}"):
        scaler().fit(x)


@every_scaler
@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_fit_comes_first(scaler, method):
    with pytest.raises(ValueError, match=f"call fit before {method}"):
        getattr(scaler(), method)(draw())


@every_scaler
@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_the_number_of_features_must_be_that_of_fit(scaler, method):
    fitted = scaler().fit(draw())
    with pytest.raises(ValueError, match="must have the 4 features seen in fit, got 1"):
        getattr(fitted, method)(draw()[:, :1])


@pytest.mark.parametrize(
    ("low", "high"), [(1, 0), (1, 1), (np.nan, 1), (0, np.inf), (-1e308, 1e308)]
)
def test_low_must_be_less_than_high(low, high):
    scaler = MinMaxScaler(low, high)  # as in scikit-learn, the constructor only stores
    message = f"low must be less than high.*got low={low} and high={high}"
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        scaler.fit(draw())
    with pytest.raises(ValueError, match="low must be less than high"):
        min_max_scale(draw(), low, high)


@pytest.mark.parametrize("function", [min_max_scale, z_score_scale])
def test_a_spread_beyond_float64_is_refused(function):
    with pytest.raises(
        ValueError, match=r"largest difference is a float64, got \[inf\]"
    ):
        function(column(1.7e308, -1.7e308, 1.7e308))


@pytest.mark.parametrize(
    "scaler", [MinMaxScaler(-1, 2), StandardScaler(), DecimalScaler()]
)
def test_a_scaler_works_in_a_pipeline_of_scikit_learn(scaler):
    from sklearn.base import clone
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    x, labels = np.random.default_rng(0).normal(5, 3, (20, 3)), np.arange(20) % 2
    copy = clone(scaler)
    assert copy is not scaler and repr(copy) == repr(scaler)
    model = make_pipeline(clone(scaler), KNeighborsClassifier(1)).fit(x, labels)
    assert model.score(x, labels) == 1
    np.testing.assert_array_equal(model[0].transform(x), scaler.fit_transform(x))
    last = make_pipeline(StandardScaler(), clone(scaler)).fit(x)
    expected = scaler.fit_transform(z_score_scale(x))
    np.testing.assert_array_equal(last.transform(x), expected)
    np.testing.assert_allclose(last.inverse_transform(expected), x, rtol=1e-12)


def test_parameters_are_read_set_and_shown_by_name():
    scaler = MinMaxScaler(high=3.0)
    assert repr(scaler) == "MinMaxScaler(low=0.0, high=3.0)"
    assert scaler.set_params(low=1.0).get_params() == {"low": 1.0, "high": 3.0}
    with pytest.raises(ValueError, match=r"has the parameters \['low', 'high'\]"):
        scaler.set_params(center=0.0)
    assert repr(StandardScaler()) == "StandardScaler()"
