"""The part of GitHub's expressions that our workflows use; anything else is an error, not a guess."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+)|(==|!=|&&|\|\||[!().])|([A-Za-z_][A-Za-z0-9_-]*))")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Unknown(Exception):
    """Something that this evaluator does not know."""


def filled(text: object, contexts: Mapping[str, Any]) -> str:
    """A text with its expressions evaluated."""
    return _EXPRESSION.sub(lambda match: shown(value(match[1], contexts)), shown(text))


def shown(found: object) -> str:
    match found:
        case None:
            return ""
        case bool():
            return "true" if found else "false"
        case str() | int():
            return str(found)
    raise Unknown(f"a text of {found!r}")


def holds(condition: object, contexts: Mapping[str, Any]) -> bool:
    """Whether the condition of a job or a step holds."""
    if isinstance(condition, bool):
        return condition
    text = str(condition).strip()
    whole = _EXPRESSION.fullmatch(text)
    return bool(value(whole[1] if whole else text, contexts))


def value(text: str, contexts: Mapping[str, Any]) -> Any:
    """What an expression is."""
    return _Reader(text, contexts).read()


class _Reader:
    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.text = text
        self.contexts = contexts
        self.tokens: list[str] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise Unknown(f"{text[position:]!r} in {text!r}")
            self.tokens.append(match[0].strip())
            position = match.end()

    def read(self) -> Any:
        found = self._either()
        if self.tokens:
            raise Unknown(f"{self.tokens} at the end of {self.text!r}")
        return found

    def _next(self, *wanted: str) -> str:
        if self.tokens and (not wanted or self.tokens[0] in wanted):
            return self.tokens.pop(0)
        if wanted:
            return ""
        raise Unknown(f"{self.text!r} ends too early")

    def _either(self) -> Any:
        left = self._both()
        while self._next("||"):
            right = self._both()
            left = left or right
        return left

    def _both(self) -> Any:
        left = self._compared()
        while self._next("&&"):
            right = self._compared()
            left = left and right
        return left

    def _compared(self) -> Any:
        left = self._single()
        while sign := self._next("==", "!="):
            left = _equal(left, self._single()) is (sign == "==")
        return left

    def _single(self) -> Any:
        token = self._next()
        if token == "!":
            return not self._single()
        if token == "(":
            found = self._either()
            if not self._next(")"):
                raise Unknown(f"no ) in {self.text!r}")
            return found
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if token in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token]
        if token not in self.contexts:
            raise Unknown(f"{token!r} in {self.text!r}")
        found = self.contexts[token]
        while self._next("."):
            name = self._next()
            if isinstance(found, Strict) and name not in found:
                raise Unknown(f"{name!r} in {self.text!r}")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


class Strict(dict[str, Any]):
    """A context in which a name that is not there is a mistake, and not nothing."""


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return bool(_number(left) == _number(right))


def _number(found: Any) -> float:
    """What GitHub compares by, where two are of different types."""
    if found is None or found == "":
        return 0
    if isinstance(found, (bool, int)):
        return float(found)
    if isinstance(found, str) and not any(character.isdigit() for character in found):
        return math.nan
    raise Unknown(f"{found!r} as a number")
