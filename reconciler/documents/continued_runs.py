"""What two runs with one report file did to a resource, the second of which continued the first. Pure.

Takes a `Target` of each; gives one of both. An undo goes back past the second run only where that run found what the
first one had left: what someone else changed in between is as it was before the second run.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.address import looks_like_sid
from reconciler.kinds.base import Kind
from reconciler.planning.undo_targets import (
    PastDigest,
    PastReference,
    PastUnknown,
    PastValue,
    PastValues,
    Target,
)


def continued(earlier: Target, later: Target) -> Target | None:
    """Combine what two runs did to one resource: its values before the first one, and after the second one.

    Returns:
        None if the second run deleted what the first one created.
    """
    if _is_another(earlier, later):
        return later
    joined = replace(later, entry=earlier.entry or later.entry)
    match earlier.action, later.action:
        case "create", "delete":
            return None
        case "create", "update":
            return replace(joined, action="create", before=None, old_sid="", after=_after(earlier, later))
        case "create", "replace":
            return replace(joined, action="create", before=None, old_sid="")
        case "delete", "update" | "replace":
            return later  # the delete did not take effect
        case "delete", "delete":
            return replace(later, before=later.before or earlier.before)
        case "delete", "create":
            return replace(joined, action="replace", old_sid=earlier.old_sid, before=earlier.before)
        case "replace", "create" | "update" | "replace":
            joined = replace(joined, action="replace", old_sid=earlier.old_sid, after=_after(earlier, later))
            return replace(joined, before=_before(earlier, later))
        case "replace", "delete":
            return replace(joined, old_sid=earlier.old_sid or later.old_sid, before=_before(earlier, later))
        case "update", "update" | "delete" | "replace":
            after = _after(earlier, later) if later.action == "update" else later.after
            before = _before(earlier, later)
            is_all = earlier.before is not None and before == later.before and later.action == "update"
            return replace(joined, before=before, after=after, entry=later.entry if is_all else joined.entry)
        case _:
            return later  # a resource that is created again has nothing of the one before


def _is_another(earlier: Target, later: Target) -> bool:
    """Whether someone else put a different resource in the place of the one that the first run left."""
    above = zip(earlier.parents, later.parents, strict=True)
    if any(one != other and looks_like_sid(one) and looks_like_sid(other) for one, other in above):
        return True
    left = earlier.old_sid if earlier.action == "delete" else earlier.new_sid
    found = "" if later.action == "create" else later.old_sid
    if earlier.action == "replace" and later.action == "create":
        return earlier.is_certain and bool(left)
    return bool(left) and bool(found) and left != found and not _is_kept_old(earlier, later)


def _is_kept_old(earlier: Target, later: Target) -> bool:
    """Whether the second run completed a replace whose old resource the first one left."""
    return earlier.action == "replace" and later.old_sid == earlier.old_sid


def _after(earlier: Target, later: Target) -> PastValues:
    return {**(earlier.after or {}), **(later.after or {})}


def _before(earlier: Target, later: Target) -> PastValues | None:
    """Return the values before both runs, as far as they are known and were not changed in between."""
    if earlier.before is None and later.before is None:
        return None
    found, left = later.before or {}, earlier.after or {}
    changed = {
        path: past
        for path, past in found.items()
        if path in left and not _means_same(later.kind, path, left[path], past)
    }
    return {**found, **(earlier.before or {}), **changed}


def _means_same(kind: Kind, path: str, left: PastValue, found: PastValue) -> bool:
    """Whether a run found the value that another one left."""
    field = kind.by_path[path]
    if field.write_only:
        return True  # neither run could see it
    if isinstance(left, PastReference) and isinstance(found, PastReference):
        return left.sid == found.sid if left.sid and found.sid else left.address == found.address
    special = (PastReference, PastDigest, PastUnknown)
    if isinstance(left, special) or isinstance(found, special):
        return left == found
    return bool(field.comparable(left) == field.comparable(found)) or kind.tolerates(path, left, found)
