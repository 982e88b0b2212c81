"""What may stand where in the files, worked out from the kinds: sections, fields, blocks and the keys of all resources.

Takes the table of kinds; gives, for each kind and for the top level, what every key is. This is the one place that
knows that kinds nest; a new kind needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field

COMMON_KEYS = ("sid", "absent", "renamed_from", "lifecycle", "sensitive")
SINGLETON_KEYS = ("lifecycle", "sensitive")
TOP_KEYS = (
    "version", "include", "account", "templates", "variables", "environments", "prune", "limits", "approvals",
    "unmanaged", "acknowledge",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """A mapping that holds fields: a resource's own, or a block inside.

    Attributes:
        fields: the fields by key.
        blocks: the blocks by key.
    """

    fields: dict[str, Field] = field(default_factory=dict)
    blocks: dict[str, Group] = field(default_factory=dict)

    def paths(self) -> Iterator[str]:
        """The paths of every field inside."""
        for entry in self.fields.values():
            yield entry.path
        for block in self.blocks.values():
            yield from block.paths()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, fields first."""
        return (*self.fields, *self.blocks)


Sections: TypeAlias = dict[str, "Kind | Sections"]
"""What stands under section keys: a kind, or a mapping of further sections (``account``)."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What may stand in a resource of one kind.

    Attributes:
        kind: the kind.
        group: its fields and blocks.
        sections: the kinds inside, by section key.
        prunable: those of them that may be pruned, by section key.
        keys: every key that may stand there, for suggestions.
        by_path: each field and block by dotted path: the paths of the fields that it stands for.
        type_first: whether the field `type` decides which words another field takes.
    """

    kind: Kind
    group: Group
    sections: Sections
    prunable: Mapping[str, Kind]
    keys: tuple[str, ...]
    by_path: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Layout:
    """What may stand where.

    Attributes:
        kinds: every kind by name.
        sections: the kinds at the top, by section key.
        shapes: what may stand in a resource, by kind name.
        prunable: the kinds at the top that may be pruned, by section key.
        top_keys: every key of the top level.
    """

    kinds: Mapping[str, Kind]
    sections: Sections
    shapes: Mapping[str, Shape]
    prunable: Mapping[str, Kind]
    top_keys: tuple[str, ...]

    @classmethod
    def of(cls, kinds: Sequence[Kind]) -> Layout:
        """Work it out from a table of kinds."""
        shapes = {kind.name: _shape(kind, kinds) for kind in kinds}
        top = _sections(None, kinds)
        return cls(
            {kind.name: kind for kind in kinds},
            top,
            shapes,
            _prunable(top),
            tuple(dict.fromkeys([*TOP_KEYS, *top])),
        )

    @property
    def templated(self) -> Shape | None:
        """What may stand in a resource that can use a template, and so in a template."""
        return next((shape for shape in self.shapes.values() if shape.kind.is_container), None)

    def kind_at(self, parts: Sequence[str]) -> Kind | None:
        """The kind of the resource at an address; None when nothing can stand there."""
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
            sections = self.shapes[kind.name].sections
        return kind


@KINDS.derived
def standard_layout() -> Layout:
    """The layout of the kinds that this release has."""
    return Layout.of(KINDS)


def _shape(kind: Kind, kinds: Sequence[Kind]) -> Shape:
    group = Group()
    for block in kind.blocks:
        _group_of(group, block.path.split("."))
    for entry in kind.fields:
        *above, name = entry.path.split(".")
        _group_of(group, above).fields[name] = entry
    sections = _sections(kind.name, kinds)
    keys = [*group.keys, *sections, *(SINGLETON_KEYS if kind.singleton else COMMON_KEYS)]
    prunable = _prunable(sections)
    if prunable:
        keys.append("prune")
    if kind.is_container:
        keys.append("template")
    by_path: dict[str, tuple[str, ...]] = {entry.path: (entry.path,) for entry in kind.fields}
    by_path |= {block.path: tuple(_group_of(group, block.path.split(".")).paths()) for block in kind.blocks}
    return Shape(kind, group, sections, prunable, tuple(keys), by_path)


def _group_of(group: Group, names: Sequence[str]) -> Group:
    for name in names:
        group = group.blocks.setdefault(name, Group())
    return group


def _sections(parent: str | None, kinds: Sequence[Kind]) -> Sections:
    sections: Sections = {}
    for kind in kinds:
        if kind.parent != parent:
            continue
        inner = sections
        for key in kind.section[:-1]:
            below = inner.setdefault(key, {})
            assert isinstance(below, dict), f"{kind.section} leads through the section of another kind"
            inner = below
        assert kind.section[-1] not in inner, f"two kinds at {kind.section}"
        inner[kind.section[-1]] = kind
    return sections


def _prunable(sections: Sections) -> dict[str, Kind]:
    return {
        key: kind for key, kind in sections.items() if isinstance(kind, Kind) and kind.deletable and not kind.singleton
    }
