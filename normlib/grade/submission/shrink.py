"""A notebook without its outputs, which are not graded and can be large."""

import re

# A string, or a sign that opens or closes. Possessive: nothing is looked at twice.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_VALUE = re.compile(rb"\s*+:\s*+\[")


def without_outputs(notebook: bytes) -> bytes:
    """The same text with an empty list for each ``outputs``, which is not parsed."""
    kept, start, at = [], 0, 0
    while token := _TOKEN.search(notebook, at):
        at = token.end()
        if token[0] == b'"outputs"' and (value := _VALUE.match(notebook, at)):
            kept.append(notebook[start : value.end()])
            start = at = _end(notebook, value.end())
    kept.append(notebook[start:])
    return b"".join(kept)


def _end(notebook, at):
    """Where the list ends that is open at ``at``: its closing bracket."""
    depth = 1
    for token in _TOKEN.finditer(notebook, at):
        if token[0] in b"[{":
            depth += 1
        elif token[0] in b"]}":
            depth -= 1
            if depth == 0:
                return token.start()
    return len(notebook)


def shrunk(path: str, most: int) -> str:
    """The file's text without outputs, for a process with limits (see ``limited``).

    Raises
    ------
    ValueError
        When it still has more than ``most`` bytes.
    """
    with open(path, "rb") as file:
        notebook = without_outputs(file.read())
    if len(notebook) > most:
        raise ValueError(f"has {len(notebook) >> 20} MB without its outputs")
    return notebook.decode("utf-8")
