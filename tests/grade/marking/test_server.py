"""The pages for marking answer who has the token, and nobody else."""

import http.client
import json
import sqlite3
from urllib.parse import urlsplit

import pytest

from tests.grade.marking.conftest import WORDS, given, put, serving
from tests.grade.pages import parsed

# What takes long is made once: the server, for all that only asks.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marking")]

QUESTION = f"01_feature_scaling/{WORDS}/"
HOSTILE = r"""
<script>alert(1)</script> <img src=https://tracker.example/1.png onerror=alert(2)>
[x](javascript:alert(3)) ![](https://tracker.example/2.png) </div></main>
$\href{javascript:alert(4)}{x}$ <style>body { display: none }</style>
<form action="https://tracker.example"><button data-points="2">2</button></form>
"""


@pytest.fixture
def class_(class_of):
    return class_of({"ada.lovelace": HOSTILE, "bob": "It cancels."})


@pytest.fixture
def site(class_):
    with serving(class_) as address:
        yield Site(address)


class Site:
    """Requests as they are sent, with any headers."""

    def __init__(self, address):
        self.address, parts = address, urlsplit(address)
        self.host, self.base = parts.netloc, parts.path

    def ask(self, path, body=None, base=None, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        method = "GET" if body is None else "POST"
        where = (self.base if base is None else base) + path
        connection.request(method, where, body, names)
        reply = connection.getresponse()
        reply.text = reply.read().decode()
        connection.close()
        return reply

    def first(self):
        """The address of the first answer."""
        (place,) = {self.ask(QUESTION).headers["Location"]}
        return QUESTION + place

    def pages(self):
        """Each answer's page, by its address."""
        found, todo = {}, [self.first()]
        while todo:
            path = todo.pop()
            found[path] = self.ask(path).text
            links = parsed(found[path]).select("nav a")
            todo += {QUESTION + a["href"] for a in links} - found.keys() - {*todo}
        return found

    def post(self, path, change, **headers):
        form = parsed(self.ask(path).text).find(id="mark")
        body = json.dumps({"seen": form["data-seen"], **change})
        own = {"Origin": f"http://{self.host}", "Content_Type": "application/json"}
        return self.ask(path, body, **{**own, **headers})


def untouched(class_):
    return all(given(class_, s) == (None, True, None) for s in ("ada.lovelace", "bob"))


def test_nobody_else_gets_in_or_writes(site, class_):
    path, host = site.first(), site.host
    port = host.partition(":")[2]
    wrong = site.base[:-2] + ("A" if site.base[-2] != "A" else "B") + "/"
    for base in ("/", wrong, "/x/", "//"):
        assert site.ask("", base=base).status == 403
        assert site.ask(path, base=base).status == 403
        assert site.ask(f"{path}/who", base=base).status == 403
    names = ("tracker.example", "127.0.0.1.x", "localhost.x", "[::1")
    for name in (*names, *(f"{name}:{port}" for name in names)):
        assert site.ask(path, Host=name).status == 403
    for name in (f"localhost:{port}", "127.0.0.1:1"):  # a tunnel's port, too
        assert site.ask(path, Host=name).status == 200
    mark = {"points": 2}
    for origin in ("https://tracker.example", "null", f"http://{host}.x", ""):
        assert site.post(path, mark, Origin=origin).status == 403
    assert site.post(path, mark, Content_Type="text/plain").status == 415
    assert untouched(class_)
    assert site.post(path, mark).status == 200
    assert not untouched(class_)


REFUSED = [
    *({"points": n} for n in (2.5, -0.5, 0.3, True, "1", [1], float("nan"))),
    *({"comment": c} for c in (1, None, "x" * 10_001)),
    *({}, {"points": 1, "student": "bob"}, {"seen": 1, "points": 1}),
]


def test_nothing_else_is_saved(site, class_):
    for change in REFUSED:
        assert site.post(site.first(), change).status == 400
    own = {"Origin": f"http://{site.host}", "Content_Type": "application/json"}
    for body in ("", "[]", "{", "[" * 90_000, b"\xff", "1"):
        assert site.ask(site.first(), body, **own).status == 400
    assert untouched(class_)


def test_a_gradebook_that_cannot_be_written_is_told(site, class_):
    """As when formgrader writes to it."""
    path = site.first()
    with sqlite3.connect(class_.db_url.removeprefix("sqlite:///")) as other:
        other.execute("begin immediate")
        reply = site.post(path, {"points": 1})
        other.rollback()
    other.close()
    assert reply.status == 503 and untouched(class_)
    assert json.loads(reply.text)["error"] == "The gradebook: database is locked."
    assert site.post(path, {"points": 1}).status == 200
    assert not untouched(class_)


def test_a_gradebook_that_cannot_be_read_is_told(site, class_):
    path = site.first()
    with sqlite3.connect(class_.db_url.removeprefix("sqlite:///")) as other:
        other.execute("begin exclusive")
        for page in ("", path):
            reply = site.ask(page)
            assert reply.status == 503
            assert reply.text == "The gradebook: database is locked.\n"
        other.rollback()
    other.close()
    assert site.ask(path).status == 200


def test_an_answer_that_is_gone_is_told(site, class_):
    path = site.first()
    (student,) = json.loads(site.ask(f"{path}/who").text)["who"]
    put(class_, {student: "Something else."})
    own = {"Origin": f"http://{site.host}", "Content_Type": "application/json"}
    reply = site.ask(path, json.dumps({"seen": "", "points": 2}), **own)
    assert reply.status == 409 and "no longer there" in reply.text
    assert untouched(class_)


def test_nothing_of_a_students_acts(site):
    for text in site.pages().values():
        page = parsed(text)
        assert [script.get("src") for script in page("script")] == ["../../mark.js"]
        assert not page(["style", "iframe", "object", "embed", "base", "img"])
        assert len(page("form")) == 1 and len(page.select("[data-points='2.0']")) == 1
        for tag in page(True):
            assert not [name for name in tag.attrs if name.startswith("on")]
            assert not tag.get("href", "").lower().startswith("javascript")


def test_every_reply_forbids_what_it_does_not_need(site):
    for path in ("", QUESTION, site.first(), "mark.js", "mark.css", "nothing"):
        headers = site.ask(path).headers
        rules = dict(
            rule.split(maxsplit=1)
            for rule in headers["Content-Security-Policy"].split("; ")
        )
        assert rules["default-src"] == rules["form-action"] == "'none'"
        assert rules["script-src"] == rules["connect-src"] == "'self'"
        assert rules["frame-ancestors"] == "'none'"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        kept = path in ("mark.js", "mark.css")  # the same for everybody
        assert headers["Cache-Control"].startswith("private" if kept else "no-store")


def test_who_wrote_it_is_told_when_asked(site):
    told = set()
    for path, text in site.pages().items():
        assert "lovelace" not in text and "bob" not in text
        told |= {*json.loads(site.ask(f"{path}/who").text)["who"]}
    assert told == {"ada.lovelace", "bob"}


def test_the_scheme_stands_beside_the_answer(site, question):
    page = parsed(site.ask(site.first()).text)
    words = " ".join(page.select_one(".scheme").get_text().split())
    for line in question.scheme.replace("*", "").split("\n"):
        assert " ".join(line.split()) in words
    assert [b["data-points"] for b in page.select("[data-points]")] == [
        str(n) for n in question.choices
    ]


def test_an_answer_that_takes_too_long_is_shown_as_typed(class_of):
    long = "x" * 20_001
    with serving(class_of({"ada": f"<b>{long}"})) as address:
        site = Site(address)
        page = parsed(site.ask(site.first()).text)
    written = page.find(id="written")
    assert "longer than 20000 characters" in written.p.get_text()
    assert written.pre.get_text().startswith("<b>xxx") and not written("b")


def test_another_class_has_another_port_and_token(class_of, site):
    """There, nothing is to be marked."""
    with serving(class_of({"ada": None}, "other")) as address:
        other = Site(address)
        assert other.host != site.host and other.base != site.base
        site = other
        assert "There is nothing to mark." in site.ask(QUESTION).text
        assert site.ask("01_feature_scaling/nothing/").status == 404
