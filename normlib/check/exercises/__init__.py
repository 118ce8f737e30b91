"""The exercises: ``<topic>/<name>.py`` defines the one with key ``<topic>.<name>``.

Each is imported when it is asked for, so that the exercises of one chapter do not
import what those of another need.
"""

from collections.abc import Mapping
from importlib import import_module

from normlib.check.exercise import Exercise
from normlib.check.missing import TorchMissing

# The course's order.
_NAMES = {
    "feature_scaling": (
        "min_max",
        "z_score",
        "decimal",
        "scaler",
        "spot_the_bug",
        "hospitals",
    ),
    "batch_norm": (
        "forward",
        "running",
        "inference",
        "affine_gradients",
        "statistics_gradients",
        "backward",
        "network",
        "images",
        "sequences",
        "fold",
        "module",
        "spot_the_bug",
        "easy_test",
    ),
    "layer_norm": (
        "forward",
        "backward",
        "recurrent",
        "module",
        "folding",
        "spot_the_bug",
    ),
    "instance_norm": ("forward", "leak", "adaptive", "spot_the_bug"),
    "group_norm": ("forward", "backward", "module", "changed_network", "spot_the_bug"),
    "weight_norm": (
        "forward",
        "backward",
        "init",
        "mean_only",
        "module",
        "spot_the_bug",
        "resumed",
    ),
    "switchable_norm": (
        "moments",
        "forward",
        "backward",
        "module",
        "spot_the_bug",
        "copied_logits",
    ),
    "beyond": ("rms_norm", "rms_norm_backward", "power_iteration", "spot_the_bug"),
    "architectures": (
        "residual",
        "qk_norm",
        "adaptive_layer_norm",
        "dynamic_tanh",
        "spot_the_bug",
    ),
    "choosing": (
        "identify",
        "invariance",
        "small_batch",
        "contrast",
        "recurrent",
        "repair",
        "unsuitable",
        "spot_the_bug",
    ),
}
TOPICS = tuple(_NAMES)


class _Registry(Mapping):
    """Key -> ``Exercise``, in the course's order."""

    _keys = tuple(f"{topic}.{name}" for topic in _NAMES for name in _NAMES[topic])

    def __getitem__(self, key: str) -> Exercise:
        if key not in self._keys:
            raise KeyError(f"no exercise {key!r}; there are {', '.join(self._keys)}")
        try:
            return import_module(f"normlib.check.exercises.{key}").EXERCISE
        except ModuleNotFoundError as error:
            if error.name == "torch":
                raise TorchMissing from None
            raise

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self):
        return iter(self._keys)

    def __len__(self):
        return len(self._keys)


EXERCISES = _Registry()
