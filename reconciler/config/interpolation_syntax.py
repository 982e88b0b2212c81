"""The syntax of interpolation: ``${namespace:name:-default}``, ``$${…}``, and ``${NAME}``.

Takes text; returns its literal parts and lookups. Looks nothing up.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from reconciler.config.findings import shown

NAMESPACES = ("env", "var", "file", "secret")
# A colon that begins a default (`${NAME:-text}`, as shells write it) does not end a namespace.
_OPEN = re.compile(r"(?P<escape>\$)?\$\{(?:(?P<namespace>[A-Za-z][A-Za-z0-9_-]*):(?!-))?")
_UNPREFIXED = re.compile(r"\$\{(?:\{[^{}\n]{0,200}\}\}|[^{}\n]{0,200}\})")
_BRACE = re.compile(r"\$\{|\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_TEMPLATE_NAME_HERE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.]*\}")
_MOST_NESTED = 20
_MOST_PIECES = 2000


def is_variable_name(text: str) -> bool:
    """Whether `${var:…}` can refer to a variable of this name."""
    return _NAME.match(text) is not None


class Lookup(NamedTuple):
    """A lookup: ``${namespace:name:-default}``.

    Attributes:
        namespace: Its namespace.
        name: The name that it looks up.
        default: Its default; None without one.
        token: The lookup as written.
        offset: Its position in the scalar.
    """

    namespace: str
    name: str
    default: str | None
    token: str
    offset: int


class Unprefixed(NamedTuple):
    """A `${…}` without a namespace.

    Attributes:
        token: The expression as written.
        offset: Its position in the scalar.
    """

    token: str
    offset: int


Piece: TypeAlias = "str | Lookup | Unprefixed"


class MalformedInterpolationError(Exception):
    """An interpolation is malformed.

    Args:
        code: The problem's code.
        message: What is wrong.
        token: The malformed part.
        hint: How to fix it; for an unknown namespace, the namespace.
    """

    def __init__(self, code: str, message: str, token: str, hint: str) -> None:
        self.code, self.message, self.token, self.hint = code, message, token, hint
        super().__init__(message)


def split_pieces(text: str, depth: int, offset: int) -> list[Piece]:
    """Split a text into literal parts and lookups. Checks their defaults as well.

    Args:
        text: The text.
        depth: The number of lookups around it.
        offset: Its position in the scalar.
    """
    pieces: list[Piece] = []
    literal: list[str] = []
    position = 0
    while (found := _OPEN.search(text, position)) is not None:
        if len(pieces) > _MOST_PIECES:
            message = f"more than {_MOST_PIECES} lookups are in one text"
            raise MalformedInterpolationError("too-large", message, found[0], "shorten it")
        literal.append(text[position : found.start()])
        position = found.end()
        piece: Piece
        if found["escape"]:
            literal.append(found[0][1:])
            continue
        if found["namespace"] is None:
            token = _UNPREFIXED.match(text, found.start())
            piece = Unprefixed(token[0] if token is not None else found[0], offset + found.start())
            position = found.start() + len(piece.token)
        else:
            end = _closing(text, found, depth)
            token_text = text[found.start() : end + 1]
            piece = _lookup(text[found.end() : end], found["namespace"], token_text, offset + found.start())
            if piece.default is not None:
                split_pieces(piece.default, depth + 1, 0)
            position = end + 1
        if any(literal):
            pieces.append("".join(literal))
        literal = []
        pieces.append(piece)
    literal.append(text[position:])
    if any(literal) or not pieces:
        pieces.append("".join(literal))
    return pieces


def is_one_lookup(text: str, default: str) -> bool:
    """Whether a text is exactly one lookup with this default. A brace of a variable may have ended it early."""
    try:
        pieces = split_pieces(text, 0, 0)
    except MalformedInterpolationError:
        return False
    return len(pieces) == 1 and isinstance(pieces[0], Lookup) and pieces[0].default == default


def _closing(text: str, opened: re.Match[str], depth: int) -> int:
    """Return the position of the brace that closes a lookup."""
    nested = depth + 1
    for brace in _BRACE.finditer(text, opened.end()):
        nested += 1 if brace[0] != "}" else -1
        if nested == depth:
            return brace.start()
        if nested > _MOST_NESTED:
            message = f"interpolations are nested more than {_MOST_NESTED} deep"
            raise MalformedInterpolationError("too-deep", message, opened[0], "simplify it")
    message = f"{opened[0]} has no closing brace"
    raise MalformedInterpolationError(
        "unclosed-interpolation", message, opened[0], "close it with }, or write $${ for a literal ${"
    )


def _lookup(body: str, namespace: str, token: str, offset: int) -> Lookup:
    if namespace not in NAMESPACES:
        # The hint is only the word here: `interpolation_hints` turns it into a suggestion.
        message = f"{shown('${' + namespace + ':…}')} has an unknown namespace"
        raise MalformedInterpolationError("unknown-namespace", message, token, namespace)
    name, separator, default = body.partition(":-")
    if not name or (namespace != "file" and _NAME.match(name) is None):
        message = (
            f"{shown('${' + namespace + ':' + name + '}')} has no name"
            if not name
            else f"{shown(name)} is not a valid name"
        )
        hint = "names have letters, digits, dots, dashes and underscores, and begin with a letter"
        raise MalformedInterpolationError(
            "malformed-interpolation", message, token, hint if namespace != "file" else "add the path of a file"
        )
    if separator and namespace == "secret":
        raise MalformedInterpolationError(
            "secret-default",
            f"secret {name} cannot have a default, which would not be secret",
            token,
            "remove the default, or use ${env:…} for values that are not secret",
        )
    return Lookup(namespace, name, default if separator else None, token, offset)


def escape(text: str, *, is_template: bool = False) -> str:
    """Escape a text so that a file that contains it is read back unchanged.

    Args:
        text: Any text.
        is_template: Whether the field is a notification template, in which `${NAME}` is literal.
    """
    if "${" not in text:
        return text
    pieces: list[str] = []
    position = 0
    while (begin := text.find("${", position)) >= 0:
        pieces.append(text[position:begin])
        is_name = is_template and _TEMPLATE_NAME_HERE.match(text, begin) and not text.startswith("$", begin - 1)
        pieces.append("${" if is_name else "$${")
        position = begin + 2
    return "".join(pieces) + text[position:]


def unescape(text: str) -> tuple[str, bool]:
    """Unescape ``$${`` in a text that is never interpolated; also return whether it has an unescaped ``${``."""
    if "${" not in text:
        return text, False
    pieces = text.split("$${")
    return "${".join(pieces), any("${" in piece for piece in pieces)
