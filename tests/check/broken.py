"""Wrong answers made by machine, the second kind: right answers that fail in one case.

Each kind of ``KINDS`` takes a right answer and breaks one thing around it: the answer
forgets that gamma may hold a zero, works only on arrays that lie in memory row after
row, remembers its first call, and so on. A kind says for which exercises the statement
rules it out. ``make mutants`` tries them all.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from normlib.check import judge
from normlib.check.exercise import Exercise
from tests.check.broken_modules import MODULE_KINDS

SEEDS = range(3)


@dataclass(frozen=True)
class Kind:
    """One way to break a right answer.

    ``wrap`` takes the answer and the exercise. ``rules_out`` takes the exercise and
    says whether its statement rules this out.
    """

    name: str
    wrap: Callable
    rules_out: Callable[[Exercise], bool]


def kinds(exercise: Exercise) -> Iterator[Kind]:
    """The kinds that the statement of ``exercise`` rules out."""
    everything = MODULE_KINDS if is_module(exercise) else KINDS
    return (kind for kind in everything if kind.rules_out(exercise))


def survives(exercise: Exercise, kind: Kind, seeds=SEEDS) -> bool:
    """Whether the broken answer gets full points with each of the seeds."""
    broken = (kind.wrap(exercise.answer, exercise) for _ in seeds)
    with np.errstate(all="ignore"):
        reports = (
            judge(exercise.key, b, s) for b, s in zip(broken, seeds, strict=True)
        )
        return all(report.points == report.max_points for report in reports)


# What the exercises have in common.


def is_module(exercise: Exercise) -> bool:
    return exercise.key.endswith(".module")


def arguments(exercise: Exercise) -> list[str]:
    """The arguments' names; for the scaler, the one of its methods."""
    if inspect.isclass(exercise.reference):
        return ["x"]
    return list(inspect.signature(exercise.reference).parameters)


def on_arrays(exercise: Exercise) -> bool:
    """Whether the answer takes arrays and returns arrays."""
    names = arguments(exercise)
    return bool(names) and exercise.topic != "choosing"


def takes(*names: str, but: tuple[str, ...] = ()) -> Callable[[Exercise], bool]:
    def rules_out(exercise):
        if exercise.key in but or not on_arrays(exercise):
            return False
        return any(name in arguments(exercise) for name in names)

    return rules_out


# Wrappers. ``seen`` is a condition on the arguments by name; where it holds, the answer
# goes wrong.


def off(result):
    """A result that nobody takes for the right one."""
    if isinstance(result, tuple | list):
        return type(result)(off(item) for item in result)
    return 1.5 * np.asarray(result) + 1


def each_call(around: Callable) -> Callable:
    """A wrapper: ``around(call, named, given)`` stands for each call of the answer.

    ``call()`` calls the answer with ``named``, which may be changed before; ``given``
    holds the names that the caller passed.
    """

    def wrap(answer, exercise):
        if inspect.isclass(answer):
            return _each_method(around, answer)
        signature = inspect.signature(exercise.reference)

        @functools.wraps(answer)
        def broken(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            given = set(bound.arguments)
            bound.apply_defaults()
            named = bound.arguments
            return around(lambda: answer(*named.values()), named, given)

        return broken

    return wrap


def _each_method(around, scaler):
    """The same for the scaler; what is wrong in ``fit`` shows in all calls after it."""

    class Broken(scaler):
        spoiled = False

        def fit(self, x):
            fitted = super().fit
            sound = around(lambda: (fitted(x), np.zeros(1))[1], {"x": x}, {"x"})
            self.spoiled = isinstance(sound, np.ndarray) and bool(np.any(sound))
            return self

        def transform(self, x):
            return self._called(super().transform, x)

        def inverse_transform(self, z):
            return self._called(super().inverse_transform, z)

        def _called(self, method, x):
            result = around(lambda: method(x), {"x": x}, {"x"})
            return off(result) if self.spoiled else result

    Broken.__name__ = scaler.__name__
    return Broken


def where(seen: Callable) -> Callable:
    return each_call(lambda call, named, given: off(call()) if seen(named) else call())


def replaced(name: str, value: Callable) -> Callable:
    """An argument replaced before the call."""

    def around(call, named, given):
        named[name] = value(named[name], name in given)
        return call()

    return each_call(around)


def any_array(test: Callable) -> Callable:
    def seen(named):
        return any(test(v) for v in named.values() if isinstance(v, np.ndarray))

    return seen


def data(test: Callable) -> Callable:
    """A test of the array that the exercise is about."""

    def seen(named):
        return any(test(named[n]) for n in ("x", "content", "v", "w") if n in named)

    return seen


def holds_zeros(*names):
    return where(lambda named: any(np.any(named[n] == 0) for n in names if n in named))


def slice_of_zeros(x):
    """All zeros in one column, or one channel of a sample."""
    over = tuple(range(2, x.ndim)) if x.ndim > 2 else 0
    return bool(np.any((x == 0).all(axis=over)))


def _dense(a):
    return a.flags.c_contiguous or a.flags.f_contiguous


def _reversed(a):
    return any(stride < 0 for stride in a.strides)


def remembers(key: Callable) -> Callable:
    """The first result for each ``key`` of the arguments is kept, and given again."""

    def wrap(answer, exercise):
        kept = {}

        def around(call, named, given):
            found = key(named)
            if found not in kept:
                kept[found] = named.copy(), call()  # holding on to what ``id`` is of
            return kept[found][1]

        return each_call(around)(answer, exercise)

    return wrap


def _shapes(named):
    return tuple(np.shape(v) for v in named.values())


def _identities(named):
    return tuple(id(v) if isinstance(v, np.ndarray) else v for v in named.values())


def one_buffer(answer, exercise):
    """The result is written into an array that the next call uses again."""
    buffers = {}

    def into(i, result):
        if isinstance(result, tuple | list):
            return type(result)(into((i, j), item) for j, item in enumerate(result))
        result = np.asarray(result)
        buffer = buffers.setdefault((i, result.shape, result.dtype), result.copy())
        buffer[...] = result
        return buffer

    def around(call, named, given):
        return into(0, call())

    return each_call(around)(answer, exercise)


def adds_the_last(answer, exercise):
    """A second call still holds something of the first."""
    last = {}

    def around(call, named, given):
        result = call()
        first = result[0] if isinstance(result, tuple | list) else result
        before = last.get(_shapes(named), 0.0)
        last[_shapes(named)] = float(np.sum(first))
        return off(result) if before else result

    return each_call(around)(answer, exercise)


def writes_into(name: str) -> Callable:
    def around(call, named, given):
        result = call()
        if isinstance(result, tuple | list):
            result = type(result)(np.array(item) for item in result)
        else:
            result = np.array(result)
        if named[name].flags.writeable:
            named[name][...] += 1
        return result

    return each_call(around)


def returns_what_it_got(answer, exercise):
    """A result that equals an argument is that argument, not a new array."""

    def around(call, named, given):
        def own(result):
            if isinstance(result, tuple | list):
                return type(result)(own(item) for item in result)
            same = (
                v
                for v in named.values()
                if isinstance(v, np.ndarray) and np.array_equal(v, result)
            )
            return next(same, result)

        return own(call())

    return each_call(around)(answer, exercise)


def one_state_for_all(answer, exercise):
    """Whatever an instance learns, all instances know."""
    shared = {}

    class Broken(answer):
        def __init__(self, *args):
            self.__dict__ = shared
            super().__init__(*args)

    Broken.__name__ = answer.__name__
    return Broken


ONE_SAMPLE = (
    "batch_norm.running",  # the unbiased variance of one sample does not exist
    "batch_norm.network",  # the statement asks for two or more
)
ARRAYS = ("x", "dy", "dw", "v", "w", "content", "g", "gamma", "u")
GAMMAS = ("gamma", "g", "gamma_q", "gamma_k")


def _has_axes_behind_channels(exercise):
    return exercise.key in {
        *("batch_norm.images", "instance_norm.forward", "instance_norm.adaptive"),
        *("group_norm.forward", "group_norm.backward"),
        *("switchable_norm.moments", "switchable_norm.forward"),
        "switchable_norm.backward",
    }


def _is_scaler(exercise):
    return exercise.key == "feature_scaling.scaler"


def _not_a_scaler(exercise):
    return on_arrays(exercise) and not _is_scaler(exercise)


def _both_ways(exercise):
    return takes("x", "v", "w")(exercise)


KINDS = (
    Kind("NaN where gamma or g is 0", holds_zeros(*GAMMAS), takes(*GAMMAS)),
    Kind("wrong where beta is 0", holds_zeros("beta"), takes("beta")),
    Kind(
        "wrong where x has a column or channel of zeros",
        where(data(slice_of_zeros)),
        takes("x"),
    ),
    *(
        Kind(
            f"{name} of 0 taken for left out",
            replaced(name, lambda v, given, d=default: v or d),
            takes(name),
        )
        for name, default in (("eps", 1e-3), ("momentum", 0.1), ("high", 1.0))
    ),
    *(
        Kind(
            f"another {name} by default",
            replaced(name, lambda v, given, d=default: v if given else d),
            takes(name),
        )
        for name, default in (
            *(("eps", 1e-3), ("momentum", 0.9)),
            *(("low", -1.0), ("high", 2.0)),
        )
    ),
    *(
        Kind(
            f"{name} ignored",
            replaced(name, lambda v, given, d=default: d),
            takes(name),
        )
        for name, default in (
            *(("eps", 1e-5), ("momentum", 0.1)),
            *(("low", 0.0), ("high", 1.0)),
        )
    ),
    Kind(
        "wrong for arrays in Fortran order",
        where(any_array(lambda a: not a.flags.c_contiguous and a.flags.f_contiguous)),
        takes(*ARRAYS),
    ),
    Kind(
        "wrong for strided arrays",
        where(any_array(lambda a: not _dense(a) and not _reversed(a))),
        takes(*ARRAYS),
    ),
    Kind(
        "wrong for read-only arrays",
        where(any_array(lambda a: not a.flags.writeable)),
        takes(*ARRAYS),
    ),
    Kind(
        "wrong for whole numbers",
        where(data(lambda a: a.dtype.kind == "i")),
        lambda e: e.topic == "feature_scaling" and on_arrays(e),
    ),
    Kind(
        "wrong for one sample",
        where(data(lambda a: a.ndim > 1 and len(a) == 1)),
        takes("x", "content", but=ONE_SAMPLE),
    ),
    Kind(
        "wrong for two samples",
        where(data(lambda a: a.ndim > 1 and len(a) == 2)),
        takes("x", "content"),
    ),
    Kind("wrong for one output", where(data(lambda a: len(a) == 1)), takes("v", "w")),
    Kind(
        "wrong for one feature",
        where(data(lambda a: a.ndim > 1 and a.shape[-1] == 1)),
        lambda e: _both_ways(e) and not _has_axes_behind_channels(e),
    ),
    Kind(
        "wrong for one channel",
        where(data(lambda a: a.ndim > 2 and a.shape[1] == 1)),
        _has_axes_behind_channels,
    ),
    Kind(
        "wrong for one pixel",
        where(data(lambda a: a.ndim > 2 and a[0, 0].size == 1)),
        _has_axes_behind_channels,
    ),
    Kind(
        "wrong where there are more rows than columns",
        where(data(lambda a: a.ndim > 1 and len(a) > a.shape[1])),
        _both_ways,
    ),
    Kind(
        "wrong where there are fewer rows than columns",
        where(data(lambda a: a.ndim > 1 and len(a) < a.shape[1])),
        _both_ways,
    ),
    Kind(
        "wrong where the style is larger than the content",
        where(lambda n: n["style"].size > n["content"].size),
        takes("style"),
    ),
    Kind(
        "wrong where the style is smaller than the content",
        where(lambda n: n["style"].size < n["content"].size),
        takes("style"),
    ),
    Kind(
        "wrong for float32",
        where(any_array(lambda a: a.dtype == np.float32)),
        takes(*ARRAYS),
    ),
    Kind(
        "wrong for negative numbers alone",
        where(data(lambda a: bool((a < 0).all()))),
        takes("x"),
    ),
    Kind("the first result for a shape kept", remembers(_shapes), on_arrays),
    Kind(
        "the first result for an array kept, by its id",
        remembers(_identities),
        on_arrays,
    ),
    Kind("one buffer for all results", one_buffer, on_arrays),
    Kind("a second call knows the first", adds_the_last, on_arrays),
    Kind(
        "an argument returned as the result",
        returns_what_it_got,
        lambda e: e.key == "batch_norm.running",
    ),
    *(
        Kind(
            f"written into {name}",
            writes_into(name),
            takes(name, but=("feature_scaling.scaler",)),
        )
        for name in (
            *("x", "dy", "dw", "v", "g", "w", "u", "gamma", "beta", "content"),
            *("style", "w_x", "w_h", "mean_weight", "var_weight"),
            *("running_mean", "running_var", "q", "k", "gamma_q", "gamma_k"),
            *("condition", "b"),
        )
    ),
    Kind("one state for all instances", one_state_for_all, _is_scaler),
)
