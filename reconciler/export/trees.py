"""Live resources as trees of keys and values, with comments where the user must act. Pure.

Takes a `State`, the existing files, and the exclusions of earlier attempts; returns one `Tree` for each service and one
for everything else. Empty values, and unchanged resources that Twilio created, are left out. Everything else that the
files cannot contain is mentioned in a comment, so that a plan of the files is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from reconciler.address import Address
from reconciler.export.exclusions import Exclusions, FieldKey
from reconciler.export.existing import ExistingFiles
from reconciler.export.fields import FieldFilter, changes_by_itself, has_effect, unreturned
from reconciler.export.handles import in_order
from reconciler.export.naming import Naming
from reconciler.export.values import ValueWriter
from reconciler.export.yaml_writer import Data, Literal, Tree, comment
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.relations import settings_of
from reconciler.planning.diff import holds_secret
from reconciler.state import Live, State

_SEALED = "sealed"
_ON_SEALED = (
    "Sealed, as is each service with this key: removing a line from `configuration`, `notifications`, or `webhooks`",
    "clears the live value. To stop managing these, remove `sealed` too, or list them in `unmanaged.ignore`.",
)


class TreeWriter:
    """Writes the trees of one attempt.

    Args:
        state: The account.
        existing: The existing files.
        exclusions: The exclusions of earlier attempts.
        service_folder: The folder of the services' files, relative to the root file; empty if there is one file.
        scope: SIDs of the resources to write; None for all.

    Attributes:
        naming: The addresses of the resources.
        values: The values of the fields, and the required secrets.
        placed: The SID of the resource at each address that is written.
        commented_out: Fields that are left out with a comment.
    """

    def __init__(
        self,
        state: State,
        existing: ExistingFiles,
        exclusions: Exclusions,
        service_folder: str = "",
        scope: frozenset[str] | None = None,
    ) -> None:
        self.state = state
        self.existing = existing
        self.exclusions = exclusions
        self.scope = scope
        self.fields = FieldFilter(existing, exclusions)
        self.naming = Naming(state, self.fields, scope)
        self.values = ValueWriter(state, self.fields, self.naming, service_folder)
        self.placed = {address: sid for sid, address in self.naming.addresses.items()}
        self.commented_out: set[FieldKey] = set()

    # --- trees --------------------------------------------------------------------------------------------------------

    def top(self, *, with_services: bool) -> Tree[FieldKey]:
        """Build the tree of the root file.

        Args:
            with_services: Whether the root file contains the services.
        """
        tree: Tree[FieldKey] = Tree()
        account = tree.below("account")
        account.add("sid", Literal(self.state.account_sid))
        if self._is_complete(None, ()):
            account.add(_SEALED, Literal("true"), comments=_ON_SEALED)
        kinds = [kind for kind in KINDS if kind.parent is None]
        for kind in kinds:
            if not kind.is_container or with_services:
                self._write_kind(kind, (), tree)
        is_elsewhere = not with_services and any(live.kind.is_container for live in self._members())
        policies = self.existing.policies
        policies.write_prune(tree, None, kinds, self.exclusions.unpruned, with_empty=not is_elsewhere)
        policies.write_top(tree)
        return tree

    def services(self) -> Iterator[tuple[str, Tree[FieldKey]]]:
        """Yield each service: its handle, and a tree with ``services: {handle: …}``."""
        members = [live for live in self._members() if live.kind.is_container]
        for live in self._sorted(members):
            tree: Tree[FieldKey] = Tree()
            self._write_member(live, tree.below(*live.kind.section))
            yield self.naming.handle(live), tree

    def _members(self) -> Iterator[Live]:
        return (live for live in self.state if live.sid in self.naming.addresses)

    def _sorted(self, members: Sequence[Live]) -> list[Live]:
        return sorted(members, key=lambda live: self.naming.addresses[live.sid])

    def _write_kind(self, kind: Kind, parents: tuple[str, ...], into: Tree[FieldKey]) -> None:
        """Write a collection or a singleton, unless it is empty."""
        if kind.singleton:
            self._write_singleton(kind, parents, into)
            return
        everything = [live for live in self.state.collection(kind, parents) if self._is_covered(live)]
        section: Tree[FieldKey] = Tree()
        for live in self._sorted([live for live in everything if live.sid in self.naming.addresses]):
            self._write_member(live, section)
        section.comments += self._section_comments(kind, everything)
        if section.keys:
            self._place(into, kind, section, None)
        else:
            into.comments += section.comments

    def _write_singleton(self, kind: Kind, parents: tuple[str, ...], into: Tree[FieldKey]) -> None:
        live = self.state.singleton(kind, parents)
        if live is None or not self._is_covered(live) or FieldKey(live.sid) in self.exclusions.left_out:
            return
        tree = self.resource(live)
        if not tree.is_empty and not self._is_untouched(live):
            self._place(into, kind, tree, FieldKey(live.sid))
            above = self.naming.addresses[parents[-1]].parts if parents else ()
            self.placed[Address((*above, *kind.section))] = live.sid

    @staticmethod
    def _place(into: Tree[FieldKey], kind: Kind, tree: Tree[FieldKey], owner: FieldKey | None) -> None:
        into.below(*kind.section[:-1]).add(kind.section[-1], tree, owner)

    def _write_member(self, live: Live, section: Tree[FieldKey]) -> None:
        section.add(self.naming.addresses[live.sid].parts[-1], self.member(live), FieldKey(live.sid))

    def member(self, live: Live) -> Tree[FieldKey]:
        """Build the tree of a resource with the resources inside it."""
        tree = self.resource(live)
        if settings_of(live.kind) and self._is_complete(live.kind, live.lineage):
            tree.add(_SEALED, Literal("true"), FieldKey(live.sid))
        inner = [kind for kind in KINDS if kind.parent == live.kind.name]
        for kind in inner:
            self._write_kind(kind, live.lineage, tree)
        address = self.naming.addresses[live.sid]
        self.existing.policies.write_prune(tree, address, inner, self.exclusions.unpruned)
        return tree

    def _section_comments(self, kind: Kind, everything: Sequence[Live]) -> Iterator[str]:
        """Yield comments on the parts that a section leaves out."""
        for live in in_order(everything):
            reason = self.exclusions.left_out.get(FieldKey(live.sid))
            if reason is not None:
                name = "" if self.naming.spells_secret(live) else f" ({comment(live.name)})"
                yield f"{live.sid}{name} is left out: {comment(reason)}"
        closed = sum(1 for live in everything if live.kind.why_final(live.values))
        if closed:
            nouns = f"{kind.noun} is" if closed == 1 else f"{kind.noun}s are"
            yield f"{closed} closed {nouns} left out: closed is permanent, and nothing in them can change."
        written = [live for live in everything if self.naming.is_written(live)]
        for name, path in unreturned(kind).items():
            if any(has_effect(live, kind.by_path[path]) for live in written):
                them = "them" if name.endswith("s") else "it"
                yield f"Twilio does not return `{name}`: add {them} where a {kind.noun} has {them}."

    def _is_covered(self, live: Live) -> bool:
        return self.scope is None or live.sid in self.scope

    def _is_complete(self, owner: Kind | None, parents: tuple[str, ...]) -> bool:
        """Return whether every setting was read and none is left out, so that `sealed` clears nothing."""
        return all(
            (live := self.state.singleton(kind, parents)) is not None
            and self._is_covered(live)
            and FieldKey(live.sid) not in self.exclusions.left_out
            and not any(self._is_left_out(live, item, dict(self.fields.written(live))) for item in kind.fields)
            for kind in settings_of(owner)
        )

    @staticmethod
    def _is_left_out(live: Live, item: Field, written: Mapping[str, Content]) -> bool:
        content = live.values.get(item.path)
        return not (item.write_only or item.is_empty(content) or item.path in written)

    # --- resources ----------------------------------------------------------------------------------------------------

    def _is_untouched(self, live: Live) -> bool:
        """Return whether a singleton was not changed since Twilio created it."""
        initial = live.kind.initial
        known = (*self.exclusions.left_out, *self.existing.kept)
        return not any(key.sid == live.sid for key in known) and all(
            item.write_only or item.is_empty(live.values.get(item.path))
            or live.values.get(item.path) == initial.get(item.path)
            for item in live.kind.fields
        )  # fmt: skip

    def resource(self, live: Live) -> Tree[FieldKey]:
        """Build the tree of a resource, without the resources inside it."""
        tree: Tree[FieldKey] = Tree()
        pin = self.naming.pin(live)
        if pin:
            tree.add("sid", Literal(live.sid), FieldKey(live.sid), (f"pinned: {pin}",))
        written = dict(self.fields.written(live, "" if pin else self.naming.handle(live)))
        moving: list[str] = []
        for item in live.kind.fields:
            *blocks, name = item.path.split(".")
            content = live.values.get(item.path)
            key = FieldKey(live.sid, item.path)
            if item.path in written:
                value, comments = self.values.value(live, item, content)
                tree.below(*blocks).add(name, value, key, comments)
                if changes_by_itself(live.kind, item, content):
                    moving.append(item.path)
            elif item.secret and has_effect(live, item):
                value, comments = self.values.secret(key)
                tree.below(*blocks).add(name, value, key, comments)
            elif not item.write_only and not item.is_empty(content):
                tree.comments += self._why_left_out(live, item, content)
        self._write_policies(live, moving, tree)
        return tree

    def _write_policies(self, live: Live, moving: Sequence[str], tree: Tree[FieldKey]) -> None:
        policies = self.existing.policies
        if lifecycle := policies.lifecycle_of(live.sid, moving):
            why = ("it changes by itself, so only a create sends it",) if moving else ()
            tree.add("lifecycle", Data(lifecycle), FieldKey(live.sid), why)
        if hidden := policies.sensitive.get(live.sid):
            tree.add("sensitive", tuple(sorted(hidden)), FieldKey(live.sid))

    def _why_left_out(self, live: Live, item: Field, content: Content) -> Iterator[str]:
        """Yield a comment on a field that is left out; with its live value, unless that may be secret."""
        key = FieldKey(live.sid, item.path)
        reason = self.exclusions.left_out.get(key)
        if reason is not None:
            shown = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=list)
            may_be_secret = (
                (item.shape is Shape.URL and ("@" in shown or holds_secret(item, shown)))
                or key in self.existing.kept
                or self.existing.secret_in(item, content)
            )
            yield f"{item.path} is left out: {comment(reason)}" + (
                "" if may_be_secret else f" (live: {comment(shown)})"
            )
        elif reason := self.fields.why_unwritable(live, item):
            self.commented_out.add(key)
            yield f"{item.path} is left out: {reason}"
