"""Which of the files that a page read can change what it shows, and their state.

Importing one function of ``normlib`` reads all its modules. Of those, only the ones
that the page has a use for count: the ones that it names, and what they import.
"""

import ast
import hashlib
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

OFFERING = ("normlib", "normlib/torch")  # packages that import all their modules


def counting(root: Path, code: list[str], read: list[str]) -> list[str]:
    """Of the files that a page read, those whose changes can change the page."""
    offered = {}  # the modules that every page reads: the names that lead to them
    for package in OFFERING:
        for path in (root / package).glob("*.py"):
            name = path.relative_to(root).as_posix()
            if name in read and path.stem != "__init__":
                offered[name] = {path.stem}
        for node in ast.walk(ast.parse((root / package / "__init__.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = f"{node.module.replace('.', '/')}.py"
                offered.get(module, set()).update(a.name for a in node.names)
    counted = [name for name in read if name and name not in offered]
    inits = {f"{package}/__init__.py" for package in OFFERING}
    others = [name for name in counted if name.endswith(".py") and name not in inits]
    sources = code + [(root / name).read_text("utf-8") for name in others]
    while sources:
        used = names_in(sources.pop())
        for name in [name for name, leading in offered.items() if leading & used]:
            del offered[name]
            counted.append(name)
            sources.append((root / name).read_text("utf-8"))
    return counted


def names_in(source):
    """Every identifier in Python source; text and comments have none."""
    found = set()
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
        for field in ("id", "attr", "module", "name"):
            if isinstance(name := getattr(node, field, None), str):
                found.update(name.split("."))
    return found


def state(root: Path, names) -> dict[str, str]:
    """A hash of each file's content, or of the names in a folder."""
    hashes = {}
    for name in names:
        path = root / name
        if path.is_dir():
            content = "\n".join(sorted(p.name for p in path.glob("[!_.]*"))).encode()
        else:
            content = path.read_bytes() if path.exists() else b""
        hashes[name] = hashlib.sha256(content).hexdigest()[:16]
    return hashes
