"""Finds the unmanaged resource that a declared one without a match probably is, under a former name.

Used only for hints and risk, never to decide what a plan does. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Container
from difflib import SequenceMatcher

from reconciler.config.model import Declared
from reconciler.config.similar import SIMILAR, similarity
from reconciler.planning.match_by_name import is_of_type
from reconciler.state import Live, State

_TELLING = 4
"""The minimum length of a name for its occurrence in another name to count."""
_WORD = re.compile(r"[^\W_]+")


def former_service(declared: Declared, state: State, taken: Container[str]) -> Live | None:
    """Return the unmanaged resource that is probably a declared, unrenamable one under its former name.

    Its name is similar to the new one or to the handle, which usually still contains the old name.

    Args:
        declared: a resource at the top of the account, without a live one.
        state: the account.
        taken: SIDs of the live resources that are declared.
    """
    candidates = [live for live in state.collection(declared.kind, ()) if live.sid not in taken]
    handle = _slug(declared.address.parts[-1])
    likeness = {
        live.sid: 1.0 if _slug(live.name) == handle else _likeness(live.name, declared.natural_key)
        for live in candidates
    }
    best = max(candidates, key=lambda live: (likeness[live.sid], live.sid), default=None)
    return best if best is not None and likeness[best.sid] >= SIMILAR else None


def former_role(
    declared: Declared, parents: tuple[str, ...] | None, state: State, taken: Container[str]
) -> Live | None:
    """Return the unmanaged role of the same type that has a similar name, or else exactly the same permissions.

    Args:
        declared: a role without a live one.
        parents: the SIDs of the containing resources; None while one of them does not exist.
        state: the account.
        taken: SIDs of the live resources that are declared.
    """
    if parents is None or declared.natural_key in declared.kind.built_in:
        return None
    field = declared.kind.by_path["permissions"]
    candidates = [
        live
        for live in state.collection(declared.kind, parents)
        if live.sid not in taken and not state.is_protected(live) and is_of_type(declared, live)
    ]
    likeness = {live.sid: similarity(live.name, declared.natural_key) for live in candidates}
    similar = [live for live in candidates if likeness[live.sid] >= SIMILAR]
    wanted = declared.values.get("permissions")
    permissions = field.comparable(wanted.content) if wanted is not None else None

    def has_permissions(live: Live) -> bool:
        return bool(field.comparable(live.values.get("permissions")) == permissions)

    if similar:
        return max(similar, key=lambda live: (likeness[live.sid], has_permissions(live), live.sid))
    same = [live for live in candidates if has_permissions(live)]
    return same[0] if len(same) == 1 else None


def _slug(name: str) -> str:
    """Return a name as a handle: lower case, with dashes in place of other characters."""
    return "-".join(_WORD.findall(name.lower()))


def _likeness(one: str, other: str) -> float:
    """Return how similar two names are, from 0 to 1, ignoring case; 1 if one contains the other."""
    first, second = one.lower().strip(), other.lower().strip()
    shorter = min(first, second, key=len)
    if len(shorter) >= _TELLING and (first in second or second in first):
        return 1.0
    return SequenceMatcher(None, first, second).ratio()
