"""A passing and a failing check, run in JupyterLab as a learner sees them."""

import contextlib
import json
import re

import nbformat
import pytest
from playwright.sync_api import TimeoutError, expect

from tests import jupyterlab
from tests.pages import PATIENCE

PASSING = """\
import numpy as np
from normlib.check import check

def min_max_scale(x, low=0.0, high=1.0):
    spread = x.max(axis=0) - x.min(axis=0)
    share = (x - x.min(axis=0)) / np.where(spread == 0, 1, spread)
    return low + share * (high - low)

check("feature_scaling.min_max")
"""
FAILING = """\
import sys
print("to stderr", file=sys.stderr)

def min_max_scale(x, low=0.0, high=1.0):
    print("my minimum is", x.min(), file=sys.stderr)
    return (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
"""
CHECK = 'check("feature_scaling.min_max")'


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"], ids=["light", "dark"])
def lab(request, tmp_path, browser):
    """JupyterLab on a folder of its own, in one of the two themes."""
    cells = map(nbformat.v4.new_code_cell, (PASSING, FAILING, CHECK))
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(
        cells=list(cells), metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, tmp_path / "try.ipynb")
    settings = tmp_path / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(
        json.dumps({"theme": request.param})
    )
    themes = {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")}
    with jupyterlab.running(tmp_path, tmp_path, **themes) as address:
        tab = browser.new_page(viewport={"width": 1100, "height": 1200})
        jupyterlab.close_dialogs(tab)
        tab.goto(f"{address}/lab/tree/try.ipynb?reset")
        yield tab
        tab.close()


def _run_all_cells(lab, cells=3, attempts=10):
    """Run the notebook; JupyterLab now and then loses a run asked for early on."""
    idle = lab.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    idle.wait_for()
    prompts = lab.locator(".jp-Notebook .jp-InputPrompt")
    taken = prompts.filter(has_text=re.compile(r"[*\d]"))
    waiting, executed = (prompts.filter(has_text=re.compile(t)) for t in (r"\*", r"\d"))
    for _ in range(attempts):
        lab.get_by_role("menuitem", name="Run", exact=True).click()
        lab.get_by_text("Run All Cells", exact=True).click()
        with contextlib.suppress(TimeoutError):
            taken.first.wait_for(timeout=10_000)  # else that run was lost
        expect(waiting).to_have_count(0, timeout=PATIENCE)
        if executed.count() == cells:
            return
    raise AssertionError(f"JupyterLab ran not all cells in {attempts} attempts")


def test_the_reports_are_shown_and_nothing_reaches_stderr(lab, request, picture):
    _run_all_cells(lab)
    passing = lab.locator(".jp-Cell").nth(0).locator(".jp-OutputArea")
    failing = lab.locator(".jp-Cell").nth(2).locator(".jp-OutputArea")
    failing.get_by_text("This looks like").wait_for()
    theme = request.node.callspec.id
    picture(lab, f"lab-{theme}")

    assert "3 of 3 points" in passing.inner_text()
    assert failing.get_by_role("img", name="failed").count() > 0
    assert failing.get_by_role("img", name="passed").count() == 0  # folded
    failing.locator("summary", has_text="passed").click()
    assert failing.get_by_role("img", name="passed").count() > 0
    assert "That costs no points" in failing.inner_text()
    assert lab.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 1
    link = failing.get_by_role("link").first.get_attribute("href")
    assert "01_feature_scaling.html" in link
    # Text takes the theme's color: dark on light, light on dark.
    color = failing.locator("li").first.evaluate("e => getComputedStyle(e).color")
    red, green, blue = map(int, re.findall(r"\d+", color)[:3])
    assert (red + green + blue > 380) == (theme == "dark")
