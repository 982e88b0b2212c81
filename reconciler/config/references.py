"""References: names of other resources, resolved once all resources are read.

Takes the drafts; replaces the text of each reference field by a `Reference`, or keeps it if it is a SID. Reports
unknown names, references to absent resources, and roles of the wrong type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address, looks_like_sid
from reconciler.config.drafts import Draft
from reconciler.config.findings import Findings, shown
from reconciler.config.lookalike import did_you_mean
from reconciler.config.model import Reference
from reconciler.config.nodes import ScalarNode
from reconciler.config.value_parsers import is_sid, sid_error
from reconciler.errors import Place
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Ref


class References:
    """Resolves references.

    Args:
        drafts: Every resource.
        kinds: Every kind by name.
        findings: Collects the problems.
        complete: Whether every file was read. If not, an unknown name is not reported.
    """

    def __init__(
        self, drafts: Sequence[Draft], kinds: Mapping[str, Kind], findings: Findings, *, complete: bool
    ) -> None:
        self._kinds = kinds
        self._findings = findings
        self._complete = complete
        self._drafts = drafts
        self._by_handle: dict[tuple[str, Address | None], dict[str, Draft]] = {}
        self._by_name: dict[tuple[str, Address | None], dict[str, Draft]] = {}
        self._candidates: dict[tuple[str, Address | None], tuple[str, ...]] = {}
        wanted = {draft.kind.references[path].kind for draft in drafts for path, _, _ in draft.references}
        for draft in drafts:
            kind = draft.kind
            if kind.name not in wanted:
                continue
            collection = (kind.name, draft.parent.address if draft.parent is not None else None)
            self._by_handle.setdefault(collection, {})[draft.handle] = draft
            key = draft.values.get(kind.natural_key)
            if kind.built_in and key is not None and isinstance(key.content, str):
                self._by_name.setdefault(collection, {}).setdefault(key.content, draft)

    def resolve(self) -> None:
        """Resolve every reference."""
        for draft in self._drafts:
            for path, text, scalar in draft.references:
                self._resolve(draft, path, text, scalar)

    def _resolve(self, draft: Draft, path: str, text: str, scalar: ScalarNode) -> None:
        ref = draft.kind.by_path[path].marker(Ref)
        value = draft.values[path]
        assert ref is not None
        kind = self._kinds[ref.kind]
        text_shown = "its value" if value.sensitive else shown(text)
        if looks_like_sid(text):
            if not is_sid(text, kind.sid_prefix):
                remark = sid_error(path, kind.sid_prefix, text, text_shown).remark
                self._findings.error(
                    remark.code, remark.message, scalar.place, remark.hint, address=draft.problem_address
                )
            return
        collection = (kind.name, _container(draft, kind, ref))
        found = self._by_handle.get(collection, {}).get(text)
        if found is None and text in kind.built_in:
            found = self._by_name.get(collection, {}).get(text)
        if found is not None:
            draft.values[path] = replace(value, content=Reference(found.address, kind.name))
            self._check_target(draft, path, ref, found, scalar.place)
        elif text in kind.built_in:
            section = (*(collection[1].parts if collection[1] is not None else ()), *kind.section)
            draft.values[path] = replace(value, content=Reference(Address((*section, text)), kind.name, text))
            self._check_type(draft, path, ref, text_shown, kind.built_in[text], scalar.place)
        elif self._complete:
            candidates = self._known(collection, kind)
            where = f" in {collection[1]}" if collection[1] is not None else ""
            message = f"{path} refers to {text_shown}, but there is no such {kind.noun}{where}"
            meant = self._findings.closest(text, candidates)
            hint = did_you_mean(text, meant) if meant else f"declare it, or write a SID: {kind.sid_prefix}…"
            self._findings.error("unknown-reference", message, scalar.place, hint, address=draft.problem_address)

    def _known(self, collection: tuple[str, Address | None], kind: Kind) -> tuple[str, ...]:
        if collection not in self._candidates:
            self._candidates[collection] = (*self._by_handle.get(collection, {}), *sorted(kind.built_in))
        return self._candidates[collection]

    def _check_target(self, draft: Draft, path: str, ref: Ref, target: Draft, place: Place) -> None:
        if target.absent and not draft.is_absent:
            self._findings.error(
                "reference-to-absent", f"{path} refers to {target.address}, which must not exist", place,
                "refer to another resource, or remove absent", address=draft.problem_address,
                related=[(target.by_key["absent"].key.place, "it is absent here")],
            )  # fmt: skip
            return
        value = target.values.get("type") if ref.of_type else None
        if value is not None and isinstance(value.content, str):
            self._check_type(draft, path, ref, str(target.address), value.content, place, declared=value.place)

    def _check_type(  # noqa: PLR0917 - a reference and both of its ends
        self, draft: Draft, path: str, ref: Ref, name: str, of_type: str, place: Place, *, declared: Place | None = None
    ) -> None:
        if ref.of_type and of_type and of_type != ref.of_type:
            message = f"{path} takes a {ref.kind} of type {ref.of_type}, but {name} is of type {of_type}"
            related = [(declared, "its type is declared here")] if declared is not None else []
            hint = f"use a {ref.kind} of type {ref.of_type}"
            self._findings.error(
                "wrong-role-type", message, place, hint, related=related, address=draft.problem_address
            )


def _container(draft: Draft, kind: Kind, ref: Ref) -> Address | None:
    """Return the resource that contains the referenced one; None for the account."""
    if ref.scope == "account":
        return None
    above: Draft | None = draft
    while above is not None and above.kind.name != kind.parent:
        above = above.parent
    return above.address if above is not None else None
