"""The pages for marking, served to this machine alone.

What can be reached over the loopback can be reached by every user of the machine and
by every page in a browser. So all addresses begin with a token, which is told in the
terminal only; the name that the browser asked for has to be the loopback's, so that no
page can rebind its own name to it; and whatever writes has to come from these pages.
"""

import asyncio
import hmac
import json
import math
import re
import secrets

from sqlalchemy.exc import OperationalError
from tornado.web import Application, HTTPError, RequestHandler

from normlib.errors import CourseError
from normlib.grade import templates
from normlib.grade.bridge import gradebook
from normlib.grade.bridge.course import Course
from normlib.grade.files import printable
from normlib.grade.marking import pages
from normlib.grade.marking.answers import Answers, Gone, Part
from normlib.grade.marking.questions import Question, questions
from normlib.grade.submission import limited

HOST = "127.0.0.1"
_OURS = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")  # a tunnel has another port
_MOST = 100_000  # bytes of what a page sends
_LONGEST = 10_000  # characters of a comment
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; "
    "style-src 'self'; style-src-attr 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def run(course: Course, assignment: str, part: Part, port: int) -> None:
    """Serve the pages until somebody presses Ctrl-C.

    Raises
    ------
    CourseError
        When there is nothing to mark: no such assignment, nothing graded yet.
    """
    known = {
        (question.assignment, question.id): question
        for name in ([assignment] if assignment else course.assignments)
        for question in questions(course, name)
    }
    if not known:
        raise CourseError(f"{assignment or 'the course'} has no questions in words")
    if not any(course.folder("autograded").glob("*/*/*.ipynb")):
        raise CourseError("nothing has been graded yet: run `normlib grade` first")
    with gradebook.opened(course) as book:
        try:
            asyncio.run(_serve(course, Answers(course, book, part), known, port))
        finally:
            limited.close()


async def _serve(course, answers, known, port):
    token = secrets.token_urlsafe(24)
    site = application(course, answers, known, token)
    try:
        server = site.listen(port, HOST, max_body_size=_MOST)
    except OSError:  # taken
        server = site.listen(0, HOST, max_body_size=_MOST)
    (socket, *_) = server._sockets.values()
    print(f"Mark at http://{HOST}:{socket.getsockname()[1]}/{token}/", flush=True)
    print("Whoever has this address can give points. Ctrl-C ends it.", flush=True)
    await asyncio.Event().wait()


def application(
    course: Course,
    answers: Answers,
    known: dict[tuple[str, str], Question],
    token: str,
) -> Application:
    """What answers requests."""
    what = {"course": course, "answers": answers, "known": known, "token": token}
    return Application(
        [
            (r"/([\w-]+)/", _List, what),
            (r"/([\w-]+)/mark\.(js|css)", _File, what),
            (r"/([\w-]+)/([^/]+)/([^/]+)/", _First, what),
            (r"/([\w-]+)/([^/]+)/([^/]+)/([0-9a-f]{32})", _Answer, what),
            (r"/([\w-]+)/([^/]+)/([^/]+)/([0-9a-f]{32})/who", _Who, what),
        ],
        default_handler_class=_Nothing,
        default_handler_args=what,
        log_function=lambda handler: None,  # the token stays out of logs
    )


class _Guarded(RequestHandler):
    def initialize(self, course, answers, known, token):
        self.course, self.answers, self.known = course, answers, known
        self.token = token

    def set_default_headers(self):
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def prepare(self):
        host = self.request.host
        if not _OURS.fullmatch(host):
            raise HTTPError(403)
        given = self.path_args[0] if self.path_args else ""
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise HTTPError(403)
        if self.request.method not in ("GET", "HEAD"):
            if self.request.headers.get("Origin") != f"http://{host}":
                raise HTTPError(403)
            kind = self.request.headers.get("Content-Type", "").partition(";")[0]
            if kind != "application/json":
                raise HTTPError(415)

    def write_error(self, status_code, **told_of):
        _, error, _ = told_of.get("exc_info", (None, None, None))
        told = {403: "Not from here: open the address that the terminal shows."}
        if why := _kept_from(error):
            self.set_status(503)
            told = {503: why}
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{told.get(self.get_status(), self._reason)}\n")

    def log_exception(self, kind, error, trace):
        if not (isinstance(error, HTTPError) or _kept_from(error)):
            super().log_exception(kind, error, trace)

    def question(self, assignment, name):
        if (assignment, name) not in self.known:
            raise HTTPError(404)
        return self.known[assignment, name]


def _kept_from(error):
    """What to say where not the request is wrong, but the machine in the way."""
    if isinstance(error, OperationalError):  # formgrader holds it, the disk is full
        return f"The gradebook: {error.orig}."
    return f"{error}." if isinstance(error, OSError) else ""


class _Nothing(_Guarded):
    def prepare(self):
        raise HTTPError(403)


class _List(_Guarded):
    def get(self, _):
        self.finish(pages.listed(self.answers, self.known.values()))


class _File(_Guarded):
    def get(self, _, kind):
        self.set_header("Cache-Control", "private, max-age=86400")  # the token changes
        types = {"js": "text/javascript", "css": "text/css"}
        self.set_header("Content-Type", f"{types[kind]}; charset=utf-8")
        names = ("mark.js",) if kind == "js" else ("style.css", "mark.css")
        self.finish(b"".join(templates.source(name) for name in names))


class _First(_Guarded):
    """Of a question: the first answer that waits, or the first of all."""

    def get(self, _, assignment, name):
        question = self.question(assignment, name)
        found, lost = self.answers.of(question)
        if not found:
            return self.finish(pages.nothing(question, lost))
        waiting = [key for key, answer in found.items() if answer.waits]
        self.redirect(next(iter(waiting or found)))


class _Answer(_Guarded):
    def get(self, _, assignment, name, key):
        question = self.question(assignment, name)
        found, _ = self.answers.of(question)
        if key not in found:
            return self.redirect(".")  # graded anew since
        said = self.answers.comments(found)
        self.finish(pages.answer(question, found, key, said, self.course.book))

    def post(self, _, assignment, name, key):
        question = self.question(assignment, name)
        seen, change = _change(self.request.body, question)
        try:
            self.finish(self.answers.save(question, key, seen, change))
        except Gone as error:
            self._refuse(409, str(error))
        except (OperationalError, OSError) as error:
            self._refuse(503, _kept_from(error))

    def _refuse(self, status, why):
        self.set_status(status)
        self.finish({"error": why})


class _Who(_Guarded):
    def get(self, _, assignment, name, key):
        found, _ = self.answers.of(self.question(assignment, name))
        if key not in found:
            raise HTTPError(404)
        marks = found[key].marks
        self.finish({"who": sorted(printable(mark.student) for mark in marks)})


def _change(body, question):
    """What a page wants to be saved."""
    try:
        told = json.loads(body)
        seen, change = told.pop("seen"), told
        if not isinstance(seen, str) or not change or change.keys() - _CHECKS.keys():
            raise ValueError
        for name, value in change.items():
            if not _CHECKS[name](value, question):
                raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HTTPError(400) from None
    return seen, change


def _is_points(value, question):
    if value is None:
        return True
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value in question.choices


def _is_comment(value, _):
    return isinstance(value, str) and len(value) <= _LONGEST


_CHECKS = {"points": _is_points, "comment": _is_comment}
