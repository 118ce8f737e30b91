"""Run a cell as a notebook does, and keep what it shows, as far as there is room."""

import io
import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

MOST_TEXT = 50_000  # characters that a cell prints
MOST_SHOWN = 4 << 20  # bytes of what it displays
MOST_OUTPUTS = 50
_KEPT = ("text/plain", "text/html", "image/png", "image/jpeg")


class Outputs:
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
    def publish(self, data, metadata=None, **_):
        self.shell.outputs.display(data)


class _Result(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.outputs.display(format_dict)

    def finish_displayhook(self):
        pass


class Shell(InteractiveShell):
    """A notebook's interpreter, without a terminal and without a history."""

    outputs = Outputs()
    displayhook_class = Type(_Result)
    display_pub_class = Type(_Publisher)

    def enable_gui(self, gui=None):
        """Figures are shown in the notebook, whatever is asked for."""

    def ask_exit(self):
        """There is nothing to leave."""

    def _showtraceback(self, etype, evalue, stb):
        self.outputs.error(etype.__name__, str(evalue), "\n".join(stb))

    def run(self, source: str) -> list[tuple[str, str | bytes]]:
        """What a cell shows: values named stdout, stderr, display or error."""
        self.outputs = Outputs()
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
    shell.run("1")  # what the first cell would wait for
    shell.reset(new_session=True)
    return shell
