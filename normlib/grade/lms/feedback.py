"""A ZIP file of feedback pages, named so that Canvas and Moodle know whose each is.

Both find the student by the name that they gave the file when they handed it out. So
the pages take the names of the files in the download that the submissions came from.
"""

import io
import zipfile
from pathlib import Path

from normlib.grade.bridge.course import Course
from normlib.grade.files import printable, write_atomically
from normlib.grade.lms.collect import LmsExtractorPlugin, files, notebook
from normlib.grade.lms.tables import Ambiguous


def pack(course: Course, assignment: str) -> tuple[Path, int, list[str]]:
    """Write ``_build/returned/<assignment>.zip``.

    Returns
    -------
    path : Path
    pages : int
    without : list of str
        Students who have no page.

    Raises
    ------
    CourseError
        When what was downloaded of the assignment is not there any more.
    """
    downloaded = course.config.ZipCollectApp.get("downloaded_directory", "downloaded")
    archive = course.root / downloaded / assignment / "archive"
    students = LmsExtractorPlugin(config=course.config).students(archive)
    latest: dict[str, tuple] = {}  # order and names of the file that counts
    for name, _ in files(archive):
        try:
            owned = students.owner(name)
        except Ambiguous:
            continue
        if owned and notebook(owned.file):
            found = owned.order, name, owned.file
            latest[owned.student] = max(latest.get(owned.student, found), found)
    packed, without, data = 0, [], io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as returned:
        for student, (_, name, file) in sorted(latest.items()):
            folder = course.folder("feedback") / student / assignment
            pages = sorted(folder.glob("*.html"))
            if not pages:
                without.append(printable(student))
            for page in pages:
                stem = file.rpartition(".")[0] if len(pages) == 1 else page.stem
                entry = zipfile.ZipInfo(f"{name.removesuffix(file)}{stem}.html")
                entry.compress_type = zipfile.ZIP_DEFLATED
                returned.writestr(entry, page.read_bytes())
                packed += 1
    path = course.root / "_build/returned" / f"{assignment}.zip"
    write_atomically(path, data.getvalue())
    return path, packed, without
