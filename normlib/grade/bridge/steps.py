"""nbgrader's own steps, with what they look up one by one found at once.

What depends on how nbgrader is made inside stands here and nowhere else; other modules
use its public classes as they are. The tests compare what these steps leave with what
nbgrader's own leave.
"""

import contextlib
from pathlib import Path
from types import SimpleNamespace

from normlib.errors import CourseError
from normlib.grade.bridge import unchanged


def create_tables(db_url: str) -> None:
    """Make the tables and note their version, as far as they are not there."""
    from nbgrader.api import Base
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(db_url, poolclass=NullPool)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        table = "alembic_version (version_num varchar(32) not null)"
        connection.execute(text(f"create table if not exists {table}"))
        if not connection.execute(text("select * from alembic_version")).all():
            head = text("insert into alembic_version values (:head)")
            connection.execute(head, {"head": _version()})


def _version():
    """Of nbgrader's tables."""
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import ALEMBIC_DIR

    return ScriptDirectory(ALEMBIC_DIR).get_current_head()


@contextlib.contextmanager
def at_once(gradebook):
    """One commit for everything inside: nbgrader's for each cell wait for the disk."""
    session, gradebook.db = gradebook.db, _Waiting(gradebook.db)
    try:
        with session.no_autoflush:
            yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        gradebook.db = session


class _Waiting:
    """A session of the database that commits nothing yet, nor shows it to a query."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def commit(self):
        pass


def submissions(gradebook, times):
    """Everybody's submissions, made where there are none yet.

    ``times`` maps (assignment, student) to what is known of when it was handed in.
    """
    from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment

    db = gradebook.db
    assignments = dict.fromkeys(assignment for assignment, _ in times)
    students = dict.fromkeys(student for _, student in times)
    known = {s.id: s for s in db.query(Student).filter(Student.id.in_(students))}
    known |= {n: gradebook.add_student(n) for n in students if n not in known}
    wanted = {
        a.name: a for a in db.query(Assignment).filter(Assignment.name.in_(assignments))
    }
    there = db.query(SubmittedAssignment).filter(
        SubmittedAssignment.assignment_id.in_(a.id for a in wanted.values()),
        SubmittedAssignment.student_id.in_(students),
    )
    found = {(s.assignment.name, s.student_id): s for s in there}
    # It would look both up again, for each.
    finds = SimpleNamespace(
        db=db, find_assignment=wanted.__getitem__, find_student=known.__getitem__
    )
    submitted = {
        names: gradebook.update_or_create_submission(*names, **when)
        if names in found
        else Gradebook.add_submission(finds, *names, **when)
        for names, when in times.items()
    }
    db.flush()  # gives new ones their ids
    return submitted


def save_points(config, gradebook, submission, notebook, where) -> None:
    """What `SaveAutoGrades` does with the points in a notebook.

    But it asks for no mark again whose answer has not changed.
    """
    from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades

    step = SaveAutoGrades(config=config)
    (row,) = (n for n in submission.notebooks if n.name == where["notebook"])
    found = Found(gradebook.db, row)
    settled = unchanged.settled(found.grades)
    step.gradebook = found  # it would open another one each time
    step.assignment_id, step.student_id = where["assignment"], where["student"]
    step.notebook_id = where["notebook"]
    NbGraderPreprocessor.preprocess(step, notebook, {"nbgrader": where})
    unchanged.keep(gradebook.db, row.id, found.grades, settled, notebook)


class Found:
    """What nbgrader looks up cell by cell, found at once for a submitted notebook."""

    def __init__(self, db, notebook):
        from nbgrader.api import BaseCell

        self.db = db
        cells = db.query(BaseCell.id, BaseCell.name).filter(
            BaseCell.notebook_id == notebook.notebook.id
        )
        names = {cell: name for cell, name in cells}
        self.grades = {names[grade.cell_id]: grade for grade in notebook.grades}
        self.comments = {names[said.cell_id]: said for said in notebook.comments}

    def find_grade(self, name, *_):
        return self.grades[name]

    def find_comment(self, name, *_):
        return self.comments[name]


def read_points(step, gradebook, notebook, resources):
    """What `GetGrades`, of which ``step`` is one, does: points and comments are noted.

    They go into the notebook's metadata, and their sums into ``resources``.
    """
    from nbconvert.preprocessors import Preprocessor

    where = resources["nbgrader"]
    step.notebook_id, step.assignment_id = where["notebook"], where["assignment"]
    step.student_id = where["student"]
    names = step.notebook_id, step.assignment_id, step.student_id
    row = gradebook.find_submission_notebook(*names)
    step.gradebook = Found(gradebook.db, row)  # it would open another one each time
    notebook, resources = Preprocessor.preprocess(step, notebook, resources)
    penalty = row.late_submission_penalty or 0
    where["score"] = row.score - penalty
    where["max_score"] = row.max_score
    where["late_penalty"] = penalty
    return notebook, resources


def save_penalty(config, notebook, where) -> None:
    """What `AssignLatePenalties` does with the time of a submission."""
    _late_penalties(config).preprocess(notebook, {"nbgrader": where})


def late_rule(config):
    """The course's rule for late work: ``(student, score, seconds)`` -> penalty.

    Raises
    ------
    CourseError
        When it cannot be loaded.
    """
    return _late_penalties(config).plugin_inst.late_submission_penalty


def _late_penalties(config):
    from nbgrader.preprocessors import AssignLatePenalties
    from traitlets import TraitError

    try:
        step = AssignLatePenalties(config=config)
        step.init_plugin()
    except TraitError as error:
        raise CourseError(f"nbgrader_config.py: {error}") from error
    step.log.setLevel("ERROR")  # that somebody is late is in the gradebook
    return step


def feedback_of_one():
    """The converter `GenerateFeedback`, for one student, whatever the name.

    nbgrader takes names for patterns of a file system.
    """
    from nbgrader.converters import GenerateFeedback

    class FeedbackOfOne(GenerateFeedback):
        def init_notebooks(self):
            names = self.coursedir.assignment_id, self.coursedir.student_id
            folder = self._format_source(*names)
            paths = sorted(map(str, Path(folder).iterdir()))
            self.assignments = {folder: [p for p in paths if p.endswith(".ipynb")]}

    return FeedbackOfOne
