"""Handles for live resources: readable, valid, unique, and deterministic. Pure.

Takes the members of one collection and the handles that existing files gave some of them; returns a handle for each. A
handle is the natural key itself if that is readable, so that the files need not repeat it; otherwise a slug.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.address import looks_like_sid
from reconciler.kinds.fields import Shape
from reconciler.state import Live

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 48


def is_handle(text: str) -> bool:
    """Return whether the configuration accepts a text as a handle."""
    return bool(text.strip()) and text.isprintable() and "${" not in text and not looks_like_sid(text)


def in_order(members: Iterable[Live]) -> list[Live]:
    """Return members in an order that depends on SIDs only where nothing else distinguishes them."""
    return sorted(members, key=lambda live: (not live.name, live.name, _contents(live), live.created, live.sid))


def handles(
    members: Sequence[Live], kept: Mapping[str, str], hidden: Collection[str] = (), reserved: Collection[str] = ()
) -> dict[str, str]:
    """Return a handle for each member of a collection, by SID.

    Args:
        members: The resources of one collection.
        kept: Handles in the existing files, by SID.
        hidden: SIDs of resources whose handle must not contain their names.
        reserved: Handles that are taken.
    """
    chosen = {live.sid: kept[live.sid] for live in members if live.sid in kept and _may_keep(live, kept[live.sid])}
    taken = {*chosen.values(), *reserved}
    for live in in_order(members):
        if live.sid in chosen:
            continue
        wanted = _noun(live) if live.sid in hidden else _wanted(live)
        handle, number = wanted, 1
        while handle in taken:
            number += 1
            handle = f"{wanted}-{number}"
        chosen[live.sid] = handle
        taken.add(handle)
    return chosen


def slug(text: str) -> str:
    """Return lowercase letters, digits, and dashes for a text; empty if it has no Latin letters and no digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NO_LETTERS.sub("-", plain).strip("-")[:_LONGEST_SLUG].strip("-")


def _may_keep(live: Live, handle: str) -> bool:
    """Return whether a handle does not stand for a built-in resource, to which others refer by name."""
    return handle not in live.kind.built_in or handle == live.name


def _wanted(live: Live) -> str:
    word = _noun(live)
    parts = [live.values.get(path) for path in live.kind.handle_fields or (live.kind.natural_key,)]
    name = next((part for part in parts if part and isinstance(part, str)), "")
    if is_handle(name) and (
        _PLAIN.match(name) or live.kind.key_as_handle or (live.is_built_in and name in live.kind.built_in)
    ):
        return name
    readable = slug(name or str(live.values.get("friendly_name") or ""))
    if readable and not readable[0].isalpha():
        readable = f"{word}-{readable}"
    if not readable and is_handle(name) and len(name) <= _LONGEST_SLUG:
        return name
    # A slug must not be the name of a built-in resource, which references would mean.
    return readable if readable and readable not in live.kind.built_in and is_handle(readable) else word


def _noun(live: Live) -> str:
    """Return the last word of the kind's noun: ``webhook``."""
    return live.kind.noun.rsplit(" ", 1)[-1]


def _contents(live: Live) -> str:
    """Return the values that distinguish resources of one name: all but references, whose SIDs differ by account."""
    comparable = [
        (field.path, field.comparable(live.values.get(field.path)))
        for field in live.kind.fields
        if field.shape is not Shape.REF and not field.write_only
    ]
    return repr([(path, sorted(item) if isinstance(item, frozenset) else item) for path, item in comparable])
