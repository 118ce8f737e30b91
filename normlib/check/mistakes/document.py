"""Read the Markdown file that says what people get wrong in an exercise.

The file is a list of sections, and nothing else::

    ## Statistics over the batch as well {#over-the-batch}

    Each sample is normalized by its own numbers.

    ```diff
    - mean = x.mean(axis=1)
    + mean = x.mean(axis=(0, 1))
    ```

A block that starts with ```` ```diff of=two_pass ```` edits the right answer of that
name among the exercise's equivalents, and a ```` ```python ```` block is the whole
implementation. The parser is our own, because learners have no Markdown library, and
because it should refuse what a Markdown library would read as text.
"""

import itertools
import re
from dataclasses import dataclass

_HEADING = re.compile(r"## (\S.*?) +\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}")
_FENCE = re.compile(r"```(?:(diff)(?: of=(\w+))?|python)")


class MistakeError(ValueError):
    """A file of mistakes says something that cannot be done; names the line."""


@dataclass(frozen=True)
class Section:
    """One mistake, as it is written.

    ``lines`` are those of the block, which starts in the file after line ``start``.
    ``base`` names the equivalent that a diff edits; without it, a diff edits the
    exercise's ``answer``. ``file`` is for messages.
    """

    file: str
    title: str
    key: str
    hint: str
    whole: bool
    base: str | None
    lines: tuple[str, ...]
    start: int

    def error(self, message: str, line: int = 0) -> MistakeError:
        """To be raised, about the block or about its line with that number."""
        return MistakeError(f"{self.file}:{self.start + line}: {self.title}: {message}")


def sections(text: str, file: str) -> list[Section]:
    """The sections of a file, in order.

    Raises
    ------
    MistakeError
        When it holds anything but sections, or the same key or title twice.
    """
    lines = text.splitlines()
    heads = _headings(lines)
    stray = next((i for i, line in enumerate(lines[: heads[0]]) if line.strip()), None)
    if stray is not None:
        raise MistakeError(
            f"{file}:{stray + 1}: each mistake starts with a heading such as "
            f"`## Title {{#its-key}}`, got {lines[stray]!r}"
        )
    found, seen = [], set()
    for start, end in itertools.pairwise(heads):
        section = _section(lines, start, end, file)
        for name in (section.key, section.title.lower()):
            if name in seen:
                raise MistakeError(f"{file}:{start + 1}: {name!r} is there twice")
        seen |= {section.key, section.title.lower()}
        found.append(section)
    return found


def _headings(lines):
    """Where sections begin, and where the last one ends."""
    heads, inside = [], False
    for i, line in enumerate(lines):
        if line.startswith("```"):
            inside = not inside
        elif line.startswith("#") and not inside:
            heads.append(i)
    return [*heads, len(lines)]


def _section(lines, start, end, file):
    heading = _HEADING.fullmatch(lines[start])
    if not heading:
        raise MistakeError(
            f"{file}:{start + 1}: a heading should look like `## Title {{#its-key}}`, "
            f"its key in small letters, got {lines[start]!r}"
        )
    title, key = heading.groups()

    def refused(line, message):
        return MistakeError(f"{file}:{line + 1}: {title}: {message}")

    fences = [i for i in range(start, end) if lines[i].startswith("```")]
    if len(fences) != 2 or lines[fences[1]] != "```":
        raise refused(start, "there should be one block, between two lines of ```")
    opening, closing = fences
    fence = _FENCE.fullmatch(lines[opening])
    if not fence:
        raise refused(
            opening,
            "a block starts with ```diff, ```diff of=an_equivalent or ```python, "
            f"got {lines[opening]!r}",
        )
    hint = " ".join(" ".join(lines[start + 1 : opening]).split())
    if not hint:
        raise refused(start, "there is no hint")
    for i in range(closing + 1, end):
        if lines[i].strip():
            raise refused(i, f"nothing belongs after the block, got {lines[i]!r}")
    kind, base = fence.groups()
    block = tuple(lines[opening + 1 : closing])
    return Section(file, title, key, hint, kind is None, base, block, opening + 1)
