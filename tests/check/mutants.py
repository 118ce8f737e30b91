"""Wrong answers made by machine: every solution, changed in one place or broken.

The misconceptions are mistakes we thought of; these are mistakes nobody had to think
of. A solution is changed at each place of its source where something can go wrong, and
each kind in ``broken`` makes it fail in one case, such as for arrays of zeros. All must
lose points. A change of the source may also be shown to be equivalent: to bring back
the same, to rounding, whatever the inputs of the exercise's cases.

``make mutants`` prints how many were made, rejected and equivalent, and names those
that survived; so does ``python -m tests.check.mutants batch_norm.forward`` of some
exercises.
"""

import argparse
import ast
import contextlib
import copy
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import torch

from normlib.check import EXERCISES, judge
from normlib.check.running.observing import observe
from tests.check.broken import kinds, survives

ROOT = Path(__file__).parents[2]
SEEDS = range(20)  # for the proof of equivalence
# Their answers train networks, a second or two each.
NETWORKS = {"choosing.small_batch", "choosing.contrast", "choosing.recurrent"}
SECONDS = 5  # a loop that a mutant has made endless is stopped then
ROUNDING = 1e-9  # relative; a mistake that the checks overlook would be larger


@dataclass(frozen=True)
class Mutant:
    """A changed solution: what was changed, and the whole source."""

    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of ``source``, one change each, no two of them alike."""
    seen = {ast.unparse(ast.parse(source))}
    for index, node in enumerate(ast.walk(ast.parse(source))):
        for change, replacement in _changes(node):
            mutated = _replaced(source, index, replacement)
            if mutated not in seen:
                seen.add(mutated)
                yield Mutant(f"line {node.lineno}: {change}", mutated)


def _replaced(source, index, replacement):
    """``source`` with the node that ``ast.walk`` reaches at ``index`` replaced."""
    tree = ast.parse(source)
    target = list(ast.walk(tree))[index]

    class Replace(ast.NodeTransformer):
        def visit(self, node):
            if node is target:
                return copy.deepcopy(replacement)
            return self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Replace().visit(tree)))


def _changes(node):
    """What may go wrong at one node: a description, and what stands there instead."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            flipped = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield "sign flipped", ast.BinOp(left, flipped, right)
            yield f"{ast.unparse(right)} dropped", left
            yield f"{ast.unparse(left)} dropped", right
        case ast.BinOp(left, ast.Mult() | ast.Div() as op, right):
            other = ast.Div() if isinstance(op, ast.Mult) else ast.Mult()
            yield "factor and divisor confused", ast.BinOp(left, other, right)
            yield f"{ast.unparse(right)} dropped", left
            yield f"{ast.unparse(left)} dropped", right
        case ast.UnaryOp(ast.USub(), operand):
            yield "sign dropped", operand
        case ast.Call(func, args, keywords):
            yield from _changed_calls(node, _name(func), args, keywords)
        case ast.Name("gamma", ast.Load()):
            yield "beta for gamma", ast.Name("beta", ast.Load())
        case ast.Name("beta", ast.Load()):
            yield "gamma for beta", ast.Name("gamma", ast.Load())
        case ast.Name("eps", ast.Load()):
            yield "eps left out", ast.Constant(0.0)
            yield "an eps of its own", ast.Constant(1e-5)
        case ast.Return(ast.Tuple(items)) if len(items) > 1:
            turned = ast.Tuple([*items[1:], items[0]], ast.Load())
            yield "results in another order", ast.Return(turned)
        case ast.Compare(left, [op], right) if type(op) in _TURNED:
            yield "comparison turned", ast.Compare(left, [_TURNED[type(op)]()], right)
        case ast.If(test, body, orelse):
            yield (
                "condition negated",
                ast.If(ast.UnaryOp(ast.Not(), test), body, orelse),
            )
        case ast.AugAssign(op=ast.Add()):
            yield "update left out", ast.Pass()
        case ast.Constant(value) if type(value) in (int, float):
            yield f"{value} is {value + 1}", ast.Constant(value + 1)


_TURNED = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
}
_SPREAD = {"var", "std", "var_mean"}
_STATISTICS = _SPREAD | {"mean", "sum", "min", "max"}


def _changed_calls(call, name, args, keywords):
    if name in _STATISTICS:
        for other in {"mean": ("sum",), "sum": ("mean",), "var": ("std",)}.get(
            name, ()
        ):
            yield f"{other} for {name}", _renamed(call, other)
        for i, keyword in enumerate(keywords):
            if keyword.arg == "keepdims":
                yield "keepdims dropped", _with_keywords(call, i, None)
            elif keyword.arg in ("axis", "dim"):
                for axis in _other_axes(keyword.value):
                    yield f"axis {ast.unparse(axis)}", _with_keywords(call, i, axis)
            elif keyword.arg in ("ddof", "correction"):
                yield (
                    "the other variance",
                    _with_keywords(call, i, _flag(keyword.value)),
                )
        for i, arg in enumerate(args):
            for axis in _other_axes(arg) if _is_axis(arg) else ():
                changed = [*args[:i], axis, *args[i + 1 :]]
                yield (
                    f"axis {ast.unparse(axis)}",
                    ast.Call(call.func, changed, keywords),
                )
        given = {keyword.arg for keyword in keywords}
        if name in _SPREAD and not given & {"ddof", "correction"}:
            unbiased = [*keywords, ast.keyword("ddof", ast.Constant(1))]
            yield "the unbiased variance", ast.Call(call.func, args, unbiased)
    if name in ("sqrt", "rsqrt", "abs") and args:
        yield f"{name} dropped", args[0]
        if isinstance(args[0], ast.BinOp) and "eps" in ast.unparse(args[0].right):
            outside = ast.Call(call.func, [args[0].left], keywords)
            yield "eps outside", ast.BinOp(outside, args[0].op, args[0].right)
    if name in ("detach", "copy", "clone") and isinstance(call.func, ast.Attribute):
        yield f"{name} left out", call.func.value


def _name(func):
    return getattr(func, "attr", getattr(func, "id", ""))


def _renamed(call, name):
    func = copy.deepcopy(call.func)
    setattr(func, "attr" if isinstance(func, ast.Attribute) else "id", name)
    return ast.Call(func, call.args, call.keywords)


def _with_keywords(call, i, value):
    kept = [*call.keywords]
    kept[i : i + 1] = [] if value is None else [ast.keyword(kept[i].arg, value)]
    return ast.Call(call.func, call.args, kept)


def _flag(value):
    return ast.Constant(0 if ast.unparse(value) == "1" else 1)


def _is_axis(arg):
    items = arg.elts if isinstance(arg, ast.Tuple) else [arg]
    return bool(items) and all(_is_number(item) for item in items)


def _is_number(node):
    with_sign = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(with_sign, ast.Constant) and isinstance(with_sign.value, int)


def _other_axes(axis):
    yield ast.Constant(None)
    if isinstance(axis, ast.Tuple):
        for i in range(len(axis.elts)):
            yield ast.Tuple([*axis.elts[:i], *axis.elts[i + 1 :]], ast.Load())
    elif _is_number(axis):
        yield ast.Constant(1 if ast.unparse(axis) in ("0", "-1") else 0)


def solution(key: str) -> str:
    """The source of the answer cell in the solution's notebook."""
    return _answers(EXERCISES[key].topic)[key]


@cache
def _answers(topic) -> dict[str, str]:
    """Key -> source of the solution, in the notebook's order."""
    [path] = ROOT.glob(f"solutions/*_{topic}/{topic}.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    ids = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in cells}
    return {
        key: ids[f"{key.replace('.', '-')}-answer"].source
        for key in EXERCISES
        if key.startswith(f"{topic}.")
    }


def _implementation(key, source):
    """The function or class that ``source`` defines, beside the earlier answers."""
    space = {}
    exec("import numpy as np\nimport torch\nfrom torch import nn", space)
    for earlier, answer in _answers(EXERCISES[key].topic).items():
        exec(source if earlier == key else answer, space)
        if earlier == key:
            return space[EXERCISES[key].name]


def equivalent(key: str, source: str) -> bool:
    """Whether ``source`` brings back what the solution does, to rounding, always."""
    exercise = EXERCISES[key]
    unchanged = _implementation(key, solution(key))
    changed = _implementation(key, source)
    for seed in SEEDS[:1] if key in NETWORKS else SEEDS:
        for i, case in enumerate(exercise.cases):
            inputs, kept = case.draw(np.random.default_rng([seed, i]))
            run = case.run or exercise.run
            measure = case.measure or exercise.measure or (lambda outputs: outputs)

            def measured(answer, inputs, run=run, measure=measure, kept=kept):
                torch.manual_seed(0)  # a new module may draw its weights
                return measure(run(answer, inputs), **kept)

            pair = [observe(measured, f, inputs) for f in (unchanged, changed)]
            if not _same(*pair):
                return False
    return True


def _same(expected, received):
    if expected.outputs is None or received.outputs is None:
        return expected.problem == received.problem
    if expected.outputs.keys() != received.outputs.keys():
        return False
    if expected.changed != received.changed:
        return False
    pairs = [(v, received.outputs[name]) for name, v in expected.outputs.items()]
    return all(
        a.shape == b.shape
        and np.allclose(a, b, rtol=0, atol=_rounding(a), equal_nan=True)
        for a, b in pairs
    )


def _rounding(values):
    finite = np.abs(values[np.isfinite(values)])
    coarse = np.finfo(values.dtype).eps * 100  # float32 rounds coarser
    return max(ROUNDING, coarse) * (finite.max(initial=0.0) or 1.0)


def trial(key: str, mutant: Mutant) -> str:
    """``"rejected"``, ``"equivalent"`` or ``"survived"``."""
    try:
        with _time_limit(), np.errstate(all="ignore"):
            implementation = _implementation(key, mutant.source)
            report = judge(key, implementation, seed=0)
    except (Exception, KeyboardInterrupt):  # not even defined, or endless
        return "rejected"
    if report.points < report.max_points:
        return "rejected"
    return "equivalent" if equivalent(key, mutant.source) else "survived"


@contextlib.contextmanager
def _time_limit():
    """``KeyboardInterrupt`` after ``SECONDS`` of processor time."""
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def trials(key: str) -> Iterator[tuple[str, str]]:
    """Verdict and description, for every mutant of the exercise's solution."""
    for mutant in mutants(solution(key)):
        yield trial(key, mutant), mutant.change
    exercise = EXERCISES[key]
    for kind in kinds(exercise):
        yield "survived" if survives(exercise, kind) else "rejected", kind.name


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("keys", nargs="*", help="exercises; by default all")
    parser.add_argument("--verbose", action="store_true", help="list the equivalent")
    chosen = parser.parse_args(arguments)
    print(
        f"{'exercise':32}{'made':>6}{'rejected':>10}{'equivalent':>12}{'survived':>10}"
    )
    survivors = 0
    for key in chosen.keys or EXERCISES:
        found = list(trials(key))
        count = Counter(verdict for verdict, _ in found)
        print(
            f"{key:32}{len(found):6}{count['rejected']:10}"
            f"{count['equivalent']:12}{count['survived']:10}",
            flush=True,
        )
        for verdict, change in found:
            if verdict == "survived" or (chosen.verbose and verdict != "rejected"):
                print(f"    {verdict}: {change}")
        survivors += count["survived"]
    sys.exit(f"{survivors} mutants get full points" if survivors else 0)


if __name__ == "__main__":
    main()
