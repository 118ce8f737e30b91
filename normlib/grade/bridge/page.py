"""How a graded notebook becomes nbgrader's feedback page; nbgrader_config.py names it.

nbgrader would spend most of its time on asking the gradebook cell by cell, on compiling
its templates for each page, and on parsing the page that it has just written.
"""

import os
import warnings
from functools import lru_cache

from jinja2 import BytecodeCache
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbconvert.preprocessors import Preprocessor

from normlib.grade.bridge.steps import Found

with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own insides
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import GetGrades

MOST = 10_000  # characters of a cell that is worth keeping for the next page
NO_TEXT = "No description has been provided for this image"


class Grades(GetGrades):
    """Points and comments, asked for at once; and which answers nobody has marked.

    nbgrader shows those with 0 points.
    """

    def preprocess(self, nb, resources):
        where = resources["nbgrader"]
        self.notebook_id, self.assignment_id = where["notebook"], where["assignment"]
        self.student_id = where["student"]
        gradebook = _gradebook(where["db_url"])
        try:
            self.gradebook = Found(gradebook, where)
            nb, resources = Preprocessor.preprocess(self, nb, resources)
            notebook = self.gradebook.notebook
            penalty = notebook.late_submission_penalty or 0
            where["score"] = notebook.score - penalty
            where["max_score"] = notebook.max_score
            where["late_penalty"] = penalty
        finally:
            gradebook.db.rollback()  # locks nothing, and forgets what it has read
        return nb, resources

    def preprocess_cell(self, cell, resources, cell_index):
        super().preprocess_cell(cell, resources, cell_index)
        mark = cell.metadata.get("nbgrader", {})
        grade = self.gradebook.grades.get(mark.get("grade_id"))
        if grade and grade.needs_manual_grade and not mark.get("comment"):
            mark["comment"] = "Not marked yet."
        return cell, resources


def _gradebook(db_url):
    """Open for one page after another, unless the file is another one by now."""
    path = db_url.removeprefix("sqlite:///")
    return _opened(db_url, os.stat(path).st_ino if os.path.exists(path) else 0)


@lru_cache(maxsize=1)
def _opened(db_url, _):
    return Gradebook(db_url)


def describe_pictures(notebook, resources):
    """Give pictures among the outputs a text, as nbconvert's own exporter does."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    told = output.metadata.setdefault(kind, {})
                    told.setdefault("alt", NO_TEXT)
    return notebook, resources


class FeedbackPage(HTMLExporter):
    """The same page as nbconvert's, for one notebook after another.

    A process compiles each template once, and colors each cell of the release once.
    nbconvert parses the finished page once more, to make parts of another template
    reachable by keyboard and to describe pictures: ``describe_pictures`` does that.
    """

    optimistic_validation = True  # once, when all has been put into the notebook

    def _create_environment(self):
        environment = super()._create_environment()
        environment.bytecode_cache = _compiled
        return environment

    def from_notebook_node(self, nb, resources=None, **options):
        resources = self._init_resources(resources)
        data_types = WidgetsDataTypeFilter(
            notebook_metadata=self._nb_metadata, parent=self, resources=resources
        )
        self.register_filter("highlight_code", _colored)
        self.register_filter("filter_data_type", data_types)
        grandparent = super(HTMLExporter, self)
        return grandparent.from_notebook_node(nb, resources, **options)


class _Compiled(BytecodeCache):
    """Jinja's compiled templates, as long as this process lasts."""

    def __init__(self):
        self.codes = {}

    def load_bytecode(self, bucket):
        if code := self.codes.get((bucket.key, bucket.checksum)):
            bucket.code = code

    def dump_bytecode(self, bucket):
        self.codes[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()


def _colored(source, language=None, metadata=None):
    return (_seen if len(source) < MOST else Highlight2HTML())(source)


@lru_cache(maxsize=256)
def _seen(source):
    return Highlight2HTML()(source)
