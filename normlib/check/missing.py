"""Say how to get PyTorch, where it is needed and missing."""

import importlib.util

HOW = (
    "PyTorch is not installed: in the course's folder, `pip install '.[learn]'` "
    "installs what the notebooks need."
)


class TorchMissing(ModuleNotFoundError):
    """An exercise needs torch, and there is none; says how to get it."""

    def __init__(self):
        super().__init__(HOW, name="torch")


def torch_is_missing() -> bool:
    return importlib.util.find_spec("torch") is None
