"""`nbgrader zip_collect` for what Canvas and Moodle hand out.

A ZIP file is opened here and not by nbgrader, which would also open archives that
students handed in, however large, and keep the names that students gave. Here the
notebooks are copied, up to the size that is graded, under names made from the table.
"""

import re
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from nbgrader.plugins import ExtractorPlugin
from traitlets import Unicode

from normlib.errors import CourseError
from normlib.grade.lms.tables import Ambiguous, Canvas, Moodle, Table, exported_by
from normlib.grade.submission.pack import Limits

# What systems and browsers add when a name is there already: -1, (1).
_AGAIN = re.compile(r"(-\d+| ?\(\d+\))+$")


class LmsExtractorPlugin(ExtractorPlugin):
    """Writes ``<student>/<notebook>.ipynb`` for each notebook in the archive folder.

    The folder holds ZIP files of submissions, or the files that a browser unpacked,
    and the CSV file of the same system that tells who the students are.
    """

    student_column = Unicode(
        help="Column of the CSV file that holds the students' ids; by default "
        "SIS Login ID (Canvas) or Email address (Moodle)."
    ).tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        try:
            archive = Path(archive_path)
            copied = self._extract(archive, self.students(archive), extracted_path)
        except (CourseError, OSError, zipfile.BadZipFile) as error:
            self.log.error(str(error))
            sys.exit(1)
        self.log.info("Found the notebooks of %d students", copied)

    def students(self, archive: Path) -> Canvas | Moodle:
        """Those of the table in the archive folder."""
        tables = sorted(archive.glob("*.csv"))
        if len(tables) != 1:
            raise CourseError(
                f"{archive} should hold one CSV file beside the submissions, got "
                f"{len(tables)}: the gradebook exported from Canvas, or the "
                "assignment's grading worksheet from Moodle"
            )
        return exported_by(Table.read(tables[0]), self.student_column)

    def _extract(self, archive, students, extracted_path):
        limit = Limits.of(self.config).size << 20
        # By the file to write: when it was handed in, and its name before.
        latest: dict[Path, tuple[int, str]] = {}
        for name, opened in files(archive):
            try:
                owned = students.owner(name)
            except Ambiguous as error:
                self._leave_out(name, str(error))
                continue
            if owned is None:
                self._leave_out(name, f"names no student of {students.table.name}")
                continue
            file = notebook(owned.file)
            if file is None:
                self._leave_out(name, "is not a notebook")
                continue
            target = Path(extracted_path, owned.student, file)
            if target in latest:
                first, second = sorted([latest[target], (owned.order, name)])
                self._leave_out(first[1], f"does not count, {second[1]!r} does")
                if second == latest[target]:
                    continue
            try:
                with opened() as file:
                    data = file.read(limit + 1)
            except Exception as error:  # zlib's own and others, from a damaged file
                self._leave_out(name, f"cannot be read: {error}")
                continue
            if len(data) > limit:
                self._leave_out(name, f"has more than {limit >> 20} MB")
                continue
            if owned.late:
                self.log.warning("%s handed in late, says Canvas", owned.student)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            latest[target] = owned.order, name
        return len({target.parent for target in latest})

    def _leave_out(self, name, why):
        self.log.warning("Left out: %r %s", name, why)


def notebook(name):
    """The name to write a notebook under; None if it is something else."""
    stem, dot, kind = name.rpartition(".")
    if kind.lower() != "ipynb" or not dot:
        return None
    stem = re.sub(r"[^\w() -]", "_", _AGAIN.sub("", stem))[:60].strip()
    return f"{stem or 'notebook'}.ipynb"


def files(folder: Path) -> Iterator[tuple[str, Callable[[], BinaryIO]]]:
    """The name of each file, and how to open it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".zip" and path.parent == folder:
            yield from _zipped(path)
        elif path.name.startswith("._"):  # macOS's, beside a file of that name
            continue
        elif path.suffix.lower() != ".csv" and stat.S_ISREG(path.lstat().st_mode):
            yield path.relative_to(folder).as_posix(), partial(_opened, path)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _zipped(path):
    try:
        archive = zipfile.ZipFile(path, metadata_encoding="utf-8")
    except UnicodeDecodeError:  # names from before Unicode
        archive = zipfile.ZipFile(path)
    with archive:
        for entry in archive.infolist():
            parts = entry.filename.split("/")
            ours = "__MACOSX" not in parts and not parts[-1].startswith("._")
            if not entry.is_dir() and ours:
                yield entry.filename, partial(archive.open, entry)
