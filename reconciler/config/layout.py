"""The layout of configuration files, derived from the kinds: the keys of each kind and of the top level.

Takes the table of kinds; returns a `Layout`. No other module knows how kinds nest. A new kind needs no change here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import TypeAlias

from reconciler.address import Address
from reconciler.config.similar import closest
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import Vocabulary
from reconciler.lazy_dataclass import dataclass

_MOST_PARTS = 20
"""An address of more parts names nothing similar: comparing each part of a hostile one would take minutes."""
COMMON_KEYS = ("sid", "absent", "renamed_from", "lifecycle", "sensitive")
SINGLETON_KEYS = ("lifecycle", "sensitive")
TOP_KEYS = (
    "version", "include", "account", "templates", "variables", "environments", "prune", "limits", "approvals",
    "unmanaged", "acknowledge", "on_removal", "removed", "ledger",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldTree:
    """The fields and nested blocks of a resource, or of one of its blocks.

    Attributes:
        fields: The fields by key.
        blocks: The nested blocks by key.
    """

    fields: dict[str, Field] = field(default_factory=dict)
    blocks: dict[str, FieldTree] = field(default_factory=dict)

    def paths(self) -> Iterator[str]:
        """Yield the path of every field, nested blocks included."""
        for item in self.fields.values():
            yield item.path
        for block in self.blocks.values():
            yield from block.paths()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, fields first."""
        return (*self.fields, *self.blocks)


Sections: TypeAlias = dict[str, "Kind | Sections"]
"""Section keys, each with its kind or a mapping of further sections (``account``)."""


@dataclass(frozen=True, eq=False)
class KindLayout:
    """The keys of a resource of one kind.

    What depends on its fields is derived on first use: most commands need the fields of few kinds.

    Attributes:
        kind: The kind.
        sections: The kinds that it contains, by section key.
        prunable: The prunable ones of these, by section key.
    """

    kind: Kind
    sections: Sections
    prunable: Mapping[str, Kind]

    @cached_property
    def field_tree(self) -> FieldTree:
        """Its fields and blocks."""
        tree = FieldTree()
        for block in self.kind.blocks:
            _subtree(tree, block.path.split("."))
        for item in self.kind.fields:
            *above, name = item.path.split(".")
            _subtree(tree, above).fields[name] = item
        return tree

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Every valid key, for suggestions."""
        keys = [*self.field_tree.keys, *self.sections, *(SINGLETON_KEYS if self.kind.singleton else COMMON_KEYS)]
        if self.prunable:
            keys.append("prune")
        if self.kind.is_container:
            keys.append("template")
        if self.settings:
            keys.append("sealed")
        return tuple(keys)

    @cached_property
    def by_path(self) -> Mapping[str, tuple[str, ...]]:
        """The field paths that each dotted path covers: one for a field, several for a block."""
        fields, blocks = self.kind.fields, self.kind.blocks
        return {item.path: (item.path,) for item in fields} | {
            block.path: tuple(_subtree(self.field_tree, block.path.split(".")).paths()) for block in blocks
        }

    @cached_property
    def vocabularies(self) -> tuple[tuple[Field, Vocabulary], ...]:
        """Its sets of words that Twilio knows."""
        return tuple(
            (item, vocabulary)
            for item in self.kind.fields
            if item.shape is Shape.SET and (vocabulary := item.marker(Vocabulary)) is not None
        )

    @property
    def settings(self) -> tuple[Kind, ...]:
        """The singletons that it contains, whose undeclared values `sealed` clears."""
        return settings_in(self.sections)


@dataclass(frozen=True, eq=False)
class Layout:
    """The keys of a whole configuration.

    Attributes:
        kinds: Every kind by name.
        sections: The top-level kinds, by section key.
        layouts: The layout of each kind, by its name.
        prunable: The prunable top-level kinds, by section key.
        top_keys: Every valid top-level key.
    """

    kinds: Mapping[str, Kind]
    sections: Sections
    layouts: Mapping[str, KindLayout]
    prunable: Mapping[str, Kind]
    top_keys: tuple[str, ...]

    @classmethod
    def of(cls, kinds: Sequence[Kind]) -> Layout:
        """Derive the layout from a table of kinds."""
        top = _sections(None, kinds)
        return cls(
            {kind.name: kind for kind in kinds},
            top,
            {kind.name: _kind_layout(kind, kinds) for kind in kinds},
            _prunable(top),
            tuple(dict.fromkeys([*TOP_KEYS, *top])),
        )

    @property
    def removable(self) -> dict[str, Kind]:
        """The kinds whose resources can be deleted, by the key of their section."""
        kinds = (inner.kind for inner in self.layouts.values())
        return {kind.section[-1]: kind for kind in kinds if kind.deletable and not kind.singleton}

    @property
    def templated(self) -> KindLayout | None:
        """The layout of the kind that can use templates, and so of templates; None if no kind can."""
        return next((inner for inner in self.layouts.values() if inner.kind.is_container), None)

    def kind_at(self, parts: Sequence[str]) -> Kind | None:
        """Return the kind of the resource at an address; None if no resource can have it."""
        sections: Sections = self.sections
        position = 0
        kind: Kind | None = None
        while position < len(parts):
            found: Kind | Sections | None = sections.get(parts[position])
            position += 1
            while isinstance(found, dict):
                found = found.get(parts[position]) if position < len(parts) else None
                position += 1
            if found is None:
                return None
            kind = found
            if not kind.singleton:
                if position >= len(parts) or not parts[position]:
                    return None
                position += 1
            sections = self.layouts[kind.name].sections
        return kind

    def closest_address(self, address: Address, is_valid: Callable[[Address], bool]) -> Address | None:
        """Return the valid address that differs in one misspelled section or field; None if there is none."""
        if len(address.parts) > _MOST_PARTS:
            return None
        for position, part in enumerate(address.parts):
            above = self.kind_at(address.parts[:position])
            fields = self.layouts[above.name].by_path if above is not None else ()
            sections = (word for kind in self.kinds.values() for word in kind.section)
            meant = closest(part, {*sections, *(word for path in fields for word in path.split("."))})
            right = Address((*address.parts[:position], meant, *address.parts[position + 1 :]))
            if meant and is_valid(right):
                return right
        return None


@KINDS.derived
def standard_layout() -> Layout:
    """Return the layout of this release's kinds."""
    return Layout.of(KINDS)


def _kind_layout(kind: Kind, kinds: Sequence[Kind]) -> KindLayout:
    sections = _sections(kind.name, kinds)
    return KindLayout(kind, sections, _prunable(sections))


def _subtree(tree: FieldTree, names: Sequence[str]) -> FieldTree:
    for name in names:
        tree = tree.blocks.setdefault(name, FieldTree())
    return tree


def _sections(parent: str | None, kinds: Sequence[Kind]) -> Sections:
    sections: Sections = {}
    for kind in kinds:
        if kind.parent != parent:
            continue
        inner = sections
        for key in kind.section[:-1]:
            below = inner.setdefault(key, {})
            assert isinstance(below, dict), f"the section {kind.section} passes through that of another kind"
            inner = below
        assert kind.section[-1] not in inner, f"two kinds share the section {kind.section}"
        inner[kind.section[-1]] = kind
    return sections


def settings_in(sections: Sections) -> tuple[Kind, ...]:
    """Return the singletons in a section and in the sections inside it."""
    found: list[Kind] = []
    for inner in sections.values():
        if isinstance(inner, dict):
            found += settings_in(inner)
        elif inner.singleton:
            found.append(inner)
    return tuple(found)


def _prunable(sections: Sections) -> dict[str, Kind]:
    return {
        key: kind for key, kind in sections.items() if isinstance(kind, Kind) and kind.deletable and not kind.singleton
    }
