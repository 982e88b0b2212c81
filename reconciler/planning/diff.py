"""Finds the differences between a declared resource and the account; only declared fields are compared.

A value that comes from a secret that is not set is compared by its known parts:
``https://a.example/x?token=${secret:T}`` differs from every URL that does not begin with
``https://a.example/x?token=``.

Takes one declared resource and its live one, both already normalized; returns field changes in the order of the kind's
fields. Pure. Never compares undeclared fields, ignored fields, or fields that the API does not return.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from reconciler.change import FieldChange, InnerChange
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.config.unknown_values import can_equal
from reconciler.json_text import Json
from reconciler.kinds.comparable import canonical_json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.redaction import url_holds_secret
from reconciler.redaction.urls import declared_url, holds_random_part, live_url, shows_host
from reconciler.state import Live

SidOf = Callable[[Reference], str | None]
"""Returns the SID of a reference; None while the resource does not exist yet."""


def unequal_paths(declared: Declared, live: Live) -> list[str]:
    """Return the declared fields that may differ: all but those whose content surely means the same as the live one.

    A plan compares every value here, once. References and unknown values are among the results, as are values that are
    never returned, ignored, or tolerated.
    """
    kind, before = declared.kind, live.values
    return [
        path
        for path, value in declared.values.items()
        # Most values are equal, and Python's == finds that fast; but in JSON, it also takes true for 1.
        if (value.content != before.get(path) or path in kind.compared_by_meaning)
        and (
            path in kind.write_only
            or not same(kind.by_path[path], value.content, before.get(path), lambda _reference: None)
        )
    ]


def replaces(declared: Declared, live: Live, unequal: Iterable[str]) -> bool:
    """Whether a declared field has changed whose changed value replaces the resource.

    Args:
        declared: the resource in the configuration.
        live: the same resource in the account.
        unequal: the fields that may differ.
    """
    return any(
        path in declared.kind.replacing
        and _differs(declared, path, declared.values[path], live, lambda _reference: None)
        for path in unequal
    )


def _differs(declared: Declared, path: str, value: Value, live: Live, sid_of: SidOf) -> bool:
    """Whether a declared field means something else than the live one, and is not ignored."""
    field, before = declared.kind.by_path[path], live.values.get(path)
    if field.write_only or path in declared.lifecycle.ignore_changes:
        return False
    if isinstance(value.content, Unknown) and (not value.secrets or can_equal(value.content, before)):
        return False
    return not same(field, value.content, before, sid_of) and (
        declared.exact or not declared.kind.tolerates(path, value.content, before)
    )


def diff(
    declared: Declared,
    live: Live,
    sid_of: SidOf,
    name_of: Callable[[str], str],
    paths: Sequence[str] | None = None,
) -> tuple[FieldChange, ...]:
    """Return the changes of declared fields whose live content has a different meaning.

    Args:
        declared: the resource in the configuration.
        live: the same resource in the account.
        sid_of: resolves references.
        name_of: the display name of a live resource by its SID; empty when it is not known.
        paths: the fields that may differ, if `unequal_paths` has found them already.
    """
    changes: list[FieldChange] = []
    for path in declared.values if paths is None else paths:
        value = declared.values[path]
        if not _differs(declared, path, value, live, sid_of):
            continue
        field, before, after = declared.kind.by_path[path], live.values.get(path), value.content
        changes.append(
            FieldChange(
                path=path,
                before=before,
                after=after,
                before_name=name_of(before) if field.shape is Shape.REF and isinstance(before, str) else "",
                after_name=name_of(after) if field.shape is Shape.REF and isinstance(after, str) else "",
                sensitive=declared.is_sensitive(path)
                or holds_secret(field, before)
                or holds_secret(field, value.content),
                secrets=value.secrets,
                forces_replacement=field.forces_replacement,
                source=value.place,
                inside=inner_changes(before, value.content)
                if field.shape is Shape.JSON and not declared.is_sensitive(path)
                else (),
            )
        )
    return tuple(changes)


def inner_changes(before: object, after: object) -> tuple[InnerChange, ...]:
    """Compare two different JSON values and return the differences inside them, sorted by path.

    Whether the two differ at all is decided by `Field.comparable`, which is exact and fast; this only shows where.

    Returns:
        Empty unless both are mappings that are small enough to be compared part by part.
    """
    if not (isinstance(before, dict) and isinstance(after, dict) and _is_small(before) and _is_small(after)):
        return ()
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed only where attributes differ

    found = DeepDiff(*_aligned(before, after), view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    changes: list[tuple[list[_Key], InnerChange]] = []
    for report, levels in found.items():
        for level in levels:
            keys = level.path(output_format="list")
            old, new = _at(before, [_old(key) for key in keys]), _at(after, [_new(key) for key in keys])
            kind: Literal["added", "removed", "changed"] = "changed"
            if report.endswith(("_added", "_removed")):
                kind = "added" if report.endswith("_added") else "removed"
            changes.append((keys, InnerChange(_dotted(keys), kind, old, new)))
    return tuple(change for _, change in sorted(changes, key=lambda item: _position(item[0])))


_MOST_LOOKED_AT = 2000


def _is_small(content: object) -> bool:
    """Whether JSON has few enough parts to be compared part by part."""
    seen, level = 0, [content]
    while level:
        seen += len(level)
        if seen > _MOST_LOOKED_AT:
            return False
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return True


_MOST_EQUAL_PAIRS = 5_000
"""Limit for pairing list items: the search for the best alignment takes several times their number of comparisons."""

_Key: TypeAlias = "str | tuple[int, int]"
"""A key of a mapping; for an item of a list, its index before and after, -1 for none."""


def _aligned(before: Json, after: Json) -> tuple[object, object]:
    """Prepare two JSON values for deepdiff, which by default treats true as 1, rounds numbers, and misses items.

    Scalars become texts that are equal for equal meaning, and lists become mappings with one key for each pair of
    items that belong together.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = {key: _aligned(before[key], after[key]) for key in before.keys() & after.keys()}
        old = {key: pairs[key][0] if key in pairs else "" for key in before}
        new = {key: pairs[key][1] if key in pairs else "" for key in after}
        return old, new
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        indices = list(_alignment(before, after))
        items = {(i, j): _aligned(before[i], after[j]) if min(i, j) >= 0 else ("", "") for i, j in indices}
        return (
            {key: old for key, (old, _) in items.items() if key[0] >= 0},
            {key: new for key, (_, new) in items.items() if key[1] >= 0},
        )
    return ascii(canonical_json(before)), ascii(canonical_json(after))


def _alignment(before: Sequence[Json], after: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """Pair the items of two lists: equal items, and items that replace one another; -1 for no partner."""
    contents, later = ([ascii(canonical_json(item)) for item in items] for items in (before, after))
    counts = Counter(later)
    if sum(counts[item] for item in contents) > _MOST_EQUAL_PAIRS:
        codes: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(before), 0, len(after))]
    else:
        codes = SequenceMatcher(None, contents, later, autojunk=False).get_opcodes()
    for _, old, old_end, new, new_end in codes:
        both = min(old_end - old, new_end - new)
        yield from ((old + step, new + step) for step in range(both))
        yield from ((index, -1) for index in range(old + both, old_end))
        yield from ((-1, index) for index in range(new + both, new_end))


def _old(key: _Key) -> str | int:
    return key if isinstance(key, str) else key[0]


def _new(key: _Key) -> str | int:
    return key if isinstance(key, str) else key[1]


def _at(value: Json, keys: Sequence[str | int]) -> Json:
    """Return the part of a value at a path; None if it has no such part."""
    for key in keys:
        if isinstance(key, str):
            value = value.get(key) if isinstance(value, Mapping) else None
        else:
            value = value[key] if isinstance(value, (list, tuple)) and key >= 0 else None
    return value


def _position(keys: Sequence[_Key]) -> list[tuple[str, int, int]]:
    """Sort by key, and items by their index before, or for new items by the index after."""
    return [(key, 0, 0) if isinstance(key, str) else ("", max(key), key[1]) for key in keys]


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")


def _dotted(keys: Sequence[_Key]) -> str:
    """Return a path as text; a key that is not a plain word is quoted, so that no two paths look the same."""
    parts = []
    for key in keys:
        if isinstance(key, str):
            parts.append(f".{key}" if _PLAIN_KEY.match(key) else f"[{json.dumps(key, ensure_ascii=False)}]")
        else:
            parts.append(f"[{key[0] if key[0] >= 0 else key[1]}]")
    return "".join(parts).removeprefix(".")


def with_shown_urls(change: FieldChange, declared: Declared | None, field: Field) -> FieldChange:
    """Return a change of a URL that shows only its non-sensitive parts where the whole URL is sensitive.

    Args:
        change: the change of one field.
        declared: the resource in the configuration; None if it is not declared.
        field: the field.
    """
    if field.shape is not Shape.URL or (declared is not None and field.path in declared.sensitive):
        return change
    value = declared.values.get(field.path) if declared is not None else None
    is_declared = value is not None and value.content == change.after
    after = ""
    if value is not None and value.sensitive:
        after = value.shown if is_declared else ""
    elif isinstance(change.after, str):
        after = declared_url([(change.after, False)]) if is_declared else live_url(change.after)
    before = change.before if isinstance(change.before, str) else ""
    is_sensitive = change.sensitive or (before != change.after and holds_random_part(before, after))
    if not is_sensitive:
        return change
    # The host of a live URL most likely came from the same secret as that of the declared one.
    hides_host = value is not None and value.sensitive and not shows_host(value.shown)
    shown_before = "" if hides_host else live_url(before, after)
    return replace(change, sensitive=True, before_shown=shown_before, after_shown=after)


def holds_secret(field: Field, content: object) -> bool:
    """Whether the content is a URL that contains a secret, which makes it sensitive wherever it comes from."""
    return field.shape is Shape.URL and isinstance(content, str) and url_holds_secret(content)


def same(field: Field, desired: Content | Reference | Unknown, before: Content, sid_of: SidOf) -> bool:
    """Whether a desired content means the same as a live one.

    Args:
        field: the field.
        desired: the content that files declare.
        before: the live content.
        sid_of: resolves references.
    """
    if isinstance(desired, Reference):
        sid = sid_of(desired)
        return sid is not None and sid == before
    # Python's == is fast, but it treats true and 1 as equal, which JSON does not.
    if field.shape is not Shape.JSON and desired == before:
        return True
    return bool(field.comparable(desired) == field.comparable(before))
