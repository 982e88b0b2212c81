"""Drafts: the resources of a configuration and their addresses, before their fields are read.

Takes the merged tree and the layout; returns one `Draft` per resource and reports invalid handles. This stage comes
first because resolving a reference requires all handles. `resource_reader` reads the fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from reconciler.address import Address, looks_like_sid
from reconciler.config.findings import Findings, shown
from reconciler.config.layout import KindLayout, Layout, Sections
from reconciler.config.lint import skeleton
from reconciler.config.model import Lifecycle, Value, natural_key_of
from reconciler.config.nodes import KeyValue, MapNode, Node, ScalarNode
from reconciler.errors import Place
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass

# Line breaks and characters that reorder the text around them, since reviewers read addresses. Other invisible
# characters follow the rules for names.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Most resources have none of these, so they share them.
_EMPTY: Mapping[str, Any] = MappingProxyType({})
_UNPROTECTED = Lifecycle()


def _nothing() -> Mapping[str, Any]:
    return _EMPTY


@dataclass(slots=True, eq=False)
class Draft:
    """A resource that is being read; it becomes a `Declared`, which describes the other attributes.

    Its mappings, except `values`, are replaced and never changed.

    Attributes:
        address: Its address.
        layout: Its valid keys.
        key: Its handle, or the section key of a singleton.
        by_key: Its mapping.
        parent: The resource that contains it; None at the top.
        is_template: Whether it is a template or part of one: its references are not resolved, and its handle is not a
            natural key.
        values: The values read so far, by field path.
        forms: The texts that contain secrets, with the secrets by name, by field path.
        words: For each set, the scalars of its words, by field path and word.
        broken: The paths of fields that are written but could not be read.
        references: The references to resolve: field path, text, and scalar.
        kind: Its kind.
        sealed: The key `sealed`, if it is true: undeclared settings are then declared as empty.
    """

    address: Address
    layout: KindLayout
    key: ScalarNode
    by_key: Mapping[str, KeyValue]
    parent: Draft | None
    is_template: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=_nothing)
    derived: Mapping[str, Content] = field(default_factory=_nothing)
    words: Mapping[str, Mapping[str, ScalarNode]] = field(default_factory=_nothing)
    broken: frozenset[str] = frozenset()
    pin: str | None = None
    pin_place: Place | None = None
    absent: bool = False
    renamed_from: str = ""
    renamed_from_place: Place | None = None
    lifecycle: Lifecycle = _UNPROTECTED
    sensitive: frozenset[str] = frozenset()
    references: tuple[tuple[str, str, ScalarNode], ...] = ()
    sealed: ScalarNode | None = None
    kind: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.layout.kind

    @property
    def handle(self) -> str:
        """Its key in the configuration."""
        return self.key.text

    @property
    def natural_key(self) -> str:
        """The natural key as one text; empty if it has none or the key is unknown."""
        return natural_key_of(self.kind, self.values)

    @property
    def is_absent(self) -> bool:
        """Whether it or a resource that contains it is declared ``absent``."""
        return self.absent or (self.parent is not None and self.parent.is_absent)

    @property
    def problem_address(self) -> str:
        """The address that problems name; empty for templates, which apply to several resources."""
        return "" if self.is_template else str(self.address)


class DraftBuilder:
    """Builds the drafts of a configuration.

    Args:
        layout: The valid keys.
        findings: Collects the problems.
    """

    def __init__(self, layout: Layout, findings: Findings) -> None:
        self._layout = layout
        self._findings = findings

    def build(self, tree: MapNode) -> list[Draft]:
        """Build a draft for each resource of a configuration, parents first."""
        drafts: list[Draft] = []
        self._add_sections(drafts, self._layout.sections, tree.by_key, (), None, is_template=False)
        return drafts

    def build_template(self, key: ScalarNode, table: MapNode, layout: KindLayout) -> list[Draft]:
        """Build the drafts of a template and of the resources in it."""
        draft = Draft(Address.of("templates", key.text), layout, key, table.by_key, None, is_template=True)
        drafts: list[Draft] = []
        self._add_with_contents(drafts, draft)
        return drafts

    def _add_with_contents(self, drafts: list[Draft], draft: Draft) -> None:
        drafts.append(draft)
        if draft.layout.sections:
            self._add_sections(
                drafts,
                draft.layout.sections,
                draft.by_key,
                draft.address.parts,
                draft,
                is_template=draft.is_template,
            )

    def _add_sections(
        self,
        drafts: list[Draft],
        sections: Sections,
        by_key: Mapping[str, KeyValue],
        parts: tuple[str, ...],
        parent: Draft | None,
        *,
        is_template: bool,
    ) -> None:
        for name, found in sections.items():
            pair = by_key.get(name)
            if pair is None:
                continue
            path = (*parts, name)
            if isinstance(found, Kind):
                layout = self._layout.layouts[found.name]
                if found.singleton:
                    draft = Draft(Address(path), layout, pair.key, self._settings(pair), parent, is_template)
                    self._add_with_contents(drafts, draft)
                    continue
                for handle, inner in self.table(pair.value, f"{name} must be a mapping of handles").items():
                    if self._is_handle(inner.key):
                        address = Address((*path, handle))
                        draft = Draft(address, layout, inner.key, self._settings(inner), parent, is_template)
                        self._add_with_contents(drafts, draft)
            else:
                below = self.table(pair.value, f"{name} must be a mapping")
                self._add_sections(drafts, found, below, path, parent, is_template=is_template)

    def _settings(self, pair: KeyValue) -> Mapping[str, KeyValue]:
        """Return the keys and values of a resource."""
        if isinstance(pair.value, MapNode):
            return pair.value.by_key
        return self.table(pair.value, f"{shown(pair.key.text)} must be a mapping of settings")

    def table(self, node: Node, message: str) -> Mapping[str, KeyValue]:
        """Return the keys and values of a mapping; null counts as an empty one. Reports anything else."""
        if isinstance(node, MapNode):
            return node.by_key
        if not (isinstance(node, ScalarNode) and node.is_null):
            hint = "write keys with colons, indented below it, or {} for none"
            self._findings.error("wrong-type", message, node.place, hint)
        return {}

    def _is_handle(self, key: ScalarNode) -> bool:
        text = key.text
        # A key is text, also if YAML reads it as null: a user may have the identity "null".
        if not skeleton(text):
            message, hint = "a handle is empty", "give the resource a name"
        elif looks_like_sid(text):
            message, hint = (
                f"the handle {shown(text)} looks like a SID",
                "choose a name, and pin the resource with sid:",
            )
        elif "${" in text:
            message, hint = (
                f"the handle {shown(text)} cannot be interpolated",
                "write a name, and interpolate the natural key below it",
            )
        elif _CONTROLS.search(text) is not None:
            message, hint = f"the handle {shown(text)} contains a line break or a control character", "remove it"
        else:
            return True
        self._findings.error("malformed-handle", message, key.place, hint)
        return False
