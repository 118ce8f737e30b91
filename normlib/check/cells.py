"""What the cells of a notebook are: by nbgrader's metadata, or by their text."""

import re

HEADING = re.compile(r"^##? (.+?)(?:  \(.*\))?$", re.MULTILINE)
_CALL = re.compile(r"""\s*check\((["'])([\w.]+)\1\)\s*""")


def is_graded(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_answer(cell) -> bool:
    """Whether the student writes in it."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def grade_id(cell) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def key_checked(source: str) -> str | None:
    """The key in a cell that calls ``check`` with one, and does nothing else."""
    found = _CALL.fullmatch(source)
    return found[2] if found else None


def key_of(cell) -> str | None:
    """The exercise that a graded cell checks, if it does."""
    graded = is_graded(cell) and not is_answer(cell)
    return key_checked(cell.source) if graded else None


def title_of(cell) -> str:
    """The heading of a cell, without what it says of points in parentheses."""
    found = HEADING.search(cell.source)
    return found[1] if found else ""
