"""Marks given by hand stay settled while what they were given for is the same.

nbgrader asks for every mark again whenever a notebook is graded anew. A table of our
own beside nbgrader's keeps what each answer was, as a digest: the graded notebook could
not tell, since it may be deleted at any time.
"""

import hashlib
import json
from functools import cache

from normlib.check.cells import grade_id, is_graded

_TABLE = "normlib_answer"


def settled(grades) -> set[str]:
    """The cells of a notebook that somebody has marked by hand, and finished."""
    return {
        name
        for name, grade in grades.items()
        if grade.manual_score is not None and not grade.needs_manual_grade
    }


def keep(session, notebook_id: str, grades, before: set[str], notebook) -> None:
    """Let marks that were settled ``before`` stay so where the answer is the same.

    Parameters
    ----------
    session : of the gradebook's database
    notebook_id : str
        Of the submitted notebook's row, whose points have just been saved.
    grades : dict
        The gradebook's grades of its cells, by name.
    before : set of str
        What ``settled`` said before that.
    notebook : NotebookNode
        The graded notebook.
    """
    texts = {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}
    now = {
        name: _digest(
            [cell, texts.get(f"{name}-answer", cell)], grades[name].auto_score
        )
        for name, cell in texts.items()
        if is_graded(cell)
    }
    then = _swap(session, notebook_id, now)
    for name in before & now.keys():
        if then.get(name) == now[name]:
            grades[name].needs_manual_grade = False


def in_words(source: str, attachments: dict) -> str:
    """The digest of an answer in words that waits to be marked."""
    return _of([[source, attachments]] * 2, None)


def digests(session, name: str) -> dict[str, str]:
    """What the answers in a cell were when they were saved, by their notebook's row."""
    from sqlalchemy import inspect, select

    if not inspect(session.connection()).has_table(_TABLE):
        return {}
    table = _table()
    rows = select(table.c.notebook_id, table.c.digest).where(table.c.name == name)
    return {notebook_id: digest for notebook_id, digest in session.execute(rows)}


def _digest(cells, points):
    """Of an answer, and of the points that the check has for it."""
    return _of([[cell.source, cell.get("attachments", {})] for cell in cells], points)


def _of(texts, points):
    return hashlib.sha256(json.dumps([texts, points]).encode()).hexdigest()


@cache  # statements of a new table would have to be compiled again
def _table():
    from sqlalchemy import Column, MetaData, String, Table

    return Table(
        _TABLE,
        MetaData(),
        Column("notebook_id", String(32), primary_key=True),
        Column("name", String(128), primary_key=True),
        Column("digest", String(64), nullable=False),
    )


def _swap(session, notebook_id, now):
    """The digests that were there; ``now`` takes their place."""
    from sqlalchemy import delete, insert, select

    table = _table()
    table.create(session.connection(), checkfirst=True)
    mine = table.c.notebook_id == notebook_id
    rows = session.execute(select(table.c.name, table.c.digest).where(mine))
    then = {name: digest for name, digest in rows}
    if then != now:
        if then:
            session.execute(delete(table).where(mine))
        rows = [
            {"notebook_id": notebook_id, "name": name, "digest": digest}
            for name, digest in now.items()
        ]
        session.execute(insert(table), rows)
    return then
