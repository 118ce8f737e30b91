"""What ``normlib`` is while a notebook is graded.

The reference library is not on the path of a student's code. This folder's files
stand in its place: see ``sandbox/visible.py``.
"""

import sys

_GONE = (
    "normlib is the reference library of the course: it is not there while your "
    "notebook is graded. Write it yourself."
)


class _Gone:
    """The last finder, which explains why there is no ``normlib.*``."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("normlib."):
            raise ModuleNotFoundError(_GONE, name=name)


if __name__ == "normlib":  # and not this file, found by a tool that reads them all
    sys.meta_path.append(_Gone)


def __getattr__(name):
    if name.startswith("__"):  # the import system asks for some
        raise AttributeError(name)
    raise ImportError(_GONE)
