"""Digest of a configuration: equal for equal meaning, whatever the layout of the files.

Takes the finished drafts and settings; returns ``sha256:…``. Secrets contribute their names, not their values. No other
sensitive value contributes either: plans publish the digest, and a short password could be guessed from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from reconciler.config.drafts import Draft
from reconciler.config.model import Approval, Limits, Prune, Reference, Removed, Unknown, Value
from reconciler.kinds.fields import Field


def digest(
    *,
    account_sid: str | None,
    environment: str,
    drafts: Iterable[Draft],
    prune: Iterable[Prune],
    limits: Limits,
    approvals: Iterable[Approval],
    unmanaged_ignore: tuple[str, ...],
    on_removal: Mapping[str, str],
    removed: Iterable[Removed],
) -> str:
    """Return the digest of a configuration."""
    meaning: dict[str, object] = {
        "account": account_sid,
        "environment": environment,
        "resources": {str(draft.address): _resource(draft) for draft in drafts},
        "prune": [[str(item.collection), list(item.match), list(item.keep)] for item in prune],
        "limits": [limits.deletes, limits.updates, limits.creates],
        "approvals": [
            [str(item.address), item.action, *([dict(item.at_most)] if item.at_most else [])] for item in approvals
        ],
        "unmanaged": unmanaged_ignore,
    }
    if on_removal:
        meaning["on_removal"] = on_removal
    if forgotten := [str(item.address) for item in removed]:
        meaning["removed"] = forgotten
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=_plain)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _resource(draft: Draft) -> object:
    by_path = draft.kind.by_path
    meaning: dict[str, object] = {
        "values": {path: _value(by_path[path], value, draft.forms) for path, value in draft.values.items()}
    }
    if draft.pin is not None:
        meaning["pin"] = draft.pin
    if draft.absent:
        meaning["absent"] = True
    if draft.renamed_from:
        meaning["renamed_from"] = draft.renamed_from
    lifecycle = draft.lifecycle
    if lifecycle.prevent_destroy or lifecycle.prevent_create or lifecycle.ignore_changes:
        meaning["lifecycle"] = [lifecycle.prevent_destroy, lifecycle.prevent_create, sorted(lifecycle.ignore_changes)]
    if draft.sensitive:
        meaning["sensitive"] = sorted(draft.sensitive)
    return meaning


def _value(field: Field, value: Value, forms: Mapping[str, str]) -> object:
    content = value.content
    if value.secrets:
        return {"secret": forms.get(field.path, ""), "names": value.secrets}
    if isinstance(content, Reference):
        return {"ref": str(content.address)}
    if isinstance(content, Unknown):
        return {"unknown": content.reason}
    if value.sensitive:
        return {"sensitive": True}
    comparable = field.comparable(content)
    return [sorted(comparable) if isinstance(comparable, frozenset) else comparable]


def _plain(value: object) -> object:
    """Return a set as a sorted list, since JSON has no sets."""
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a digest")
