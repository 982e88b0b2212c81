"""Resources while they are read: what stands where, before anything inside is understood.

Takes the merged tree and the layout; gives one `Draft` per resource and tells keys and handles that cannot stand there.
The handles of all resources have to be known before a reference can be read, so this goes first. What is inside of a
resource is for `resources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.address import Address, looks_like_sid
from reconciler.config.findings import Findings, shown
from reconciler.config.layout import Layout, Sections, Shape
from reconciler.config.lint import skeleton
from reconciler.config.model import Lifecycle, Value
from reconciler.config.nodes import Entry, Node, Scalar, Table
from reconciler.errors import Place
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content

# Line breaks, and what reorders the text around it: addresses are shown in reviews. Other invisible characters follow
# the rules of names.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(slots=True, eq=False)
class Draft:
    """A resource that is being read; see `Declared` for what it becomes.

    Attributes:
        address: where it stands.
        shape: what may stand in it.
        key: its handle, or the section key of a singleton.
        entries: its mapping.
        parent: the resource that contains it; None at the top.
        is_template: whether it is (inside of) a template, where nothing is referred to and nothing is left out.
        sections: the section keys that stand in it.
        values: what was read, by field path.
        forms: the texts that hold secrets, with these by name; by field path.
        words: by the path of a set, where each of its words is written.
        broken: the paths of fields that are written and could not be read.
    """

    address: Address
    shape: Shape
    key: Scalar
    entries: Mapping[str, Entry]
    parent: Draft | None
    is_template: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    derived: Mapping[str, Content] = field(default_factory=dict)
    words: dict[str, Mapping[str, Scalar]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    pin: str | None = None
    pin_place: Place | None = None
    absent: bool = False
    renamed_from: str = ""
    renamed_from_place: Place | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    sensitive: frozenset[str] = frozenset()
    references: list[tuple[str, str, Scalar]] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.shape.kind

    @property
    def handle(self) -> str:
        """Its key in the files."""
        return self.key.text

    @property
    def natural_key(self) -> str:
        """The natural key as one text; empty where there is none, or none that can be told."""
        return self.kind.name_of({path: value.content for path, value in self.values.items()})

    @property
    def goes(self) -> bool:
        """Whether it or what contains it must not exist: then nothing of it is managed."""
        return self.absent or (self.parent is not None and self.parent.goes)

    @property
    def about(self) -> str:
        """The address for a problem; empty for templates, which stand for several resources."""
        return "" if self.is_template else str(self.address)


class Drafting:
    """Finds every resource of a tree.

    Args:
        layout: what may stand where.
        findings: takes every problem.
    """

    def __init__(self, layout: Layout, findings: Findings) -> None:
        self._layout = layout
        self._findings = findings

    def of_tree(self, tree: Table) -> list[Draft]:
        """The resources of a whole configuration, each after the one that contains it."""
        return list(self._in_sections(self._layout.sections, tree.entries, (), None, is_template=False))

    def of_template(self, key: Scalar, table: Table, shape: Shape) -> list[Draft]:
        """A template and what is inside, as if it were a resource."""
        draft = Draft(Address.of("templates", key.text), shape, key, table.entries, None, is_template=True)
        return [draft, *self._inside(draft)]

    def _inside(self, draft: Draft) -> Iterator[Draft]:
        if draft.shape.sections:
            yield from self._in_sections(
                draft.shape.sections, draft.entries, draft.address.parts, draft, is_template=draft.is_template
            )

    def _in_sections(
        self,
        sections: Sections,
        entries: Mapping[str, Entry],
        parts: tuple[str, ...],
        parent: Draft | None,
        *,
        is_template: bool,
    ) -> Iterator[Draft]:
        for name, found in sections.items():
            entry = entries.get(name)
            if entry is None:
                continue
            path = (*parts, name)
            if isinstance(found, Kind):
                shape = self._layout.shapes[found.name]
                if found.singleton:
                    yield from self._resource(path, shape, entry, parent, is_template=is_template)
                    continue
                for inner in self.table(entry.value, f"{name} must be a mapping of handles").values():
                    if self._is_handle(inner.key):
                        yield from self._resource(
                            (*path, inner.key.text), shape, inner, parent, is_template=is_template
                        )
            else:
                below = self.table(entry.value, f"{name} must be a mapping")
                yield from self._in_sections(found, below, path, parent, is_template=is_template)

    def _resource(
        self, path: tuple[str, ...], shape: Shape, entry: Entry, parent: Draft | None, *, is_template: bool
    ) -> Iterator[Draft]:
        message = f"{shown(entry.key.text)} must be a mapping of settings"
        draft = Draft(Address(path), shape, entry.key, self.table(entry.value, message), parent, is_template)
        yield draft
        yield from self._inside(draft)

    def table(self, node: Node, message: str) -> Mapping[str, Entry]:
        """The entries of a mapping; null is an empty one, anything else an error."""
        if isinstance(node, Table):
            return node.entries
        if not (isinstance(node, Scalar) and node.is_null):
            hint = "write keys with colons, indented below; {} when there is nothing to say"
            self._findings.error("wrong-type", message, node.place, hint)
        return {}

    def _is_handle(self, key: Scalar) -> bool:
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
