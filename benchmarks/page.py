"""How long a learner waits in the page for a first check, and for later ones.

    python benchmarks/page.py

Opens the built book in Chromium, served on the loopback, and writes ``page.md``. The
first visit begins with an empty profile, the second in a browser started anew with
what the first has left in its cache. Bars: 15 s from opening the page to the first
report, 1 s for later ones.
"""

import os
import shutil
import statistics
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PAGE = "exercises/01_feature_scaling/feature_scaling.html"
ANSWER = """def min_max_scale(x, low=0.0, high=1.0):
    smallest = x.min(axis=0)
    span = x.max(axis=0) - smallest
    return low + (high - low) * (x - smallest) / np.where(span == 0, 1, span)"""
PICTURE = """import matplotlib.pyplot as plt
plt.plot(np.arange(9));"""
LATER = 9  # checks after the first


class Counting(SimpleHTTPRequestHandler):
    """Notes the size of each file that is sent."""

    def copyfile(self, source, outputfile):
        self.server.sizes.append(os.fstat(source.fileno()).st_size)
        super().copyfile(source, outputfile)

    def log_message(self, *_):
        pass


class Visit:
    """A browser in which the page is opened; times are in seconds."""

    def __init__(self, playwright, profile, server):
        names = ("chromium", "chromium-browser", "google-chrome")
        self.browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=next(filter(None, map(shutil.which, names))),
            args=["--no-sandbox"],
        )
        server.sizes = []
        start = time.perf_counter()
        tab = self.browser.new_page()
        tab.set_default_timeout(600_000)
        tab.goto(f"http://127.0.0.1:{server.server_port}/{PAGE}")
        self.exercise = tab.locator('[data-exercise="feature_scaling.min_max"]')
        self.exercise.locator(".cm-content").wait_for()
        self.editor = time.perf_counter() - start
        self.write(tab, ANSWER)
        self.press("Check", "3 of 3 points")
        self.first = time.perf_counter() - start
        self.later = [self.press("Check", "3 of 3 points") for _ in range(LATER)]
        self.sent = sum(server.sizes)
        self.write(tab, PICTURE)
        self.picture = self.press("Run")
        self.another = self.press("Run")
        self.sent_for_pictures = sum(server.sizes) - self.sent

    def write(self, tab, text):
        self.exercise.locator(".cm-content").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.insert_text(text)

    def press(self, button, text=None):
        """Until the report is there; with ``text``, or a picture."""
        report = self.exercise.locator(".playground-report[aria-busy=false]")
        start = time.perf_counter()
        self.exercise.get_by_role("button", name=button).click()
        report.filter(has_text=text).wait_for()
        if not text:
            report.locator("img").wait_for()
        return time.perf_counter() - start


def rows(first, second):
    """What is measured, for both visits."""
    yield "until the editor is there", *(f"{v.editor:.1f} s" for v in (first, second))
    yield "until the first report", *(f"{v.first:.1f} s" for v in (first, second))
    shown = [(statistics.median(v.later), max(v.later)) for v in (first, second)]
    yield "a later check", *(f"{m:.2f} s (at most {most:.2f})" for m, most in shown)
    yield "sent by then", *(f"{v.sent / 1e6:.1f} MB" for v in (first, second))
    yield "a first picture", *(f"{v.picture:.1f} s" for v in (first, second))
    yield "another picture", *(f"{v.another:.2f} s" for v in (first, second))
    sent = [v.sent_for_pictures / 1e6 for v in (first, second)]
    yield "sent for pictures", *(f"{size:.1f} MB" for size in sent)


def main():
    handler = partial(Counting, directory=ROOT / "_build/html")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        visits = []
        for _ in range(2):
            visits.append(Visit(playwright, profile, server))
            visits[-1].browser.close()
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows(*visits))
    cores, at_end = os.cpu_count(), os.getloadavg()[0]
    text = f"""# Waiting in the page

Written by `page.py`, which says how it measures: Chromium on {cores} cores; load
{load:.1f} at the start and {at_end:.1f} at the end. The bars are 15 s until the first
report and 1 s for a later check.

| from opening the page | first visit | second visit |
| --- | --- | --- |
{table}
"""
    (ROOT / "benchmarks/page.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
