"""A test is skipped where there is no sandbox, and fails where one is broken."""

import pytest

from normlib.grade.sandbox.backends import Backend
from normlib.grade.sandbox.session import NoSandbox
from tests.grade.sandboxes import skipped_where_missing


def outcome():
    try:
        with skipped_where_missing():
            raise NoSandbox("no sandbox works here")
    except pytest.skip.Exception:
        return "skipped"
    except NoSandbox:
        return "failed"


@pytest.mark.parametrize(
    ("lacks", "ci", "expected"),
    [
        (("no program", "no kernel"), "", "skipped"),
        (("no program", ""), "", "failed"),
        (("", ""), "", "failed"),
        (("no program", "no kernel"), "true", "failed"),
    ],
)
def test_only_what_is_lacking_is_skipped(monkeypatch, lacks, ci, expected):
    reasons = dict(zip(("bubblewrap", "landlock"), lacks, strict=True))
    monkeypatch.setattr(Backend, "lacks", lambda backend: reasons[backend.name])
    monkeypatch.setenv("CI", ci)
    assert outcome() == expected
