"""The positions in a text are the same if it contains an escaped surrogate pair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.accept.positions import Alias, Mapping, Node, Scalar, Sequence, parse
from tests.accept.configurations import files


def places(node: Node | None) -> Iterator[tuple[object, ...]]:
    match node:
        case None:
            return
        case Scalar():
            yield node.start, node.end, node.outer, node.text, node.style, node.anchor, node.tag
        case Alias():
            yield node.start, node.end, node.name
        case Sequence():
            yield node.start, node.end, node.outer, node.is_flow, node.anchor
            for item in node.items:
                yield from places(item)
        case Mapping():
            yield node.start, node.end, node.outer, node.is_flow, node.anchor
            for pair in node.pairs:
                for one in pair:
                    yield from places(one)


@settings(max_examples=10)
@given(text=files(), is_last=st.booleans())
def test_an_escaped_surrogate_pair_moves_nothing(text: str, is_last: bool) -> None:  # noqa: FBT001 - it is drawn
    assert_moves_nothing(text, is_last=is_last)


@pytest.mark.slow
@settings(max_examples=500)
@given(text=files(), is_last=st.booleans())
def test_an_escaped_surrogate_pair_moves_nothing_anywhere(text: str, is_last: bool) -> None:  # noqa: FBT001 - it is drawn
    assert_moves_nothing(text, is_last=is_last)


def assert_moves_nothing(text: str, *, is_last: bool) -> None:
    """libyaml refuses such a pair, so the file is read in another way, which has to find the same places."""
    body = text.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in body else "\n"
    if body.startswith(("%", "---")) or "\n..." in body or not body.endswith(newline):
        return
    found = []
    for emoji in ("\\ud83d\\ude00", "\\U0001f600xy"):
        line = f'x-emoji: "{emoji}"{newline}'
        found.append(list(places(parse(body + line if is_last else line + body).root)))
    assert [str(place).replace("\U0001f600xy", "\U0001f600") for place in found[1]] == [str(one) for one in found[0]]
