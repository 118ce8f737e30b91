"""What the page on JupyterHub has to be written and typed, in its order."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "book/instructors/jupyterhub.md"
PROXY = re.compile(r"configurable-http-proxy@[\d.]+")
BLOCK = re.compile(
    r"^```\{code-block\} \w+\n:caption: (?P<caption>.+)\n(?P<text>(?:.*\n)*?)```$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """A file to write, or the lines that a user types."""

    path: str
    user: str
    text: str

    @property
    def lines(self):
        """What is typed, without the prompt."""
        return [line[2:] for line in self.text.splitlines()]


def steps():
    """What has a caption: a path, or who types it."""
    found = BLOCK.finditer(PAGE.read_text())
    return [_step(block["caption"], block["text"]) for block in found]


def _step(caption, text):
    typed = re.fullmatch(r"As (\w+)", caption)
    if typed:
        return Step("", typed[1], text)
    user = re.match(r"/home/(\w+)/", caption)
    return Step(caption, user[1] if user else "root", text)
