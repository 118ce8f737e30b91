"""Make functions and classes of edited source.

Each is defined in a module of its own, whose text in ``linecache`` is the exercise's
file with the edit made. So ``inspect.getsource`` and tracebacks show the edited source.
For a class, both look at the module, and would find the right answer in the exercise's.
"""

import inspect
import linecache
import re
import sys
from types import ModuleType


class Base:
    """A right answer as something to edit: its lines, in their file and module."""

    def __init__(self, implementation):
        self.name = implementation.__name__
        self._module = sys.modules[implementation.__module__]
        file = linecache.getlines(inspect.getfile(self._module))
        first, end = _lines_of(self.name, file)
        self.lines = [line.rstrip("\n") for line in file[first:end]]
        self._above, self._below = file[:first], file[end:]
        self._size = sum(map(len, self._above + self._below))

    def replaced_by(self, lines, key: str):
        """What ``lines`` define under the same name where the answer stands.

        Raises
        ------
        ValueError
            When they are anything but one definition of that name.
        SyntaxError
            When they are not Python.
        """
        name = f"{self._module.__name__}.{key}"
        file = f"<{name}>"
        text = [f"{line}\n" for line in lines]
        top = [line for line in lines if line[:1] not in ("", " ", "@", ")", "#")]
        if len(top) != 1 or not re.match(rf"(def|class) {self.name}\b", top[0]):
            raise ValueError(f"it should be one definition, of {self.name}")
        # Blank lines bring it to where it stands in the file.
        above = "\n" * len(self._above)
        code = compile(above + "".join(text), file, "exec", dont_inherit=True)
        module = ModuleType(name)
        module.__file__ = file
        vars(module).update(vars(self._module) | vars(module))
        exec(code, vars(module))
        whole = [*self._above, *text, *self._below]
        # Without a time of change, linecache does not look for the file on the disk.
        size = self._size + sum(map(len, text))
        linecache.cache[file] = size, None, whole, file
        sys.modules[name] = module
        return vars(module)[self.name]


def _lines_of(name, file):
    """Where a definition at the margin of the file begins and ends.

    ``inspect`` finds it as well, but parses the whole file for a class.
    """
    starts = re.compile(rf"(def|class) {name}\b")
    first = end = next(i for i, line in enumerate(file) if starts.match(line))
    while file[first - 1].startswith("@"):
        first -= 1
    for i in range(end + 1, len(file)):
        if file[i][0] not in " )\n":
            break
        if file[i].strip():
            end = i
    return first, end + 1
