"""nbgrader's folders, mapped to this tree. Runs write only under _build/."""

import secrets
import tempfile
from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "normalization"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "_build/submitted"
c.CourseDirectory.autograded_directory = "_build/autograded"
c.CourseDirectory.feedback_directory = "_build/feedback"
# Absolute: on a hub, formgrader runs in the instructor's home.
course = Path(__file__).resolve().parent
c.CourseDirectory.db_url = f"sqlite:///{course}/_build/gradebook.db"

# A guard: nothing but notebooks and data ever travels to students.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
    "*.md",
    "*.py",
    "*.part",  # of a file that was not written to its end
]

# What a submission may take stands in normlib/grade/submission/pack.py: honest work
# stays far below. A course that needs more says so here, in seconds and MiB:
# c.Limits.submission = 240
# c.Limits.memory = 1024

# `nbgrader autograde` and formgrader's button grade as `normlib grade` does: in a
# sandbox, judged from outside of it. nbgrader's own steps keep the points.
c.Autograde.exporter_class = "normlib.grade.preprocessor.AnyFile"
c.Autograde.sanitize_preprocessors = ["normlib.grade.preprocessor.grade_in_sandbox"]
c.Autograde.autograde_preprocessors = [
    "normlib.grade.preprocessor.save_points",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Students' Markdown is shown without its HTML: scripts in it would run in a browser.
c.HTMLExporter.filters = {
    "markdown2html": "normlib.grade.bridge.markdown.markdown_to_html"
}
c.GenerateFeedback.exporter_class = "normlib.grade.bridge.page.FeedbackPage"
c.GenerateFeedback.preprocessors = ["normlib.grade.bridge.page.Grades"]
# Where students read the book: the address of the folder with its chapters, such as
# "https://example.org/normalization/book". Without one, their pages name the chapters.
c.Book.address = ""

# Kernels are reached through files that only their owner may open, not over TCP.
c.KernelManager.transport = "ipc"
c.KernelManager.ip = f"{tempfile.gettempdir()}/kernel-{secrets.token_hex(8)}"

# `nbgrader zip_collect`: what Canvas and Moodle hand out lies, with the table of the
# students, in _build/downloaded/<assignment>/archive/. Names in such files are read by
# normlib/grade/lms/collect.py, which writes them as the expression below finds them.
c.ZipCollectApp.downloaded_directory = "_build/downloaded"
c.ZipCollectApp.extractor_plugin = "normlib.grade.lms.collect.LmsExtractorPlugin"
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+)/(?P<file_id>[^/]+)$"

# Formgrader complains until there is one. A class on a server sets its own.
exchange = course / "_build/exchange"
exchange.mkdir(parents=True, exist_ok=True)
c.Exchange.root = str(exchange)
