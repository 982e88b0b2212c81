"""The fields that are no longer declared: which of them return to the value that they had before, or to empty.

Takes the former declarations and the live resource; gives the values that an apply sends. As few fields as possible
stay as they are, because they cannot be cleared or because the API would reject them beside the others. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import combinations

from reconciler.change import Standing
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, words_of
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Vocabulary
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Record
from reconciler.planning.three_way import IsAvailable, Mark, Past, Sides, removed_standing, return_value

_MOST_LEFT_OUT = 2
"""So many returning fields that the API would reject are searched in every combination."""


@dataclass(frozen=True, slots=True)
class Return:
    """A removed field whose value returns.

    Attributes:
        standing: `removed`, or `removed_conflict` if the account changed it as well.
        is_adopted: Whether it returns to the value that it had before it was managed.
    """

    standing: Standing
    is_adopted: bool


@dataclass(frozen=True, slots=True)
class Returning:
    """What becomes of the fields of a resource that are no longer declared.

    Attributes:
        values: The values to which fields return, by path.
        returns: How each of them returns, by path.
        kept: The paths of those that keep their live value, although it was applied.
    """

    values: dict[str, Value] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def returning_fields(  # noqa: PLR0917 - what is compared
    past: Past,
    record: Record,
    sides: Sides,
    desired: Declared | None,
    ignored: Collection[str],
    is_available: IsAvailable,
) -> Returning:
    """Decide about each field that is no longer declared.

    Args:
        past: The former declarations of the resource.
        record: Its record, with the adopted values that this plan decides.
        sides: The live resource.
        desired: Its declaration; None if it is no longer declared as a whole.
        ignored: The fields that are neither compared nor changed.
        is_available: Whether the target of a reference exists, or will.
    """
    before = past.declarations[0]
    found = Returning()
    for path in past.managed:
        if path in ignored or (desired is not None and path in desired.values):
            continue
        value = return_value(past, record, path, is_available)
        state = past.field(path, sides, value)
        standing = removed_standing(state, path, sides, value)
        if value is Mark.NO_RETURN:
            if isinstance(state, Value) and not sides.kind.by_path[path].natural_key:
                found.kept.append(path)
        elif standing in {"removed", "removed_conflict"}:
            is_hidden = any(one.is_sensitive(path) for one in past.declarations)
            found.values[path] = Value(value, (desired or before).place, sensitive=is_hidden)
            found.returns[path] = Return(standing, path in record.adopted)
    for path, value in _dropped(record, past, sides, {**(desired.values if desired else {}), **found.values}):
        if path not in ignored:
            found.values[path] = Value(value, (desired or before).place)
            found.returns[path] = Return("removed", is_adopted=True)
    for path in _rejected(sides, desired, found.values):
        del found.values[path], found.returns[path]
        found.kept.append(path)
    return found


def is_exact(past: Past, sides: Sides, values: Mapping[str, Value]) -> bool:
    """Whether a live value was set by the configuration, and is only as good as what it is to be now."""
    return any(
        sides.is_set(path, past.field(path, sides, value.content), value.content)
        for path, value in values.items()
        if path in past.managed and not isinstance(value.content, Unknown)
    )


def _dropped(
    record: Record, past: Past, sides: Sides, values: Mapping[str, Value]
) -> Iterator[tuple[str, Content | Reference]]:
    """Yield the undeclared values that the API dropped with another one, which have an effect again."""
    kind = sides.kind
    for leader, paths in kind.dropped_with.items():
        for path in paths:
            if leader not in values or path in values or path in past.managed or path not in record.adopted:
                continue
            content = record.adopted[path]
            faults = kind.check({leader: _plain(values[leader].content), path: _plain(content)})
            if sides.live.values.get(path) is None and not any(one.is_ineffective for one in faults):
                yield path, content


def _rejected(sides: Sides, desired: Declared | None, returning: Mapping[str, Value]) -> set[str]:
    """The returning fields that the API would reject beside the other values: as few as possible."""
    kind = sides.kind
    merged: dict[str, object] = {path: content for path, content in sides.live.values.items() if content is not None}
    for path, value in (desired.values if desired is not None else {}).items():
        merged[path] = _plain(value.content)
    if kind.discriminator in returning:
        merged[kind.discriminator] = _plain(returning[kind.discriminator].content)
    foreign = {path for path, value in returning.items() if _has_foreign_words(kind, path, value, merged)}
    fitting = {path: _plain(value.content) for path, value in returning.items() if path not in foreign}
    dropped = merged.keys() - (desired.values.keys() if desired is not None else set()) - fitting.keys()
    known = _faults(kind, merged, dropped)

    def is_accepted(paths: Iterable[str]) -> bool:
        returned = {path: fitting[path] for path in paths}
        return _faults(kind, {**merged, **returned}, dropped) <= known

    for number in range(min(_MOST_LEFT_OUT, len(fitting)) + 1):
        for left_out in combinations(fitting, number):
            if is_accepted(fitting.keys() - set(left_out)):
                return foreign | set(left_out)
    accepted: list[str] = []
    for path in fitting:
        if is_accepted([*accepted, path]):
            accepted.append(path)
    return foreign | (fitting.keys() - set(accepted))


def _faults(kind: Kind, contents: Mapping[str, object], dropped: Container[str]) -> set[Fault]:
    """The errors in contents, without live values that the API drops by itself because they have no effect."""
    given = {path: content for path, content in contents.items() if content is not None}
    return {
        one
        for one in (*kind.check(given), *kind.check_create(given))
        if one.severity != "warning" and not (one.is_ineffective and one.path in dropped)
    }


def _has_foreign_words(kind: Kind, path: str, value: Value, merged: Mapping[str, object]) -> bool:
    """Whether a set has words that the API knows only for another type: the resource was replaced in between."""
    vocabulary = kind.by_path[path].marker(Vocabulary)
    own = vocabulary.by_type.get(str(merged.get(kind.discriminator))) if vocabulary is not None else None
    if vocabulary is None or own is None:
        return False
    known = {word for words in vocabulary.by_type.values() for word in words}
    return any(word in known and word not in own for word in words_of(value.content))


def _plain(content: Content | Reference | Unknown) -> object:
    if isinstance(content, Reference):
        return str(content.address)
    return content.reason if isinstance(content, Unknown) else content
