"""Generates the mutants of a module: copies of it, each with one small mistake.

Takes the source of a module; returns mutants. Reads and runs nothing.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_SWAPPED_OPERATORS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_SWAPPED_FUNCTIONS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_LOGGING = "logs."
"""Statements that begin so only log; their mutants are left out."""


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake.

    Attributes:
        line: the line of the mistake.
        name: the function, the former code, and the new code; unique in the module, and independent of lines.
        source: the source of the whole module.
    """

    line: int
    name: str
    source: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Generate every mutant of a module."""
    names: Counter[str] = Counter()
    for number, (function, node, changed) in enumerate(_changes(ast.parse(source))):
        again = ast.parse(source)
        _, old, new = list(_changes(again))[number]
        name = f"{function}: {_shown(node)} -> {_shown(changed)}"
        names[name] += 1
        whole = ast.unparse(ast.fix_missing_locations(_Replace(old, new).visit(again)))
        unique = name if names[name] == 1 else f"{name} ({names[name]})"
        place = node.iter if isinstance(node, ast.comprehension) else node
        yield Mutant(getattr(place, "lineno", 0), unique, whole)


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 140 else f"{text[:140]}…"


class _Replace(ast.NodeTransformer):
    """Replaces one node, identified by object identity, by another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _changes(tree: ast.AST) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Generate changes: the function, a node, and its replacement."""
    for function, node in _executable(tree, ""):
        for changed in (*_changed_conditions(node), *_changed_expressions(node), *_changed_statements(node, function)):
            yield function, *changed


def _changed_conditions(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _SWAPPED_OPERATORS:
            yield node, _with(node, ops=[_SWAPPED_OPERATORS[type(operator)]()])
        case ast.BoolOp(values=values):
            for value in values:
                rest = [item for item in values if item is not value]
                yield node, rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, operand
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            yield test, ast.UnaryOp(ast.Not(), test)
        case ast.comprehension(ifs=ifs):
            for condition in ifs:
                yield node, _with(node, ifs=[item for item in ifs if item is not condition])


def _changed_expressions(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield node, ast.Constant(not value)
        case ast.Constant(value=int(number)):
            yield node, ast.Constant(number + 1)
        case ast.BinOp(op=ast.Sub() | ast.BitOr() | ast.BitAnd(), left=left):
            yield node, left
        case ast.Call(func=ast.Name(id=name)) if name in _SWAPPED_FUNCTIONS:
            yield node, _with(node, func=ast.Name(_SWAPPED_FUNCTIONS[name], ast.Load()))
        case ast.Call(func=ast.Name(id="reversed"), args=[argument]):
            yield node, argument
        case ast.Tuple(elts=elements) | ast.Set(elts=elements) if len(elements) > 1:
            for element in elements:
                if isinstance(element, ast.Starred):
                    yield node, _with(node, elts=[item for item in elements if item is not element])
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            pairs: list[tuple[ast.expr | None, ast.expr]] = list(zip(keys, values, strict=True))
            for index, (key, _) in enumerate(pairs):
                if key is None:  # `**value`
                    rest = [*pairs[:index], *pairs[index + 1 :]]
                    yield node, _with(node, keys=[item for item, _ in rest], values=[item for _, item in rest])


def _changed_statements(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, ast.AST]]:
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()) if not ast.unparse(node).startswith(_LOGGING):
            yield node, ast.Pass()
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript() | ast.Attribute()]) if function != "__init__":
            yield node, ast.Pass()
        case ast.Continue():
            yield node, ast.Pass()


def _with(node: ast.AST, **changed: object) -> ast.AST:
    """Return a copy of a node with other attributes."""
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def _executable(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Generate the nodes that run, each with its function: no annotations, decorators, or imports."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        function = node.name
    yield function, node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # `zip(…, strict=True)` asserts what the code guarantees
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _executable(child, function)
