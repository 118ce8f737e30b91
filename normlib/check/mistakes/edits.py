"""Apply a diff to the source of a right answer.

A diff is made of hunks with a blank line between them. In a hunk, ``-`` marks lines
that go, ``+`` lines that come, and a space lines that stay. The lines that go and stay
must stand together in the source exactly once. How far they are indented there does
not matter; how far they are indented against each other does.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class EditError(ValueError):
    """A hunk cannot be applied; ``line`` is its first line in the diff, from 1."""

    def __init__(self, message, line):
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class _Hunk:
    before: list[str]
    after: list[str]
    line: int


def edited(source: Sequence[str], diff: Sequence[str]) -> list[str]:
    """The lines of ``source`` with all hunks of ``diff`` applied at the same time.

    Raises
    ------
    EditError
        When a hunk changes nothing, overlaps another one, or does not match exactly
        once.
    """
    places = [(*_place(source, hunk), hunk) for hunk in _hunks(diff)]
    places.sort(key=lambda place: place[0])
    lines: list[str] = []
    done = 0
    for start, shift, hunk in places:
        if start < done:
            raise EditError("two hunks overlap: make one of them", hunk.line)
        lines += source[done:start]
        lines += [_shifted(line, shift, hunk) for line in hunk.after]
        done = start + len(hunk.before)
    return lines + list(source[done:])


def _hunks(diff):
    hunks, start = [], 0
    for end in range(len(diff) + 1):
        if end == len(diff) or not diff[end].strip():
            if end > start:
                hunks.append(_hunk(diff[start:end], start + 1))
            start = end + 1
    if not hunks:
        raise EditError("the diff is empty", 1)
    return hunks


def _hunk(lines, line):
    for i, text in enumerate(lines):
        if text[0] not in "-+ ":
            raise EditError(
                f"a line of a diff starts with -, + or a space, got {text!r}", line + i
            )
    before = [text[1:].rstrip() for text in lines if text[0] != "+"]
    after = [text[1:].rstrip() for text in lines if text[0] != "-"]
    if before == after:
        raise EditError("the hunk changes nothing", line)
    if not any(before):
        raise EditError("the hunk does not say where: add a line that stays", line)
    return _Hunk(before, after, line)


def _place(source, hunk):
    """Where the hunk matches, and how much further the source is indented."""
    wanted = [text.strip() for text in hunk.before]
    stripped = [text.strip() for text in source]
    found = []
    for start in range(len(source) - len(wanted) + 1):
        end = start + len(wanted)
        if stripped[start:end] == wanted:
            shifts = {
                _indent(line) - _indent(text)
                for line, text in zip(source[start:end], hunk.before, strict=True)
                if text
            }
            if len(shifts) == 1:
                found.append((start, *shifts))
    if len(found) != 1:
        times = f"{len(found)} times" if found else "nowhere"
        raise EditError(
            f"the hunk should match the answer once, it matches {times}", hunk.line
        )
    return found[0]


def _shifted(line, shift, hunk):
    indent = _indent(line) + shift
    if line and indent < 0:
        raise EditError(f"{line.strip()!r} would start left of the margin", hunk.line)
    return " " * indent + line.strip() if line else ""


def _indent(line):
    return len(line) - len(line.lstrip())
