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
c.CourseDirectory.db_url = "sqlite:///_build/gradebook.db"

# A guard: nothing but notebooks and data ever travels to students.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
    "*.md",
    "*.py",
]

# The slowest cell of a notebook takes a few seconds. One that takes more is stopped,
# and the next cells still run.
c.Execute.timeout = 15
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": "stopped after 15 seconds",
    "traceback": ["Stopped after 15 seconds. Is there a loop that never ends?"],
}
c.Execute.shutdown_kernel = "immediate"

# nbgrader's own steps, and those of normlib/grade/preprocessor.py among them.
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "normlib.grade.preprocessor.restore_cells",
    "normlib.grade.preprocessor.skip_the_rest",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "normlib.grade.preprocessor.link_to_book",
    "normlib.grade.preprocessor.say_what_waits",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# Kernels are reached through files that only their owner may open, not over TCP.
c.KernelManager.transport = "ipc"
c.KernelManager.ip = f"{tempfile.gettempdir()}/kernel-{secrets.token_hex(8)}"

# Formgrader complains until there is one. A class on a server sets its own.
exchange = Path(__file__).resolve().parent / "_build/exchange"
exchange.mkdir(parents=True, exist_ok=True)
c.Exchange.root = str(exchange)
