"""Which of a notebook's given cells have to run for a student's code to run.

Between the answers, the notebooks compare and experiment, which takes longer than
all checks. A given cell runs only if it defines a name that the student's code uses, or
that such a cell uses.
"""

import re
import symtable

# Of IPython: whole lines, and others. No pattern looks twice at a character.
_COMMAND = re.compile(r"^([ \t]*)[%!?]+(.*)$", re.MULTILINE)
_OTHER_COMMAND = re.compile(r"\?[ \t]*$|=[ \t]*[%!]", re.MULTILINE)


def needed(cells: list[dict], theirs: list[bool], wanted=()) -> list[bool]:
    """For each of the cells of code, whether it has to run.

    Parameters
    ----------
    cells : list of dict
        What ``names`` says of each, in the order in which they run.
    theirs : list of bool
        Whether the student wrote it: those run in any case.
    wanted : sequence of str
        Names that are needed besides.
    """
    wanted, result = set(wanted), [True] * len(cells)
    for i in reversed(range(len(cells))):
        cell = cells[i]
        if theirs[i] and cell["unclear"]:
            return [True] * len(cells)  # nobody can say what it uses
        if theirs[i] or cell["always"] or not wanted.isdisjoint(cell["defines"]):
            wanted.update(cell["uses"])
        else:
            result[i] = False
    return result


def plain(source: str) -> str:
    """``source`` with ``pass`` in place of IPython's commands."""
    return _COMMAND.sub(r"\1pass", source)


def names(source: str) -> dict:
    """What ``needed`` has to know of a cell.

    Returns
    -------
    uses, defines : list of str
        Global names.
    always : bool
        Whether it may define others, and so has to run.
    unclear : bool
        Whether it may use others.
    """
    commands = _COMMAND.findall(source)
    try:
        used, defined = _names(plain(source))
    except (SyntaxError, ValueError, RecursionError):
        unclear = bool(commands or _OTHER_COMMAND.search(source))
        return {"uses": [], "defines": [], "always": True, "unclear": unclear}
    for _, command in commands:
        used.update(re.findall(r"[^\W\d]\w*", command))
    return {
        "uses": sorted(used),
        "defines": sorted(defined),
        "always": bool(commands) or "import *" in source,
        "unclear": False,
    }


def _names(source):
    """The global names that a cell uses, and those that it defines."""
    top = symtable.symtable(source, "cell", "exec")
    defined = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                used.add(symbol.get_name())
    return used, defined
