"""What people get wrong in an exercise, written in Markdown beside it.

Each mistake is an edit of a right answer: ``document`` reads the file, ``edits``
applies what it says, and ``implementations`` makes functions and classes of the
result. ``Misconceptions`` is all of it for one exercise, done when it is first needed.
"""

from normlib.check.mistakes.misconceptions import (
    Kind,
    Misconception,
    Misconceptions,
    Recognizer,
)

__all__ = ["Kind", "Misconception", "Misconceptions", "Recognizer"]
