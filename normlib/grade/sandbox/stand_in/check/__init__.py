"""What ``normlib.check`` is while a notebook is graded: a ``check`` that waits."""


def check(key, implementation=None, seed=None):
    """Say that answers are judged elsewhere: nothing in this process decides."""
    print(f"{key} is checked outside of this notebook, in its graded cell.")
    return 0.0


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"normlib.check has no {name!r} while your notebook is graded: only `check`."
    )
