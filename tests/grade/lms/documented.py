"""What other systems document of the files that a grader writes for them.

Written from their documentation, and from nothing of ours: each function raises
``AssertionError`` for a file that the system would not take.
"""

import re

_WHEN = {"hidden", "after_due_date", "after_published", "visible"}
_FORMATS = {"text", "html", "simple_format", "md", "ansi"}


def _has(found, types, mandatory=()):
    """Whether ``found`` has only the named fields, of these types."""
    assert isinstance(found, dict)
    assert set(found) <= set(types), set(found) - set(types)
    assert set(mandatory) <= set(found), set(mandatory) - set(found)
    for name, value in found.items():
        assert isinstance(value, types[name]), (name, value)
        # To Python, True is a number as well.
        assert isinstance(value, bool) == (types[name] is bool), (name, value)


_NUMBER = int | float
_GRADESCOPE = {
    **{"score": _NUMBER, "execution_time": _NUMBER, "output": str},
    **dict.fromkeys(("output_format", "test_output_format", "test_name_format"), str),
    **{"visibility": str, "stdout_visibility": str, "extra_data": dict},
    **{"tests": list, "leaderboard": list},
}
_GRADESCOPE_TEST = {
    **{"score": _NUMBER, "max_score": _NUMBER, "status": str, "name": str},
    **{"name_format": str, "number": str, "output": str, "output_format": str},
    **{"tags": list, "visibility": str, "extra_data": dict},
}


def gradescope(found):
    """``results.json``."""
    _has(found, _GRADESCOPE)
    tests = found.get("tests", [])
    assert "score" in found or (tests and all("score" in test for test in tests))
    for test in tests:
        _has(test, _GRADESCOPE_TEST)
        assert test.get("status", "passed") in {"passed", "failed"}
    for part in (found, *tests):
        for name in ("visibility", "stdout_visibility"):
            assert part.get(name, "visible") in _WHEN
        for name in part:
            assert not name.endswith("_format") or part[name] in _FORMATS


_PRAIRIELEARN_TEST = {
    **{"name": str, "description": str, "points": _NUMBER, "max_points": _NUMBER},
    **{"message": str, "output": str, "images": list},
}
_PRAIRIELEARN = {
    **{"score": _NUMBER, "gradable": bool, "format_errors": str | list},
    **{"message": str, "output": str, "images": list, "tests": list},
}


def prairielearn(found, size):
    """``results.json``, of ``size`` bytes."""
    assert size <= 1_000_000
    _has(found, _PRAIRIELEARN)
    if found.get("gradable", True):
        assert 0 <= found["score"] <= 1
        assert "format_errors" not in found
    else:
        assert "score" not in found
    for test in found.get("tests", []):
        _has(test, _PRAIRIELEARN_TEST)


_OPTIONS = {
    **{"enabled": bool, "image": str, "entrypoint": str | list, "timeout": int},
    **{"serverFilesCourse": list, "enableNetworking": bool, "environment": dict},
}


def info(found):
    """PrairieLearn's ``info.json``."""
    assert {"uuid", "title", "topic", "type"} <= set(found)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["uuid"])
    assert (found["type"], found["gradingMethod"]) == ("v3", "External")
    options = found["externalGradingOptions"]
    _has(options, _OPTIONS, {"image"})
    assert options["entrypoint"].startswith("/")
    assert 0 < options["timeout"] <= 600


_TEXTS = (
    *("schema", "classroom", "assignment", "assignment_type", "owner", "submission"),
    *("commit", "release", "review", "datetime"),
)
_CLASSROOM50 = {
    **dict.fromkeys(_TEXTS, str),
    **{"score": int, "max-score": int, "tests": list},
    **{"graded_at": str, "submitted_by": dict},
}
_CLASSROOM50_TEST = {"test-name": str, "passed": bool, "score": int, "max-score": int}


def classroom50(found):
    """``result.json``."""
    _has(found, _CLASSROOM50, {*_TEXTS, "score", "max-score", "tests"})
    assert found["schema"] == "classroom50/result/v1"
    assert found["assignment_type"] in {"individual", "group", "team"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["datetime"])
    for name in ("commit", "release", "review"):
        assert found[name].startswith("https://")
    for test in found["tests"]:
        # Other fields are kept as they are.
        known = {name: test[name] for name in _CLASSROOM50_TEST}
        _has(known, _CLASSROOM50_TEST, _CLASSROOM50_TEST)
        assert 0 <= test["score"] <= test["max-score"]
    for name in ("score", "max-score"):
        assert found[name] == sum(test[name] for test in found["tests"])
