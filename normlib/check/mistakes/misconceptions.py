"""The misconceptions of an exercise: what people get wrong, each with a hint."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from normlib.check.mistakes.document import MistakeError, sections
from normlib.check.mistakes.edits import EditError, edited
from normlib.check.mistakes.implementations import Base

Recognizer = Callable[[dict[str, np.ndarray]], bool]
Kind = Callable[[dict[str, np.ndarray]], str | None]


@dataclass(frozen=True)
class Misconception:
    """A wrong idea people have, and the wrong implementation it leads to.

    ``title`` completes "This looks like: ...". ``hint`` names the idea and not
    the code. ``section`` is an anchor of the chapter, by default the exercise's.
    An answer looks like the misconception when it brings back the same; or, with
    ``recognize``, when that says so of the answer's outputs: some mistakes can be
    made in many ways. ``key`` stays when the title is reworded or translated, and
    ``edit`` is the block that says what people write: a diff of a right answer, or the
    ``whole`` implementation.
    """

    title: str
    hint: str
    implementation: Callable
    section: str | None = None
    recognize: Recognizer | None = None
    key: str = ""
    edit: str = ""
    whole: bool = False


class Misconceptions(Sequence[Misconception]):
    """Those in the Markdown file beside the module of ``answer``, in order.

    The file is read, and its edits are made, when they are first asked for: a check
    of a right answer needs none of them.

    Parameters
    ----------
    answer : callable
        The right answer that the edits are made of.
    equivalents : sequence of callable
        Right answers that an edit may name instead.
    sections : mapping
        Anchor of the chapter -> keys of the mistakes that it explains.
    recognize : mapping or callable, optional
        Key -> what recognizes that mistake. Or what tells of an answer's outputs which
        mistake it is: it returns the key, or None.
    """

    def __init__(
        self,
        answer: Callable,
        equivalents: Sequence[Callable] = (),
        sections: Mapping[str, Sequence[str]] | None = None,
        recognize: Mapping[str, Recognizer] | Kind | None = None,
    ):
        self._answer = answer
        self._equivalents = {e.__name__: e for e in equivalents}
        explained = (sections or {}).items()
        self._section_of = {key: anchor for anchor, keys in explained for key in keys}
        self._recognize = recognize or {}

    def __getitem__(self, index):
        return self._all[index]

    def __len__(self):
        return len(self._all)

    @cached_property
    def _all(self):
        module = sys.modules[self._answer.__module__]
        path = Path(inspect.getfile(module)).with_suffix(".md")
        file = f"{path.parent.name}/{path.name}"
        found = sections(path.read_text("utf-8"), file)
        known = {section.key for section in found}
        if callable(self._recognize):
            recognizers = {key: _returns(self._recognize, key) for key in known}
        else:
            recognizers = dict(self._recognize)
        if unknown := (self._section_of.keys() | recognizers.keys()) - known:
            raise MistakeError(f"{file}: no mistake has the key {min(unknown)!r}")
        self._bases = {}
        return tuple(
            Misconception(
                section.title,
                section.hint,
                self._implementation(section),
                self._section_of.get(section.key),
                recognizers.get(section.key),
                section.key,
                "\n".join(section.lines),
                section.whole,
            )
            for section in found
        )

    def _implementation(self, section):
        base = self._base(section)
        lines = section.lines
        try:
            if not section.whole:
                lines = edited(base.lines, lines)
            return base.replaced_by(lines, section.key)
        except EditError as error:
            raise section.error(str(error), error.line) from None
        except Exception as error:
            raise section.error(f"{type(error).__name__}: {error}") from error

    def _base(self, section):
        name = section.base
        if name not in self._bases:
            if name is not None and name not in self._equivalents:
                known = ", ".join(self._equivalents)
                raise section.error(f"no equivalent {name!r}; there are {known}")
            implementation = self._equivalents[name] if name else self._answer
            self._bases[name] = Base(implementation)
        return self._bases[name]


def _returns(kind, key):
    return lambda outputs: kind(outputs) == key
