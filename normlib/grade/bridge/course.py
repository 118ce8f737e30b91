"""Where a course keeps its files, and what was handed in."""

import contextlib
import hmac
import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from normlib.errors import CourseError
from normlib.grade.bridge.converters import course_config
from normlib.grade.files import printable
from normlib.grade.submission import limited
from normlib.grade.submission.pack import Limits, Pack
from normlib.grade.submission.shrink import shrunk

_WITH_OUTPUTS = 8  # times as large may a file be with its outputs, which nobody reads
_NAMED = 5  # files that are told when the notebook is not among them
_SECRET = 32  # bytes


class _Unreadable(Exception):
    """There is no file that can be graded; says why, for the student to read."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in for a notebook.

    ``file`` is empty, and ``problem`` says why, when there is nothing to grade.
    """

    assignment: str
    student: str
    pack: Pack
    file: bytes
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Course:
    """The folders that nbgrader_config.py names; ``root`` holds that file."""

    root: Path

    @cached_property
    def config(self):
        return course_config(self.root)

    def folder(self, step: str) -> Path:
        """Of one of nbgrader's steps: source, release, submitted, autograded, ..."""
        given = self.config.CourseDirectory.get(f"{step}_directory", step)
        return self.root / given

    @property
    def db_url(self) -> str:
        default = f"sqlite:///{self.root.resolve()}/gradebook.db"
        url = self.config.CourseDirectory.get("db_url", default)
        # A relative path counts from the root, wherever the command was started.
        path = url.removeprefix("sqlite:///")
        if path != url and not path.startswith(("/", ":")):
            return f"sqlite:///{self.root.resolve()}/{path}"
        return url

    def seed(self, number: int) -> int:
        """The seed that the inputs of every check are drawn from; it holds a secret.

        Without one, student code could compute from its own file, which it can write
        again, on which inputs it will be judged. The same number gives the same seed
        as long as the secret is kept.
        """
        return int.from_bytes(hmac.digest(self._secret, str(number).encode(), "sha256"))

    @cached_property
    def _secret(self):
        """Made once; it lies beside the gradebook, where only its owner may read."""
        database = self.db_url.removeprefix("sqlite:///")
        local = database != self.db_url
        path = (Path(database).parent if local else self.root / "_build") / "secret"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent) as file:  # of mode 600
                file.write(secrets.token_bytes(_SECRET))
                file.flush()
                os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):  # another command's
                    os.link(file.name, path)
        secret = path.read_bytes()
        if len(secret) != _SECRET:
            raise CourseError(
                f"{path} should hold {_SECRET} bytes, it holds {len(secret)}; bring it "
                "back from a copy, or delete it: a new one draws all inputs anew"
            )
        return secret

    @property
    def course_id(self) -> str:
        return self.config.CourseDirectory.get("course_id", "")

    @property
    def book(self) -> str:
        return book_of(self.config)

    @cached_property
    def limits(self) -> Limits:
        return Limits.of(self.config)

    @cached_property
    def assignments(self) -> list[str]:
        return _folders(self.folder("source"))

    def packs(self, assignment: str) -> list[Pack]:
        """Of the notebooks that students got.

        Raises
        ------
        CourseError
            When there are none, or one cannot be graded.
        """
        paths = sorted((self.folder("release") / assignment).glob("*.ipynb"))
        if not paths:
            where = self.folder("release").relative_to(self.root)
            raise CourseError(
                f"no notebook in {where}/{assignment}; `make exercises` writes it"
            )
        return [Pack.read(path, self.limits) for path in paths]

    def handed_in(self) -> list[tuple[str, str]]:
        """The folder names (assignment, student) of everything handed in."""
        return sorted(
            (assignment, student)
            for student in _folders(self.folder("submitted"))
            for assignment in _folders(self.folder("submitted") / student)
        )

    def submission_folder(self, assignment: str, student: str) -> Path:
        return self.folder("submitted") / student / assignment

    def submission(self, assignment: str, student: str, pack: Pack) -> Submission:
        """What a student handed in for a notebook, in whatever state it is."""
        folder = self.submission_folder(assignment, student)
        wanted, notes = f"{pack.notebook}.ipynb", []
        names = _names(folder)
        found = [name for name in names if name.endswith(".ipynb")]
        copies = [n for n in found if n.startswith(pack.notebook) and n != wanted]
        if wanted in found and copies:
            notes.append(f"not graded, beside {wanted}: {_listed(copies)}")
        elif wanted not in found and len(found) == 1:
            (wanted,) = found
            notes.append(f"was handed in as {printable(wanted)}")
        try:
            if wanted not in names and names:
                lies = f"there is no file {wanted}; there lies {_listed(names, folder)}"
                raise _Unreadable(lies)
            file, problem = _notebook(folder, wanted, self.limits.size << 20), ""
        except _Unreadable as error:
            file, problem = b"", str(error)
        return Submission(assignment, student, pack, file, problem, tuple(notes))

    def beside(self, assignment: str, student: str, name: str) -> bytes:
        """The text of a small file beside the notebook; empty without one."""
        folder = self.submission_folder(assignment, student)
        try:
            return _read(folder, name, 100)
        except _Unreadable:
            return b""


def book_of(config) -> str:
    """Where students read the book, by ``c.Book.address``; empty without an address.

    Raises
    ------
    CourseError
        When that is no address.
    """
    address = str(config.get("Book", {}).get("address", "")).rstrip("/")
    if address and not re.fullmatch(r"https?://\S+", address):
        raise CourseError(
            "Book.address should begin with https:// and lead to the folder with the "
            f"chapters, got {address!r}"
        )
    return address


def _folders(path):
    """Names of the folders in ``path``; an operating system's own begin with a dot."""
    if not path.is_dir():
        return []
    return sorted(p.name for p in path.iterdir() if p.is_dir() and p.name[0] != ".")


def _names(folder):
    """What lies in a submission's folder, without what an operating system leaves.

    Names that begin with a dot are among that, as macOS's ``._notebook.ipynb``.
    """
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(name for name in os.listdir(folder) if name[0] != ".")


def _listed(names, folder=None):
    """Some names of files, for somebody to read."""
    told = [
        printable(name) + ("/" if folder and (folder / name).is_dir() else "")
        for name in names[:_NAMED]
    ]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join(told + more)


def _notebook(folder, name, limit):
    """The bytes of a notebook; if it is larger than ``limit``, without its outputs."""
    file = _read(folder, name, limit, _WITH_OUTPUTS * limit)
    if file is not None:
        return file
    try:
        return limited.call(shrunk, f"{folder}/{name}", limit, seconds=30).encode()
    except limited.Failed as failed:
        raise _Unreadable(
            f"{printable(name)} has more than {limit >> 20} MB, and "
            f"{failed.said or failed}; {limit >> 20} are allowed"
        ) from None


def _read(folder, name, limit, most=0):
    """The bytes of a file; ``_Unreadable`` says why there are none.

    A link could lead to a file of the grader; a pipe would never end. None if it has
    more than ``limit`` bytes, but not more than ``most``.
    """
    if folder.is_symlink():
        raise _Unreadable("the folder is a link to another one")
    shown = printable(name)
    try:
        fd = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise _Unreadable(f"there is no file {shown}") from None
    except OSError as error:
        why = "it is a link" if (folder / name).is_symlink() else error.strerror
        raise _Unreadable(f"{shown} cannot be read: {why}") from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise _Unreadable(f"{shown} is not a file")
        if limit < status.st_size <= most:
            return None
        if status.st_size > limit:
            raise _Unreadable(
                f"{shown} has {status.st_size >> 20} MB; {limit >> 20} are allowed"
            )
        with open(fd, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(fd)
