"""Records of other resources than those that have their handles now: a new name under a handle is not always a rename.

Takes a widened configuration and the account; returns the addresses whose record is of a resource of its own. Pure.

| the configuration has, under its handle   | the account has                       | result                        |
|-------------------------------------------|---------------------------------------|-------------------------------|
| another name, which no entry declares     | another resource of that name         | the recorded one is removed   |
| another name                              | a participant that needs the former   | it is removed, and withheld   |
| other contents, of a kind without names   | no resource that they identify        | the recorded one is removed   |
| a name; the recorded one is not known     | no resource of that name, or another  | the recorded one stays        |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.config.selection import Selection
from reconciler.planning.baseline import Baseline, Record
from reconciler.planning.declared_identity import is_same
from reconciler.planning.desired import Desired, implied_users
from reconciler.planning.match import Matching
from reconciler.planning.widening import Widened, widen
from reconciler.state import Live, State


def separate(widened: Widened, state: State, matching: Matching, selection: Selection) -> Widened:
    """Return a configuration in which no record is that of another resource under its handle.

    Args:
        widened: The configuration with placeholders.
        state: The account.
        matching: The live resource of each declared or removed one.
        selection: The part of the configuration that the plan covers. Of the rest, nothing is known.
    """
    found = frozenset(_others(widened, state, matching, selection))
    return widen(widened.declared, widened.stored, found) if found else widened


def _others(widened: Widened, state: State, matching: Matching, selection: Selection) -> Iterator[Address]:
    implied = implied_users(Desired.of(widened.declared).present)
    for declared in selection.covered(tuple(widened.declared.resources.values())):
        address = declared.address
        past, kind = widened.recorded[address], declared.kind
        before = [one for one in past.declarations if one.pin is None]
        if past.record is None or not before or kind.singleton or declared.absent or declared.pin is not None:
            continue
        live = matching.live.get(address)
        if kind.match_by_content:
            is_other = _has_other_contents(widened.baseline, past.record, before, declared, live)
        elif kind.updatable and declared.natural_key:
            names = {one.natural_key for one in before} - {declared.natural_key}
            is_implied = any((kind.name, address.root, name) in implied for name in names)
            is_same_name = len(names) < len({one.natural_key for one in before})
            is_other = not is_same_name and (
                is_implied or _has_other_name(widened.baseline, past.record, names, declared, live, state, matching)
            )
        else:
            is_other = False
        if is_other:
            yield address


def _has_other_contents(
    baseline: Baseline, record: Record, before: Iterable[Declared], declared: Declared, live: Live | None
) -> bool:
    """Whether a resource without a name is not the recorded one: its contents find none, or one with another SID."""
    if any(is_same(one, declared.parent, declared) for one in before):
        return False
    return live is None or _is_another(baseline, record, live)


def _is_identified(baseline: Baseline, record: Record) -> bool:
    return bool(record.sid_digest) and baseline.is_own_digest(record.sid_digest)


def _is_another(baseline: Baseline, record: Record, live: Live) -> bool:
    digest = baseline.digest_of(live.sid) if _is_identified(baseline, record) else ""
    return bool(digest) and digest != record.sid_digest


def _has_other_name(  # noqa: PLR0917 - what is compared
    baseline: Baseline,
    record: Record,
    names: Collection[str],
    declared: Declared,
    live: Live | None,
    state: State,
    matching: Matching,
) -> bool:
    """Whether a resource with a name that no entry declares is not the recorded one, renamed."""
    if names == {""}:
        return live is None or _is_another(baseline, record, live)
    if live is None or live.name != declared.natural_key:
        return False
    if _is_identified(baseline, record):
        return _is_another(baseline, record, live)
    siblings = state.collection(live.kind, live.parents)
    return any(one.name in names and one.sid not in matching.addresses for one in siblings)
