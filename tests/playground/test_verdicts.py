"""Python in the page gives the verdicts that Python gives outside of it."""

import contextlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from normlib.check import EXERCISES
from tests.check.test_without_torch import ABOUT_TORCH
from tests.pages import NOTEBOOKS
from tests.samples import every

# Run on both sides. What an answer in torch gets is left out: the page has no torch.
JUDGE = """
import inspect, json
from normlib.check import EXERCISES, judge

def verdict(key, implementation):
    report = judge(key, implementation, seed=5)
    passed = "".join("-+"[case.passed] for case in report.cases)
    return [implementation.__name__, report.points, passed, report.diagnosis]

def in_torch(implementation):
    try:
        return "torch" in inspect.getsource(implementation)
    except OSError:
        return False

exercise = EXERCISES[KEY]
mistakes = [m.implementation for m in exercise.misconceptions]
answers = [exercise.answer, *exercise.equivalents, *mistakes]
answers = [a for a in answers if not in_torch(a)]
print(json.dumps([verdict(KEY, a) for a in answers[FIRST % len(answers) :: STEP]]))
"""

# A worker of the page, asked for many things one after another, with no time limit.
ASK_WORKER = """async (codes) => {
  const base = new URL("_static/playground/", location.origin);
  const { parts } = await (await fetch(new URL("manifest.json", base))).json();
  const url = new URL("parts/worker.js", base);
  for (const part of Object.keys(parts)) url.searchParams.append("part", part);
  const worker = new Worker(url, { type: "module" });
  const ask = (answer) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.type === "result") resolve(data.html);
      if (data.type === "failed") reject(new Error(data.why));
    };
    worker.postMessage({ above: [], answer });
  });
  const found = [];
  for (const code of codes) found.push(await ask(code));
  worker.terminate();
  return found;
}"""


@pytest.fixture(scope="module")
def torch_free(html):
    """The exercises that the page offers to check, as its data say."""
    found = []
    for page in NOTEBOOKS:
        text = (html / f"{page}.html").read_text()
        _, _, rest = text.partition('class="playground-notebook">')
        data = json.loads(rest.partition("</script>")[0])
        keys = [
            "".join(cell["source"]).split('"')[1]
            for cell in data["notebook"]["cells"]
            if "".join(cell["source"]).startswith('check("')
        ]
        found += [key for key in keys if key not in data["torch"]]
    return found


def test_only_what_is_about_torch_is_not_checked_in_the_page(torch_free):
    assert set(EXERCISES) - set(torch_free) == set(ABOUT_TORCH)


def test_every_answer_gets_the_same_verdict_in_the_page(context, site, torch_free):
    """Every seventh per commit, of each exercise others; ``make samples`` tries all."""
    tab = context.new_page()
    tab.goto(f"{site}/search.html")
    step = every(7)
    codes = {
        key: f"KEY, FIRST, STEP = {key!r}, {number % step}, {step}\n{JUDGE}"
        for number, key in enumerate(torch_free)
    }
    with ThreadPoolExecutor(1) as beside:
        here = beside.submit(lambda: {key: _run(code) for key, code in codes.items()})
        found = tab.evaluate(ASK_WORKER, list(codes.values()))
    unescaped = tab.evaluate(
        "pages => pages.map(page => new DOMParser()"
        ".parseFromString(page, 'text/html').body.textContent)",
        found,
    )
    in_the_page = {
        key: json.loads(text) for key, text in zip(codes, unescaped, strict=True)
    }
    outside = here.result()
    assert all(outside.values())
    assert sum(map(len, outside.values())) > 12 * len(torch_free) / step
    for key in torch_free:
        assert in_the_page[key] == outside[key], key
    tab.close()


def _run(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return json.loads(printed.getvalue())
