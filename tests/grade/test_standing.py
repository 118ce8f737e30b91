"""What stays open between submissions is started once, and ended."""

import contextlib

import pytest

from normlib.grade.standing import Standing


@pytest.fixture
def log():
    return []


@pytest.fixture
def held(log):
    """Get a number for a key; the log says which was started and which has ended."""
    standing = Standing()

    @contextlib.contextmanager
    def numbered():
        number = len(log)
        log.append(f"started {number}")
        yield number
        log.append(f"ended {number}")

    def get(key, **settings):
        return standing.get(key, lambda s: s.enter_context(numbered()), **settings)

    get.end = standing.end
    return get


def test_it_is_started_once_for_each_key(held, log):
    assert [held("a"), held("b"), held("a")] == [0, 1, 0]
    assert log == ["started 0", "started 1"]


def test_what_is_not_fit_any_more_is_ended_and_started_again(held, log):
    held("a")
    assert held("a", fit=lambda number: number > 0) == 2
    assert log == ["started 0", "ended 0", "started 2"]


def test_all_of_it_is_ended_or_one(held, log):
    held("a"), held("b"), held("c")
    held.end("b")
    assert log[3:] == ["ended 1"]
    held.end()
    assert log[4:] == ["ended 0", "ended 2"]


def test_what_fails_to_start_leaves_nothing_open(log):
    standing = Standing()

    def start(stack):
        stack.callback(log.append, "ended")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        standing.get("a", start)
    assert log == ["ended"]
    assert standing.get("a", lambda stack: 1) == 1
