"""nbgrader's own steps of saving, with what they look up one by one found at once.

What depends on how nbgrader is made inside stands here and nowhere else. The tests
compare what it leaves with what nbgrader's own commands do.
"""

import contextlib
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


def save_penalty(config, notebook, where) -> None:
    """What `AssignLatePenalties` does with the time of a submission."""
    from nbgrader.preprocessors import AssignLatePenalties
    from traitlets import TraitError

    try:
        step = AssignLatePenalties(config=config)
    except TraitError as error:
        raise CourseError(f"nbgrader_config.py: {error}") from error
    step.log.setLevel("ERROR")  # that somebody is late is in the gradebook
    step.preprocess(notebook, {"nbgrader": where})
