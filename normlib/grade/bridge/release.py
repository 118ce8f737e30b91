"""The notebooks of ``exercises/``, made from those of ``solutions/`` by nbgrader.

    python -m normlib.grade.bridge.release

It puts the sources in normal form first, so that a notebook saved by JupyterLab
differs from the last commit only where somebody wrote something.
"""

import copy
import sys
import tempfile
from pathlib import Path

import nbformat

from normlib.grade.bridge.converters import NbgraderError, convert, course_config

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_KEPT = ("nbgrader", "tags", "deletable", "editable")  # of a cell's metadata


def normal_form(notebook: nbformat.NotebookNode) -> str:
    """The text of ``notebook`` without anything that depends on a run.

    No outputs and no execution counts; of the metadata, the kernel's name and what
    nbgrader needs. A cell's id is its grade_id, else its place: ids never churn.
    """
    notebook = copy.deepcopy(notebook)
    notebook.update(nbformat=4, nbformat_minor=5, metadata={"kernelspec": _KERNEL})
    for i, cell in enumerate(notebook.cells):
        cell.metadata = {k: cell.metadata[k] for k in _KEPT if k in cell.metadata}
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell-{i:02d}")
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    return nbformat.writes(nbformat.from_dict(notebook)) + "\n"


def in_normal_form(path: Path) -> bool:
    """Whether the notebook at ``path`` is as this module would write it."""
    text = path.read_text(encoding="utf-8")
    return text == normal_form(nbformat.reads(text, as_version=4))


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write ``content`` unless the file holds it: its time then stays, for make."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def normalize_sources(root: Path) -> list[Path]:
    """Put the notebooks of ``solutions/`` in normal form; those that were not."""
    written = []
    for path in sorted(root.glob("solutions/[!.]*/*.ipynb")):
        text = normal_form(nbformat.read(path, as_version=4))
        if write_if_changed(path, text.encode()):
            written.append(path)
    return written


def released(root: Path) -> dict[Path, bytes]:
    """What ``exercises/`` should hold: the path of each file in it, and its bytes.

    Raises
    ------
    NbgraderError
        When nbgrader finds fault with a source notebook.
    """
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(root.glob("solutions/[!.]*/")):
            config = course_config(root, release_directory=folder)
            config.SaveCells.enabled = False  # what `--no-db` does
            config.GenerateAssignment.no_database = True
            try:
                convert("GenerateAssignment", config, source.name)
            except NbgraderError as error:
                raise NbgraderError(f"solutions/{source.name}: {error}") from error
        files = {}
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix == ".ipynb":
                text = normal_form(nbformat.read(path, as_version=4))
                files[path.relative_to(folder)] = text.encode()
            elif path.is_file():
                files[path.relative_to(folder)] = path.read_bytes()
        return files


def release(root: Path) -> list[Path]:
    """Bring ``exercises/`` up to date with ``solutions/``.

    Files that are as they should be are not touched. Released notebooks whose
    source is gone are removed.

    Returns
    -------
    changed : list of Path
        What was written or removed.

    Raises
    ------
    FileExistsError
        When that would overwrite a notebook that somebody has worked in.
    NbgraderError
        When nbgrader finds fault with a source notebook.
    """
    exercises = root / "exercises"
    wanted = {exercises / path: content for path, content in released(root).items()}
    stale = [path for path in exercises.glob("[!.]*/*.ipynb") if path not in wanted]
    outdated = [p for p in wanted if p.exists() and p.read_bytes() != wanted[p]]
    for path in sorted(stale + outdated):
        # JupyterLab leaves its marks in what it saves; nbgrader's output has none.
        if path.suffix == ".ipynb" and not in_normal_form(path):
            raise FileExistsError(
                f"{path.relative_to(root)} holds somebody's work: move it elsewhere, "
                f"or restore it with `git restore {path.relative_to(root)}`"
            )
    changed = [path for path in wanted if write_if_changed(path, wanted[path])]
    for path in stale:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return changed + stale


def main() -> int:
    root = Path.cwd()
    try:
        changed = normalize_sources(root) + release(root)
    except (FileExistsError, NbgraderError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(path.relative_to(root), *([] if path.exists() else ["removed"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
