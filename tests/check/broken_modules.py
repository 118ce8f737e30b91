"""The same for modules of torch: right ones that fail in one case."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class ModuleKind:
    name: str
    wrap: Callable
    rules_out: Callable


def named_like(answer):
    def rename(broken):
        broken.__name__ = answer.__name__
        return broken

    return rename


def where(seen: Callable) -> Callable:
    """A module whose output is wrong where ``seen(module, x)`` holds."""

    def wrap(answer, exercise):
        @named_like(answer)
        class Broken(answer):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.calls = 0

            def forward(self, x):
                self.calls += self.training
                wrong = seen(self, x)
                y = super().forward(x)
                return 1.5 * y + 1 if wrong else y

        return Broken

    return wrap


def built(name: str, value: Callable) -> Callable:
    """An argument of the constructor replaced."""

    def wrap(answer, exercise):
        signature = inspect.signature(exercise.reference)

        @named_like(answer)
        class Broken(answer):
            def __init__(self, *args, **kwargs):
                bound = signature.bind_partial(*args, **kwargs)
                given = name in bound.arguments
                default = signature.parameters[name].default
                found = bound.arguments.get(name, default)
                bound.arguments[name] = value(found, given)
                names = inspect.signature(answer).parameters
                super().__init__(
                    **{n: v for n, v in bound.arguments.items() if n in names}
                )

        return Broken

    return wrap


def deaf_to_train(answer, exercise):
    """``eval()`` works; ``train(False)``, which a parent's eval calls, does not."""

    @named_like(answer)
    class Broken(answer):
        def train(self, mode=True):
            return super().train(True)

        def eval(self):
            return super().train(False)

    return Broken


def no_update_under_no_grad(answer, exercise):
    @named_like(answer)
    class Broken(answer):
        def forward(self, x):
            if torch.is_grad_enabled():
                return super().forward(x)
            before = {n: b.clone() for n, b in self.named_buffers()}
            y = super().forward(x)
            for name, value in self.named_buffers():
                value.copy_(before[name])
            return y

    return Broken


def no_third_update(answer, exercise):
    """The running statistics stand still from the third batch on."""

    @named_like(answer)
    class Broken(answer):
        seen = 0

        def forward(self, x):
            before = {n: b.clone() for n, b in self.named_buffers()}
            y = super().forward(x)
            self.seen += self.training
            if self.seen > 2:
                for name, value in self.named_buffers():
                    value.copy_(before[name])
            return y

    return Broken


def one_statistic_in_eval(answer, exercise):
    """What eval mode needs is computed once, and never again."""

    @named_like(answer)
    class Broken(answer):
        cached = None

        def forward(self, x):
            if self.training:
                return super().forward(x)
            now = {n: b.clone() for n, b in self.named_buffers()}
            if self.cached is None:
                self.cached = now
            for name, value in self.named_buffers():
                value.copy_(self.cached[name])
            y = super().forward(x)
            for name, value in self.named_buffers():
                value.copy_(now[name])
            return y

    return Broken


def deep_copies_forget(answer, exercise):
    """A deep copy starts anew, with nothing that was learned."""

    @named_like(answer)
    class Broken(answer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.made = args, kwargs

        def __deepcopy__(self, memo):
            args, kwargs = self.made
            return type(self)(*args, **kwargs)

    return Broken


def nothing_loaded(answer, exercise):
    """What ``state_dict`` holds is not taken over again."""

    @named_like(answer)
    class Broken(answer):
        def load_state_dict(self, state, *args, **kwargs):
            return None

        def _load_from_state_dict(self, *args, **kwargs):
            pass

    return Broken


def statistics_not_saved(answer, exercise):
    @named_like(answer)
    class Broken(answer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self._non_persistent_buffers_set.update(self._buffers)

    return Broken


def first_parameters_kept(answer, exercise):
    """The output is wrong once a parameter has changed after the first call."""

    @named_like(answer)
    class Broken(answer):
        first = None

        def forward(self, x):
            now = [p.detach().clone() for p in self.parameters()]
            self.first = self.first or now
            y = super().forward(x)
            same = all(map(torch.equal, self.first, now))
            return y if same else 1.5 * y + 1

    return Broken


def one_state_for_all(answer, exercise):
    """The parameters and buffers of all instances are those of the latest."""
    latest = []

    @named_like(answer)
    class Broken(answer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            latest[:] = [self]

        def forward(self, x):
            if latest[0] is self or latest[0].training != self.training:
                return super().forward(x)
            return super(Broken, latest[0]).forward(x)

    return Broken


def writes_into_x(answer, exercise):
    @named_like(answer)
    class Broken(answer):
        def forward(self, x):
            y = super().forward(x)
            x.data += 1
            return y

    return Broken


def _every(exercise):
    return True


def _on_images(exercise):
    return exercise.topic in (
        "batch_norm",
        "instance_norm",
        "group_norm",
        "switchable_norm",
    )


def _with_statistics(exercise):
    return exercise.topic in ("batch_norm", "switchable_norm")


def _takes(name):
    return lambda exercise: name in inspect.signature(exercise.reference).parameters


def _with_zeros(module, x):
    return any(bool((p == 0).any()) for p in module.parameters() if p.ndim < 2)


MODULE_KINDS = (
    ModuleKind("wrong where a weight is 0", where(_with_zeros), _every),
    *(
        ModuleKind(
            f"{name} of 0 taken for left out",
            built(name, lambda v, g, d=default: v or d),
            _takes(name),
        )
        for name, default in (("eps", 1e-3), ("momentum", 0.1))
    ),
    *(
        ModuleKind(
            f"{name} ignored", built(name, lambda v, g, d=default: d), _takes(name)
        )
        for name, default in (("eps", 1e-5), ("momentum", 0.1))
    ),
    *(
        ModuleKind(
            f"another {name} by default",
            built(name, lambda v, given, d=default: v if given else d),
            _takes(name),
        )
        for name, default in (("eps", 1e-3), ("momentum", 0.9))
    ),
    ModuleKind(
        "wrong for a single sample in training",
        where(lambda m, x: m.training and len(x) == 1),
        _every,
    ),
    ModuleKind(
        "wrong for a single sample in eval mode",
        where(lambda m, x: not m.training and len(x) == 1),
        _every,
    ),
    ModuleKind(
        "wrong for one channel", where(lambda m, x: x.shape[1] == 1), _on_images
    ),
    ModuleKind(
        "wrong for one pixel",
        where(lambda m, x: x.ndim > 2 and x[0, 0].numel() == 1),
        _on_images,
    ),
    ModuleKind(
        "wrong where N = C", where(lambda m, x: x.shape[0] == x.shape[1]), _every
    ),
    ModuleKind(
        "wrong where H and W differ",
        where(lambda m, x: x.shape[-1] != x.shape[-2]),
        _every,
    ),
    ModuleKind(
        "wrong where H and W agree",
        where(lambda m, x: x.shape[-1] == x.shape[-2]),
        _every,
    ),
    ModuleKind(
        "wrong for x that does not lie row after row",
        where(lambda m, x: not x.is_contiguous()),
        _every,
    ),
    ModuleKind(
        "wrong for x that needs no gradient",
        where(lambda m, x: not x.requires_grad),
        _every,
    ),
    ModuleKind(
        "wrong under no_grad in training",
        where(lambda m, x: m.training and not torch.is_grad_enabled()),
        _every,
    ),
    ModuleKind(
        "wrong under no_grad in eval mode",
        where(lambda m, x: not m.training and not torch.is_grad_enabled()),
        _every,
    ),
    ModuleKind(
        "wrong for float64", where(lambda m, x: x.dtype == torch.float64), _every
    ),
    ModuleKind(
        "wrong for float16", where(lambda m, x: x.dtype == torch.float16), _every
    ),
    ModuleKind(
        "wrong from the second call on", where(lambda m, x: m.calls > 1), _every
    ),
    ModuleKind("wrong from the third call on", where(lambda m, x: m.calls > 2), _every),
    ModuleKind("no update from the third batch on", no_third_update, _with_statistics),
    ModuleKind("no update under no_grad", no_update_under_no_grad, _with_statistics),
    ModuleKind(
        "train(False) and a parent's eval() ignored", deaf_to_train, _with_statistics
    ),
    ModuleKind(
        "statistics in eval mode from its first call",
        one_statistic_in_eval,
        _with_statistics,
    ),
    ModuleKind(
        "statistics not in the state_dict", statistics_not_saved, _with_statistics
    ),
    ModuleKind("a deep copy starts anew", deep_copies_forget, _every),
    ModuleKind("a state_dict is not loaded", nothing_loaded, _every),
    ModuleKind("the first parameters kept", first_parameters_kept, _every),
    ModuleKind("one state for all instances", one_state_for_all, _every),
    ModuleKind("x written into", writes_into_x, _every),
)
