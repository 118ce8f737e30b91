"""nbgrader's gradebook: results are put into it, and points taken out of it."""

import contextlib
import csv
import errno
import fcntl
import json
import os
import warnings
from pathlib import Path

import nbformat

from normlib.check.cells import grade_id
from normlib.errors import CourseError
from normlib.grade.bridge import steps
from normlib.grade.bridge.converters import NbgraderError, convert
from normlib.grade.bridge.course import Course
from normlib.grade.files import write_atomically
from normlib.grade.submission.grading import Result
from normlib.grade.submission.pack import Pack

RESULT_KEY = "normlib_result"  # in a graded notebook's metadata: the key of its result
TIMESTAMP = "timestamp.txt"  # when it was handed in
SECRET = "submission_secret.txt"  # by which the exchange names the feedback
_LOCK = 0x6E6F726D  # any number, the same everywhere


@contextlib.contextmanager
def writing(course: Course):
    """One process at a time writes to the gradebook and beside it."""
    path = course.root / "_build/gradebook.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _alone(course.db_url):
            yield


@contextlib.contextmanager
def _alone(db_url):
    """A server's database has its own lock, which holds for other machines too."""
    if not db_url.startswith("postgresql"):
        yield
        return
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(db_url, poolclass=NullPool)
    with engine.connect() as connection:  # it goes when this process does
        connection.execute(text(f"select pg_advisory_lock({_LOCK})"))
        yield


@contextlib.contextmanager
def opened(course: Course):
    """The gradebook, for reading and writing.

    Raises
    ------
    OSError
        When the database says that something cannot be done, as on a full disk.
    """
    with _database():
        from nbgrader.api import Gradebook

        with Gradebook(course.db_url, course.course_id) as gradebook:
            yield gradebook


@contextlib.contextmanager
def _database():
    """What the database cannot do becomes an OSError."""
    with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own insides
        import nbgrader.api  # noqa: F401
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except OperationalError as error:
        raise OSError(f"the gradebook: {error.orig}") from error


def create(course: Course) -> None:
    """Make the gradebook, unless there is one.

    nbgrader itself would run a program to note its version, which takes seconds. If
    this is interrupted, the next run completes it: without a version, nbgrader could
    not upgrade the gradebook.
    """
    with writing(course), _database():
        steps.create_tables(course.db_url)
        with opened(course):  # the first time, nbgrader writes the course's own row
            pass


def prepare(course: Course, packs: list[Pack]) -> None:
    """Let the gradebook know the assignment, as it was released.

    Raises
    ------
    NbgraderError
        When the release is not what the source makes.
    """
    assignment = packs[0].assignment
    with writing(course):
        if not _known(course, packs):
            config = course.config.copy()
            # Not over what students got.
            config.CourseDirectory.release_directory = "_build/release"
            config.BaseConverter.force = True
            convert("GenerateAssignment", config, assignment)
            if not _known(course, packs):
                raise NbgraderError(
                    f"the notebooks of {assignment} that were released are not what "
                    "its source makes: run `make exercises`"
                )


def _known(course, packs):
    """Whether the gradebook has every cell as the release has it."""
    from nbgrader.api import MissingEntry

    with opened(course) as gradebook:
        for pack in packs:
            try:
                noted = gradebook.find_notebook(pack.notebook, pack.assignment)
            except MissingEntry:
                return False
            released = {grade_id(cell): checksum(cell) for cell in pack.cells}
            released.pop(None, None)
            if released != {cell.name: cell.checksum for cell in noted.source_cells}:
                return False
    return True


def checksum(cell):
    return cell.metadata.get("nbgrader", {}).get("checksum")


def saved(course: Course, student: str, pack: Pack) -> str:
    """The key of the result that was last saved for a submission; or empty."""
    try:
        graded = json.loads(_graded(course, student, pack).read_bytes())
        return graded["metadata"][RESULT_KEY]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def save(
    gradebook, course: Course, results: list[tuple[str, Pack, str, Result]]
) -> list[list[str]]:
    """Put results where nbgrader has them, by nbgrader's own steps.

    All of them become part of the gradebook at once. The graded notebooks are written
    after that: where one is, all is saved. Doing it twice changes nothing, so a run
    that was killed in between does it again. Points and comments that somebody gave by
    hand stay.

    ``gradebook`` stays open for the next ones: making its statements takes longest.

    Parameters
    ----------
    gradebook, course
    results : list of (student, pack, key, result)

    Returns
    -------
    notes : list of list of str
        For each, what was wrong with the submission's time.

    Raises
    ------
    CourseError
        When the course's rule for late work cannot be loaded.
    """
    told, late = [], []
    with writing(course):
        times = {
            (pack.assignment, student): _time(course, pack.assignment, student)
            for student, pack, *_ in results
        }
        with steps.at_once(gradebook):
            submissions = steps.submissions(
                gradebook, {names: when for names, (when, _) in times.items()}
            )
            for student, pack, _, result in results:
                told.append(times[pack.assignment, student][1])
                submission = submissions[pack.assignment, student]
                notebook = _known_to_nbgrader(result.notebook)
                where = {
                    "assignment": pack.assignment,
                    "student": student,
                    "notebook": pack.notebook,
                    "db_url": course.db_url,
                }
                steps.save_points(course.config, gradebook, submission, notebook, where)
                if submission.assignment.duedate is not None:
                    late.append((notebook, where))
        for notebook, where in late:
            steps.save_penalty(course.config, notebook, where)
        gradebook.db.rollback()  # forgets what it has read: others write as well
        for student, pack, key, result in results:
            path = _graded(course, student, pack)
            for name in (TIMESTAMP, SECRET):
                if text := course.beside(pack.assignment, student, name):
                    write_atomically(path.parent / name, text)
            write_atomically(path, with_result_key(result, key).encode())
    return told


def _known_to_nbgrader(text):
    """The notebook of a result, with only the cells that can have points."""
    content = json.loads(text)
    content["cells"] = [c for c in content["cells"] if "nbgrader" in c["metadata"]]
    return nbformat.v4.to_notebook_json(content)


def withdraw(gradebook, course: Course, student: str, pack: Pack) -> None:
    """Take back an earlier result, which is not that of the submission there is now.

    Its graded notebook and its page of feedback are removed. Its points become unknown,
    so that nbgrader asks for them to be marked. What somebody gave by hand stays.
    """
    from nbgrader.api import MissingEntry

    with writing(course):
        gradebook.db.rollback()  # of what has failed
        with contextlib.suppress(MissingEntry, UnicodeError):
            for grade in gradebook.find_submission_notebook(
                pack.notebook, pack.assignment, student
            ).grades:
                if grade.auto_score is not None:
                    grade.auto_score, grade.needs_manual_grade = None, True
            gradebook.db.commit()
        page = course.folder("feedback") / student / pack.assignment
        for path in (
            _graded(course, student, pack),
            page / f"{pack.notebook}.html",
        ):
            with contextlib.suppress(OSError):
                path.unlink()


# No room, no more files, a disk that fails or may not be written.
_MACHINES = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
}


def concerns_everybody(error: Exception) -> bool:
    """Whether saving failed for another reason than what is saved."""
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OSError):
        return error.errno in _MACHINES
    return isinstance(error, CourseError | OperationalError | MemoryError)


def with_result_key(result: Result, key: str) -> str:
    """The text of the graded notebook, which tells where it comes from.

    nbformat sorts what it writes, so the notebook's own metadata come after its cells,
    and these need not be read.
    """
    start = '\n "metadata": '
    cells, _, rest = result.notebook.rpartition(start)
    last = json.loads('{"metadata": ' + rest)
    last["metadata"] |= {RESULT_KEY: key, "normlib_sandbox": result.sandbox}
    text = json.dumps(last, ensure_ascii=False, indent=1, sort_keys=True)
    return cells + text.removeprefix("{") + "\n"


def _graded(course, student, pack):
    folder = course.folder("autograded") / student / pack.assignment
    return folder / f"{pack.notebook}.ipynb"


def _time(course, assignment, student):
    """When it was handed in, as far as timestamp.txt says so."""
    from nbgrader.utils import parse_utc

    text = (
        course.beside(assignment, student, TIMESTAMP).decode("utf-8", "replace").strip()
    )
    if not text:
        return {}, []
    try:
        return {"timestamp": parse_utc(text)}, []
    except Exception:  # of any type: the text is the student's, the parser is not ours
        return {}, [f"{assignment}: timestamp.txt holds no time"]


def export(course: Course, gradebook) -> None:
    """Write everybody's points to _build/grades.csv, in nbgrader's own form."""
    from nbgrader.plugins import CsvExportPlugin

    path = grades(course)
    # Written to another file and moved, so that nobody ever reads half of it.
    beside = path.with_name(f".grades-{os.getpid()}.csv")
    CsvExportPlugin(to=str(beside), config=course.config).export(gradebook)
    with open(beside, newline="") as file:
        head, *rows = csv.reader(file)
    place = [head.index(name) for name in ("assignment", "student_id")]
    rows.sort(key=lambda row: [row[i] for i in place])  # not as the database has them
    with open(beside, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    os.replace(beside, path)


def grades(course: Course) -> Path:
    return course.root / "_build/grades.csv"
