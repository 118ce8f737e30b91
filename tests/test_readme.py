"""What the README shows: the picture as the book draws it, a report as it is."""

import re

from normlib.check import EXERCISES, judge


def test_the_pictures_are_what_the_book_draws(root, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(root / "book")
    import axes_figure

    names = ("axes.svg", "axes_dark.svg")
    axes_figure.save_all(*(tmp_path / name for name in names))
    for name in names:
        drawn = (tmp_path / name).read_text()
        assert drawn == (root / "book/images" / name).read_text()


def test_the_report_is_what_a_check_says(root):
    shown = re.search(r"```text\n(.+?)\n```", (root / "README.md").read_text(), re.S)[1]
    answers = {m.key: m for m in EXERCISES["batch_norm.forward"].misconceptions}
    report = judge("batch_norm.forward", answers["no-eps"].implementation, seed=7)
    assert shown == str(report)
