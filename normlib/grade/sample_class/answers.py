"""The source of an answer cell, as a student would have typed or spoiled it."""

import ast
import functools
import inspect
import textwrap
from typing import Any

STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()"


@functools.cache  # parsing takes long, and a class repeats itself
def pasted(stub: str, implementation, name: str) -> str:
    """The implementation under the learner's ``name``, with what it imports.

    A function keeps the signature and the docstring of the stub.

    Raises
    ------
    ValueError
        When the implementation mentions its own name, so that it has no other.
    """
    source = textwrap.dedent(inspect.getsource(implementation)).rstrip()
    node: Any = ast.parse(source).body[0]  # of a function or of a class
    used = _taken_from_outside(node)
    if node.name in used:
        raise ValueError(f"{node.name} mentions itself and cannot become {name}")
    if isinstance(node, ast.FunctionDef) and stub.endswith(STUB):
        lines = source.split("\n")[_statements(node)[0].lineno - 1 :]
        source = stub.removesuffix(STUB) + "\n".join(lines)
    else:
        source = source.replace(node.name, name, 1)
    return _imports(implementation, used) + source


def _taken_from_outside(node):
    """The names that a definition uses and does not bind itself."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    bound = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return {n.id for n in names} - bound


@functools.cache
def can_be_half_finished(implementation) -> bool:
    """Whether there is something to keep and something to leave out."""
    node = ast.parse(textwrap.dedent(inspect.getsource(implementation))).body[0]
    return len(_statements(node)) > 1


def _imports(implementation, used):
    """Lines for what the implementation takes from its module, NumPy excepted."""
    lines = []
    for node in _imported(inspect.getmodule(implementation)):
        names = {alias.asname or alias.name for alias in node.names}
        if names & used - {"np"}:
            lines.append(ast.unparse(node))
    return "\n".join(lines) + "\n\n\n" if lines else ""


@functools.cache
def _imported(module):
    body = ast.parse(inspect.getsource(module)).body
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def _definition(source):
    """The function or class that ``source`` defines."""
    return ast.parse(source).body[-1]


def _statements(node):
    """The body without its docstring."""
    return node.body[ast.get_docstring(node) is not None :]


def _half_finished(source):
    """A function that stops halfway, a class whose last method is still a stub."""
    node, lines = _definition(source), source.split("\n")
    if isinstance(node, ast.ClassDef):
        first = _statements(node.body[-1])[0]
        rest = textwrap.indent(STUB, "    ")
    else:
        statements = _statements(node)
        first = statements[len(statements) // 2]
        rest = "    # How do I go on from here?"
    return "\n".join([*lines[: first.lineno - 1], rest])


def _misspelled(source):
    """The last result is stored under one name and returned under another."""
    returns = [n for n in ast.walk(_definition(source)) if isinstance(n, ast.Return)]
    last = max(returns, key=lambda node: node.lineno)
    lines = source.split("\n")
    line, column = last.lineno - 1, last.col_offset
    lines[line] = lines[line][:column] + lines[line][column:].replace(
        "return", "result =", 1
    )
    lines.insert(last.end_lineno, " " * column + "return reslut")
    return "\n".join(lines)


def _unbalanced(source):
    """The last closing parenthesis is missing."""
    before, _, after = source.rpartition(")")
    return before + after


def _starting_with(*statements):
    """A spoiler that runs ``statements`` first, in a class in its first method."""

    def spoil(source):
        node, lines = _definition(source), source.split("\n")
        if isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            node = [*(m for m in methods if m.name != "__init__"), *methods][0]
        first = _statements(node)[0]
        indented = [(" " * first.col_offset + s).rstrip() for s in statements]
        lines[first.lineno - 1 : first.lineno - 1] = indented
        return "\n".join(lines)

    return spoil


SPOILERS = {
    "half-finished": _half_finished,
    "raises": _misspelled,
    "syntax error": _unbalanced,
    "endless loop": _starting_with(
        "step = 0", "while step < 10:", "    step == step + 1"
    ),
    "prints": _starting_with('print("it gets here")'),
    "warns": _starting_with("np.log(np.zeros(3))"),
    "writes to stderr": _starting_with(
        "import sys", "", 'print("it gets here", file=sys.stderr)'
    ),
}
