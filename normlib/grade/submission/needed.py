"""Which of the release's own cells have to run for a student's code to run.

Between the answers, a released notebook compares and experiments, which takes
longer than everything that is graded. A cell of the release runs only if it
defines a name that the student's code uses, or that such a cell uses.
"""

import re
import symtable

import nbformat

_COMMAND = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]", re.MULTILINE)  # of IPython


def needed(
    cells: list[nbformat.NotebookNode], theirs: list[bool], names=()
) -> list[bool]:
    """For each of the cells of code, whether it has to run.

    Parameters
    ----------
    cells : list
        In the order in which they run.
    theirs : list of bool
        Whether the student wrote it: those run in any case.
    names : sequence of str
        What is also needed.
    """
    wanted, result = set(names), [True] * len(cells)
    for i in reversed(range(len(cells))):
        try:
            used, defined = _names(cells[i].source)
        except (SyntaxError, ValueError, RecursionError):  # or a command of IPython
            if theirs[i] and _COMMAND.search(cells[i].source):
                return [True] * len(cells)  # nobody can say what it uses
            continue
        if theirs[i] or "*" in defined or defined & wanted:
            wanted |= used
        else:
            result[i] = False
    return result


def _names(source):
    """The global names that a cell uses, and those that it defines."""
    top = symtable.symtable(source, "cell", "exec")
    defined = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    if "import *" in source:
        defined.add("*")
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                used.add(symbol.get_name())
    return used, defined
