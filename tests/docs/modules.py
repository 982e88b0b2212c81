"""Our Python modules, taken apart once for all tests: texts, comments, definitions, and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tests.docs.pages import REPOSITORY

_STRING_OR_COMMENT = re.compile(
    r"""(?s:\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3})|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or a class.

    Attributes:
        sort: which of the two.
        line: where it begins.
        length: how many lines it has.
    """

    sort: Literal["function", "class"]
    line: int
    length: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        name: the last part of the name of what is called.
        arguments: every text that each positional argument may be; `*` stands for an interpolated part.
        keywords: the same for the other arguments.
        constants: whether the first two arguments are constants.
    """

    name: str
    arguments: tuple[tuple[str, ...], ...]
    keywords: tuple[tuple[str, ...], ...]
    constants: bool


@dataclass(frozen=True, slots=True)
class Module:
    """What is in a module.

    Attributes:
        texts: every text with a blank in it, with its line.
        definitions: its functions and classes.
        calls: its calls.
    """

    texts: tuple[tuple[int, str], ...]
    definitions: tuple[Definition, ...]
    calls: tuple[Call, ...]


@cache
def module(path: Path) -> Module:
    """Parse a module. What is kept is small: its tree is hundreds of times as large."""
    texts: list[tuple[int, str]] = []
    definitions: list[Definition] = []
    calls: list[Call] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)):
                if " " in text:
                    texts.append((node.lineno, text))
            case ast.Call():
                calls.append(_call(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                sort: Literal["function", "class"] = "class" if isinstance(node, ast.ClassDef) else "function"
                definitions.append(Definition(sort, node.lineno, (node.end_lineno or 0) - node.lineno + 1))
    return Module(tuple(texts), tuple(definitions), tuple(calls))


def modules(*packages: str) -> Iterator[Module]:
    """Parse every module of some of our packages."""
    for package in packages:
        for path in (REPOSITORY / "reconciler" / package).rglob("*.py"):
            yield module(path)


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield every comment with its line; lines that follow each other are one comment."""
    joined: list[tuple[int, str]] = []
    for found in _STRING_OR_COMMENT.finditer(source):
        if found["comment"] is None:
            continue
        line = source.count("\n", 0, found.start()) + 1
        if joined and line != joined[-1][0] + 1:
            yield joined[0][0], " ".join(text for _, text in joined)
            joined = []
        joined.append((line, found["comment"].lstrip("# ")))
    if joined:
        yield joined[0][0], " ".join(text for _, text in joined)


def _call(node: ast.Call) -> Call:
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    arguments = tuple(tuple(_texts(argument)) for argument in node.args)
    keywords = tuple(tuple(_texts(keyword.value)) for keyword in node.keywords)
    constants = len(arguments) > 1 and all(isinstance(argument, ast.Constant) for argument in node.args[:2])
    return Call(name, arguments, keywords, constants)


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in values)
