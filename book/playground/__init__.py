"""Hooks in the book's pages for exercises that run in the page; a Sphinx extension.

On the page of a notebook, each answer and the check below it are wrapped in one
element, and the released notebook is put beside as data: what ``static/playground``
makes an editor of. Without scripts the page looks as it does without this.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from normlib.grade.bridge import release

WRITTEN = "YOUR ANSWER HERE"  # nbgrader's text for an answer in words
JUDGED_WITHOUT_TORCH = """
import json, sys
class NoTorch:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name=name)
sys.meta_path.insert(0, NoTorch)
from normlib.check import EXERCISES, judge
def judged(key):
    try:
        return judge(key, EXERCISES[key].answer, seed=0).points > 0
    except Exception:
        return False
print(json.dumps([key for key in EXERCISES if not judged(key)]))
"""


def setup(app):
    """What Sphinx calls when it loads the extension."""
    app.add_directive("live-exercise", LiveExercise)
    app.connect("source-read", as_released)
    app.connect("doctree-resolved", add_hooks)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class LiveExercise(SphinxDirective):
    """One exercise of a notebook, by its key, on a page that is no notebook.

    What is written there is the same answer as in the notebook.
    """

    required_arguments = 1

    def run(self):
        (key,) = self.arguments
        topic = key.partition(".")[0]
        (path,) = Path(self.env.srcdir).glob(f"exercises/*/{topic}.ipynb")
        self.env.note_dependency(str(path))
        released = read_notebook(self.env.app, path)
        (exercise,) = (e for e in exercises_of(released) if e["key"] == key)
        stub = "".join(released["cells"][exercise["index"]]["source"])
        data = {"file": path.name, "torch": [], "whole": False, "notebook": released}
        static = nodes.container(classes=["cell"])
        static += nodes.literal_block(stub, stub, language="python")
        return [
            _raw(_data("playground-notebook", data) + _opening(exercise)),
            static,
            _raw("</div>" + NOTICE),
        ]


def add_hooks(app, doctree, docname):
    """Wrap the answers on a notebook's page, and put the notebook beside them."""
    if app.builder.format != "html":
        return
    if docname == app.config.root_doc:
        course = _data("playground-course", course_of(app))
        place = '<div class="playground-bar playground-course" hidden></div>'
        _after(next(doctree.findall(nodes.title)), course + place)
    released = read_notebook(app, Path(app.env.doc2path(docname)))
    if released is None:
        return
    exercises = exercises_of(released)
    cells = {
        node["cell_index"]: node
        for node in doctree.findall(nodes.container)
        if node.get("nb_element") == "cell_code"
    }
    torch = needs_torch(app)
    for exercise in exercises:
        _before(cells[exercise["index"]], _opening(exercise))
        _after(cells[exercise["index"] + 1], "</div>")
    written = [p for p in doctree.findall(nodes.paragraph) if p.astext() == WRITTEN]
    for place, question in zip(written, written_of(released), strict=True):
        _before(
            place, f'<div class="playground-written" data-cell="{question["cell"]}">'
        )
        _after(place, "</div>")
    data = {
        "file": Path(app.env.doc2path(docname)).name,
        "whole": True,
        "torch": [e["key"] for e in exercises if e["key"] in torch],
        "notebook": released,
    }
    heading = next(doctree.findall(nodes.title))
    _after(heading, _data("playground-notebook", data) + NOTICE)


def add_scripts(app, pagename, templatename, context, doctree):
    """The scripts, on pages that have something for them to do."""
    if "playground-" in context.get("body", ""):
        app.add_js_file("playground/start.js", loading_method="defer")
        app.add_css_file("playground/playground.css")


NOTICE = (
    '<p class="playground-notice" hidden></p>'
    "<noscript><p>Exercises run in the page when JavaScript is allowed.</p></noscript>"
)


def as_released(app, docname, source):
    """Show a notebook as it was released, whatever a learner has made of the file."""
    notebook = read_notebook(app, Path(app.env.doc2path(docname)))
    if notebook is not None:
        source[0] = json.dumps(notebook)


def read_notebook(app, path):
    """The released notebook for ``path``, or None where there is no notebook."""
    if path.suffix != ".ipynb":
        return None
    if not hasattr(app, "_playground_released"):
        app._playground_released = released_notebooks(Path(app.srcdir))
    return json.loads(app._playground_released[f"{path.parent.name}/{path.name}"])


def released_notebooks(root):
    """What ``exercises/`` held before anybody worked in it: path in it -> content."""
    files = release.released(root)
    return {path.as_posix(): content for path, content in files.items()}


def exercises_of(notebook):
    """The exercises of a released notebook: an answer's cell, a check in the next."""
    cells, found = notebook["cells"], []
    for index, cell in enumerate(cells[:-1]):
        marked = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and marked.get("solution"):
            check = "".join(cells[index + 1]["source"])
            found.append(
                {
                    "index": index,
                    "title": _title_above(cells[:index]),
                    "cell": marked["grade_id"],
                    "key": check.split('"')[1],
                    "points": cells[index + 1]["metadata"]["nbgrader"]["points"],
                }
            )
    return found


def written_of(notebook):
    """The questions of a released notebook that are answered in words."""
    marked = [
        cell["metadata"]["nbgrader"]
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown" and "nbgrader" in cell["metadata"]
    ]
    return [{"cell": m["grade_id"], "points": m["points"]} for m in marked]


def course_of(app):
    """The notebooks of the book, with what the page can check of them."""
    course, torch = [], needs_torch(app)
    for docname in sorted(app.env.found_docs):
        released = read_notebook(app, Path(app.env.doc2path(docname)))
        if released is not None:
            checked = [e for e in exercises_of(released) if e["key"] not in torch]
            title = app.env.titles[docname].astext()
            url = app.builder.get_relative_uri(app.config.root_doc, docname)
            course.append({"title": title, "url": url, "exercises": checked})
    return course


def needs_torch(app):
    """The exercises whose checks do not run without torch, which pages do not have."""
    if not hasattr(app, "_playground_needs_torch"):
        command = [sys.executable, "-W", "ignore", "-c", JUDGED_WITHOUT_TORCH]
        printed = subprocess.run(command, capture_output=True, text=True, check=True)
        app._playground_needs_torch = set(json.loads(printed.stdout))
    return app._playground_needs_torch


def _data(name, data):
    text = json.dumps(data, ensure_ascii=False).replace("<", r"\u003c")
    return f'<script type="application/json" class="{name}">{text}</script>'


def _title_above(cells):
    """The heading of an exercise, without its points: ``1 · Forward``."""
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    heading = re.compile(r"^##\s+(.*?)\s*(?:\(.*)?$", re.MULTILINE)
    headings = heading.findall("\n\n".join(texts))
    return headings[-1] if headings else ""


def _opening(exercise):
    key, cell = exercise["key"], exercise["cell"]
    attributes = f'id="{cell}" data-exercise="{key}" data-cell="{cell}"'
    return f'<div class="playground-exercise" {attributes}>'


def _raw(html):
    return nodes.raw("", html, format="html")


def _before(node, html):
    node.parent.insert(node.parent.index(node), _raw(html))


def _after(node, html):
    node.parent.insert(node.parent.index(node) + 1, _raw(html))
