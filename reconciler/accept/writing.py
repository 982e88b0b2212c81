"""JSON values as YAML: in one line with brackets, or in block form.

Takes a value; gives its text or its lines.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from typing import Protocol, TypeAlias, runtime_checkable

from reconciler.accept.lines import STEP
from reconciler.accept.scalars import Plain, block_scalar, scalar

Value: TypeAlias = "Plain | AbstractSequence[Value] | AbstractMapping[str, Value]"
"""What can be written: JSON."""


@runtime_checkable
class Commented(Protocol):
    """A mapping with comments, which are written in block form only.

    Attributes:
        comments: The lines above each key; those of the empty key are at the beginning.
    """

    comments: AbstractMapping[str, tuple[str, ...]]


_WIDTH = 100
"""Columns; a longer list is written with one item in each line."""


def plain(value: Value) -> Plain:
    """Return a value that is neither a mapping nor a list."""
    assert value is None or isinstance(value, (str, int, float, bool))
    return value


def fits_line(value: Value) -> bool:
    """Whether a value is better written in one line: short lists, and what is empty."""
    if isinstance(value, AbstractMapping):
        return not value
    return len(flow(value)) <= _WIDTH and not any(
        isinstance(item, (AbstractMapping, list, tuple))
        for item in value  # type: ignore[union-attr]
    )


def value_in_flow(value: Value, *, style: str = "", in_flow: bool = True) -> str:
    """Write a value in one line.

    Args:
        value: The value.
        style: The quotes of a text, as in `scalar`.
        in_flow: Whether it is written in brackets or braces.
    """
    if isinstance(value, (AbstractMapping, list, tuple)):
        return flow(value)
    return scalar(plain(value), style=style, in_flow=in_flow)


def flow(value: Value) -> str:
    """Write a value in brackets or braces."""
    inner = ", ".join(members(value))
    return f"{{{inner}}}" if isinstance(value, AbstractMapping) else f"[{inner}]"


def members(value: Value) -> list[str]:
    """Write the members of a mapping or list as they are written between brackets or braces."""
    if isinstance(value, AbstractMapping):
        return [f"{scalar(key, in_flow=True, as_key=True)}: {value_in_flow(item)}" for key, item in value.items()]
    assert isinstance(value, (list, tuple))
    return list(map(value_in_flow, value))


def document(value: AbstractMapping[str, Value]) -> str:
    """Write a mapping as a document."""
    return "".join(f"{line}\n" for line in block(value, 0, STEP))


def block(value: Value, column: int, step: int) -> list[str]:
    """Write a mapping or a list as lines."""
    lines: list[str] = []
    pad = " " * column
    if isinstance(value, AbstractMapping):
        comments: AbstractMapping[str, tuple[str, ...]] = value.comments if isinstance(value, Commented) else {}
        lines += [f"{pad}# {comment}" for comment in comments.get("", ())]
        for key, item in value.items():
            lines += [f"{pad}# {comment}" for comment in comments.get(key, ())]
            head = f"{pad}{scalar(key, as_key=True)}:"
            if isinstance(item, (AbstractMapping, list, tuple)) and not fits_line(item):
                lines += [head, *block(item, column + step, step)]
            elif (
                isinstance(item, str)
                and "\n" in item.rstrip("\n")
                and (written := block_scalar(item, style="|", indent=pad + " " * step, newline="\n"))
            ):
                lines += [f"{head} {written[0]}", *written[1].removesuffix("\n").split("\n")]
            else:
                lines.append(f"{head} {_in_one_line(item)}")
        return lines
    assert isinstance(value, (list, tuple))
    return [f"{pad}- {_in_one_line(item)}" for item in value]


def _in_one_line(value: Value) -> str:
    return flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(plain(value))
