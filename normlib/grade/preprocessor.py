"""How `nbgrader autograde` and formgrader's button grade: as `normlib grade` does.

nbgrader_config.py names what is here, and nbgrader calls it.
"""

from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter

from normlib.grade import workers
from normlib.grade.bridge import gradebook, steps
from normlib.grade.bridge.course import Course
from normlib.grade.bridge.gradebook import with_result_key


class AnyFile(NotebookExporter):
    """Parses nothing that a student handed in: `grade_in_sandbox` does, within limits.

    So a file that is not a notebook gets a report as well. Graded notebooks are read as
    nbconvert reads them.
    """

    def from_filename(self, filename, resources=None, **options):
        graded = Course(Path.cwd()).folder("autograded").resolve()
        if Path(filename).resolve().is_relative_to(graded):
            return super().from_filename(filename, resources, **options)
        empty = nbformat.v4.new_notebook()
        return self.from_notebook_node(empty, resources, **options)


def grade_in_sandbox(notebook, resources):
    """The graded notebook, in place of the submitted one.

    nbgrader's own steps then find the points in it, and execute nothing.
    """
    where = resources["nbgrader"]
    course = Course(Path.cwd())  # nbgrader has gone to the course's folder
    (pack,) = (
        pack
        for pack in course.packs(where["assignment"])
        if pack.notebook == where["notebook"]
    )
    key, result = workers.grade_one(course, where["student"], pack)
    return nbformat.reads(with_result_key(result, key), as_version=4), resources


def save_points(notebook, resources):
    """In place of nbgrader's own step, which asks for every mark by hand again."""
    course, where = Course(Path.cwd()), resources["nbgrader"]
    with (
        gradebook.writing(course),
        gradebook.opened(course) as book,
        steps.at_once(book),
    ):
        submission = book.find_submission(where["assignment"], where["student"])
        steps.save_points(course.config, book, submission, notebook, where)
    return notebook, resources
