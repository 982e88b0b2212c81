"""Records of other resources than those that have their handles now: a new name under a handle is not always a rename.

Takes a widened configuration and the account; returns the addresses whose record is of a resource of its own. Pure.

| the configuration has, under its handle   | the account has                       | result                        |
|-------------------------------------------|---------------------------------------|-------------------------------|
| another name, which no entry declares     | another resource of that name         | the recorded one is removed   |
| another name                              | a participant that needs the former   | it is removed, and withheld   |
| a name; the recorded one is not known     | no resource of that name, or another  | the recorded one stays        |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.planning.baseline import Baseline, Record
from reconciler.planning.match import Matching
from reconciler.planning.widening import Widened, widen
from reconciler.state import Live, State


def separate(widened: Widened, state: State, matching: Matching) -> Widened:
    """Return a configuration in which no record is that of another resource under its handle.

    Args:
        widened: The configuration with placeholders.
        state: The account.
        matching: The live resource of each declared or removed one.
    """
    found = frozenset(_others(widened, state, matching))
    return widen(widened.declared, widened.stored, found) if found else widened


def implied_names(resources: Mapping[Address, Declared]) -> frozenset[tuple[str, Address, str]]:
    """Return the kind, service, and natural key of each resource that declared ones imply: users of participants."""
    return frozenset(
        (kind, one.address.root, str(one.values[path].content))
        for one in resources.values()
        if not one.absent
        for path, kind in one.kind.implies.items()
        if path in one.values
    )


def _others(widened: Widened, state: State, matching: Matching) -> Iterable[Address]:
    implied = implied_names(widened.declared.resources)
    for address, declared in widened.declared.resources.items():
        past = widened.recorded[address]
        if past.record is None or not _is_named(declared):
            continue
        live, record = matching.live.get(address), past.record
        names = {before.natural_key for before in past.declarations if before.pin is None}
        if not names or declared.natural_key in names:
            continue
        if names == {""}:
            is_other = live is None or _is_another(widened.baseline, record, live)
        elif declared.renamed_from:
            is_other = False
        elif any((declared.kind.name, address.root, name) in implied for name in names):
            is_other = True
        elif live is None or live.name != declared.natural_key:
            is_other = False
        elif _is_identified(widened.baseline, record):
            is_other = _is_another(widened.baseline, record, live)
        else:
            siblings = state.collection(live.kind, live.parents)
            is_other = any(one.name in names and one.sid not in matching.addresses for one in siblings)
        if is_other:
            yield address


def _is_named(declared: Declared) -> bool:
    kind = declared.kind
    is_by_name = not kind.singleton and not kind.match_by_content and kind.updatable
    return is_by_name and not declared.absent and declared.pin is None and bool(declared.natural_key)


def _is_identified(baseline: Baseline, record: Record) -> bool:
    return bool(record.sid_digest) and baseline.is_own_digest(record.sid_digest)


def _is_another(baseline: Baseline, record: Record, live: Live) -> bool:
    digest = baseline.digest_of(live.sid) if _is_identified(baseline, record) else ""
    return bool(digest) and digest != record.sid_digest
