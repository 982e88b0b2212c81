"""Live values as files write them, and JSON texts with only the differing parts replaced.

Takes values; returns values to write, in which ``${`` is escaped, because files interpolate it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reconciler.accept.alignment import pairs_of, unpaired
from reconciler.accept.flow import edit_members
from reconciler.accept.lines import Lines, Splice, SpliceError
from reconciler.accept.model import RefusedError
from reconciler.accept.positions import Alias, Node, PositionsError, Scalar, parse
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.accept.writing import Value
from reconciler.config.interpolation_syntax import Lookup, MalformedInterpolationError, escape, split_pieces, unescape
from reconciler.kinds.comparable import canonical_json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Template


def written(field: Field, content: Content) -> Value:
    """Return a live value as a file writes it.

    Args:
        field: The field.
        content: The value; a reference as its handle, name, or SID.
    """
    match field.shape:
        case Shape.BOOL:
            return bool(content)
        case Shape.SET:
            return [escape(str(word)) for word in content] if isinstance(content, (list, tuple)) else []
        case Shape.JSON:
            return escaped({} if content is None else content)
        case _ if isinstance(content, str):
            return escape(content, is_template=field.marker(Template) is not None)
        case _:
            assert content is None or isinstance(content, (int, float))
            return content


def escaped(value: object) -> Value:
    """Return JSON with every ``${`` escaped."""
    match value:
        case str():
            return escape(value)
        case dict():
            return {escape(str(key)): escaped(item) for key, item in value.items()}
        case list() | tuple():
            return [escaped(item) for item in value]
        case _:
            assert value is None or isinstance(value, (bool, int, float))
            return value


def lookups(text: str) -> list[Lookup]:
    """Return the lookups in a text: ``${env:…}``, ``${var:…}``, ``${file:…}``, ``${secret:…}``."""
    if "${" not in text:
        return []
    try:
        return [piece for piece in split_pieces(text, 0, 0) if isinstance(piece, Lookup)]
    except MalformedInterpolationError:
        return []


def whole_variable(text: str) -> str:
    """Return the name of the variable that a text consists of; empty if it is anything else."""
    found = lookups(text)
    is_whole = len(found) == 1 and found[0].token == text and found[0].default is None
    return found[0].name if is_whole and found[0].namespace == "var" else ""


def check_literal(node: Node) -> None:
    """Check that a part of a file contains no lookups and no aliases.

    Raises:
        RefusedError: It does.
    """
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Alias) or one.anchor:
            raise RefusedError("it contains a YAML anchor or alias", "write the value out in the file")
        if isinstance(one, SequenceNode):
            waiting += one.items
        elif isinstance(one, MappingNode):
            waiting += [inner for pair in one.pairs for inner in pair]
        elif found := lookups(one.text):
            raise interpolated(found[0])


def interpolated(lookup: Lookup) -> RefusedError:
    """Return the refusal of a value that a lookup is a part of."""
    source = {
        "env": f"environment variable {lookup.name}",
        "secret": f"secret {lookup.name}",
        "file": f"file {lookup.name}",
        "var": f"variable {lookup.name}",
    }[lookup.namespace]
    hint = {
        "env": "change the environment variable, or write the value in the file",
        "secret": "change the secret where it is kept; secrets are never written to a file",
        "file": "change that file",
        "var": "change the text around the variable or its definition by hand",
    }[lookup.namespace]
    return RefusedError(f"the value comes from {source}", hint)


def same(one: object, other: object) -> bool:
    """Whether two JSON values mean the same."""
    return canonical_json(one) == canonical_json(other)


def plain_text(text: str) -> str:
    """Return what a text without lookups means."""
    return unescape(text)[0]


# --- JSON text -------------------------------------------------------------------------------------------------------


def edited_json_text(text: str, declared: object, live: object) -> str:
    """Return JSON text with a new meaning, in which only the parts that differ are written anew.

    Args:
        text: The JSON text, without lookups and escapes.
        declared: What it means.
        live: What it is to mean.
    """
    try:
        page = Lines(parse(text))
        root = page.document.root
        edited = page.text(list(_differences(page, root, declared, live))) if root is not None else ""
    except (PositionsError, SpliceError, _DifferentlyWrittenError):
        return _dumped(live)
    try:
        is_right = same(json.loads(edited), live)
    except ValueError:
        is_right = False
    return edited if is_right else _dumped(live)


class _DifferentlyWrittenError(Exception):
    """The text is not written as its meaning suggests."""


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _differences(page: Lines, node: Node, declared: object, live: object) -> Iterator[Splice]:
    if same(declared, live):
        return
    if isinstance(node, MappingNode) and isinstance(declared, Mapping) and isinstance(live, Mapping):
        yield from _members(page, node, declared, live)
    elif (
        isinstance(node, SequenceNode)
        and isinstance(declared, list)
        and isinstance(live, list)
        and len(node.items) == len(declared)
    ):
        pairs = dict(pairs_of(declared, live))
        for number, other in pairs.items():
            yield from _differences(page, node.items[number], declared[number], live[other])
        removed = frozenset(range(len(declared))) - pairs.keys()
        added = [(place, _dumped(live[other])) for place, other in unpaired(pairs, len(declared), len(live))]
        yield from edit_members(page, node, removed, added)
    else:
        yield Splice(node.start, node.end, _dumped(live))


def _members(
    page: Lines, node: MappingNode, declared: Mapping[str, object], live: Mapping[str, object]
) -> Iterator[Splice]:
    keys = [key.text if isinstance(key, Scalar) else "" for key, _ in node.pairs]
    if sorted(keys) != sorted(declared):
        raise _DifferentlyWrittenError
    for key, (_, value) in zip(keys, node.pairs, strict=True):
        if key in live:
            yield from _differences(page, value, declared[key], live[key])
    removed = frozenset(number for number, key in enumerate(keys) if key not in live)
    added = [f"{_dumped(key)}: {_dumped(value)}" for key, value in live.items() if key not in declared]
    yield from edit_members(page, node, removed, [(len(keys), text) for text in added])
