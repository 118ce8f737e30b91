"""What the README shows: the picture as the book draws it, a report as it is."""

import importlib.util
import re

from normlib.check import EXERCISES, judge


def test_the_picture_is_what_the_book_draws(root, tmp_path):
    spec = importlib.util.spec_from_file_location(
        "axes_figure", root / "book/axes_figure.py"
    )
    axes_figure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(axes_figure)
    axes_figure.save_all(tmp_path / "axes.svg")
    drawn = (tmp_path / "axes.svg").read_text()
    assert drawn == (root / "book/images/axes.svg").read_text()


def test_the_report_is_what_a_check_says(root):
    shown = re.search(r"```text\n(.+?)\n```", (root / "README.md").read_text(), re.S)[1]
    answers = {m.key: m for m in EXERCISES["batch_norm.forward"].misconceptions}
    report = judge("batch_norm.forward", answers["no-eps"].implementation, seed=7)
    assert shown == str(report)
