"""A file of mistakes is a list of sections; anything else is refused with its line."""

import pytest

from normlib.check.mistakes.document import MistakeError, sections

FILE = """\
## Divided by the variance {#by-variance}

The variance is in squared units of x.
Which quantity is in the units of x?

```diff
- y = x / std
+ y = x / var
```

## The `mean` left out {#no-mean}

Look at `x`.

```diff of=two_pass
- y = x - mean
+ y = x
```

## A guess {#guess}

Think.

```python
def answer(x):
    # A comment looks like a heading, but isn't one here.
    return 1
```
"""


def test_title_key_hint_and_block_of_each_section():
    first, second, third = sections(FILE, "topic/name.md")
    assert (first.title, first.key) == ("Divided by the variance", "by-variance")
    assert first.hint == (
        "The variance is in squared units of x. Which quantity is in the units of x?"
    )
    assert first.lines == ("- y = x / std", "+ y = x / var")
    assert (first.base, first.whole) == (None, False)
    assert second.title == "The `mean` left out"
    assert (second.base, second.whole) == ("two_pass", False)
    assert third.whole and third.lines[0] == "def answer(x):"
    assert len(third.lines) == 3


def test_an_empty_file_holds_no_mistakes():
    assert sections("\n\n", "topic/name.md") == []


def test_an_error_about_the_block_names_file_line_and_heading():
    second = sections(FILE, "topic/name.md")[1]
    line = FILE.splitlines().index("+ y = x") + 1
    assert str(second.error("it is wrong", 2)) == (
        f"topic/name.md:{line}: The `mean` left out: it is wrong"
    )


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("{#by-variance}", ""), 1, "a heading should look like"),
        (("{#by-variance}", "{#by_variance}"), 1, "its key in small letters"),
        (("## Div", "### Div"), 1, "a heading should look like"),
        (("## Div", "Some text.\n\n## Div"), 1, "starts with a heading such as"),
        (("{#no-mean}", "{#by-variance}"), 11, "'by-variance' is there twice"),
        (("A guess", "divided by the Variance"), 20, "variance' is there twice"),
        (("Look at `x`.", ""), 11, "The `mean` left out: there is no hint"),
        (("```diff of=two_pass", "```diff two_pass"), 15, "a block starts with"),
        (("```diff\n", "```python of=two_pass\n"), 6, "a block starts with"),
        (("```diff\n", "```\n"), 6, "a block starts with"),
        (("var\n```", "var\n"), 1, "there should be one block"),
        (("var\n```", "var\n```\n\n```diff\n- a\n```"), 1, "there should be one block"),
        (("var\n```", "var\n```\n\nMore text."), 11, "nothing belongs after the block"),
    ],
)
def test_what_is_not_of_that_form_is_refused(change, line, message):
    with pytest.raises(MistakeError) as error:
        sections(FILE.replace(*change, 1), "topic/name.md")
    assert str(error.value).startswith(f"topic/name.md:{line}: ")
    assert message in str(error.value)
