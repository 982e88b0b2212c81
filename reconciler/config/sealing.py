"""Sealing: `sealed: true` declares every setting that is not written as empty.

Takes the drafts of the resources; adds a null for each undeclared field of the singletons of a sealed service, or of
the account, and returns drafts for the singletons that the files do not contain. A field that the API cannot clear, or
that `unmanaged.ignore` hides, stays undeclared. The result does not depend on the live account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.config.drafts import Draft
from reconciler.config.ignored import ignores_field
from reconciler.config.layout import Layout
from reconciler.config.model import Value
from reconciler.config.nodes import ScalarNode
from reconciler.kinds.base import Kind

VIA = "sealed"
"""What a plan shows beside the place of a value that no file writes."""


def sealed_drafts(
    drafts: Sequence[Draft], layout: Layout, account: ScalarNode | None, ignored: Sequence[str]
) -> list[Draft]:
    """Seal what is to be sealed.

    Args:
        drafts: The resources; the singletons among them get values.
        layout: The valid keys.
        account: The key `sealed` of the account; None if the account is not sealed.
        ignored: The patterns of `unmanaged.ignore`.

    Returns:
        Drafts of the singletons that the files do not contain.
    """
    by_address = {draft.address: draft for draft in drafts}
    added: list[Draft] = []
    for owner, key, kind in _sealed(drafts, layout, account):
        address = Address(kind.section) if owner is None else owner.address.child(*kind.section)
        draft = by_address.get(address)
        target = draft or Draft(address, layout.layouts[kind.name], key, {}, owner)
        if _seal(target, key, ignored) and draft is None:
            added.append(target)
    return added


def _sealed(
    drafts: Sequence[Draft], layout: Layout, account: ScalarNode | None
) -> Iterator[tuple[Draft | None, ScalarNode, Kind]]:
    """Yield each singleton of a sealed owner: the owner (None for the account), its key `sealed`, and the kind."""
    if account is not None:
        for kind in layout.kinds.values():
            if kind.singleton and kind.parent is None:
                yield None, account, kind
    for draft in drafts:
        if draft.sealed is not None and not draft.is_absent:
            for kind in draft.layout.settings:
                yield draft, draft.sealed, kind


def _seal(draft: Draft, key: ScalarNode, ignored: Sequence[str]) -> bool:
    """Declare the undeclared fields of a singleton as empty; return whether there are any."""
    value = Value(None, replace(key.place, via=VIA), sealed=True)
    sealed = {
        field.path: value
        for field in draft.kind.fields
        if field.path not in draft.values
        and field.path not in draft.broken
        and field.path not in draft.lifecycle.ignore_changes
        and not field.write_only
        and not field.why_not_clearable()
        and not any(ignores_field(pattern, draft.address, field.path) for pattern in ignored)
    }
    together = {**draft.values, **sealed}
    draft.values = {path: together[path] for path in draft.kind.by_path if path in together}
    return bool(sealed)
