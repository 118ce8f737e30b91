"""Hunks are found wherever they are indented, exactly once, and replaced together."""

import pytest

from normlib.check.mistakes.edits import EditError, edited

SOURCE = """\
class Scaler:
    def fit(self, x):
        self.mean = x.mean()
        if x.size > 1:
            self.std = x.std()
        return self

    def transform(self, x):
        x = x - self.mean
        return x / self.std
""".splitlines()


def edit(diff):
    return edited(SOURCE, diff.splitlines())


def replaced(old, new):
    return "\n".join(SOURCE).replace(old, new).splitlines()


def test_the_margin_is_taken_from_the_source():
    for margin in ("", " ", " " * 8):
        diff = f"-{margin}x = x - self.mean\n+{margin}x = x - x.mean()"
        assert edit(diff) == replaced("x = x - self.mean", "x = x - x.mean()")


def test_lines_keep_their_indentation_against_each_other():
    assert edit(
        "- if x.size > 1:\n-     self.std = x.std()\n+ for i in range(1):\n"
        "+     if x.size > 1:\n+         self.std = x.std()"
    ) == replaced(
        "        if x.size > 1:\n            self.std = x.std()",
        "        for i in range(1):\n            if x.size > 1:\n"
        "                self.std = x.std()",
    )
    with pytest.raises(EditError, match="matches nowhere"):
        edit("- if x.size > 1:\n- self.std = x.std()\n+ pass")


def test_a_line_may_be_indented_less_than_those_it_replaces():
    """What was inside of a block comes out of it."""
    assert edit(
        "  if x.size > 1:\n-     self.std = x.std()\n+     pass\n+ self.std = x.std()"
    ) == replaced(
        "            self.std = x.std()",
        "            pass\n        self.std = x.std()",
    )
    outside = "  if x.size > 1:\n-     self.std = x.std()\n+     pass"
    assert edit(outside) == replaced("self.std = x.std()", "pass")


def test_lines_that_stay_say_where_lines_come():
    after = edit("  x = x - self.mean\n+ print(x)")
    assert after == replaced(
        "self.mean\n        return x", "self.mean\n        print(x)\n        return x"
    )
    with pytest.raises(EditError, match="does not say where"):
        edit("+ print(x)")


def test_lines_go():
    after = edit("- x = x - self.mean")
    assert after == replaced("        x = x - self.mean\n", "")


def test_all_hunks_are_found_in_the_source_and_not_in_what_others_leave():
    """The two lines change places, in either order of the hunks."""
    hunks = [
        "- x = x - self.mean\n+ return x / self.std",
        "- return x / self.std\n+ x = x - self.mean",
    ]
    for diff in ("\n\n".join(hunks), "\n\n\n".join(hunks[::-1])):
        assert edit(diff)[-2:] == [
            "        return x / self.std",
            "        x = x - self.mean",
        ]


@pytest.mark.parametrize(
    ("diff", "line", "message"),
    [
        ("", 1, "the diff is empty"),
        ("- no such line\n+ x", 1, "matches nowhere"),
        ("- x = x - self.mean\n+ x\n\n- nor this\n+ y", 4, "matches nowhere"),
        ("- x = x - self.mean\n+ x = x - self.mean", 1, "changes nothing"),
        ("  x = x - self.mean", 1, "changes nothing"),
        ("- x = x - self.mean\n* x", 2, "starts with -, \\+ or a space"),
        (
            "- self.std = x.std()\n\n- if x.size > 1:\n-     self.std = x.std()",
            1,
            "two hunks overlap",
        ),
        ("-     class Scaler:\n+ class Scaler(list):", 1, "left of the margin"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_its_line(diff, line, message):
    with pytest.raises(EditError, match=message) as error:
        edit(diff)
    assert error.value.line == line


def test_a_hunk_that_matches_twice_is_refused():
    twice = ["def f(x):", "    x = x + 1", "    if x:", "        x = x + 1"]
    with pytest.raises(EditError, match="matches 2 times"):
        edited(twice, ["- x = x + 1", "+ x = x - 1"])
    once = ["  if x:", "-     x = x + 1", "+     x = x - 1"]
    assert edited(twice, once) == [*twice[:3], "        x = x - 1"]
