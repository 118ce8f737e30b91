"""The pages of grading, as templates; all of them escape what they are given.

Each page that grading writes is one file: nothing is loaded, and there is no script in
it. Those for marking by hand are served, with a script and a style sheet of their own.
"""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


def render(name: str, **values) -> str:
    """The page that a template of this folder makes of ``values``."""
    return template(name).render(values)


@cache
def template(name: str):
    """Compiled once for a process and for its forks."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = Markup((_FOLDER / "style.css").read_text("utf-8"))
    environment.filters["number"] = number
    return environment.get_template(name)


def number(points: float) -> str:
    """Points as people write them: 2, 1.25, and not 0.30000000000000004."""
    return f"{round(points, 2):g}"


def text(names: tuple[str, ...]) -> bytes:
    """What these templates are made of; it changes when a page would."""
    return b"".join((_FOLDER / name).read_bytes() for name in (*names, "style.css"))


def source(name: str) -> bytes:
    """A file that a served page loads."""
    return (_FOLDER / name).read_bytes()
