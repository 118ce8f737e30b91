"""What a cell of a notebook is."""

from normlib.check.cells import key_checked


def test_a_cell_that_checks_an_exercise_is_known_by_its_call_alone():
    cells = ('check("a.b")', "check('a.b')", ' check("a.b")\n')
    assert {key_checked(source) for source in cells} == {"a.b"}
    for other in (
        'check("a.b", f)',
        'check("a.b")\nprint()',
        "check('a.b\")",
        "check()",
    ):
        assert key_checked(other) is None
