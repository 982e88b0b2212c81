"""Breaks one thing in a module at a time, and tells what no test noticed.

    python -m tests.mutation reconciler/planning/guards.py tests/planning/test_guards.py tests/planning/test_plan.py

Each mutant is the module with one condition turned round, left out or moved by one, or one call left out; the tests are
run on it, in this order, until one fails. A mutant that all of them pass is printed: it is a test that is missing, or
code that nothing needs, or the same by other words. Ends with 1 when there is one. Takes seconds for each mutant.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
PRELOADED = ("click", "cryptography.x509", "httpx", "hypothesis", "pydantic", "sqlite3", "yaml", "xdist", "jsonschema")
"""Not the module's own: read once, and by every process that is forked off."""
QUIETLY = ("--assert=plain",)
"""pytest rewrites the assertions of a package that has a plugin, and so would load the module as it is on the disk."""
NOT_LOADED = 86
"""The exit status of tests that pass without the module under test."""
SECONDS = 120
"""A mutant may run for ever; one that is not done by then counts as noticed."""


@dataclass(frozen=True)
class Mutant:
    """A module that is wrong in one place.

    Attributes:
        line: where.
        what: the former text and the new one.
        source: the whole.
    """

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    for number, (node, changed) in enumerate(_changes(tree)):
        again = ast.parse(source)
        where, to = list(_changes(again))[number]
        what = f"{_shown(node)} -> {_shown(changed)}"
        whole = ast.unparse(ast.fix_missing_locations(_Replaced(where, to).visit(again)))
        yield Mutant(getattr(node, "lineno", 0), what, whole)


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:100]


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _changes(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Nodes, and what may stand in the place of each."""
    for node in _behavior(tree):
        match node:
            case ast.Compare(ops=[operator]) if type(operator) in SWAPPED:
                yield node, _with(node, ops=[SWAPPED[type(operator)]()])
            case ast.BoolOp(values=values):
                for value in values:
                    rest = [item for item in values if item is not value]
                    yield node, rest[0] if len(rest) == 1 else _with(node, values=rest)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield node, operand
            case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(
                test, (ast.Compare, ast.BoolOp, ast.UnaryOp)
            ):
                yield test, ast.UnaryOp(ast.Not(), test)
            case ast.comprehension(ifs=ifs):
                for condition in ifs:
                    yield node, _with(node, ifs=[item for item in ifs if item is not condition])
            case ast.Constant(value=bool(value)):
                yield node, ast.Constant(not value)
            case ast.Constant(value=int(value)):
                yield node, ast.Constant(value + 1)
            case ast.BinOp(op=ast.Sub() | ast.BitOr() | ast.BitAnd(), left=left):
                yield node, left
            case ast.Expr(value=ast.Call() | ast.Await()):
                yield node, ast.Pass()


def _with(node: ast.AST, **changed: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def _behavior(node: ast.AST) -> Iterator[ast.AST]:
    """What runs: no annotations, no decorators, no imports."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"} or isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _behavior(child)


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a mutant's source for its module's name."""

    def __init__(self, name: str, path: str, source: str) -> None:
        self.name, self.path, self.source = name, path, source
        self.is_loaded = False

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def exec_module(self, module: ModuleType) -> None:
        self.is_loaded = True
        exec(compile(self.source, self.path, "exec"), vars(module))


def begun(path: str, source: str, tests: Sequence[str]) -> int:
    """Run tests on a module's source in a process of its own, and give its id; it ends with 0 when all of them pass."""
    child = os.fork()
    if child:
        return child
    os.setpgrp()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    loader = _Instead(path.removesuffix(".py").replace("/", "."), path, source)
    sys.meta_path.insert(0, loader)
    code = 1
    try:
        code = int(pytest.main(["-x", "-q", "-n0", "-p", "no:cacheprovider", *QUIETLY, *tests]))
        code = code or (0 if loader.is_loaded else NOT_LOADED)
    finally:
        os._exit(code)


def survivors(path: str, tests: Sequence[str], jobs: int) -> Iterator[Mutant]:
    """The mutants of a module that all tests pass, as they are found."""
    running: dict[int, tuple[Mutant, float]] = {}
    waiting = list(mutants(Path(path).read_text(encoding="utf-8")))
    total, done = len(waiting), 0
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running[begun(path, mutant.source, tests)] = (mutant, time.monotonic())
        time.sleep(0.05)
        for process, (mutant, since) in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended and time.monotonic() - since > SECONDS:
                os.killpg(process, signal.SIGKILL)
                ended, status = os.waitpid(process, 0)
            if ended:
                del running[process]
                done += 1
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{done} of {total} ")
                if status == 0:
                    yield mutant


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("module", help="the file of the module to break, from here")
    parser.add_argument("tests", nargs="+", help="what pytest is to run on each mutant, the quickest first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    for name in PRELOADED:
        importlib.import_module(name)
    process = begun(given.module, Path(given.module).read_text(encoding="utf-8"), given.tests)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status:
        unused = "The tests do not import the module."
        print(unused if status == NOT_LOADED else "The tests fail on the module as it is.")
        return 2
    found = 0
    for mutant in survivors(given.module, given.tests, given.jobs):
        found += 1
        print(f"{given.module}:{mutant.line}: {mutant.what}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
