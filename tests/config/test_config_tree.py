"""The tree of a file: what PyYAML composes from the same text, and limits that count what a plain count finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.config import yaml_tree
from reconciler.config.findings import Findings
from reconciler.config.nodes import ListNode, MapNode, Node, Origin, ScalarNode
from reconciler.config.yaml_text import Parsed, parse

ORIGIN = Origin("reconciler.yaml", "reconciler.yaml")
CHARACTERS = "ab1 :#-'\"[]{}&*!|>%@`,?~\n\té漢🙂\u2028"


class Dumper(yaml.SafeDumper):
    """Writes an anchor and aliases for texts, too."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whether a value is written again wherever it occurs."""
        return not isinstance(data, (str, list, dict))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """YAML in every style, with aliases of values, and of values with aliases."""
    values: list[Any] = []

    def value() -> Any:
        is_alias: bool = draw(st.booleans())
        return draw(st.sampled_from(values)) if values and is_alias else draw(st.text(CHARACTERS))

    for _ in range(draw(st.integers(1, 6))):
        size = draw(st.integers(0, 3))
        kind = draw(st.sampled_from(("text", "list", "mapping")))
        if kind == "text":
            values.append(value())
        elif kind == "list":
            values.append([value() for _ in range(size)])
        else:
            values.append({f"key {number}" + draw(st.text(CHARACTERS)): value() for number in range(size)})
    return yaml.dump(
        {f"top {number}": value for number, value in enumerate(values)},
        Dumper=Dumper,
        default_flow_style=draw(st.sampled_from((True, False, None))),
        default_style=draw(st.sampled_from((None, '"', "'", "|", ">"))),
        allow_unicode=draw(st.booleans()),
        width=draw(st.sampled_from((5, 80))),
        indent=draw(st.integers(2, 4)),
        explicit_start=draw(st.booleans()),
        sort_keys=False,
    )


def parsed(text: str) -> tuple[Parsed, list[str]]:
    """The tree, and the codes of its errors."""
    findings = Findings()
    found = parse(text.encode(), ORIGIN, findings)
    return found, [problem.code for problem in findings.problems(strict=True) if problem.code != "swallowed-text"]


def built(node: Node) -> object:
    """A tree as plain data with positions."""
    match node:
        case ScalarNode():
            return node.text, node.plain, node.line, node.column
        case ListNode():
            return [node.line, node.column, *map(built, node.items)]
        case MapNode():
            return {
                "": (node.line, node.column),
                **{key: (built(pair.key), built(pair.value)) for key, pair in node.by_key.items()},
            }


def composed(node: Any) -> object:
    """The same of a tree that PyYAML composed."""
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.ScalarNode):
        return node.value, not node.style, line, column
    if isinstance(node, yaml.SequenceNode):
        return [line, column, *map(composed, node.value)]
    return {"": (line, column), **{key.value: (composed(key), composed(value)) for key, value in node.value}}


@given(texts())
@example("a: &1 [x]\nb: {c: *1, d: &2 {e: *1}}\nf: *2\n")
def test_a_tree_is_what_pyyaml_composes(text: str) -> None:
    tree, errors = parsed(text)
    assert errors == []
    assert tree.node is not None
    assert built(tree.node) == composed(yaml.compose(text, Loader=yaml.BaseLoader))


class Counted:
    """The nodes that the aliases of a text add, its depth, and its number of events, counted plainly."""

    def __init__(self, text: str) -> None:
        self.added = self.depth = self.events = 0
        self._anchors: dict[str | None, tuple[int, int]] = {}
        self._left: Iterator[Any] = iter(list(yaml.parse(text, Loader=yaml.BaseLoader)))
        for event in self._left:
            self.events += 1
            if isinstance(event, yaml.NodeEvent):
                self._node(event, 0)

    def _node(self, event: Any, above: int) -> tuple[int, int]:
        """Count a node below so many lists and mappings; return its nodes and its depth."""
        if isinstance(event, yaml.AliasEvent):
            size, depth = self._anchors[event.anchor]
            self.added += size
            self.depth = max(self.depth, above + depth)
            return size, depth
        size = depth = 1
        if isinstance(event, yaml.CollectionStartEvent):
            self.depth = max(self.depth, above + 1)
            for inner in self._left:
                self.events += 1
                if isinstance(inner, yaml.CollectionEndEvent):
                    break
                found = self._node(inner, above + 1)
                size, depth = size + found[0], max(depth, found[1] + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = size, depth
        return size, depth


@given(texts())
@example("a: &1 [x]\nb: {c: *1, d: &2 {e: *1, f: []}}\ng: [*2, *2]\n")
@example("a: &1 []\nb: &2 [*1]\nc: &3 [*2, {? *1 : *2}]\nd: *3\n")
def test_limits_count_every_node(text: str) -> None:
    counted = Counted(text)
    limits = {"MOST_EXPANDED": counted.added, "MOST_DEPTH": counted.depth, "MOST_WRITTEN": counted.events}
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in limits.items():
            patch.setattr(yaml_tree, name, limit)
        assert set(parsed(text)[1]) <= {"key-not-text"}
        for name, limit in limits.items():
            if limit:
                patch.setattr(yaml_tree, name, limit - 1)
                assert {"too-large", "too-deep"} & set(parsed(text)[1]), name
                patch.setattr(yaml_tree, name, limit)
