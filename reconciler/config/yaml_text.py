"""Bytes of a YAML file -> a tree of nodes with positions, within limits, without YAML's own typing.

Takes bytes and their origin; returns the tree and the file's lines, and reports problems. It reads the parser's events
instead of using its constructors, so a file can produce only text, lists, and mappings. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from reconciler.config.findings import Findings, shown
from reconciler.config.nodes import Node, Origin
from reconciler.config.yaml_errors import harmless_lines, report_syntax_error
from reconciler.config.yaml_events import Event, read_events
from reconciler.config.yaml_tree import StopReadingError, TreeBuilder
from reconciler.errors import Place

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Parsed(NamedTuple):
    """A parsed file.

    Attributes:
        node: Its tree; None if the file is empty or broken.
        lines: Its lines, to show places.
        broken: Whether the file could not be read completely.
        unsets: Whether it contains an ``!unset``.
    """

    node: Node | None
    lines: tuple[str, ...]
    broken: bool
    unsets: bool


def parse(data: bytes, origin: Origin, findings: Findings) -> Parsed:
    """Parse a file.

    Args:
        data: Its bytes.
        origin: Its origin.
        findings: Collects the problems.

    Returns:
        The tree. If the file is broken, it is None and at least one error is reported.
    """
    text = _decoded(data, origin, findings)
    if text is None:
        return Parsed(None, (), broken=True, unsets=False)
    # Most files have no other line break; the general way takes ten times as long.
    is_plain = text.isascii() and "\r" not in text
    lines = tuple(text.split("\n") if is_plain else _LINE_BREAK.split(text))
    try:
        builder = _built(text, origin, findings, lines)
    except StopReadingError:
        return Parsed(None, harmless_lines(lines), broken=True, unsets=False)
    except yaml.MarkedYAMLError as error:
        report_syntax_error(error, origin, lines, findings)
        return Parsed(None, harmless_lines(lines), broken=True, unsets=False)
    except (yaml.YAMLError, RecursionError) as error:
        message = f"the YAML cannot be read: {shown(str(error).splitlines()[0] if str(error) else 'no reason given')}"
        findings.error("yaml-syntax", message, Place(origin.file))
        return Parsed(None, (), broken=True, unsets=False)
    builder.check_anchors()
    return Parsed(builder.root, lines, broken=False, unsets=builder.unsets)


def _built(text: str, origin: Origin, findings: Findings, lines: tuple[str, ...]) -> TreeBuilder:
    """Return the builder of a file's tree, after all events.

    The parser scans ahead of its events, so a limit of its own can stop it before the builder reaches its limit.

    Raises:
        StopReadingError: the file exceeds a limit, which has been reported.
        yaml.YAMLError: the file is malformed.
    """

    def build(events: Iterator[Event]) -> TreeBuilder:
        builder = TreeBuilder(origin, findings, lines)
        try:
            builder.build(events)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            builder.check_depth_ahead(None if mark is None else mark.line + 1)
            raise
        return builder

    return read_events(text, build)


def _decoded(data: bytes, origin: Origin, findings: Findings) -> str | None:
    hint = "save it as UTF-8 text"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.error("not-text", f"{origin.file} is UTF-16, not UTF-8", Place(origin.file), hint)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.error("not-text", f"{origin.file} is not UTF-8 text", Place(origin.file, line), hint)
        return None
    if (odd := _NOT_TEXT.search(text)) is not None:
        before = _LINE_BREAK.split(text[: odd.start()])
        message = f"{origin.file} is not text: it contains the character U+{ord(odd.group()):04X}"
        findings.error("not-text", message, Place(origin.file, len(before), len(before[-1]) + 1), hint)
        return None
    return text
