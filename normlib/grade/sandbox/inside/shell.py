"""Run a cell as a notebook does, and keep what it shows, as far as there is room."""

import io
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from normlib.grade.sandbox.inside import operators

MOST_TEXT = 50_000  # characters that a cell prints
MOST_SHOWN = 4 << 20  # bytes of what it displays
MOST_OUTPUTS = 50
_KEPT = ("text/plain", "text/html", "image/png", "image/jpeg")


class Shown:
    """What a cell shows, in order, as values of a message.

    Of text, the beginning is kept; how much was left out is said at the end.
    """

    def __init__(self):
        self.items, self.text, self.shown, self.cut = [], 0, 0, 0

    def write(self, name, text):
        text = str(text)
        kept = text[: max(MOST_TEXT - self.text, 0)]
        self.text += len(kept)
        self.cut += len(text) - len(kept)
        if kept and self.items and self.items[-1][0] == name:
            self.items[-1][1].append(kept)
        elif kept and self._room():
            self.items.append((name, [kept]))

    def display(self, data):
        bundle = []
        for kind in _KEPT:
            value = data.get(kind)
            size = len(value) if isinstance(value, str | bytes) else 0
            if 0 < size <= MOST_SHOWN - self.shown:
                self.shown += size
                bundle.append((kind, value))
        if bundle and self._room():
            self.items += [("display", ""), *bundle]

    def error(self, name, message, traceback):
        # There is room for the last error, whatever was printed before.
        self.items += [
            ("error", name[:100]),
            ("message", message[:2000]),
            ("traceback", traceback[-20_000:]),
        ]

    def message(self):
        if self.cut:
            self.items.append(("stderr", [f"... {self.cut} more characters\n"]))
        return [(n, "".join(v) if isinstance(v, list) else v) for n, v in self.items]

    def _room(self):
        return len(self.items) < 5 * MOST_OUTPUTS


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, outputs, name):
        self.outputs, self.name_ = outputs, name

    def writable(self):
        return True

    def write(self, text):
        self.outputs.write(self.name_, text)
        return len(text)


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, source=None, **_):
        self.shell.outputs.display(data)


class _Value(DisplayHook):
    shell: Any  # the one below

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.outputs.display(format_dict)

    def finish_displayhook(self):
        pass


class _Written(MetaPathFinder, Loader):
    """Modules that ``%%writefile`` has written, also where no file can be."""

    def __init__(self):
        self.texts = {}

    def find_spec(self, fullname, path=None, target=None):
        if path is None and f"{fullname}.py" in self.texts:
            return ModuleSpec(fullname, self, origin=f"{fullname}.py")

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        source = self.texts[module.__spec__.origin]
        exec(compile(source, module.__spec__.origin, "exec"), vars(module))


class Shell(InteractiveShell):
    """A notebook's interpreter, without a terminal and without a history."""

    outputs = Shown()
    displayhook_class = Type(_Value)
    display_pub_class = Type(_Publisher)

    def system(self, cmd):
        """Programs do not run here; the rest of the cell does."""
        print(f"Left out: no programs run while your notebook is graded ({cmd:.80}).")

    system_piped = system_raw = system

    def getoutput(self, cmd, split=True, depth=0):
        self.system(cmd)
        return [] if split else ""

    def _script(self, line, cell=None):
        self.system(f"%%{line}")

    def _writefile(self, line, cell):
        """Keep a file's text, and write the file where that is possible."""
        words = line.split()
        append = any(word in ("-a", "--append") for word in words)
        name = os.path.normpath(" ".join(w for w in words if w[0] != "-").strip("'\""))
        before = self.written.texts.get(name, "") if append else ""
        self.written.texts[name] = before + cell
        try:
            with open(name, "a" if append else "w", encoding="utf-8") as file:
                file.write(cell)
        except OSError:
            print(f"{name} can be imported; no file is written while this is graded.")

    def prepare(self):
        """What differs from a notebook's own interpreter."""
        self.written = _Written()
        sys.meta_path.append(self.written)
        sys.path.insert(0, "")  # where the student's code runs and may write
        register = self.magics_manager.register_function
        register(self._writefile, "cell", "writefile")
        for name in ("bash", "sh", "script", "system", "sx", "!", "perl", "ruby"):
            register(self._script, "cell", name)
        for name in ("pip", "conda", "mamba", "uv", "system", "sx"):
            register(self._script, "line", name)

    async def run_code(self, code_obj, result=None, *, async_=False):
        """Run a statement; returns whether it failed, so that the cell ends there.

        Where a cell compares with torch's own normalization and that is out, what
        depends on it fails, and the rest of the cell, an answer maybe, is run.
        """
        failed = await super().run_code(code_obj, result, async_=async_)
        return failed and not operators.refused

    def enable_gui(self, gui=None):
        """Figures are shown in the notebook, whatever is asked for."""

    def ask_exit(self):
        """There is nothing to leave."""

    def _showtraceback(self, etype, evalue, stb):
        self.outputs.error(etype.__name__, str(evalue), "\n".join(stb))

    def run(self, source: str) -> list[tuple[str, str | bytes]]:
        """What a cell shows: values named stdout, stderr, display or error."""
        self.outputs = Shown()
        before = sys.stdout, sys.stderr
        sys.stdout = _Stream(self.outputs, "stdout")
        sys.stderr = _Stream(self.outputs, "stderr")
        try:
            self.run_cell(source)
        finally:
            sys.stdout, sys.stderr = before
        return self.outputs.message()


def new_shell() -> Shell:
    config = Config()
    config.HistoryManager.enabled = False  # no file, no thread
    shell = Shell.instance(config=config)
    shell.prepare()
    for source in ("1", "1 / 0"):  # what the first cell and the first error wait for
        shell.run(source)
    shell.reset(new_session=True)
    return shell
