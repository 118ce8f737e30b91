"""nbgrader's own steps of saving, with what they look up one by one found at once.

What depends on how nbgrader is made inside stands here and nowhere else. The tests
compare what it leaves with what nbgrader's own commands do.
"""

import contextlib

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
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        gradebook.db = session


class _Waiting:
    """A session of the database that commits nothing yet."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def commit(self):
        self._session.flush()


def save_points(config, gradebook, notebook, where) -> None:
    """What `SaveAutoGrades` does with the points in a notebook.

    But it asks for no mark again whose answer has not changed.
    """
    from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades

    step = SaveAutoGrades(config=config)
    found = Found(gradebook, where)
    settled = unchanged.settled(found)
    step.gradebook = found  # it would open another one each time
    step.assignment_id, step.student_id = where["assignment"], where["student"]
    step.notebook_id = where["notebook"]
    NbGraderPreprocessor.preprocess(step, notebook, {"nbgrader": where})
    unchanged.keep(found, settled, notebook)


class Found:
    """What nbgrader looks up cell by cell, found at once for a notebook."""

    def __init__(self, gradebook, where):
        from nbgrader.api import BaseCell, Comment, Grade

        names = "notebook", "assignment", "student"
        self.db = gradebook.db
        self.notebook = gradebook.find_submission_notebook(*(where[n] for n in names))

        def by_name(kind):
            rows = (
                self.db.query(kind, BaseCell.name)
                .join(BaseCell, kind.cell_id == BaseCell.id)
                .filter(kind.notebook_id == self.notebook.id)
            )
            return {name: row for row, name in rows}

        self.grades, self.comments = by_name(Grade), by_name(Comment)

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
