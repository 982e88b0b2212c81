"""What differs between the files and the account, one-sided: only what the files name is compared.

A value that comes from a secret that is not set is compared by its known parts: ``https://a.example/x?token=${secret:T}``
differs from every URL that does not begin with ``https://a.example/x?token=``.

Takes one declared resource and its live one, both already normalised; gives field changes in the order of the kind's
fields. Pure. Never compares what the files leave out, what they say to ignore, or what the API does not return.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.change import FieldChange
from reconciler.config.model import Declared, Reference, Unknown
from reconciler.config.unset import may_be
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.redaction import url_holds_secret
from reconciler.redaction.urls import declared_url, holds_random_segment, live_url, shows_host
from reconciler.state import Live

SidOf = Callable[[Reference], str | None]
"""The SID that a reference stands for; None while what it refers to is yet to be made."""


def diff(declared: Declared, live: Live, sid_of: SidOf, name_of: Callable[[str], str]) -> tuple[FieldChange, ...]:
    """The fields that the files name and whose live content means something else.

    Args:
        declared: the resource in the files.
        live: the same resource in the account.
        sid_of: resolves references.
        name_of: the name of a live resource by its SID, for people; empty when it is not known.
    """
    changes: list[FieldChange] = []
    for path, value in declared.values.items():
        field = declared.kind.by_path[path]
        if field.write_only or path in declared.lifecycle.ignore_changes:
            continue
        before = live.values.get(path)
        if isinstance(value.content, Unknown) and (not value.secrets or may_be(value.content, before)):
            continue
        if _same(field, value.content, before, sid_of) or declared.kind.tolerates(path, value.content, before):
            continue
        changes.append(
            FieldChange(
                path=path,
                before=before,
                after=value.content,
                before_name=name_of(before) if field.shape is Shape.REF and isinstance(before, str) else "",
                sensitive=declared.is_sensitive(path)
                or holds_secret(field, before)
                or holds_secret(field, value.content),
                secrets=value.secrets,
                forces_replacement=field.forces_replacement,
                source=value.place,
                inside=differing_keys(before, value.content)
                if field.shape is Shape.JSON and not declared.is_sensitive(path)
                else (),
            )
        )
    return tuple(changes)


def differing_keys(before: object, after: object) -> tuple[str, ...]:
    """Where two JSON contents differ: ``team``, ``tags[0].name``; sorted, for people and machines to look at.

    Never decides whether they differ: that is `Field.comparable`, which is exact and quick. Says nothing of what is too
    large to be looked through, or holds numbers that the library cannot take.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed only where attributes differ

    if not isinstance(before, dict) or not isinstance(after, dict) or not (_is_small(before) and _is_small(after)):
        return ()
    found = DeepDiff(before, after, view="tree", ignore_numeric_type_changes=True, threshold_to_diff_deeper=0)
    paths = {_dotted(level.path(output_format="list")) for levels in found.values() for level in levels}
    return tuple(sorted(paths))


_MOST_LOOKED_AT = 2000


def _is_small(content: object) -> bool:
    """Whether JSON has few enough parts, and no number of hundreds of digits."""
    seen, level = 0, [content]
    while level:
        seen += len(level)
        if seen > _MOST_LOOKED_AT or any(type(item) is int and item.bit_length() > _MOST_BITS for item in level):
            return False
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return True


_MOST_BITS = 512


def _dotted(keys: Sequence[str | int]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def with_shown_urls(change: FieldChange, declared: Declared | None, field: Field) -> FieldChange:
    """The same change of a URL, with the parts of it that may be shown where the whole may not.

    Args:
        change: the change of one field.
        declared: the resource in the files; None where they do not declare it.
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
    is_sensitive = change.sensitive or (before != change.after and holds_random_segment(before, after))
    if not is_sensitive:
        return change
    # The host of a live URL most likely came from the same secret as that of the declared one.
    hides_host = value is not None and value.sensitive and not shows_host(value.shown)
    shown_before = "" if hides_host else live_url(before, after)
    return replace(change, sensitive=True, before_shown=shown_before, after_shown=after)


def holds_secret(field: Field, content: object) -> bool:
    """Whether the content is a URL that carries a secret, which makes it sensitive wherever it comes from."""
    return field.shape is Shape.URL and isinstance(content, str) and url_holds_secret(content)


def _same(field: Field, desired: Content | Reference | Unknown, before: Content, sid_of: SidOf) -> bool:
    if isinstance(desired, Reference):
        sid = sid_of(desired)
        return sid is not None and sid == before
    # Equal by Python's own measure is equal, and quickly told; but in JSON true is not 1, which that measure mixes.
    if field.shape is not Shape.JSON and desired == before:
        return True
    return bool(field.comparable(desired) == field.comparable(before))
